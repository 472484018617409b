// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClaimStatus, JobTerms, TaskStatus} from "../../../../contracts/types/Market.sol";
import {isTrue, vm} from "../Vm.sol";
import {Ghost} from "./Ghost.sol";

error NotRefused(string act);
error NotAllowed(string act, bytes reason);
error Panicked(string act, bytes reason);
error RobbedBy(string act, address victim, uint256 before, uint256 afterwards);

/// @dev The acts of a task's life. Each one says beforehand whether it must succeed, then tries it: an act that is valid
///      and reverts fails the run, and so does one that is not valid and succeeds.
abstract contract TaskActs is Ghost {
    /// @dev Bounds every call of the market, whatever the run has grown to (I12).
    uint256 internal constant MOST_GAS = 2_000_000;
    uint256 internal constant TASKS_KEPT = 16;

    address[] internal everybody;
    mapping(address account => uint256) internal wealthOf;
    mapping(string act => uint256) public done;
    string internal lastAct;

    /// @dev I11: after every act, whoever is poorer has acted itself or was slashed by a rule.
    modifier act() {
        ++round;
        _;
        for (uint256 i = 0; i < everybody.length; ++i) {
            address account = everybody[i];
            uint256 wealth = wealthNow(account);
            if (wealth < wealthOf[account] && mayLoseIn[account] != round) {
                revert RobbedBy(lastAct, account, wealthOf[account], wealth);
            }
            if (wealth != wealthOf[account]) wealthOf[account] = wealth;
        }
    }

    /// @dev What an account could own if everything of its own were free. Bounties belong to their jobs.
    function wealthNow(address account) internal view returns (uint256) {
        (uint256 bonded, , uint256 unbonding, ) = vault.accountOf(account);
        uint256 wealth = token.balanceOf(account) + unbonding + escrow.creditOf(account) + bonded;
        if (account == sponsor || account == rival) {
            for (uint256 i = 0; i < ACTORS; ++i) {
                (address backer, uint256 amount, ) = vault.sponsorshipOf(worker(i));
                if (backer == account) wealth += amount;
            }
        } else if (bonded != 0) {
            (, uint256 amount, ) = vault.sponsorshipOf(account);
            wealth -= amount;
        }
        return wealth;
    }

    function attempt(
        address caller,
        address target,
        bytes memory data,
        bool valid,
        string memory name
    ) internal returns (bytes memory answer) {
        mayLose(caller);
        lastAct = name;
        bool succeeded;
        vm.prank(caller);
        uint256 gasBefore = gasleft();
        (succeeded, answer) = target.call(data);
        isTrue(gasBefore - gasleft() < MOST_GAS, name);
        if (succeeded && !valid) revert NotRefused(name);
        if (!succeeded && valid) revert NotAllowed(name, answer);
        // An arithmetic panic would mean that a rule is missing.
        if (!succeeded && (answer.length < 4 || bytes4(answer) == 0x4e487b71)) revert Panicked(name, answer);
        if (valid) ++done[name];
    }

    // --- picking ---

    function dice(uint256 seed, string memory salt) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }

    /// @dev Sometimes anything at all, even what does not exist; mostly a task that `wanted` holds for.
    function pick(
        uint256 seed,
        function(uint256, uint32) view returns (bool) wanted
    ) internal view returns (uint256 jobId, uint32 task) {
        uint256 tasks = refs.length;
        uint256 luck = dice(seed, "task");
        if (tasks == 0 || luck % 64 == 0) return (luck % 9, uint32((luck >> 8) % 5));
        uint256 start = (luck >> 16) % tasks;
        if (luck % 8 != 0) {
            for (uint256 i = 0; i < tasks; ++i) {
                (jobId, task) = (refs[(start + i) % tasks].jobId, refs[(start + i) % tasks].task);
                if (wanted(jobId, task)) return (jobId, task);
            }
        }
        return (refs[start].jobId, refs[start].task);
    }

    function hasClaimed(uint256 jobId, uint32 task) internal view returns (bool) {
        return ghostTasks[jobId][task].status == TaskStatus.Claiming && waiting(ghostTasks[jobId][task]) != 0;
    }

    function isRevealing(uint256 jobId, uint32 task) internal view returns (bool) {
        return ghostTasks[jobId][task].status == TaskStatus.Revealing;
    }

    function hasLate(uint256 jobId, uint32 task) internal view returns (bool) {
        return hasClaimed(jobId, task) && block.timestamp >= ghostTasks[jobId][task].phaseDeadline;
    }

    function isLeavable(uint256 jobId, uint32 task) internal view returns (bool) {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status != TaskStatus.Claiming || waiting(t) != 0) return false;
        return count(t, ClaimStatus.Committed, t.firstSlot) != 0 && block.timestamp >= fillDeadline(jobId, task);
    }

    /// @dev Somebody with a seat in that phase, else anybody.
    function pickSeat(uint256 seed, uint256 jobId, uint32 task, ClaimStatus phase) internal view returns (address) {
        GhostTask storage t = ghostTasks[jobId][task];
        uint256 luck = dice(seed, "seat");
        for (uint256 i = 0; i < t.slotsOpen && luck % 8 != 0; ++i) {
            Seat storage seat = t.seats[((luck >> 8) + i) % t.slotsOpen];
            if (seat.worker != address(0) && seat.phase == phase) return seat.worker;
        }
        return worker((luck >> 16) % ACTORS);
    }

    // --- acts ---

    function claim(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, waveOpen);
        claimSome(jobId, task, seed, seed % 4 == 0 ? 1 : 16);
    }

    /// @dev The first in a random order tries in any case, then whoever may, until the wave is full.
    function claimSome(uint256 jobId, uint32 task, uint256 seed, uint256 most) internal {
        uint256 start = dice(seed, "worker") % ACTORS;
        uint256 step = 1 << (dice(seed, "step") % 3);
        uint256 claims = 0;
        for (uint256 i = 0; i < ACTORS && claims < most; ++i) {
            if (i != 0 && !waveOpen(jobId, task)) return;
            address who = worker((start + i * step) % ACTORS);
            bool valid = canClaim(jobId, task, who);
            if (i == 0 || valid) doClaim(jobId, task, who, valid);
            if (valid) ++claims;
        }
    }

    function doClaim(uint256 jobId, uint32 task, address who, bool valid) internal {
        attempt(who, address(lane), abi.encodeCall(lane.claim, (jobId, task)), valid, "claim");
        if (!valid) return;
        GhostTask storage t = ghostTasks[jobId][task];
        JobTerms storage rules = jobs[jobId].terms;
        if (t.status == TaskStatus.Idle) {
            t.status = TaskStatus.Claiming;
            t.slotsOpen = rules.quorum;
            ++jobs[jobId].active;
        }
        t.phaseDeadline = uint40(block.timestamp + rules.taskTime);
        uint256 slot = 0;
        while (t.seats[slot].worker != address(0)) ++slot;
        t.seats[slot].worker = who;
        t.seats[slot].phase = ClaimStatus.Claimed;
    }

    function commit(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, hasClaimed);
        address who = pickSeat(seed, jobId, task, ClaimStatus.Claimed);
        doCommit(jobId, task, who);
        if (seed % 4 != 0) commitAll(jobId, task);
    }

    function commitAll(uint256 jobId, uint32 task) internal {
        GhostTask storage t = ghostTasks[jobId][task];
        for (uint256 slot = 0; slot < t.slotsOpen; ++slot) {
            if (t.seats[slot].phase == ClaimStatus.Claimed) doCommit(jobId, task, t.seats[slot].worker);
        }
    }

    function doCommit(uint256 jobId, uint32 task, address who) internal {
        if (who == worker(NO_SHOW)) return;
        bytes32 commitment = sealedFor(jobId, task, who, opinionOf(jobId, task, who));
        GhostTask storage t = ghostTasks[jobId][task];
        if (who == worker(COPYCAT)) commitment = t.seats[0].commitment;
        bool valid = canCommit(jobId, task, who, commitment);
        attempt(who, address(lane), abi.encodeCall(lane.commit, (jobId, task, commitment)), valid, "commit");
        if (!valid) return;

        uint256 slot = seatOf(jobId, task, who);
        t.seats[slot].phase = ClaimStatus.Committed;
        t.seats[slot].commitment = commitment;
        if (count(t, ClaimStatus.Committed, 0) == t.slotsOpen) {
            t.status = TaskStatus.Revealing;
            t.phaseDeadline = uint40(block.timestamp + jobs[jobId].terms.taskTime);
        }
    }

    function reveal(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, isRevealing);
        address who = pickSeat(seed, jobId, task, ClaimStatus.Committed);
        GhostTask storage t = ghostTasks[jobId][task];
        // A lie instead of what was committed, or the neighbour's result.
        if (seed % 16 == 1) doReveal(jobId, task, who, keccak256("another"));
        if (seed % 16 == 2) doReveal(jobId, task, who, t.seats[0].digest);
        if (who != worker(SILENT)) doReveal(jobId, task, who, opinionOf(jobId, task, who));
        if (seed % 4 != 0) revealAll(jobId, task);
    }

    function revealAll(uint256 jobId, uint32 task) internal {
        GhostTask storage t = ghostTasks[jobId][task];
        for (uint256 slot = t.firstSlot; slot < t.slotsOpen; ++slot) {
            address who = t.seats[slot].worker;
            if (t.seats[slot].phase != ClaimStatus.Committed || who == worker(SILENT)) continue;
            doReveal(jobId, task, who, opinionOf(jobId, task, who));
        }
    }

    function doReveal(uint256 jobId, uint32 task, address who, bytes32 digest) internal {
        bool valid = canReveal(jobId, task, who, digest);
        attempt(who, address(lane), abi.encodeCall(lane.reveal, (jobId, task, digest, SALT)), valid, "reveal");
        if (!valid) return;
        Seat storage seat = ghostTasks[jobId][task].seats[seatOf(jobId, task, who)];
        seat.phase = ClaimStatus.Revealed;
        seat.digest = digest;
    }

    function settle(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, canSettle);
        doSettle(jobId, task);
    }

    function doSettle(uint256 jobId, uint32 task) internal {
        bool valid = canSettle(jobId, task);
        attempt(anyone, address(lane), abi.encodeCall(lane.settle, (jobId, task)), valid, "settle");
        if (!valid) return;
        GhostTask storage t = ghostTasks[jobId][task];
        JobTerms storage rules = jobs[jobId].terms;
        (bytes32 best, uint256 votes) = bestOf(t, rules.quorum);
        uint256 needed = uint256(t.slotsOpen) + rules.quorum - votes;
        if (votes >= rules.quorum) {
            t.result = best;
            closeTask(jobId, task, TaskStatus.Settled);
        } else if (needed <= rules.workSlots && block.timestamp < lastClose(jobId)) {
            t.status = TaskStatus.Claiming;
            t.firstSlot = t.slotsOpen;
            t.slotsOpen = uint8(needed);
            ++done["another wave"];
            drawAgain(jobId, task);
        } else {
            closeTask(jobId, task, TaskStatus.Refunded);
        }
    }

    function expireClaim(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, hasLate);
        doExpireClaim(jobId, task, pickSeat(seed, jobId, task, ClaimStatus.Claimed));
    }

    function doExpireClaim(uint256 jobId, uint32 task, address who) internal {
        bool valid = canExpireClaim(jobId, task, who);
        attempt(anyone, address(lane), abi.encodeCall(lane.expireClaim, (jobId, task, who)), valid, "expireClaim");
        if (!valid) return;
        GhostTask storage t = ghostTasks[jobId][task];
        delete t.seats[seatOf(jobId, task, who)];
        t.barred[who] = true;
        uint256 fee = (uint256(jobs[jobId].terms.stakePerClaim) * NO_SHOW_BPS + 9_999) / 10_000;
        people[who].noShowFees += fee;
        noteSlash(who, fee);
    }

    /// @dev Somebody who may, else anybody with or without a seat.
    function leaveTask(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, isLeavable);
        address who = pickSeat(seed, jobId, task, seed % 8 == 0 ? ClaimStatus.Revealed : ClaimStatus.Committed);
        bool valid = canLeave(jobId, task, who);
        attempt(who, address(lane), abi.encodeCall(lane.leaveTask, (jobId, task)), valid, "leaveTask");
        if (!valid) return;
        delete ghostTasks[jobId][task].seats[seatOf(jobId, task, who)];
        ghostTasks[jobId][task].barred[who] = true;
    }

    function reopen(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, canReopen);
        bool valid = canReopen(jobId, task);
        attempt(anyone, address(lane), abi.encodeCall(lane.reopen, (jobId, task)), valid, "reopen");
        if (!valid) return;
        if (ghostTasks[jobId][task].slotsOpen == 0) ghostTasks[jobId][task].slotsOpen = jobs[jobId].terms.quorum;
        ++ghostTasks[jobId][task].reopens;
        drawAgain(jobId, task);
    }

    function expireTask(uint256 seed) public act {
        (uint256 jobId, uint32 task) = pick(seed, canExpireTask);
        doExpireTask(jobId, task);
    }

    function doExpireTask(uint256 jobId, uint32 task) internal {
        bool valid = canExpireTask(jobId, task);
        attempt(anyone, address(lane), abi.encodeCall(lane.expireTask, (jobId, task)), valid, "expireTask");
        if (!valid) return;
        // Who committed to a wave that never filled could not reveal: it is spared as if it had.
        ghostTasks[jobId][task].expired = true;
        closeTask(jobId, task, TaskStatus.Refunded);
    }

    // --- what follows ---

    /// @dev I9, I10: at most one digest can have a quorum.
    function bestOf(GhostTask storage t, uint256 quorum) internal view returns (bytes32 best, uint256 votes) {
        for (uint256 slot = 0; slot < t.slotsOpen; ++slot) {
            if (t.seats[slot].phase != ClaimStatus.Revealed) continue;
            bytes32 digest = t.seats[slot].digest;
            uint256 equal = 0;
            for (uint256 other = 0; other < t.slotsOpen; ++other) {
                if (t.seats[other].phase == ClaimStatus.Revealed && t.seats[other].digest == digest) ++equal;
            }
            isTrue(equal < quorum || votes < quorum || digest == best, "I9: two results have a quorum");
            if (equal > votes) (best, votes) = (digest, equal);
        }
    }

    function closeTask(uint256 jobId, uint32 task, TaskStatus status) internal {
        GhostTask storage t = ghostTasks[jobId][task];
        GhostJob storage j = jobs[jobId];
        t.status = status;
        uint256 winners = 0;
        for (uint256 slot = 0; slot < t.slotsOpen; ++slot) {
            if (wins(t, slot)) ++winners;
            else if (loses(t, slot)) noteSlash(t.seats[slot].worker, j.terms.stakePerClaim);
        }
        uint256 paid = winners * j.terms.slotPrice;
        j.paid += paid;
        j.fees += (paid * j.terms.feeBps) / 10_000;
        ++done[status == TaskStatus.Settled ? "settled" : "refunded"];

        ++j.finished;
        --j.active;
        if (status == TaskStatus.Refunded && j.terms.reduceTasks != 0) j.failed = true;
        bool opens = j.finished < taskCount(jobId) && stageStart(jobId, j.finished) == j.finished;
        if (opens && !j.failed && !j.stopped) openGhostStage(jobId);
    }

    /// @dev I9: claimed, committed in time and revealed equal to the accepted result.
    function wins(GhostTask storage t, uint256 slot) internal view returns (bool) {
        Seat storage seat = t.seats[slot];
        return t.status == TaskStatus.Settled && seat.phase == ClaimStatus.Revealed && seat.digest == t.result;
    }

    /// @dev Silence loses always, a reveal only against an accepted result, and nobody who could not yet reveal.
    function loses(GhostTask storage t, uint256 slot) internal view returns (bool) {
        Seat storage seat = t.seats[slot];
        if (seat.worker == address(0)) return false;
        if (t.status == TaskStatus.Settled) return !wins(t, slot);
        if (t.status != TaskStatus.Refunded || seat.phase == ClaimStatus.Revealed) return false;
        return !(t.expired && slot >= t.firstSlot);
    }

    /// @dev The worker's own stake goes first, then its sponsor's.
    function noteSlash(address who, uint256 amount) internal {
        slashedSum += amount;
        ++done["slash"];
        mayLose(who);
        GhostAccount storage account = people[who];
        uint256 bonded = bondedOf(who);
        if (account.sponsored > bonded) {
            account.sponsored = bonded;
            mayLose(account.sponsor);
            ++done["sponsor lost"];
        }
    }

    function drawAgain(uint256 jobId, uint32 task) internal {
        ghostTasks[jobId][task].drawEpoch = epochToDraw();
        ghostTasks[jobId][task].drawnAt = uint40(block.timestamp);
        ghostTasks[jobId][task].phaseDeadline = 0;
    }

    function openGhostStage(uint256 jobId) internal {
        jobs[jobId].stageEpoch = epochToDraw();
        jobs[jobId].openedAt = uint40(block.timestamp);
    }
}
