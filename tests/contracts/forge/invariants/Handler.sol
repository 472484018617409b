// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClaimStatus, JobTerms, TaskStatus} from "../../../../contracts/types/Market.sol";
import {isTrue, same, vm} from "../Vm.sol";
import {Checks} from "./Checks.sol";

/// @dev What forge may call, at random: the acts of everybody, time, and those who try what is not theirs.
contract Handler is Checks {
    uint256 private constant WALLET = 600 ether;
    uint32 private _seedsTo;
    bytes4[] private _selectors;

    function setUp() public override {
        super.setUp();
        ++round;
        for (uint256 i = 0; i < ACTORS; ++i) {
            everybody.push(worker(i));
            token.mint(worker(i), WALLET);
            people[worker(i)].stakedIn = STAKE;
        }
        fund(sponsor, 50_000 ether, address(vault));
        fund(rival, 50_000 ether, address(vault));
        fund(anyone, 1_000_000 ether, address(escrow));
        fund(donor, 1_000 ether, address(vault));
        address[6] memory others = [sponsor, rival, anyone, donor, requester, orchestrator];
        for (uint256 i = 0; i < others.length; ++i) everybody.push(others[i]);

        JobTerms memory batch = terms();
        batch.lane = address(otherLane);
        batch.slotPrice = 100 ether;
        batch.stakePerClaim = 100 ether;
        batch.workSlots = 16;
        doPost(batch, requester);
        batchJob = escrow.jobCount();
        _seedsTo = seeds.currentEpoch();
        for (uint256 i = 0; i < everybody.length; ++i) wealthOf[everybody[i]] = wealthNow(everybody[i]);
        supply = token.totalSupply();
        _offer();
    }

    /// @notice What forge may call; it draws evenly, so what stands there twice is tried twice as often.
    function selectors() external view returns (bytes4[] memory) {
        return _selectors;
    }

    function _offer() private {
        _offer(5, [this.claim.selector, this.commit.selector, this.reveal.selector, this.passTime.selector]);
        _offer(3, [this.settle.selector, this.claim.selector, this.post.selector, this.reveal.selector]);
        _offer(2, [this.expireClaim.selector, this.withdraw.selector, this.unbond.selector, this.backWorker.selector]);
        _offer(1, [this.reopen.selector, this.expireTask.selector, this.stop.selector, this.unsponsor.selector]);
        _offer(1, [this.stake.selector, this.allot.selector, this.unallot.selector, this.releaseAllotment.selector]);
        _offer(
            1,
            [this.withdrawStake.selector, this.burnSlashed.selector, this.donate.selector, this.trespass.selector]
        );
        _selectors.push(this.acceptSponsor.selector);
        for (uint256 i = 0; i < 2; ++i) _selectors.push(this.leaveTask.selector);
        for (uint256 i = 0; i < 4; ++i) _selectors.push(this.live.selector);
        _selectors.push(this.refund.selector);
        _selectors.push(this.settleBatch.selector);
    }

    function _offer(uint256 times, bytes4[4] memory four) private {
        for (uint256 i = 0; i < 4 * times; ++i) _selectors.push(four[i % 4]);
    }

    // --- time ---

    /// @dev Some seconds, or to a moment before, at or after some task's deadline.
    function passTime(uint256 seed) public act {
        uint256 target = block.timestamp + 1 + (dice(seed, "seconds") % 50);
        if (refs.length != 0 && seed % 4 == 0) {
            Ref storage ref = refs[dice(seed, "task") % refs.length];
            uint256 which = dice(seed, "which") % 4;
            uint256 edge = ghostTasks[ref.jobId][ref.task].phaseDeadline;
            if (which == 0) edge = closesAt(ref.jobId, ref.task);
            if (which == 1) edge = fillDeadline(ref.jobId, ref.task);
            edge += dice(seed, "edge") % 3;
            if (edge > block.timestamp + 1 && edge < block.timestamp + 400) target = edge - 1;
        }
        moveTo(target, seed);
    }

    /// @dev The honest are never late: whoever has to act before then does.
    function moveTo(uint256 target, uint256 seed) internal {
        for (uint256 i = 0; i < refs.length; ++i) {
            (uint256 jobId, uint32 task) = (refs[i].jobId, refs[i].task);
            actInTime(jobId, task, target, ClaimStatus.Claimed);
            actInTime(jobId, task, target, ClaimStatus.Committed);
        }
        uint256 blocks = 1 + (target - block.timestamp) / 6;
        vm.warp(target);
        vm.roll(block.number + blocks);
        for (uint32 epoch = _seedsTo + 1; epoch <= seeds.currentEpoch(); ++epoch) {
            // Now and then nobody records a seed in time.
            if (dice(seed, "missed") % 16 == 0) continue;
            seeds.set(epoch, keccak256(abi.encode("seed", epoch)));
            seededIn[epoch] = block.timestamp;
        }
        _seedsTo = seeds.currentEpoch();
    }

    function actInTime(uint256 jobId, uint32 task, uint256 target, ClaimStatus phase) internal {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.phaseDeadline > target || block.timestamp >= t.phaseDeadline) return;
        for (uint256 slot = t.firstSlot; slot < t.slotsOpen; ++slot) {
            address who = t.seats[slot].worker;
            if (t.seats[slot].phase != phase || uint160(who) >= 0x2000 + HONEST) continue;
            if (t.status == TaskStatus.Claiming && phase == ClaimStatus.Claimed) doCommit(jobId, task, who);
            else if (t.status == TaskStatus.Revealing) doReveal(jobId, task, who, opinionOf(jobId, task, who));
        }
    }

    /// @dev A whole life at once, of as many waves as it takes: by single acts alone few tasks would come that far.
    function live(uint256 seed) external act {
        (uint256 jobId, uint32 task) = pick(seed, waveOpen);
        for (uint256 wave = 0; wave < 3 && waveOpen(jobId, task); ++wave) {
            moveTo(block.timestamp + 30, seed); // the draw's epoch begins
            moveTo(block.timestamp + RAMP_TIME, seed); // the ramp is over
            claimSome(jobId, task, dice(seed, "wave") + wave, 16);
            commitAll(jobId, task);
            revealAll(jobId, task);
            GhostTask storage t = ghostTasks[jobId][task];
            if (isRevealing(jobId, task) && !canSettle(jobId, task)) moveTo(t.phaseDeadline, seed);
            if (isRevealing(jobId, task)) doSettle(jobId, task);
        }
    }

    // --- who tries what is not theirs ---

    function trespass(uint256 seed) public act {
        address who = everybody[dice(seed, "who") % everybody.length];
        address victim = worker(dice(seed, "victim") % ACTORS);
        uint256 jobId = 1 + (dice(seed, "job") % escrow.jobCount());
        address[] memory one = new address[](1);
        one[0] = who;
        JobTerms memory wanted = jobs[jobId].terms;
        attempt(who, address(vault), abi.encodeCall(vault.lock, (victim, 1, block.number - 1)), false, "lock");
        attempt(who, address(vault), abi.encodeCall(vault.unlock, (one, 1)), false, "unlock");
        attempt(who, address(vault), abi.encodeCall(vault.slash, (victim, 1, 1)), false, "slash");
        bytes memory data = abi.encodeCall(vault.slashAllotted, (victim, orchestrator, 1, 1));
        attempt(who, address(vault), data, false, "slashAllotted");
        attempt(who, address(escrow), abi.encodeCall(escrow.settleTask, (jobId, one, 1, 0)), false, "settleTask");
        attempt(who, address(lane), abi.encodeCall(lane.openJob, (jobId, wanted)), false, "openJob");
        attempt(who, address(lane), abi.encodeCall(lane.stopJob, (jobId)), false, "stopJob");
        // The other lane may not pay from this lane's jobs.
        if (jobId != batchJob) {
            data = abi.encodeCall(otherLane.settleTask, (jobId, one, 1, 0));
            attempt(who, address(otherLane), data, false, "settleTask by the other lane");
        }
    }

    // --- the end ---

    /// @notice After the last deadline everybody gets out, with buttons that are there for anyone.
    function getOut() external act {
        for (uint256 i = 0; i < ACTORS; ++i) doUnallot(worker(i), worker(i), people[worker(i)].allotted);
        moveTo(lastDeadline() + UNBONDING, 1);
        endTasks();
        moveTo(lastDeadline(), 1); // those who committed late may still reveal until then
        endTasks();

        otherLane.setProgress(1, 0, false);
        jobs[batchJob].finished = 1;
        for (uint256 i = 0; i < jobIds.length; ++i) doRefund(jobIds[i], anyone);
        doRefund(batchJob, anyone);
        for (uint256 i = 0; i < ACTORS; ++i) {
            address who = worker(i);
            doRelease(who);
            if (people[who].sponsor != address(0)) doUnsponsor(who, people[who].sponsor);
            uint256 own = bondedOf(who);
            doUnbond(who, own, own);
        }
        moveTo(block.timestamp + UNBONDING, 1);
        for (uint256 i = 0; i < everybody.length; ++i) {
            doWithdrawStake(everybody[i]);
            doWithdraw(everybody[i], 2);
        }
        checkEverybodyOut();
    }

    function endTasks() internal {
        for (uint256 i = 0; i < refs.length; ++i) {
            (uint256 jobId, uint32 task) = (refs[i].jobId, refs[i].task);
            if (!isOpen(jobId, task)) continue;
            if (canSettle(jobId, task)) {
                doSettle(jobId, task);
                continue;
            }
            for (uint256 w = 0; w < ACTORS; ++w) {
                if (canExpireClaim(jobId, task, worker(w))) doExpireClaim(jobId, task, worker(w));
            }
            if (canExpireTask(jobId, task)) doExpireTask(jobId, task);
        }
    }

    function lastDeadline() internal view returns (uint256 last) {
        last = block.timestamp + 1;
        for (uint256 i = 0; i < refs.length; ++i) {
            uint256 job = lastClose(refs[i].jobId);
            uint256 phase = ghostTasks[refs[i].jobId][refs[i].task].phaseDeadline;
            if (job > last) last = job;
            if (isOpen(refs[i].jobId, refs[i].task) && phase > last) last = phase;
        }
    }

    function checkEverybodyOut() internal view {
        for (uint256 i = 0; i < refs.length; ++i) {
            isTrue(!isOpen(refs[i].jobId, refs[i].task), "I5: a task is open after its last deadline");
        }
        for (uint256 i = 0; i < jobIds.length; ++i) {
            same(escrow.escrowOf(jobIds[i]) + escrow.feeDueOf(jobIds[i]), 0, "I3: something stays in a job for ever");
        }
        uint256 idle = (16 - ACTORS) * STAKE;
        same(escrow.totalOwed(), 0, "exit: the escrow owes nobody");
        same(vault.totalOwed(), idle + vault.slashPool(), "exit: the vault owes the idle and the fire");
        for (uint256 i = 0; i < ACTORS; ++i) {
            (uint256 bonded, uint256 locked, uint256 unbonding, ) = vault.accountOf(worker(i));
            same(bonded + locked + unbonding, 0, "exit: stake stays behind");
        }
    }
}
