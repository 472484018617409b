// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBountyEscrow} from "../../../contracts/interfaces/IBountyEscrow.sol";
import {IDirectLane} from "../../../contracts/interfaces/IDirectLane.sol";
import {IStakeVault} from "../../../contracts/interfaces/IStakeVault.sol";
import {ClaimStatus, ClaimView, JobTerms, TaskStatus, TaskView} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, sameAddress, sameBytes, vm} from "./Vm.sol";

/// @dev The leaves of DirectLane.tree: claim, commit, reveal, settle.
contract DirectLaneTest is MarketBase {
    uint256 internal job;
    uint256 internal closing;

    function setUp() public override {
        super.setUp();
        closing = terms().deadline;
        job = post(terms());
    }

    // --- the happy path ---

    function test_Life_HonestWorkersArePaidAndUnlocked() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        checkStatus(job, 0, TaskStatus.Revealing);
        same(lockedOf(worker(0)), CLAIM_STAKE, "locked while it works");
        reveal(job, 0, 0, RIGHT);
        reveal(job, 0, 1, RIGHT);
        vm.prank(anyone);
        lane.settle(job, 0);

        checkStatus(job, 0, TaskStatus.Settled);
        sameBytes(lane.resultOf(job, 0), RIGHT, "result");
        for (uint256 i = 0; i < 2; ++i) {
            same(escrow.creditOf(worker(i)), PRICE, "credit");
            same(lockedOf(worker(i)), 0, "unlocked");
            same(bondedOf(worker(i)), STAKE, "whole stake");
        }
        same(escrow.feeDueOf(job), (2 * PRICE * FEE_BPS) / 10_000, "fee");
        checkSolvent();
    }

    function test_Life_ResultIsReadWhoeverRevealsFirst() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        reveal(job, 0, 1, RIGHT);
        reveal(job, 0, 0, RIGHT);
        ClaimView[] memory claims = lane.claimsOf(job, 0);
        sameBytes(claims[0].digest, RIGHT, "first slot's digest");
        sameBytes(claims[1].digest, RIGHT, "second slot's digest");
        same(uint256(claims[0].status), uint256(ClaimStatus.Revealed), "claim status");
        lane.settle(job, 0);
        sameBytes(lane.resultOf(job, 0), RIGHT, "result");
    }

    function test_Life_HighestSlotRevealsFirst_AndAllCountTogether() public {
        JobTerms memory wide = terms();
        (wide.quorum, wide.workSlots) = (15, 16);
        job = post(wide);
        bytes32[] memory digests = new bytes32[](15);
        for (uint256 i = 0; i < 15; ++i) digests[i] = RIGHT;
        fill(job, 0, 0, digests);
        for (uint256 i = 15; i > 0; --i) reveal(job, 0, i - 1, RIGHT);
        lane.settle(job, 0);
        checkStatus(job, 0, TaskStatus.Settled);
        for (uint256 i = 0; i < 15; ++i) same(escrow.creditOf(worker(i)), PRICE, "paid");
    }

    function checkClaim(uint256 slot, ClaimStatus status, uint256 commitDeadline, bytes32 digest) private view {
        ClaimView memory told = lane.claimsOf(job, 0)[slot];
        same(uint256(told.status), uint256(status), "status");
        same(told.commitDeadline, commitDeadline, "time to commit");
        sameBytes(told.digest, digest, "digest");
        sameBytes(lane.resultOf(job, 0), 0, "no result yet");
    }

    function test_ClaimsOf_TellsEachStep() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        uint256 due = block.timestamp + TASK_TIME;
        checkClaim(1, ClaimStatus.Claimed, due, 0);
        commit(job, 0, 1, RIGHT);
        checkClaim(0, ClaimStatus.Claimed, due, 0);
        checkClaim(1, ClaimStatus.Committed, 0, sealedFor(job, 0, worker(1), RIGHT));
        commit(job, 0, 0, RIGHT);
        reveal(job, 0, 0, RIGHT);
        checkClaim(0, ClaimStatus.Revealed, 0, RIGHT);
        checkClaim(1, ClaimStatus.Committed, 0, sealedFor(job, 0, worker(1), RIGHT));
        reveal(job, 0, 1, RIGHT);
        checkClaim(1, ClaimStatus.Revealed, 0, RIGHT);
    }

    // --- claim ---

    function test_RevertWhen_JobUnknown() public {
        expectError(IDirectLane.JobUnknown.selector);
        claim(99, 0, 0);
    }

    function test_RevertWhen_TaskUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.TaskUnknown.selector, job, 1, 1));
        claim(job, 1, 0);
    }

    function test_Claim_DeadlineEdge() public {
        vm.warp(closing - 1);
        claim(job, 0, 0);
        vm.warp(closing);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.ClaimTooLate.selector, job, closing, closing));
        claim(job, 0, 1);
        vm.warp(closing + 1);
        expectError(IDirectLane.ClaimTooLate.selector);
        claim(job, 0, 1);
    }

    function test_RevertGiven_JobStopped_WhenTaskIsNew() public {
        vm.prank(requester);
        escrow.stop(job);
        expectError(IDirectLane.JobEnded.selector);
        claim(job, 0, 0);
    }

    function test_Claim_GivenJobStopped_MissingReplicaMayJoin() public {
        claim(job, 0, 0);
        vm.prank(requester);
        escrow.stop(job);
        claim(job, 0, 1);
        same(lane.taskOf(job, 0).claimed, 2, "claimed");
    }

    function test_RevertWhen_WaveFull() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        expectError(IDirectLane.WaveFull.selector);
        claim(job, 0, 2);
    }

    function test_RevertWhen_ClaimedTwice() public {
        claim(job, 0, 0);
        expectError(IDirectLane.AlreadyClaimed.selector);
        claim(job, 0, 0);
    }

    function test_RevertWhen_NoStake() public {
        // Without stake at all a claim fails on the lock, before the draw is looked at.
        expectError(IStakeVault.StakeNotFree.selector);
        vm.prank(anyone);
        lane.claim(job, 0);
    }

    function test_RevertGiven_StakeTooRecent() public {
        stakeAs(anyone, STAKE);
        isTrue(!lane.isDrawn(job, 0, anyone), "stake counts as at the epoch before");
        expectError(IDirectLane.NotDrawn.selector);
        vm.prank(anyone);
        lane.claim(job, 0);
    }

    function test_RevertGiven_SeedUnknown() public {
        seeds.set(lane.drawEpochOf(job, 0), 0);
        vm.warp(block.timestamp + RAMP_TIME); // by now any other seed would have drawn everybody
        isTrue(!lane.isDrawn(job, 0, worker(0)), "nobody is drawn by a zero seed");
        expectError(IDirectLane.NotDrawn.selector);
        claim(job, 0, 0);
    }

    function test_RevertGiven_FreeStakeGone() public {
        vm.prank(worker(0));
        vault.unbond(STAKE - CLAIM_STAKE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.StakeNotFree.selector, worker(0), CLAIM_STAKE, CLAIM_STAKE - 1)
        );
        claim(job, 0, 0);
    }

    function test_Draw_CandidatesGrowEvenlyWithTime() public {
        for (uint256 i = 16; i < 216; ++i) stakeAs(worker(i), STAKE);
        vm.roll(block.number + 8);
        uint256 id = post(terms());
        uint256 start = block.timestamp - RAMP_TIME;
        uint256[4] memory atThird;
        for (uint256 i = 0; i < 216; ++i) {
            uint256 time = lane.drawnFrom(id, 0, worker(i));
            for (uint256 third = 0; third < 4; ++third) {
                vm.warp(start + (third * RAMP_TIME) / 3);
                bool may = time != 0 && time <= block.timestamp;
                isTrue(lane.isDrawn(id, 0, worker(i)) == may, "both views agree");
                if (may) ++atThird[third];
            }
        }
        // 0, 5.3, 10.7 and 16 of 216 are expected with two slots.
        same(atThird[0], 0, "nobody in the block that records the seed");
        isTrue(atThird[1] < atThird[2] && atThird[2] < atThird[3], "more with time");
        isTrue(atThird[1] <= 12 && atThird[3] >= 6 && atThird[3] <= 30, "about eight a slot in the end");
    }

    function test_Draw_WaitEdge() public {
        for (uint256 i = 16; i < 216; ++i) stakeAs(worker(i), STAKE);
        vm.roll(block.number + 8);
        uint256 id = post(terms());
        uint256 drawn = 0;
        while (lane.drawnFrom(id, 0, worker(drawn)) == 0) ++drawn;
        uint256 time = lane.drawnFrom(id, 0, worker(drawn));
        vm.warp(time - 1);
        expectError(IDirectLane.NotDrawn.selector);
        claim(id, 0, drawn);
        vm.warp(time);
        claim(id, 0, drawn);
    }

    function test_Draw_WhoIsNotDrawnNeverMayClaim() public {
        for (uint256 i = 16; i < 216; ++i) stakeAs(worker(i), STAKE);
        vm.roll(block.number + 8);
        uint256 id = post(terms());
        uint256 unlucky = 0;
        while (lane.drawnFrom(id, 0, worker(unlucky)) != 0) ++unlucky;
        vm.warp(block.timestamp + 5_000);
        isTrue(!lane.isDrawn(id, 0, worker(unlucky)), "not drawn");
        expectError(IDirectLane.NotDrawn.selector);
        claim(id, 0, unlucky);
        same(lockedOf(worker(unlucky)), 0, "nothing stays locked");
    }

    // --- commit ---

    function test_RevertWhen_CommitWithoutClaim() public {
        claim(job, 0, 0);
        expectError(IDirectLane.NoClaim.selector);
        commit(job, 0, 1, RIGHT);
    }

    function test_RevertWhen_CommitTwice() public {
        claim(job, 0, 0);
        commit(job, 0, 0, RIGHT);
        expectError(IDirectLane.AlreadyCommitted.selector);
        commit(job, 0, 0, WRONG);
    }

    function test_RevertWhen_CommitmentIsZero() public {
        claim(job, 0, 0);
        expectError(IDirectLane.DigestZero.selector);
        vm.prank(worker(0));
        lane.commit(job, 0, 0);
    }

    function test_RevertWhen_CommitBeforeAnyClaim() public {
        expectError(IDirectLane.TaskStatusWrong.selector);
        commit(job, 0, 0, RIGHT);
    }

    function test_Commit_DeadlineEdge() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        uint256 deadline = lane.taskOf(job, 0).phaseDeadline;
        same(deadline, block.timestamp + TASK_TIME, "commit deadline");

        vm.warp(deadline - 1);
        expectError(IDirectLane.TooEarly.selector);
        lane.expireClaim(job, 0, worker(0));
        commit(job, 0, 0, RIGHT);

        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.CommitTooLate.selector, job, deadline, deadline));
        commit(job, 0, 1, RIGHT);
        lane.expireClaim(job, 0, worker(1));
    }

    function test_Commit_LaterClaimGivesEverybodyTime() public {
        claim(job, 0, 0);
        uint256 first = lane.taskOf(job, 0).phaseDeadline;
        vm.warp(block.timestamp + 60);
        claim(job, 0, 1);
        same(lane.taskOf(job, 0).phaseDeadline, first + 60, "moved");
        vm.warp(first + 1);
        commit(job, 0, 0, RIGHT);
    }

    function test_Commit_LastOneOpensReveals() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        commit(job, 0, 0, RIGHT);
        expectError(IDirectLane.TaskStatusWrong.selector);
        reveal(job, 0, 0, RIGHT);
        vm.expectEmit();
        emit IDirectLane.ResultCommitted(job, 0, worker(1), sealedFor(job, 0, worker(1), RIGHT));
        vm.expectEmit();
        emit IDirectLane.RevealsOpened(job, 0, uint40(block.timestamp + TASK_TIME));
        commit(job, 0, 1, RIGHT);
    }

    // --- reveal ---

    function test_RevertWhen_CommitmentCopied() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        bytes32 honest = sealedFor(job, 0, worker(0), RIGHT);
        vm.prank(worker(0));
        lane.commit(job, 0, honest);
        vm.prank(worker(1));
        lane.commit(job, 0, honest);
        reveal(job, 0, 0, RIGHT);
        expectError(IDirectLane.CommitmentMismatch.selector);
        reveal(job, 0, 1, RIGHT);
    }

    /// @dev A commitment that was made for a fork of the chain, or for another lane of it, opens nothing here.
    function test_RevertWhen_CommitmentIsOfAnotherChainOrLane() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        bytes32 elsewhere = keccak256(abi.encode(1, address(lane), job, 0, worker(0), RIGHT, SALT));
        bytes32 otherwise = keccak256(abi.encode(31337, address(escrow), job, 0, worker(1), RIGHT, SALT));
        vm.prank(worker(0));
        lane.commit(job, 0, elsewhere);
        vm.prank(worker(1));
        lane.commit(job, 0, otherwise);
        expectError(IDirectLane.CommitmentMismatch.selector);
        reveal(job, 0, 1, RIGHT);
        expectError(IDirectLane.CommitmentMismatch.selector);
        reveal(job, 0, 0, RIGHT);
        // On the fork that it was made for it opens.
        vm.chainId(1);
        reveal(job, 0, 0, RIGHT);
    }

    function test_RevertWhen_RevealOfAnother() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        expectError(IDirectLane.NoClaim.selector);
        reveal(job, 0, 2, RIGHT);
    }

    function test_RevertWhen_RevealTwice() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        reveal(job, 0, 0, RIGHT);
        expectError(IDirectLane.AlreadyRevealed.selector);
        reveal(job, 0, 0, RIGHT);
    }

    function test_RevertWhen_RevealDiffersFromCommitment() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        expectError(IDirectLane.CommitmentMismatch.selector);
        reveal(job, 0, 0, WRONG);
    }

    function test_RevertWhen_DigestIsZero() public {
        fill(job, 0, 0, both(0, RIGHT));
        expectError(IDirectLane.DigestZero.selector);
        reveal(job, 0, 0, 0);
    }

    function test_Reveal_DeadlineEdge() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        uint256 deadline = lane.taskOf(job, 0).phaseDeadline;
        vm.warp(deadline - 1);
        expectError(IDirectLane.TooEarly.selector);
        lane.settle(job, 0);
        reveal(job, 0, 0, RIGHT);

        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.RevealTooLate.selector, job, deadline, deadline));
        reveal(job, 0, 1, RIGHT);
        lane.settle(job, 0);
    }

    function test_Reveal_RunsOnAfterTheJobsDeadline() public {
        vm.warp(closing - 1);
        claim(job, 0, 0);
        claim(job, 0, 1);
        vm.warp(block.timestamp + TASK_TIME - 1);
        commit(job, 0, 0, RIGHT);
        commit(job, 0, 1, RIGHT);
        vm.warp(block.timestamp + TASK_TIME - 1);
        reveal(job, 0, 0, RIGHT);
        reveal(job, 0, 1, RIGHT);
        lane.settle(job, 0);
        same(escrow.creditOf(worker(0)), PRICE, "paid");
    }

    // --- settle ---

    function test_RevertWhen_SettledBeforeReveals() public {
        claim(job, 0, 0);
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.settle(job, 0);
    }

    function test_RevertWhen_SettledTwice() public {
        finish(job, 0);
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.settle(job, 0);
    }

    function test_RevertGiven_TaskSettled_EveryAct() public {
        finish(job, 0);
        expectError(IDirectLane.TaskStatusWrong.selector);
        claim(job, 0, 5);
        expectError(IDirectLane.TaskStatusWrong.selector);
        commit(job, 0, 0, RIGHT);
        expectError(IDirectLane.TaskStatusWrong.selector);
        reveal(job, 0, 0, RIGHT);
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.expireClaim(job, 0, worker(0));
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.reopen(job, 0);
        vm.warp(closing);
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.expireTask(job, 0);
    }

    function test_Settle_LastRevealerSilent_OthersDecideAndTheSilentPays() public {
        fillAndReveal(job, 0, 0, both(RIGHT, WRONG));
        lane.settle(job, 0);
        know(job, 0);
        fill(job, 0, 2, one(RIGHT)); // it decides, and says nothing
        expectError(IDirectLane.TooEarly.selector);
        lane.settle(job, 0);
        vm.warp(lane.taskOf(job, 0).phaseDeadline);
        lane.settle(job, 0);
        know(job, 0);
        fillAndReveal(job, 0, 3, one(RIGHT));
        lane.settle(job, 0);
        checkStatus(job, 0, TaskStatus.Settled);
        same(bondedOf(worker(1)), STAKE - CLAIM_STAKE, "the liar pays");
        same(bondedOf(worker(2)), STAKE - CLAIM_STAKE, "and so does the silent one");
        same(vault.slashPool(), 2 * CLAIM_STAKE, "all of it will burn");
        same(escrow.creditOf(worker(0)) + escrow.creditOf(worker(3)), 2 * PRICE, "the others are paid");
        checkSolvent();
    }

    function test_Settle_SilentInLastWave_IsSlashedLikeALiar() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        reveal(job, 0, 0, RIGHT);
        vm.warp(lane.taskOf(job, 0).phaseDeadline);
        lane.settle(job, 0);
        TaskView memory task = lane.taskOf(job, 0);
        same(uint256(task.status), uint256(TaskStatus.Claiming), "one more replica");
        same(task.slotsOpen, 3, "slots");
        same(task.firstSlot, 2, "the wave starts behind the silent one");

        know(job, 0);
        fill(job, 0, 2, one(RIGHT));
        expectError(IDirectLane.RevealTooLate.selector);
        reveal(job, 0, 1, RIGHT);
        reveal(job, 0, 2, RIGHT);
        lane.settle(job, 0);
        same(bondedOf(worker(1)), STAKE - CLAIM_STAKE, "silence costs the stake");
        same(escrow.creditOf(worker(0)) + escrow.creditOf(worker(2)), 2 * PRICE, "the others are paid");
        same(escrow.creditOf(worker(1)), 0, "the silent is not");
        checkSolvent();
    }

    function test_Settle_SecondWaveNeedsNobodyFromTheFirst() public {
        fillAndReveal(job, 0, 0, both(RIGHT, WRONG));
        lane.settle(job, 0);
        know(job, 0);
        fill(job, 0, 2, one(RIGHT));
        reveal(job, 0, 2, RIGHT);
        // All of this wave have revealed: no need to wait.
        lane.settle(job, 0);
        checkStatus(job, 0, TaskStatus.Settled);
    }

    function test_Settle_AllDiffer_RefundsAndSlashesNobody() public {
        fillAndReveal(job, 0, 0, both(keccak256("a"), keccak256("b")));
        lane.settle(job, 0);
        know(job, 0);
        fillAndReveal(job, 0, 2, one(keccak256("c")));
        lane.settle(job, 0);
        know(job, 0);
        fillAndReveal(job, 0, 3, one(keccak256("d")));
        lane.settle(job, 0);

        checkStatus(job, 0, TaskStatus.Refunded);
        for (uint256 i = 0; i < 4; ++i) {
            same(bondedOf(worker(i)), STAKE, "nobody who revealed is slashed");
            same(lockedOf(worker(i)), 0, "unlocked");
            same(escrow.creditOf(worker(i)), 0, "nor paid");
        }
        uint256 bounty = escrow.bountyFor(terms());
        same(escrow.refund(job), bounty, "everything goes back");
        same(escrow.creditOf(requester), bounty, "as credit");
        checkSolvent();
    }

    function test_Settle_NobodyReveals_AllSilentPayAndTheRequesterIsRefunded() public {
        JobTerms memory wanted = terms();
        wanted.workSlots = 3;
        uint256 id = post(wanted);
        fill(id, 0, 0, both(RIGHT, RIGHT));
        vm.warp(lane.taskOf(id, 0).phaseDeadline);
        lane.settle(id, 0);
        checkStatus(id, 0, TaskStatus.Refunded);
        same(vault.slashPool(), 2 * CLAIM_STAKE, "both pay");
        same(escrow.refund(id), escrow.bountyFor(wanted), "refunded");
        checkSolvent();
    }

    function test_Settle_AfterTheGrace_OpensNoMoreReplicas() public {
        fill(job, 0, 0, both(RIGHT, WRONG));
        reveal(job, 0, 0, RIGHT);
        reveal(job, 0, 1, WRONG);
        vm.warp(closing + DRAW_TIME + 4 * TASK_TIME);
        lane.settle(job, 0);
        checkStatus(job, 0, TaskStatus.Refunded);
        same(bondedOf(worker(0)) + bondedOf(worker(1)), 2 * STAKE, "nobody is slashed");
    }

    function test_Settle_HopelessWaveIsNotOpened() public {
        JobTerms memory wanted = terms();
        (wanted.quorum, wanted.workSlots) = (3, 4);
        uint256 id = post(wanted);
        bytes32[] memory digests = new bytes32[](3);
        (digests[0], digests[1], digests[2]) = (keccak256("a"), keccak256("b"), keccak256("c"));
        fillAndReveal(id, 0, 0, digests);
        lane.settle(id, 0);
        // Two more would be needed and only one is priced.
        checkStatus(id, 0, TaskStatus.Refunded);
    }

    function test_Settle_OneLiarOfThree() public {
        JobTerms memory wanted = terms();
        (wanted.quorum, wanted.workSlots) = (2, 4);
        uint256 id = post(wanted);
        fillAndReveal(id, 0, 0, both(WRONG, RIGHT));
        lane.settle(id, 0);
        know(id, 0);
        fillAndReveal(id, 0, 2, one(RIGHT));
        vm.expectEmit();
        emit IDirectLane.TaskSettled(id, 0, RIGHT, 2);
        lane.settle(id, 0);
        same(bondedOf(worker(0)), STAKE - CLAIM_STAKE, "slashed");
        same(escrow.creditOf(worker(0)), 0, "not paid");
        same(escrow.creditOf(worker(1)), PRICE, "paid");
        same(escrow.creditOf(worker(2)), PRICE, "paid equally");
        checkSolvent();
    }

    function test_Settle_SixteenReplicas() public {
        JobTerms memory wanted = terms();
        (wanted.quorum, wanted.workSlots) = (15, 16);
        uint256 id = post(wanted);
        bytes32[] memory digests = new bytes32[](15);
        for (uint256 i = 0; i < 15; ++i) digests[i] = i == 7 ? WRONG : RIGHT;
        fillAndReveal(id, 0, 0, digests);
        lane.settle(id, 0);
        decideWith(id, 15);
        uint256 gasBefore = gasleft();
        lane.settle(id, 0);
        isTrue(gasBefore - gasleft() < 1_500_000, "bounded gas at the largest number of replicas");
        for (uint256 i = 0; i < 16; ++i) {
            same(escrow.creditOf(worker(i)), i == 7 ? 0 : PRICE, "each but the liar is paid");
            same(lockedOf(worker(i)), 0, "each is unlocked");
        }
        ClaimView[] memory claims = lane.claimsOf(id, 0);
        for (uint256 i = 0; i < 16; ++i) sameAddress(claims[i].worker, worker(i), "seat");
        checkSolvent();
    }

    /// @dev The last replica's draw happens to choose this worker.
    function decideWith(uint256 id, uint256 who) private {
        know(id, 0);
        uint32 drawEpoch = lane.drawEpochOf(id, 0);
        for (uint256 i = 0; lane.drawnFrom(id, 0, worker(who)) == 0; ++i)
            seeds.set(drawEpoch, keccak256(abi.encode(i)));
        vm.warp(block.timestamp + RAMP_TIME);
        claim(id, 0, who);
        commit(id, 0, who, RIGHT);
        reveal(id, 0, who, RIGHT);
    }
}
