// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClaimStatus, JobTerms, TaskStatus} from "../../../../contracts/types/Market.sol";
import {MarketBase} from "../MarketBase.sol";

/// @dev What the market should be, kept apart from it: the history of every claim, and from it which act is valid now.
///      It is written from the rules, not from the contracts, and uses nothing of theirs but stake and draws.
abstract contract Ghost is MarketBase {
    struct Seat {
        address worker;
        ClaimStatus phase;
        bytes32 commitment;
        bytes32 digest; // zero until revealed
    }

    struct GhostTask {
        TaskStatus status;
        uint8 slotsOpen;
        uint8 firstSlot;
        uint8 reopens;
        uint32 drawEpoch; // zero: the stage's
        uint40 drawnAt; // when it was drawn again
        uint40 phaseDeadline;
        bytes32 result;
        bool expired; // the present wave never filled
        Seat[16] seats;
        mapping(address worker => bool) barred;
    }

    struct GhostJob {
        JobTerms terms;
        address requester;
        uint256 escrowed; // at posting
        uint256 fromSlash;
        uint256 paid; // to workers
        uint256 fees; // credited or due
        uint256 feesCredited;
        uint256 refunded;
        uint256 finished;
        uint256 active;
        bool failed;
        bool stopped;
        uint32 stageEpoch;
        uint40 openedAt;
    }

    struct GhostAccount {
        uint256 stakedIn; // by itself and its sponsor
        uint256 unbondedOut; // by itself and its sponsor
        uint256 noShowFees;
        uint256 batchLost;
        uint256 batchEarned;
        uint256 sponsored; // part of its stake
        address sponsor;
        bool leaving;
        uint256 allotted;
        uint256 ending;
        uint256 endingAt;
        uint256 unbonding; // as the account that gets it
        uint256 availableAt;
        uint256 withdrawn; // of its credit
        uint256 otherCredit; // refunds and fees
    }

    struct Ref {
        uint256 jobId;
        uint32 task;
    }

    // Everybody who acts. Of the sixteen staked workers nine do; the others only weigh in the draw.
    uint256 public constant ACTORS = 9;
    uint256 internal constant HONEST = 4; // workers 0 to 3 never lie and never miss a deadline
    uint256 internal constant COPYCAT = 6;
    uint256 internal constant SILENT = 7;
    uint256 internal constant NO_SHOW = 8;
    address internal sponsor = address(0x3001);
    address internal rival = address(0x3002);
    address internal donor = address(0x3003);

    mapping(uint256 jobId => GhostJob) internal jobs;
    mapping(uint256 jobId => mapping(uint32 task => GhostTask)) internal ghostTasks;
    mapping(address account => GhostAccount) internal people;
    Ref[] internal refs; // every task of the direct lane
    uint256[] internal jobIds; // every job of the direct lane
    uint256 internal batchJob;
    uint256 internal slashedSum;
    uint256 internal funded; // part of it that went to the escrow
    uint256 internal donatedToVault;
    uint256 internal donatedToEscrow;
    uint256 internal round;
    mapping(uint32 epoch => uint256 time) internal seededIn;
    mapping(address account => uint256) internal mayLoseIn; // the round

    // --- what is valid now ---

    function canClaim(uint256 jobId, uint32 task, address who) internal view returns (bool) {
        if (!waveOpen(jobId, task)) return false;
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.barred[who] || seatOf(jobId, task, who) != 16) return false;
        return lockable(who) >= jobs[jobId].terms.stakePerClaim && lane.isDrawn(jobId, task, who);
    }

    /// @dev A slot is free and the time for it has not passed.
    function waveOpen(uint256 jobId, uint32 task) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (!known(jobId, task) || block.timestamp >= closesAt(jobId, task)) return false;
        if (t.status == TaskStatus.Idle) return startable(jobId, task);
        if (waiting(t) != 0 && block.timestamp >= t.phaseDeadline) return false; // they have to expire first
        return t.status == TaskStatus.Claiming && count(t, ClaimStatus.Claimed, 0) < t.slotsOpen;
    }

    function canCommit(uint256 jobId, uint32 task, address who, bytes32 commitment) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status != TaskStatus.Claiming || block.timestamp >= t.phaseDeadline || commitment == 0) return false;
        uint256 slot = seatOf(jobId, task, who);
        return slot != 16 && t.seats[slot].phase == ClaimStatus.Claimed;
    }

    function canReveal(uint256 jobId, uint32 task, address who, bytes32 digest) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status != TaskStatus.Revealing || block.timestamp >= t.phaseDeadline || digest == 0) return false;
        uint256 slot = seatOf(jobId, task, who);
        if (slot == 16 || slot < t.firstSlot || t.seats[slot].phase != ClaimStatus.Committed) return false;
        return t.seats[slot].commitment == sealedFor(jobId, task, who, digest);
    }

    function canSettle(uint256 jobId, uint32 task) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status != TaskStatus.Revealing) return false;
        bool allRevealed = count(t, ClaimStatus.Revealed, t.firstSlot) == uint256(t.slotsOpen) - t.firstSlot;
        return allRevealed || block.timestamp >= t.phaseDeadline;
    }

    function canExpireClaim(uint256 jobId, uint32 task, address who) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status != TaskStatus.Claiming || block.timestamp < t.phaseDeadline) return false;
        uint256 slot = seatOf(jobId, task, who);
        return slot != 16 && t.seats[slot].phase == ClaimStatus.Claimed;
    }

    /// @dev I13: who committed to a wave that had its time and did not fill.
    function canLeave(uint256 jobId, uint32 task, address who) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status != TaskStatus.Claiming || waiting(t) != 0) return false;
        uint256 slot = seatOf(jobId, task, who);
        return slot != 16 && slot >= t.firstSlot && block.timestamp >= fillDeadline(jobId, task);
    }

    function canReopen(uint256 jobId, uint32 task) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (!known(jobId, task) || block.timestamp >= closesAt(jobId, task) || t.reopens == 16) return false;
        if (block.timestamp < fillDeadline(jobId, task)) return false;
        if (seeds.currentEpoch() <= epochOf(jobId, task)) return false; // its draw may yet come
        if (t.status == TaskStatus.Idle) return startable(jobId, task);
        return t.status == TaskStatus.Claiming && waiting(t) == 0;
    }

    function canExpireTask(uint256 jobId, uint32 task) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status != TaskStatus.Claiming || block.timestamp < closesAt(jobId, task)) return false;
        return waiting(t) == 0;
    }

    function isOpen(uint256 jobId, uint32 task) internal view returns (bool) {
        TaskStatus status = ghostTasks[jobId][task].status;
        return status == TaskStatus.Claiming || status == TaskStatus.Revealing;
    }

    // --- what follows from it ---

    function known(uint256 jobId, uint32 task) internal view returns (bool) {
        return jobId != batchJob && task < taskCount(jobId);
    }

    function taskCount(uint256 jobId) internal view returns (uint256) {
        JobTerms storage t = jobs[jobId].terms;
        return uint256(t.rounds) * (uint256(t.mapTasks) + t.reduceTasks);
    }

    /// @dev The first task of the same stage: as many must be finished.
    function stageStart(uint256 jobId, uint256 task) internal view returns (uint256) {
        JobTerms storage t = jobs[jobId].terms;
        uint256 perRound = uint256(t.mapTasks) + t.reduceTasks;
        uint256 start = (task / perRound) * perRound;
        return task - start < t.mapTasks ? start : start + t.mapTasks;
    }

    function startable(uint256 jobId, uint32 task) internal view returns (bool) {
        GhostJob storage j = jobs[jobId];
        return !j.stopped && !j.failed && j.finished >= stageStart(jobId, task);
    }

    function epochOf(uint256 jobId, uint32 task) internal view returns (uint32) {
        uint32 redrawn = ghostTasks[jobId][task].drawEpoch;
        return redrawn == 0 ? jobs[jobId].stageEpoch : redrawn;
    }

    /// @dev The first epoch that begins after at least one more block. Epochs of four blocks.
    function epochToDraw() internal view returns (uint32) {
        return uint32((block.number + 1) / 4 + 1);
    }

    /// @dev When the present wave has had its time to fill: a draw and a task's time, and in any case its ramp.
    function fillDeadline(uint256 jobId, uint32 task) internal view returns (uint256) {
        GhostTask storage t = ghostTasks[jobId][task];
        uint256 from = t.drawEpoch == 0 ? jobs[jobId].openedAt : t.drawnAt;
        uint256 due = from + DRAW_TIME + jobs[jobId].terms.taskTime;
        uint256 seededAt = seededIn[epochOf(jobId, task)];
        return seededAt != 0 && seededAt + RAMP_TIME > due ? seededAt + RAMP_TIME : due;
    }

    /// @dev When the present wave takes no more claims: a first wave at the deadline, a further one a grace later.
    function closesAt(uint256 jobId, uint32 task) internal view returns (uint256) {
        return ghostTasks[jobId][task].firstSlot == 0 ? jobs[jobId].terms.deadline : lastClose(jobId);
    }

    function lastClose(uint256 jobId) internal view returns (uint256) {
        return jobs[jobId].terms.deadline + DRAW_TIME + 4 * uint256(jobs[jobId].terms.taskTime);
    }

    function ended(uint256 jobId) internal view returns (bool) {
        GhostJob storage j = jobs[jobId];
        return j.stopped || j.failed || block.timestamp >= j.terms.deadline || j.finished == taskCount(jobId);
    }

    function leftOf(uint256 jobId) internal view returns (uint256) {
        GhostJob storage j = jobs[jobId];
        return j.escrowed + j.fromSlash - j.paid - j.fees - j.refunded;
    }

    function refundableOf(uint256 jobId) internal view returns (uint256) {
        GhostJob storage j = jobs[jobId];
        uint256 open = ended(jobId) ? j.active : taskCount(jobId) - j.finished;
        return leftOf(jobId) - open * mostFor(j.terms);
    }

    function mostFor(JobTerms memory t) internal pure returns (uint256) {
        uint256 feeUp = (uint256(t.slotPrice) * t.feeBps + 9_999) / 10_000;
        return (t.slotPrice + feeUp) * (uint256(t.workSlots) + t.auditSlots);
    }

    /// @dev The worker's slot, or 16.
    function seatOf(uint256 jobId, uint32 task, address who) internal view returns (uint256 slot) {
        GhostTask storage t = ghostTasks[jobId][task];
        for (slot = 0; slot < t.slotsOpen; ++slot) {
            if (t.seats[slot].worker == who) return slot;
        }
        return 16;
    }

    /// @dev Seats from `from` that have come at least so far.
    function count(GhostTask storage t, ClaimStatus least, uint256 from) internal view returns (uint256 found) {
        for (uint256 slot = from; slot < t.slotsOpen; ++slot) {
            if (t.seats[slot].phase >= least) ++found;
        }
    }

    function waiting(GhostTask storage t) internal view returns (uint256) {
        return count(t, ClaimStatus.Claimed, 0) - count(t, ClaimStatus.Committed, 0);
    }

    function lockable(address who) internal view returns (uint256) {
        uint256 reserved = lockedOf(who) + (people[who].leaving ? people[who].sponsored : 0);
        uint256 bonded = bondedOf(who);
        return bonded > reserved ? bonded - reserved : 0;
    }

    // --- words ---

    /// @dev What this worker holds for the task's result. Liars agree in every second job.
    function opinionOf(uint256 jobId, uint32 task, address who) internal pure returns (bytes32) {
        uint256 index = uint160(who) - 0x2000;
        bool honest = index < HONEST || index == SILENT || index == NO_SHOW;
        if (honest) return keccak256(abi.encode(RIGHT, jobId, task));
        return keccak256(abi.encode(WRONG, jobId, task, jobId % 2 == 0 ? address(0) : who));
    }

    function mayLose(address who) internal {
        mayLoseIn[who] = round;
    }
}
