// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IDirectLane} from "../interfaces/IDirectLane.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {Draw} from "../libraries/Draw.sol";
import {Slots} from "../libraries/Slots.sol";
import {ClaimStatus, ClaimView, TaskStatus, TaskView} from "../types/Market.sol";
import {LaneStages} from "./LaneStages.sol";

/// @title Tasks as the lane stores them, who sits in their slots, who is drawn, and how to read all that.
/// @dev Storage is laid out for gas: a task of up to three replicas that needs no second draw lives in one slot, plus
///      one slot per commitment.
abstract contract LaneTasks is LaneStages {
    using Slots for uint16;
    using Slots for uint64;

    // one slot, full
    struct Task {
        TaskStatus status;
        uint8 slotsOpen; // zero while nobody has touched the task
        uint8 firstSlot; // of the present wave
        bool unusual; // it was drawn again, or somebody is barred: `redraw` says more
        uint16 claimed; // sets of slots
        uint16 committed;
        uint16 revealed;
        uint40 phaseDeadline; // see TaskView
        uint64 groups; // who revealed the same, see Slots
        uint72 seats; // the workers in slots 0, 1 and 2, by number, 24 bits each
    }

    // one slot, read only if the task is unusual
    struct Redraw {
        uint32 drawEpoch; // zero: the stage's
        uint40 drawnAt; // when that draw was opened, Unix seconds
        uint8 reopens;
    }

    struct Record {
        Task task;
        Redraw redraw;
        uint24[13] moreSeats; // the workers in slots 3 to 15
        // The commitment, then the digest. Who repeats a leader's digest keeps none: `groups` points there.
        bytes32[16] digests;
        mapping(uint24 workerNumber => bool) barred;
    }

    uint256 private constant EMBEDDED_SEATS = 3;
    /// @dev A wave after a missed quorum: commits and reveals of the wave before it end at most two task times after the
    ///      deadline, and filling takes one more besides the draw. One is left for whoever is late to settle.
    uint256 private constant GRACE_TASK_TIMES = 4;

    IStakeVault public immutable VAULT;
    uint256 public immutable DRAW_TIME;
    uint256 public immutable RAMP_TIME;

    mapping(uint256 jobId => mapping(uint32 taskIndex => Record)) internal _records;
    mapping(address worker => uint24) private _numberOf; // from 1, in the order of first claims
    mapping(uint24 workerNumber => address) private _workers;
    uint24 private _workerCount;

    constructor(IStakeVault vault, uint256 drawTime, uint256 rampTime) {
        VAULT = vault;
        DRAW_TIME = drawTime;
        RAMP_TIME = rampTime;
    }

    // --- views ---

    /// @inheritdoc IDirectLane
    function taskOf(uint256 jobId, uint32 taskIndex) external view returns (TaskView memory) {
        Rules memory rules = _rulesOf(jobId, taskIndex);
        Record storage record = _records[jobId][taskIndex];
        Task memory task = _present(jobId, taskIndex);
        return
            TaskView({
                status: task.status,
                slotsOpen: task.slotsOpen,
                firstSlot: task.firstSlot,
                reopens: record.redraw.reopens,
                claimed: task.claimed.size(),
                committed: task.committed.size(),
                revealed: task.revealed.size(),
                drawEpoch: drawEpochOf(jobId, taskIndex),
                fillDeadline: uint40(_fillDeadline(jobId, rules, record)),
                closesAt: uint40(_closesAt(rules, task)),
                phaseDeadline: task.phaseDeadline,
                resultDigest: resultOf(jobId, taskIndex)
            });
    }

    /// @inheritdoc IDirectLane
    function claimsOf(uint256 jobId, uint32 taskIndex) external view returns (ClaimView[] memory claims) {
        (Record storage record, Task memory task) = _load(jobId, taskIndex);
        claims = new ClaimView[](task.claimed.size());
        uint256 count = 0;
        for (uint8 slot = 0; count < claims.length; ++slot) {
            if (!task.claimed.has(slot)) continue;
            bool revealed = task.revealed.has(slot);
            ClaimStatus open = task.committed.has(slot) ? ClaimStatus.Committed : ClaimStatus.Claimed;
            claims[count++] = ClaimView({
                worker: _workerAt(record, task, slot),
                slot: slot,
                status: revealed ? ClaimStatus.Revealed : open,
                commitDeadline: open == ClaimStatus.Claimed ? task.phaseDeadline : 0,
                digest: record.digests[revealed ? task.groups.leaderOf(slot) : slot]
            });
        }
    }

    /// @inheritdoc IDirectLane
    function resultOf(uint256 jobId, uint32 taskIndex) public view returns (bytes32) {
        (Record storage record, Task memory task) = _load(jobId, taskIndex);
        if (task.status != TaskStatus.Settled) return 0;
        (uint8 leader, ) = task.groups.largestGroup(task.revealed);
        return record.digests[leader];
    }

    /// @inheritdoc IDirectLane
    function drawEpochOf(uint256 jobId, uint32 taskIndex) public view returns (uint32) {
        uint32 redrawn = _records[jobId][taskIndex].redraw.drawEpoch;
        return redrawn == 0 ? _rulesOf(jobId, taskIndex).drawEpoch : redrawn;
    }

    /// @inheritdoc IDirectLane
    function drawnFrom(uint256 jobId, uint32 taskIndex, address worker) public view returns (uint256) {
        (bytes32 seed, uint256 stakeBlock, uint256 recordedAt) = SEEDS.drawOf(drawEpochOf(jobId, taskIndex));
        if (seed == 0) return 0;
        (uint256 stake, uint256 totalStake) = VAULT.stakeShareAt(worker, stakeBlock);
        Task memory task = _present(jobId, taskIndex);
        uint256 slots = task.slotsOpen - task.firstSlot;
        uint256 reopens = _records[jobId][taskIndex].redraw.reopens;
        uint256 lot = Draw.lotOf(seed, jobId, taskIndex, worker);
        uint256 wait = Draw.waitOf(lot, stake, totalStake, slots, reopens, RAMP_TIME);
        return wait == Draw.NEVER ? 0 : recordedAt + wait;
    }

    /// @inheritdoc IDirectLane
    function isDrawn(uint256 jobId, uint32 taskIndex, address worker) external view returns (bool) {
        uint256 from = drawnFrom(jobId, taskIndex, worker);
        return from != 0 && block.timestamp >= from;
    }

    /// @inheritdoc IDirectLane
    function isBarred(uint256 jobId, uint32 taskIndex, address worker) external view returns (bool) {
        return _records[jobId][taskIndex].barred[_numberOf[worker]];
    }

    // --- draws ---

    /// @dev Until when the present wave is given to fill: its seed has to become known, its ramp to end, and somebody to
    ///      come. Apart from the commits' deadline, so that an early claim does not shorten the draw, nor a redraw lengthen
    ///      the commits. A seed that was recorded late still has its whole ramp.
    function _fillDeadline(uint256 jobId, Rules memory rules, Record storage record) internal view returns (uint256) {
        uint32 redrawn = record.redraw.drawEpoch;
        uint256 drawnAt = redrawn == 0 ? _progress[jobId].openedAt : record.redraw.drawnAt;
        (bytes32 seed, , uint256 recordedAt) = SEEDS.drawOf(redrawn == 0 ? rules.drawEpoch : redrawn);
        uint256 rampEnds = seed == 0 ? 0 : recordedAt + RAMP_TIME;
        return Math.max(drawnAt + DRAW_TIME + rules.taskTime, rampEnds);
    }

    /// @dev Until when the present wave takes claims. A further wave has a grace after the job's deadline, so that nobody
    ///      can ruin a task by disagreeing at the last moment.
    function _closesAt(Rules memory rules, Task memory task) internal view returns (uint256) {
        if (task.firstSlot == 0) return rules.deadline;
        return _lastClose(rules);
    }

    /// @dev Until when any wave of the job may begin, and take claims.
    function _lastClose(Rules memory rules) internal view returns (uint256) {
        return rules.deadline + DRAW_TIME + GRACE_TASK_TIMES * rules.taskTime;
    }

    // --- storage, copied in one place: each copy of a packed struct is a lot of code. Acts of every task's life copy it
    //     themselves, which costs less gas ---

    function _load(uint256 jobId, uint32 taskIndex) internal view returns (Record storage record, Task memory task) {
        record = _records[jobId][taskIndex];
        task = record.task;
    }

    function _save(Record storage record, Task memory task) internal {
        record.task = task;
    }

    /// @dev The task, which must have this status.
    function _taskIn(
        uint256 jobId,
        uint32 taskIndex,
        TaskStatus wanted
    ) internal view returns (Record storage record, Task memory task) {
        (record, task) = _load(jobId, taskIndex);
        if (task.status != wanted) revert TaskStatusWrong(jobId, taskIndex, task.status);
    }

    /// @dev The task, with what it takes from its stage while nobody has touched it.
    function _present(uint256 jobId, uint32 taskIndex) internal view returns (Task memory task) {
        Rules memory rules = _rulesOf(jobId, taskIndex);
        (, task) = _load(jobId, taskIndex);
        if (task.slotsOpen != 0) return task;
        task.slotsOpen = rules.quorum;
    }

    // --- seats ---

    /// @dev The worker's number, a new one at its first claim ever.
    function _enroll(address worker) internal returns (uint24 number) {
        number = _numberOf[worker];
        if (number == 0) {
            if (_workerCount == type(uint24).max) revert WorkersExhausted(type(uint24).max);
            number = ++_workerCount;
            _numberOf[worker] = number;
            _workers[number] = worker;
        }
    }

    /// @dev The slot that the worker holds. Reverts if it holds none.
    function _slotOf(
        uint256 jobId,
        uint32 taskIndex,
        Record storage record,
        Task memory task,
        address worker
    ) internal view returns (uint8 slot) {
        slot = _find(record, task, _numberOf[worker]);
        if (slot == task.slotsOpen) revert NoClaim(jobId, taskIndex, worker);
    }

    /// @dev The slot that this worker holds, or slotsOpen. Nobody has number zero.
    function _find(Record storage record, Task memory task, uint24 number) internal view returns (uint8 slot) {
        for (slot = 0; slot < task.slotsOpen; ++slot) {
            if (task.claimed.has(slot) && _seat(record, task, slot) == number) return slot;
        }
    }

    function _workerAt(Record storage record, Task memory task, uint256 slot) internal view returns (address) {
        return _workers[_seat(record, task, slot)];
    }

    function _seat(Record storage record, Task memory task, uint256 slot) internal view returns (uint24) {
        if (slot < EMBEDDED_SEATS) return uint24(task.seats >> (24 * slot));
        return record.moreSeats[slot - EMBEDDED_SEATS];
    }

    function _sit(Record storage record, Task memory task, uint256 slot, uint24 number) internal {
        if (slot < EMBEDDED_SEATS) {
            uint256 shift = 24 * slot;
            task.seats =
                (task.seats & ~(uint72(type(uint24).max) << uint72(shift))) | (uint72(number) << uint72(shift));
        } else {
            record.moreSeats[slot - EMBEDDED_SEATS] = number;
        }
    }
}
