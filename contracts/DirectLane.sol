// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IBountyEscrow} from "./interfaces/IBountyEscrow.sol";
import {IDirectLane} from "./interfaces/IDirectLane.sol";
import {ISeedSource} from "./interfaces/ISeedSource.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {LaneStages} from "./lane/LaneStages.sol";
import {LaneTasks} from "./lane/LaneTasks.sol";
import {Draw} from "./libraries/Draw.sol";
import {Slots} from "./libraries/Slots.sol";
import {TaskStatus} from "./types/Market.sol";

/// @title DirectLane
/// @dev Holds no token and moves none: it tells the vault whose stake is free or lost, and the escrow whom to credit.
contract DirectLane is LaneTasks {
    using Slots for uint16;
    using Slots for uint64;

    uint8 public constant MAX_REOPENS = 16;
    uint256 private constant ALL_BPS = 10_000;
    uint256 private constant LONGEST_DRAW_TIME = 1 days;

    uint256 public immutable NO_SHOW_BPS;

    /// @dev Deployed last, so it is the one that can see whether all addresses were predicted rightly.
    constructor(
        IBountyEscrow escrow,
        IStakeVault vault,
        ISeedSource seeds,
        uint256 noShowBps,
        uint256 drawTime,
        uint256 rampTime
    ) LaneStages(escrow, seeds) LaneTasks(vault, drawTime, rampTime) {
        if (noShowBps == 0 || noShowBps > ALL_BPS) revert NoShowFeeOutOfRange(noShowBps, ALL_BPS);
        if (drawTime > LONGEST_DRAW_TIME || rampTime == 0 || rampTime > drawTime) {
            revert DrawTimeOutOfRange(drawTime, rampTime, LONGEST_DRAW_TIME);
        }
        _requireSame(address(this), escrow.DIRECT_LANE());
        _requireSame(address(this), vault.DIRECT_LANE());
        _requireSame(address(escrow), vault.ESCROW());
        _requireSame(address(escrow.TOKEN()), address(vault.TOKEN()));
        address batchLane = vault.BATCH_LANE();
        _requireSame(escrow.BATCH_LANE(), batchLane);
        if (batchLane != address(0) && batchLane.code.length == 0) revert LaneWithoutCode(batchLane);
        seeds.currentEpoch(); // reverts if no seed source is there
        NO_SHOW_BPS = noShowBps;
    }

    // --- the life of a task ---

    /// @inheritdoc IDirectLane
    function claim(uint256 jobId, uint32 taskIndex) external {
        Rules memory rules = _rulesOf(jobId, taskIndex);
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        _requireNotClosed(jobId, rules, task);
        if (task.status == TaskStatus.Idle) {
            _startTask(jobId, taskIndex, rules);
            task.status = TaskStatus.Claiming;
            task.slotsOpen = rules.quorum;
        } else if (task.status != TaskStatus.Claiming) {
            revert TaskStatusWrong(jobId, taskIndex, task.status);
        } else if (task.claimed != task.committed && block.timestamp >= task.phaseDeadline) {
            revert CommitsPending(jobId, taskIndex); // else this claim would give the late ones new time
        }
        uint8 slot = task.claimed.lowestFree();
        if (slot >= task.slotsOpen) revert WaveFull(jobId, taskIndex);
        uint24 number = _enroll(msg.sender);
        if (_find(record, task, number) != task.slotsOpen) revert AlreadyClaimed(jobId, taskIndex, msg.sender);
        Redraw memory draw = _drawFor(jobId, taskIndex, rules, record, task, number);

        // Everybody who has yet to commit has taskTime from the last claim, so one deadline serves the whole wave.
        uint256 commitDeadline = block.timestamp + rules.taskTime;
        task.phaseDeadline = uint40(commitDeadline);
        task.claimed |= Slots.bit(slot);
        _sit(record, task, slot, number);
        _save(record, task);
        emit TaskClaimed(jobId, taskIndex, msg.sender, uint40(commitDeadline));

        // Only this wave's slots are drawn for: a lone deciding replica has the candidates of one, not of all.
        _lockIfDrawn(jobId, taskIndex, draw, task.slotsOpen - task.firstSlot, rules.stakePerClaim);
    }

    /// @inheritdoc IDirectLane
    function commit(uint256 jobId, uint32 taskIndex, bytes32 commitment) external {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status != TaskStatus.Claiming) revert TaskStatusWrong(jobId, taskIndex, task.status);
        if (commitment == 0) revert DigestZero();
        uint8 slot = _slotOf(jobId, taskIndex, record, task, msg.sender);
        if (task.committed.has(slot)) revert AlreadyCommitted(jobId, taskIndex, msg.sender);
        if (block.timestamp >= task.phaseDeadline) {
            revert CommitTooLate(jobId, task.phaseDeadline, block.timestamp);
        }

        record.digests[slot] = commitment;
        uint16 committed = task.committed | Slots.bit(slot);
        record.task.committed = committed;
        emit ResultCommitted(jobId, taskIndex, msg.sender, commitment);

        if (committed == Slots.below(task.slotsOpen)) {
            uint256 revealDeadline = block.timestamp + _rules[jobId].taskTime;
            record.task.status = TaskStatus.Revealing;
            record.task.phaseDeadline = uint40(revealDeadline);
            emit RevealsOpened(jobId, taskIndex, uint40(revealDeadline));
        }
    }

    /// @inheritdoc IDirectLane
    function reveal(uint256 jobId, uint32 taskIndex, bytes32 resultDigest, bytes32 salt) external {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status != TaskStatus.Revealing) revert TaskStatusWrong(jobId, taskIndex, task.status);
        if (resultDigest == 0) revert DigestZero();
        uint8 slot = _slotOf(jobId, taskIndex, record, task, msg.sender);
        if (task.revealed.has(slot)) revert AlreadyRevealed(jobId, taskIndex, msg.sender);
        // Who was silent in an earlier wave has had its time.
        if (block.timestamp >= task.phaseDeadline || slot < task.firstSlot) {
            revert RevealTooLate(jobId, task.phaseDeadline, block.timestamp);
        }
        bytes32 commitment = keccak256(
            abi.encode(block.chainid, address(this), jobId, taskIndex, msg.sender, resultDigest, salt)
        );
        if (record.digests[slot] != commitment) revert CommitmentMismatch(jobId, taskIndex, msg.sender);

        uint8 leader = _leaderFor(record, task, slot, resultDigest);
        record.digests[slot] = leader == slot ? resultDigest : bytes32(0);
        record.task.revealed = task.revealed | Slots.bit(slot);
        record.task.groups = task.groups.withLeader(slot, leader);
        emit ResultRevealed(jobId, taskIndex, msg.sender, resultDigest);
    }

    /// @inheritdoc IDirectLane
    function settle(uint256 jobId, uint32 taskIndex) external {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status != TaskStatus.Revealing) revert TaskStatusWrong(jobId, taskIndex, task.status);
        bool allRevealed = (task.revealed | Slots.below(task.firstSlot)) == task.committed;
        if (!allRevealed && block.timestamp < task.phaseDeadline) {
            revert TooEarly(jobId, task.phaseDeadline, block.timestamp);
        }

        Rules memory rules = _rules[jobId];
        (uint8 leader, uint8 votes) = task.groups.largestGroup(task.revealed);
        if (votes >= rules.quorum) {
            _settle(jobId, taskIndex, rules, record, task, leader);
            return;
        }
        uint8 slotsNeeded = task.slotsOpen + rules.quorum - votes;
        if (slotsNeeded <= rules.workSlots && block.timestamp < _lastClose(rules)) {
            // Who revealed waits on; who was silent stays seated until the end, and pays then.
            task.status = TaskStatus.Claiming;
            task.firstSlot = task.slotsOpen;
            task.slotsOpen = slotsNeeded;
            _redraw(jobId, taskIndex, record, task);
        } else {
            _refund(jobId, taskIndex, rules, record, task, task.revealed);
        }
    }

    // --- time-outs, for anyone ---

    /// @inheritdoc IDirectLane
    function expireClaim(uint256 jobId, uint32 taskIndex, address worker) external {
        (Record storage record, Task memory task) = _taskIn(jobId, taskIndex, TaskStatus.Claiming);
        uint8 slot = _slotOf(jobId, taskIndex, record, task, worker);
        if (task.committed.has(slot)) revert AlreadyCommitted(jobId, taskIndex, worker);
        if (block.timestamp < task.phaseDeadline) revert TooEarly(jobId, task.phaseDeadline, block.timestamp);

        uint256 stake = _rules[jobId].stakePerClaim;
        uint256 feeUp = Math.ceilDiv(stake * NO_SHOW_BPS, ALL_BPS);
        task.claimed &= ~Slots.bit(slot);
        _bar(record, task, slot);
        _save(record, task);
        emit ClaimExpired(jobId, taskIndex, worker, feeUp);

        VAULT.slash(worker, feeUp, 0);
        _unlockOne(worker, stake - feeUp);
    }

    /// @inheritdoc IDirectLane
    function leaveTask(uint256 jobId, uint32 taskIndex) external {
        (Record storage record, Task memory task) = _taskIn(jobId, taskIndex, TaskStatus.Claiming);
        uint8 slot = _slotOf(jobId, taskIndex, record, task, msg.sender);
        if (slot < task.firstSlot) revert WaveOver(jobId, taskIndex, msg.sender);
        // Somebody still computes in good faith that this wave will fill; and who has yet to commit owes the no-show fee.
        if (task.claimed != task.committed) revert CommitsPending(jobId, taskIndex);
        Rules memory rules = _rulesFor(jobId);
        _requireFillTimeOver(jobId, rules, record);

        task.claimed &= ~Slots.bit(slot);
        task.committed &= ~Slots.bit(slot);
        delete record.digests[slot];
        _bar(record, task, slot);
        _save(record, task);
        emit ClaimLeft(jobId, taskIndex, msg.sender);

        _unlockOne(msg.sender, rules.stakePerClaim);
    }

    /// @inheritdoc IDirectLane
    function reopen(uint256 jobId, uint32 taskIndex) external {
        Rules memory rules = _rulesOf(jobId, taskIndex);
        Record storage record = _records[jobId][taskIndex];
        Task memory task = _present(jobId, taskIndex);
        if (task.status == TaskStatus.Idle) _requireStartable(jobId, taskIndex, rules);
        else if (task.status != TaskStatus.Claiming) revert TaskStatusWrong(jobId, taskIndex, task.status);
        _requireNotClosed(jobId, rules, task);
        _requireFillTimeOver(jobId, rules, record);
        // Else a draw could be thrown away, and its chances doubled, before its seed could exist.
        uint32 drawEpoch = drawEpochOf(jobId, taskIndex);
        if (SEEDS.currentEpoch() <= drawEpoch) revert DrawPending(jobId, taskIndex, drawEpoch);
        // Else a claim that is due to expire could buy itself time.
        if (task.claimed != task.committed) revert CommitsPending(jobId, taskIndex);
        if (record.redraw.reopens == MAX_REOPENS) revert ReopensExhausted(jobId, taskIndex, MAX_REOPENS);

        ++record.redraw.reopens;
        _redraw(jobId, taskIndex, record, task);
    }

    /// @inheritdoc IDirectLane
    function expireTask(uint256 jobId, uint32 taskIndex) external {
        (Record storage record, Task memory task) = _taskIn(jobId, taskIndex, TaskStatus.Claiming);
        Rules memory rules = _rulesFor(jobId);
        uint256 closesAt = _closesAt(rules, task);
        if (block.timestamp < closesAt) revert TooEarly(jobId, closesAt, block.timestamp);
        if (task.claimed != task.committed) revert CommitsPending(jobId, taskIndex);

        // Only the silent of earlier waves are at fault; who committed to this one could never reveal.
        uint16 silent = Slots.below(task.firstSlot) & ~task.revealed;
        emit TaskExpired(jobId, taskIndex);
        _refund(jobId, taskIndex, rules, record, task, task.committed & ~silent);
    }

    // --- internals ---

    function _requireNotClosed(uint256 jobId, Rules memory rules, Task memory task) private view {
        uint256 closesAt = _closesAt(rules, task);
        if (block.timestamp >= closesAt) revert ClaimTooLate(jobId, closesAt, block.timestamp);
    }

    function _requireFillTimeOver(uint256 jobId, Rules memory rules, Record storage record) private view {
        uint256 fillDeadline = _fillDeadline(jobId, rules, record);
        if (block.timestamp < fillDeadline) revert TooEarly(jobId, fillDeadline, block.timestamp);
    }

    /// @dev The draw that the caller's claim depends on. Reverts if the caller is barred from the task.
    function _drawFor(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        Record storage record,
        Task memory task,
        uint24 number
    ) private view returns (Redraw memory draw) {
        if (task.unusual) {
            if (record.barred[number]) revert Barred(jobId, taskIndex, msg.sender);
            draw = record.redraw;
        }
        if (draw.drawEpoch == 0) draw.drawEpoch = rules.drawEpoch;
    }

    /// @dev The vault tells the caller's share of the stake with the lock; who is not drawn is thrown out again.
    function _lockIfDrawn(uint256 jobId, uint32 taskIndex, Redraw memory draw, uint256 slots, uint256 amount) private {
        (bytes32 seed, uint256 stakeBlock, uint256 recordedAt) = SEEDS.drawOf(draw.drawEpoch);
        if (seed == 0) revert NotDrawn(jobId, taskIndex, msg.sender, draw.drawEpoch);
        (uint256 stake, uint256 totalStake) = VAULT.lock(msg.sender, amount, stakeBlock);
        uint256 lot = Draw.lotOf(seed, jobId, taskIndex, msg.sender);
        uint256 wait = Draw.waitOf(lot, stake, totalStake, slots, draw.reopens, RAMP_TIME);
        if (block.timestamp < recordedAt + wait) revert NotDrawn(jobId, taskIndex, msg.sender, draw.drawEpoch);
    }

    /// @dev The slot that was the first to reveal this digest, or `slot` itself.
    function _leaderFor(
        Record storage record,
        Task memory task,
        uint8 slot,
        bytes32 digest
    ) private view returns (uint8) {
        for (uint8 other = 0; task.revealed >> other != 0; ++other) {
            bool leads = task.revealed.has(other) && task.groups.leaderOf(other) == other;
            if (leads && record.digests[other] == digest) return other;
        }
        return slot;
    }

    function _settle(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        Record storage record,
        Task memory task,
        uint8 leader
    ) private {
        uint16 winners = task.groups.followers(task.revealed, leader);
        record.task.status = TaskStatus.Settled;
        emit TaskSettled(jobId, taskIndex, record.digests[leader], winners.size());
        uint256 slotPrice = _finishTask(jobId, taskIndex, rules, false);

        address[] memory payees = _release(rules, record, task, winners);
        ESCROW.settleTask(jobId, payees, slotPrice, 0);
    }

    function _refund(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        Record storage record,
        Task memory task,
        uint16 spared
    ) private {
        record.task.status = TaskStatus.Refunded;
        emit TaskRefunded(jobId, taskIndex);
        _finishTask(jobId, taskIndex, rules, true);

        _release(rules, record, task, spared);
    }

    /// @dev Draws for the open slots with a seed that nobody knows yet.
    function _redraw(uint256 jobId, uint32 taskIndex, Record storage record, Task memory task) private {
        uint32 drawEpoch = SEEDS.unknownEpoch();
        record.redraw.drawEpoch = drawEpoch;
        record.redraw.drawnAt = uint40(block.timestamp);
        task.unusual = true;
        task.phaseDeadline = 0;
        _save(record, task);
        emit TaskReopened(jobId, taskIndex, task.slotsOpen, drawEpoch, record.redraw.reopens);
    }

    /// @dev Unlocks the spared and slashes every other claim, once: the task's status is final before this is called.
    function _release(
        Rules memory rules,
        Record storage record,
        Task memory task,
        uint16 spared
    ) private returns (address[] memory people) {
        people = new address[](spared.size());
        uint256 count = 0;
        for (uint256 slot = 0; task.claimed >> slot != 0; ++slot) {
            if (!task.claimed.has(slot)) continue;
            address worker = _workerAt(record, task, slot);
            if (spared.has(slot)) people[count++] = worker;
            else VAULT.slash(worker, rules.stakePerClaim, 0);
        }
        if (count != 0) VAULT.unlock(people, rules.stakePerClaim);
    }

    function _unlockOne(address worker, uint256 amount) private {
        address[] memory workers = new address[](1);
        workers[0] = worker;
        VAULT.unlock(workers, amount);
    }

    function _bar(Record storage record, Task memory task, uint256 slot) private {
        task.unusual = true;
        record.barred[_seat(record, task, slot)] = true;
    }

    function _requireSame(address expected, address actual) private pure {
        if (expected != actual) revert WrongWiring(expected, actual);
    }
}
