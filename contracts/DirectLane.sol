// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IBountyEscrow} from "./interfaces/IBountyEscrow.sol";
import {IDirectLane} from "./interfaces/IDirectLane.sol";
import {ILane} from "./interfaces/ILane.sol";
import {ISeedSource} from "./interfaces/ISeedSource.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {Draw} from "./libraries/Draw.sol";
import {Slots} from "./libraries/Slots.sol";
import {ClaimStatus, ClaimView, JobTerms, TaskStatus, TaskView} from "./types/Market.sol";
import {Seat, toSeat} from "./types/Seat.sol";

/// @title DirectLane
/// @dev Holds no token and moves none: it tells the vault whose stake is free or lost, and the escrow whom to credit.
contract DirectLane is IDirectLane {
    using SafeCast for uint256;
    using Slots for uint16;
    using Slots for uint64;

    // one slot: what of a job's terms claiming and settling need
    struct Rules {
        uint40 deadline; // Unix seconds; zero means that there is no such job
        uint32 taskTime; // seconds
        uint24 mapTasks;
        uint24 reduceTasks;
        uint16 rounds;
        uint8 quorum;
        uint8 workSlots;
        uint96 stakePerClaim; // token base units
    }

    // one slot: how far a job is
    struct Progress {
        uint24 finished; // tasks with an outcome
        uint24 active; // tasks claimed and without an outcome
        bool failed;
        bool stopped;
        uint32 drawEpoch; // of the open stage
        uint40 openedAt; // when the open stage opened, Unix seconds
        uint96 slotPrice; // token base units
    }

    // one slot
    struct Task {
        TaskStatus status;
        uint8 slotsOpen;
        uint8 firstSlot; // of the present wave
        uint8 reopens;
        uint8 resultSlot; // once settled: the slot that keeps the accepted digest
        bool hasNoShow; // someone is barred; else nobody needs to look
        uint16 claimed; // sets of slots
        uint16 committed;
        uint16 revealed;
        uint64 groups; // who revealed the same, see Slots
        uint32 drawEpoch; // zero while nobody has claimed or reopened: the stage's holds
        uint40 phaseDeadline; // see TaskView
    }

    struct Record {
        Task task;
        Seat[16] seats;
        // The commitment, then the digest. Who repeats an earlier slot's digest keeps none: `groups` points there.
        bytes32[16] digests;
        mapping(uint32 workerNumber => bool) barred;
    }

    uint8 public constant MAX_REOPENS = 16;
    uint256 private constant ALL_BPS = 10_000;
    uint256 private constant LONGEST_DRAW_TIME = 1 days;

    IBountyEscrow public immutable ESCROW;
    IStakeVault public immutable VAULT;
    ISeedSource public immutable SEEDS;
    uint256 public immutable NO_SHOW_BPS;
    uint256 public immutable DRAW_TIME;

    mapping(uint256 jobId => Rules) private _rules;
    mapping(uint256 jobId => Progress) private _progress;
    mapping(uint256 jobId => mapping(uint32 taskIndex => Record)) private _records;
    mapping(address worker => uint32) private _numberOf; // from 1
    mapping(uint32 workerNumber => address) private _workers;
    uint32 private _workerCount;

    /// @dev Deployed last, so it is the one that can see whether all addresses were predicted rightly.
    constructor(IBountyEscrow escrow, IStakeVault vault, ISeedSource seeds, uint256 noShowBps, uint256 drawTime) {
        if (noShowBps == 0 || noShowBps > ALL_BPS) revert NoShowFeeOutOfRange(noShowBps, ALL_BPS);
        if (drawTime > LONGEST_DRAW_TIME) revert DrawTimeOutOfRange(drawTime, LONGEST_DRAW_TIME);
        _requireSame(address(this), escrow.DIRECT_LANE());
        _requireSame(address(this), vault.DIRECT_LANE());
        _requireSame(address(escrow), vault.ESCROW());
        _requireSame(address(escrow.TOKEN()), address(vault.TOKEN()));
        _requireSame(escrow.BATCH_LANE(), vault.BATCH_LANE());
        ESCROW = escrow;
        VAULT = vault;
        SEEDS = seeds;
        NO_SHOW_BPS = noShowBps;
        DRAW_TIME = drawTime;
    }

    modifier onlyEscrow() {
        if (msg.sender != address(ESCROW)) revert NotTheEscrow(msg.sender);
        _;
    }

    // --- the escrow tells ---

    /// @inheritdoc ILane
    function openJob(uint256 jobId, JobTerms calldata terms) external onlyEscrow {
        _rules[jobId] = Rules({
            deadline: terms.deadline,
            taskTime: terms.taskTime,
            mapTasks: uint256(terms.mapTasks).toUint24(),
            reduceTasks: uint256(terms.reduceTasks).toUint24(),
            rounds: terms.rounds,
            quorum: terms.quorum,
            workSlots: terms.workSlots,
            stakePerClaim: uint256(terms.stakePerClaim).toUint96()
        });
        Progress storage progress_ = _progress[jobId];
        progress_.slotPrice = uint256(terms.slotPrice).toUint96();
        _openStage(jobId, progress_);
    }

    /// @inheritdoc ILane
    function stopJob(uint256 jobId) external onlyEscrow {
        _progress[jobId].stopped = true;
    }

    // --- the life of a task ---

    /// @inheritdoc IDirectLane
    function claim(uint256 jobId, uint32 taskIndex) external {
        Rules memory rules = _rulesOf(jobId, taskIndex);
        if (block.timestamp >= rules.deadline) revert ClaimTooLate(jobId, rules.deadline, block.timestamp);

        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status == TaskStatus.Idle) _start(jobId, taskIndex, rules, task);
        else if (task.status != TaskStatus.Claiming) revert TaskStatusWrong(jobId, taskIndex, task.status);

        uint8 slot = task.claimed.lowestFree();
        if (slot >= task.slotsOpen) revert WaveFull(jobId, taskIndex);
        uint32 number = _enroll(msg.sender);
        (bool seated, ) = _find(record, task, number);
        if (seated) revert AlreadyClaimed(jobId, taskIndex, msg.sender);
        if (task.hasNoShow && record.barred[number]) revert Barred(jobId, taskIndex, msg.sender);
        if (!_drawn(jobId, taskIndex, task, msg.sender)) {
            revert NotDrawn(jobId, taskIndex, msg.sender, task.drawEpoch);
        }

        uint40 commitDeadline = uint40(block.timestamp) + rules.taskTime;
        task.claimed |= Slots.bit(slot);
        record.task = task;
        record.seats[slot] = toSeat(number, uint256(commitDeadline).toUint32());
        emit TaskClaimed(jobId, taskIndex, msg.sender, commitDeadline);

        VAULT.lock(msg.sender, rules.stakePerClaim);
    }

    /// @inheritdoc IDirectLane
    function commit(uint256 jobId, uint32 taskIndex, bytes32 commitment) external {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status != TaskStatus.Claiming) revert TaskStatusWrong(jobId, taskIndex, task.status);
        if (commitment == 0) revert DigestZero();
        uint8 slot = _slotOf(jobId, taskIndex, record, task, msg.sender);
        if (task.committed.has(slot)) revert AlreadyCommitted(jobId, taskIndex, msg.sender);
        uint256 deadline = record.seats[slot].commitDeadline();
        if (block.timestamp >= deadline) revert CommitTooLate(jobId, deadline, block.timestamp);

        record.digests[slot] = commitment;
        task.committed |= Slots.bit(slot);
        record.task.committed = task.committed;
        emit ResultCommitted(jobId, taskIndex, msg.sender, commitment);

        if (task.committed == Slots.first(task.slotsOpen)) {
            uint40 revealDeadline = uint40(block.timestamp) + _rules[jobId].taskTime;
            record.task.status = TaskStatus.Revealing;
            record.task.phaseDeadline = revealDeadline;
            emit RevealsOpened(jobId, taskIndex, revealDeadline);
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

        uint8 group = _groupFor(record, task, slot, resultDigest);
        record.digests[slot] = group == slot ? resultDigest : bytes32(0);
        record.task.revealed = task.revealed | Slots.bit(slot);
        record.task.groups = task.groups.withGroup(slot, group);
        emit ResultRevealed(jobId, taskIndex, msg.sender, resultDigest);
    }

    /// @inheritdoc IDirectLane
    function settle(uint256 jobId, uint32 taskIndex) external {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status != TaskStatus.Revealing) revert TaskStatusWrong(jobId, taskIndex, task.status);
        uint16 revealedBefore = Slots.first(task.firstSlot);
        bool allRevealed = (task.revealed | revealedBefore) == Slots.first(task.slotsOpen);
        if (!allRevealed && block.timestamp < task.phaseDeadline) {
            revert TooEarly(jobId, task.phaseDeadline, block.timestamp);
        }

        Rules memory rules = _rules[jobId];
        uint16 agreeing = task.groups.largestGroup(task.revealed);
        uint8 votes = agreeing.size();
        if (votes >= rules.quorum) {
            _settle(jobId, taskIndex, rules, record, task, agreeing);
        } else if (task.slotsOpen + rules.quorum - votes <= rules.workSlots && block.timestamp < rules.deadline) {
            _drawMore(jobId, taskIndex, rules, record, task, rules.quorum - votes);
        } else {
            _refund(jobId, taskIndex, rules, record, task, task.revealed);
        }
    }

    // --- time-outs, for anyone ---

    /// @inheritdoc IDirectLane
    function expireClaim(uint256 jobId, uint32 taskIndex, address worker) external {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        uint8 slot = _slotOf(jobId, taskIndex, record, task, worker);
        if (task.committed.has(slot)) revert AlreadyCommitted(jobId, taskIndex, worker);
        uint256 deadline = record.seats[slot].commitDeadline();
        if (block.timestamp < deadline) revert TooEarly(jobId, deadline, block.timestamp);

        uint256 stake = _rules[jobId].stakePerClaim;
        uint256 feeUp = Math.ceilDiv(stake * NO_SHOW_BPS, ALL_BPS);
        record.task.claimed = task.claimed & ~Slots.bit(slot);
        record.task.hasNoShow = true;
        record.barred[record.seats[slot].worker()] = true;
        emit ClaimExpired(jobId, taskIndex, worker, feeUp);

        VAULT.slash(worker, feeUp, 0);
        address[] memory workers = new address[](1);
        workers[0] = worker;
        VAULT.unlock(workers, stake - feeUp);
    }

    /// @inheritdoc IDirectLane
    function reopen(uint256 jobId, uint32 taskIndex) external {
        Rules memory rules = _rulesOf(jobId, taskIndex);
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status == TaskStatus.Idle) _prepare(jobId, taskIndex, rules, task);
        else if (task.status != TaskStatus.Claiming) revert TaskStatusWrong(jobId, taskIndex, task.status);
        if (task.claimed == Slots.first(task.slotsOpen)) revert WaveFull(jobId, taskIndex);
        if (task.reopens == MAX_REOPENS) revert ReopensExhausted(jobId, taskIndex, MAX_REOPENS);
        if (block.timestamp < task.phaseDeadline) revert TooEarly(jobId, task.phaseDeadline, block.timestamp);
        if (block.timestamp >= rules.deadline) revert ClaimTooLate(jobId, rules.deadline, block.timestamp);

        ++task.reopens;
        _newDraw(jobId, taskIndex, rules, record, task);
    }

    /// @inheritdoc IDirectLane
    function expireTask(uint256 jobId, uint32 taskIndex) external {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        if (task.status != TaskStatus.Claiming) revert TaskStatusWrong(jobId, taskIndex, task.status);
        Rules memory rules = _rules[jobId];
        if (block.timestamp < rules.deadline) revert TooEarly(jobId, rules.deadline, block.timestamp);
        if (task.claimed != task.committed) revert CommitsPending(jobId, taskIndex);

        // Only the silent of earlier waves are at fault; who committed to this wave could never reveal.
        uint16 silent = Slots.first(task.firstSlot) & ~task.revealed;
        emit TaskExpired(jobId, taskIndex);
        _refund(jobId, taskIndex, rules, record, task, task.committed & ~silent);
    }

    // --- views ---

    /// @inheritdoc ILane
    function progress(uint256 jobId) external view returns (uint256 finished, uint256 active, bool failed) {
        Progress storage progress_ = _progress[jobId];
        return (progress_.finished, progress_.active, progress_.failed);
    }

    /// @inheritdoc IDirectLane
    function taskOf(uint256 jobId, uint32 taskIndex) external view returns (TaskView memory) {
        Task memory task = _present(jobId, taskIndex);
        return
            TaskView({
                status: task.status,
                slotsOpen: task.slotsOpen,
                firstSlot: task.firstSlot,
                reopens: task.reopens,
                claimed: task.claimed.size(),
                committed: task.committed.size(),
                revealed: task.revealed.size(),
                drawEpoch: task.drawEpoch,
                phaseDeadline: task.phaseDeadline,
                resultDigest: resultOf(jobId, taskIndex)
            });
    }

    /// @inheritdoc IDirectLane
    function claimsOf(uint256 jobId, uint32 taskIndex) external view returns (ClaimView[] memory claims) {
        Record storage record = _records[jobId][taskIndex];
        Task memory task = record.task;
        claims = new ClaimView[](task.claimed.size());
        uint256 count = 0;
        for (uint8 slot = 0; slot < task.slotsOpen; ++slot) {
            if (!task.claimed.has(slot)) continue;
            bool revealed = task.revealed.has(slot);
            ClaimStatus open = task.committed.has(slot) ? ClaimStatus.Committed : ClaimStatus.Claimed;
            claims[count++] = ClaimView({
                worker: _workers[record.seats[slot].worker()],
                slot: slot,
                status: revealed ? ClaimStatus.Revealed : open,
                commitDeadline: record.seats[slot].commitDeadline(),
                digest: record.digests[revealed ? task.groups.groupOf(slot) : slot]
            });
        }
    }

    /// @inheritdoc IDirectLane
    function resultOf(uint256 jobId, uint32 taskIndex) public view returns (bytes32) {
        Record storage record = _records[jobId][taskIndex];
        return record.task.status == TaskStatus.Settled ? record.digests[record.task.resultSlot] : bytes32(0);
    }

    /// @inheritdoc IDirectLane
    function stageOpen(uint256 jobId, uint32 taskIndex) external view returns (bool) {
        return _progress[jobId].finished >= _firstOfStage(_rulesOf(jobId, taskIndex), taskIndex);
    }

    /// @inheritdoc IDirectLane
    function drawEpochOf(uint256 jobId, uint32 taskIndex) external view returns (uint32) {
        return _present(jobId, taskIndex).drawEpoch;
    }

    /// @inheritdoc IDirectLane
    function isDrawn(uint256 jobId, uint32 taskIndex, address worker) external view returns (bool) {
        return _drawn(jobId, taskIndex, _present(jobId, taskIndex), worker);
    }

    /// @inheritdoc IDirectLane
    function isBarred(uint256 jobId, uint32 taskIndex, address worker) external view returns (bool) {
        return _records[jobId][taskIndex].barred[_numberOf[worker]];
    }

    // --- internals: outcomes ---

    function _settle(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        Record storage record,
        Task memory task,
        uint16 winners
    ) private {
        uint8 resultSlot = task.groups.groupOf((~winners).lowestFree());
        record.task.status = TaskStatus.Settled;
        record.task.resultSlot = resultSlot;
        emit TaskSettled(jobId, taskIndex, record.digests[resultSlot], winners.size());
        uint256 slotPrice = _finish(jobId, taskIndex, rules, false);

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
        _finish(jobId, taskIndex, rules, true);

        _release(rules, record, task, spared);
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
        for (uint256 slot = 0; slot < task.slotsOpen; ++slot) {
            if (!task.claimed.has(slot)) continue;
            address worker = _workers[record.seats[slot].worker()];
            if (spared.has(slot)) people[count++] = worker;
            else VAULT.slash(worker, rules.stakePerClaim, 0);
        }
        if (count != 0) VAULT.unlock(people, rules.stakePerClaim);
    }

    function _drawMore(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        Record storage record,
        Task memory task,
        uint8 missing
    ) private {
        task.status = TaskStatus.Claiming;
        task.firstSlot = task.slotsOpen;
        task.slotsOpen += missing;
        _newDraw(jobId, taskIndex, rules, record, task);
    }

    function _newDraw(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        Record storage record,
        Task memory task
    ) private {
        task.drawEpoch = SEEDS.currentEpoch() + 1;
        task.phaseDeadline = _drawDeadline(block.timestamp, rules);
        record.task = task;
        emit TaskReopened(jobId, taskIndex, task.slotsOpen, task.drawEpoch, task.reopens);
    }

    // --- internals: stages ---

    /// @dev Counts the outcome and opens the next stage when this was the last one it waited for.
    function _finish(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        bool refunded
    ) private returns (uint256 slotPrice) {
        Progress memory progress_ = _progress[jobId];
        slotPrice = progress_.slotPrice;
        ++progress_.finished;
        --progress_.active;
        bool fails = refunded && rules.reduceTasks != 0 && !progress_.failed;
        progress_.failed = progress_.failed || fails;
        _progress[jobId] = progress_;
        if (fails) emit JobFailed(jobId, taskIndex);

        bool ended = progress_.failed || progress_.stopped || progress_.finished == _taskCount(rules);
        if (!ended && _firstOfStage(rules, progress_.finished) == progress_.finished) {
            _openStage(jobId, _progress[jobId]);
        }
    }

    function _openStage(uint256 jobId, Progress storage progress_) private {
        progress_.drawEpoch = SEEDS.currentEpoch() + 1;
        progress_.openedAt = uint40(block.timestamp);
        emit StageOpened(jobId, progress_.finished, progress_.drawEpoch);
    }

    /// @dev The first claim of a task: from here on its money stays in escrow until it has an outcome.
    function _start(uint256 jobId, uint32 taskIndex, Rules memory rules, Task memory task) private {
        _prepare(jobId, taskIndex, rules, task);
        task.status = TaskStatus.Claiming;
        task.phaseDeadline = _drawDeadline(block.timestamp, rules);
        ++_progress[jobId].active;
    }

    /// @dev Fills in what a task that nobody has touched takes from its stage.
    function _prepare(uint256 jobId, uint32 taskIndex, Rules memory rules, Task memory task) private view {
        Progress memory progress_ = _progress[jobId];
        if (progress_.stopped || progress_.failed) revert JobEnded(jobId);
        uint256 needed = _firstOfStage(rules, taskIndex);
        if (progress_.finished < needed) revert StageNotOpen(jobId, taskIndex, progress_.finished, needed);
        _inherit(rules, progress_, task);
    }

    function _inherit(Rules memory rules, Progress memory progress_, Task memory task) private view {
        if (task.drawEpoch != 0) return;
        task.slotsOpen = rules.quorum;
        task.drawEpoch = progress_.drawEpoch;
        task.phaseDeadline = _drawDeadline(progress_.openedAt, rules);
    }

    function _present(uint256 jobId, uint32 taskIndex) private view returns (Task memory task) {
        Rules memory rules = _rulesOf(jobId, taskIndex);
        task = _records[jobId][taskIndex].task;
        _inherit(rules, _progress[jobId], task);
    }

    function _firstOfStage(Rules memory rules, uint256 taskIndex) private pure returns (uint256) {
        uint256 perRound = uint256(rules.mapTasks) + rules.reduceTasks;
        uint256 roundStart = taskIndex - (taskIndex % perRound);
        return taskIndex - roundStart < rules.mapTasks ? roundStart : roundStart + rules.mapTasks;
    }

    function _taskCount(Rules memory rules) private pure returns (uint256) {
        return uint256(rules.rounds) * (uint256(rules.mapTasks) + rules.reduceTasks);
    }

    function _rulesOf(uint256 jobId, uint32 taskIndex) private view returns (Rules memory rules) {
        rules = _rules[jobId];
        if (rules.deadline == 0) revert JobUnknown(jobId);
        if (taskIndex >= _taskCount(rules)) revert TaskUnknown(jobId, taskIndex, _taskCount(rules));
    }

    // --- internals: workers ---

    function _enroll(address worker) private returns (uint32 number) {
        number = _numberOf[worker];
        if (number == 0) {
            number = ++_workerCount;
            _numberOf[worker] = number;
            _workers[number] = worker;
        }
    }

    function _drawn(
        uint256 jobId,
        uint32 taskIndex,
        Task memory task,
        address worker
    ) private view returns (bool) {
        (bytes32 seed, uint256 stakeBlock) = SEEDS.drawOf(task.drawEpoch);
        if (seed == 0) return false;
        (uint256 stake, uint256 totalStake) = VAULT.stakeShareAt(worker, stakeBlock);
        return Draw.isDrawn(seed, jobId, taskIndex, worker, stake, totalStake, task.slotsOpen, task.reopens);
    }

    function _slotOf(
        uint256 jobId,
        uint32 taskIndex,
        Record storage record,
        Task memory task,
        address worker
    ) private view returns (uint8) {
        uint32 number = _numberOf[worker];
        (bool seated, uint8 slot) = _find(record, task, number);
        if (!seated) revert NoClaim(jobId, taskIndex, worker);
        return slot;
    }

    function _find(
        Record storage record,
        Task memory task,
        uint32 number
    ) private view returns (bool seated, uint8 slot) {
        for (; slot < task.slotsOpen; ++slot) {
            if (task.claimed.has(slot) && record.seats[slot].worker() == number) return (true, slot);
        }
    }

    /// @dev The first slot that revealed the same digest, or this one.
    function _groupFor(
        Record storage record,
        Task memory task,
        uint8 slot,
        bytes32 digest
    ) private view returns (uint8) {
        for (uint8 other = 0; other < task.slotsOpen; ++other) {
            bool leads = task.revealed.has(other) && task.groups.groupOf(other) == other;
            if (leads && record.digests[other] == digest) return other;
        }
        return slot;
    }

    function _drawDeadline(uint256 from, Rules memory rules) private view returns (uint40) {
        return uint40(from + DRAW_TIME + rules.taskTime);
    }

    function _requireSame(address expected, address actual) private pure {
        if (expected != actual) revert WrongWiring(expected, actual);
    }
}
