// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Tokens that misbehave, for tests. Each one mints to whoever asks.
contract OpenToken is ERC20 {
    constructor() ERC20("Open", "OPEN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @title Keeps a hundredth of every transfer.
contract FeeToken is OpenToken {
    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// @title Answers false instead of reverting, and moves nothing.
contract FalseToken is OpenToken {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @title Says yes and moves nothing.
contract LyingToken is OpenToken {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// @title Refuses to pay some accounts.
contract BlacklistToken is OpenToken {
    mapping(address account => bool) public refused;

    error Blacklisted(address account);

    function refuse(address account) external {
        refused[account] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (refused[to]) revert Blacklisted(to);
        super._update(from, to, value);
    }
}

/// @title Calls back, once and from within a transfer, like the hooks of ERC-777.
contract ReentrantToken is OpenToken {
    address public target;
    bytes public payload;
    address public trigger;
    bool public called;
    bool public succeeded;
    bytes public answer;

    /// @param from whose outgoing or incoming transfer calls back
    function arm(address from, address target_, bytes calldata payload_) external {
        (trigger, target, payload, called) = (from, target_, payload_, false);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (!called && target != address(0) && (from == trigger || to == trigger)) {
            called = true;
            (succeeded, answer) = target.call(payload);
        }
        super._update(from, to, value);
    }
}
