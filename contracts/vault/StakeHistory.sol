// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {IStakeVault} from "../interfaces/IStakeVault.sol";

/// @title Who has how much stake, now and at the end of any past block.
abstract contract StakeHistory is IStakeVault {
    using SafeCast for uint256;
    using Checkpoints for Checkpoints.Trace160;

    // one slot: 12 + 12 + 7 + 1
    struct Account {
        uint96 bonded; // free and locked, own and sponsored
        uint96 locked; // by claims and allotments
        uint56 changedBlock; // when `bonded` last changed: since then it needs no checkpoint to be looked up
        bool sponsorLeaving;
    }

    // one slot: 12 + 12 + 7
    struct Totals {
        uint96 bonded;
        uint96 unbonding;
        uint56 changedBlock;
    }

    mapping(address worker => Account) internal _accounts;
    Totals internal _totals;
    mapping(address worker => Checkpoints.Trace160) private _history;
    Checkpoints.Trace160 private _totalHistory;

    /// @inheritdoc IStakeVault
    function stakeAt(address worker, uint256 blockNumber) external view returns (uint256) {
        return _stakeAt(worker, blockNumber);
    }

    /// @inheritdoc IStakeVault
    function totalStakeAt(uint256 blockNumber) external view returns (uint256) {
        return _totalStakeAt(blockNumber);
    }

    /// @inheritdoc IStakeVault
    function stakeShareAt(
        address worker,
        uint256 blockNumber
    ) external view returns (uint256 workerStake, uint256 totalStake) {
        return (_stakeAt(worker, blockNumber), _totalStakeAt(blockNumber));
    }

    /// @inheritdoc IStakeVault
    function totalStaked() external view returns (uint256) {
        return _totals.bonded;
    }

    function _setBonded(address worker, uint256 bonded, uint256 total) internal {
        uint96 blockNumber = block.number.toUint96();
        Account storage account = _accounts[worker];
        account.bonded = bonded.toUint96();
        account.changedBlock = block.number.toUint56();
        _history[worker].push(blockNumber, uint160(bonded));

        _totals.bonded = total.toUint96();
        _totals.changedBlock = block.number.toUint56();
        _totalHistory.push(blockNumber, uint160(total));
    }

    /// @dev Whose stake has not changed since needs no search, which is nearly everybody nearly always.
    function _stakeAt(address worker, uint256 blockNumber) internal view returns (uint256) {
        if (blockNumber >= block.number) revert BlockNotPast(blockNumber, block.number);
        Account memory account = _accounts[worker];
        if (account.changedBlock <= blockNumber) return account.bonded;
        return _history[worker].upperLookupRecent(blockNumber.toUint96());
    }

    function _totalStakeAt(uint256 blockNumber) internal view returns (uint256) {
        if (blockNumber >= block.number) revert BlockNotPast(blockNumber, block.number);
        Totals memory totals = _totals;
        if (totals.changedBlock <= blockNumber) return totals.bonded;
        return _totalHistory.upperLookupRecent(blockNumber.toUint96());
    }
}
