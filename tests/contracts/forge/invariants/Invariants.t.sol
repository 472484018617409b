// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Handler} from "./Handler.sol";

/// @dev docs/invariants.md, each number under its own name. The handler tries every act, valid or not, and knows which.
contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private _handler;

    function setUp() public {
        _handler = new Handler();
        _handler.setUp();
    }

    /// @dev Forge asks these two what to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _handler.selectors());
    }

    function invariant_MarketIsSound() external view {
        _handler.checkSolvency();
        _handler.checkConservation();
        _handler.checkJobs();
        _handler.checkTasks();
        _handler.checkWorkers();
        _handler.checkCredits();
        _handler.checkOneWayOn();
    }

    /// @dev Forge calls this when a run is over.
    function afterInvariant() external {
        _handler.getOut();
    }
}
