// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token without value, for development chains and test networks.
/// @notice Anyone may mint. It refuses to exist on Ethereum itself.
contract EdgeToken is ERC20Permit {
    /// @notice What one call of the faucet mints, in base units of 18 decimals.
    uint256 public constant FAUCET_AMOUNT = 10_000e18;

    error NotATestNetwork(uint256 chainId);

    constructor() ERC20("Edgebounty test token", "EDGE") ERC20Permit("Edgebounty test token") {
        if (block.chainid == 1) revert NotATestNetwork(block.chainid);
    }

    /// @notice Mints FAUCET_AMOUNT to the caller.
    function faucet() external {
        _mint(msg.sender, FAUCET_AMOUNT);
    }
}
