// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Takes tokens in, and only tokens that arrive whole.
library ExactTransfer {
    using SafeERC20 for IERC20;

    /// @param received what arrived of `sent`: the token takes a fee, rebases, or lies
    error TokenNotSupported(address token, uint256 sent, uint256 received);

    /// @notice Pulls `amount` from the caller, never from anybody else's allowance; reverts unless exactly that arrives
    ///         (fee-on-transfer, rebasing, lying tokens).
    /// @dev A difference of two balances within one call: a donation beforehand changes nothing.
    function pull(IERC20 token, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TokenNotSupported(address(token), amount, received);
    }

    /// @notice Uses an EIP-2612 permit of the caller for `amount`, if it is still unused.
    /// @dev Anyone can take a permit from the mempool and use it first; the allowance is there all the same, so a failing
    ///      permit must not fail the call. Without allowance, `pull` reverts.
    function permit(IERC20 token, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) internal {
        // solhint-disable-next-line no-empty-blocks
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
    }
}
