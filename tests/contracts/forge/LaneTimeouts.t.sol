// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBountyEscrow} from "../../../contracts/interfaces/IBountyEscrow.sol";
import {IDirectLane} from "../../../contracts/interfaces/IDirectLane.sol";
import {JobTerms, TaskStatus, TaskView} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, sameAddress, vm} from "./Vm.sol";

/// @dev The leaves of DirectLane.tree: expireClaim, reopen, expireTask. Each ends a wait that nobody else ended.
contract LaneTimeoutsTest is MarketBase {
    uint256 internal job;
    uint256 internal closing;

    function setUp() public override {
        super.setUp();
        closing = terms().deadline;
        job = post(terms());
    }

    function passPhase() private {
        vm.warp(lane.taskOf(job, 0).phaseDeadline);
    }

    function passFill() private {
        vm.warp(lane.taskOf(job, 0).fillDeadline);
    }

    // --- expireClaim ---

    function test_ExpireClaim_TakesTheFeeAndBars() public {
        claim(job, 0, 0);
        passPhase();
        uint256 fee = (CLAIM_STAKE * NO_SHOW_BPS) / 10_000;
        vm.expectEmit();
        emit IDirectLane.ClaimExpired(job, 0, worker(0), fee);
        vm.prank(anyone);
        lane.expireClaim(job, 0, worker(0));

        same(bondedOf(worker(0)), STAKE - fee, "the fee is gone");
        same(lockedOf(worker(0)), 0, "the rest is free");
        same(vault.slashPool(), fee, "it will burn");
        isTrue(lane.isBarred(job, 0, worker(0)), "barred");
        expectError(IDirectLane.Barred.selector);
        claim(job, 0, 0);
        claim(job, 0, 1);
        same(lane.claimsOf(job, 0).length, 1, "the slot was free again");
        checkSolvent();
    }

    function test_ExpireClaim_ASeatForgetsWhoSatThere() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        commit(job, 0, 0, RIGHT);
        for (uint256 i = 1; i < 4; ++i) {
            passPhase();
            lane.expireClaim(job, 0, worker(i));
            claim(job, 0, i + 1);
        }
        sameAddress(lane.claimsOf(job, 0)[1].worker, worker(4), "the second seat is the last one's");
        commit(job, 0, 4, RIGHT);
        checkStatus(job, 0, TaskStatus.Revealing);
    }

    function test_ExpireClaim_FeeIsRoundedUp() public {
        JobTerms memory odd = terms();
        (odd.slotPrice, odd.stakePerClaim) = (1001, 1001);
        uint256 id = post(odd);
        claim(id, 0, 0);
        vm.warp(lane.taskOf(id, 0).phaseDeadline);
        lane.expireClaim(id, 0, worker(0));
        same(vault.slashPool(), 51, "50.05 rounded up");
    }

    function test_RevertWhen_ExpiringACommittedClaim() public {
        claim(job, 0, 0);
        commit(job, 0, 0, RIGHT);
        passPhase();
        expectError(IDirectLane.AlreadyCommitted.selector);
        lane.expireClaim(job, 0, worker(0));
    }

    function test_RevertWhen_ExpiringTwice() public {
        claim(job, 0, 0);
        passPhase();
        lane.expireClaim(job, 0, worker(0));
        expectError(IDirectLane.NoClaim.selector);
        lane.expireClaim(job, 0, worker(0));
    }

    function test_RevertWhen_ExpiringAStranger() public {
        claim(job, 0, 0);
        passPhase();
        expectError(IDirectLane.NoClaim.selector);
        lane.expireClaim(job, 0, anyone);
    }

    function test_ExpireClaim_FreedSlotTakesAnotherWorker_AndTheTaskSettles() public {
        claim(job, 0, 0);
        claim(job, 0, 1);
        commit(job, 0, 1, RIGHT);
        passPhase();
        lane.expireClaim(job, 0, worker(0));
        claim(job, 0, 2);
        commit(job, 0, 2, RIGHT);
        reveal(job, 0, 1, RIGHT);
        reveal(job, 0, 2, RIGHT);
        lane.settle(job, 0);
        same(escrow.creditOf(worker(1)) + escrow.creditOf(worker(2)), 2 * PRICE, "both are paid");
        same(escrow.creditOf(worker(0)), 0, "the no-show is not");
        checkSolvent();
    }

    // --- reopen ---

    function test_Reopen_DeadlineEdge() public {
        claim(job, 0, 0);
        commit(job, 0, 0, RIGHT);
        uint256 due = lane.taskOf(job, 0).fillDeadline;
        passDraw(job, 0);
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.TooEarly.selector, job, due, due - 1));
        lane.reopen(job, 0);
        vm.warp(due);
        uint32 epoch = seeds.unknownEpoch();
        vm.expectEmit();
        emit IDirectLane.TaskReopened(job, 0, 2, epoch, 1);
        lane.reopen(job, 0);
        TaskView memory task = lane.taskOf(job, 0);
        same(task.drawEpoch, epoch, "a new draw");
        same(task.phaseDeadline, 0, "nobody has to commit yet");
        same(task.fillDeadline, due + DRAW_TIME + TASK_TIME, "and time for it");
        isTrue(!lane.isDrawn(job, 0, worker(1)), "whose seed is not known yet");
        know(job, 0);
        claim(job, 0, 1);
    }

    function test_Reopen_OfAnUntouchedTask_WhenItsSeedWasMissed() public {
        JobTerms memory wanted = terms();
        vm.prank(requester);
        uint256 id = escrow.postJob(wanted);
        vm.warp(lane.taskOf(id, 0).fillDeadline);
        passDraw(id, 0);
        lane.reopen(id, 0);
        checkStatus(id, 0, TaskStatus.Idle);
        know(id, 0);
        claim(id, 0, 0);
    }

    function test_Reopen_DoublesTheChance() public {
        for (uint256 i = 16; i < 400; ++i) stakeAs(worker(i), STAKE);
        vm.roll(block.number + 8);
        uint256 id = post(terms());
        uint256 before = countDrawn(id);
        vm.warp(lane.taskOf(id, 0).fillDeadline + 5_000);
        for (uint256 i = 0; i < 3; ++i) {
            passDraw(id, 0);
            lane.reopen(id, 0);
            know(id, 0);
            vm.warp(lane.taskOf(id, 0).fillDeadline);
        }
        // 16 of 400 were expected; three reopens make it 128.
        uint256 later = countDrawn(id);
        isTrue(later > 3 * before && later > 90 && later < 170, "eight times as many");
    }

    function countDrawn(uint256 id) private view returns (uint256 count) {
        for (uint256 i = 0; i < 400; ++i) if (lane.drawnFrom(id, 0, worker(i)) != 0) ++count;
    }

    function test_RevertWhen_ReopeningAFullWave() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        passPhase();
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.reopen(job, 0);
    }

    function test_RevertWhen_ReopeningToDodgeTheFee() public {
        claim(job, 0, 0);
        passFill();
        passDraw(job, 0);
        expectError(IDirectLane.CommitsPending.selector);
        vm.prank(worker(0));
        lane.reopen(job, 0);
    }

    function test_RevertWhen_ReopenedTooOften() public {
        JobTerms memory wanted = terms();
        wanted.deadline = uint40(block.timestamp + 80 days);
        uint256 id = post(wanted);
        for (uint256 i = 0; i < lane.MAX_REOPENS(); ++i) {
            vm.warp(lane.taskOf(id, 0).fillDeadline);
            passDraw(id, 0);
            lane.reopen(id, 0);
        }
        vm.warp(lane.taskOf(id, 0).fillDeadline);
        passDraw(id, 0);
        expectError(IDirectLane.ReopensExhausted.selector);
        lane.reopen(id, 0);
        // The last draw stands until the deadline.
        know(id, 0);
        claim(id, 0, 0);
    }

    function test_RevertWhen_ReopeningAfterTheDeadline() public {
        passDraw(job, 0);
        vm.warp(closing - 1);
        lane.reopen(job, 0);
        vm.warp(closing);
        expectError(IDirectLane.ClaimTooLate.selector);
        lane.reopen(job, 0);
    }

    function test_RevertGiven_JobStopped_WhenReopeningAnUntouchedTask() public {
        vm.prank(requester);
        escrow.stop(job);
        passFill();
        expectError(IDirectLane.JobEnded.selector);
        lane.reopen(job, 0);
    }

    // --- expireTask ---

    function test_ExpireTask_DeadlineEdge() public {
        claim(job, 0, 0);
        commit(job, 0, 0, RIGHT);
        vm.warp(closing - 1);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.TooEarly.selector, job, closing, closing - 1));
        lane.expireTask(job, 0);
        vm.warp(closing);
        expectError(IDirectLane.ClaimTooLate.selector);
        claim(job, 0, 1);
        vm.prank(anyone);
        lane.expireTask(job, 0);

        checkStatus(job, 0, TaskStatus.Refunded);
        same(bondedOf(worker(0)), STAKE, "who committed to a wave that never filled loses nothing");
        same(lockedOf(worker(0)), 0, "and is free");
        same(escrow.refund(job), escrow.bountyFor(terms()), "the bounty goes back");
        checkSolvent();
    }

    function test_RevertGiven_ClaimWaitsForItsCommit_WhenExpiringTheTask() public {
        vm.warp(closing - 1);
        claim(job, 0, 0);
        vm.warp(closing);
        expectError(IDirectLane.CommitsPending.selector);
        lane.expireTask(job, 0);
        passPhase();
        expectError(IDirectLane.CommitsPending.selector);
        lane.expireTask(job, 0);
        lane.expireClaim(job, 0, worker(0));
        lane.expireTask(job, 0);
        checkStatus(job, 0, TaskStatus.Refunded);
    }

    function test_ExpireTask_WhoIsLeftInTheHighestSlotIsFree_AndTheExpiredPayNoMore() public {
        JobTerms memory wide = terms();
        (wide.quorum, wide.workSlots) = (15, 16);
        job = post(wide);
        for (uint256 i = 0; i < 15; ++i) claim(job, 0, i);
        commit(job, 0, 14, RIGHT);
        passPhase();
        for (uint256 i = 0; i < 14; ++i) lane.expireClaim(job, 0, worker(i));
        vm.warp(wide.deadline);
        lane.expireTask(job, 0);
        same(bondedOf(worker(14)), STAKE, "who committed loses nothing");
        for (uint256 i = 0; i < 15; ++i) same(lockedOf(worker(i)), 0, "all are free");
        for (uint256 i = 0; i < 14; ++i) same(bondedOf(worker(i)), STAKE - CLAIM_STAKE / 20, "the no-show fee alone");
        checkSolvent();
    }

    function test_ExpireTask_SilentOfAnEarlierWavePays() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        reveal(job, 0, 0, RIGHT);
        passPhase();
        lane.settle(job, 0);
        know(job, 0);
        vm.warp(lane.taskOf(job, 0).closesAt);
        lane.expireTask(job, 0);
        same(bondedOf(worker(0)), STAKE, "the revealer keeps everything");
        same(bondedOf(worker(1)), STAKE - CLAIM_STAKE, "the silent pays");
        same(lockedOf(worker(0)) + lockedOf(worker(1)), 0, "nothing stays locked");
        checkSolvent();
    }

    function test_RevertWhen_ExpiringAnUntouchedTask() public {
        vm.warp(closing);
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.expireTask(job, 0);
        // Nothing hangs on it: its money is refundable by itself.
        same(escrow.refundable(job), escrow.bountyFor(terms()), "refundable");
    }

    function test_RevertWhen_ExpiringARevealingTask() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        vm.warp(closing);
        expectError(IDirectLane.TaskStatusWrong.selector);
        lane.expireTask(job, 0);
    }

    function test_ExpireTask_AfterAllClaimsExpired() public {
        claim(job, 0, 0);
        passPhase();
        lane.expireClaim(job, 0, worker(0));
        vm.warp(closing);
        lane.expireTask(job, 0);
        same(escrow.refund(job), escrow.bountyFor(terms()), "the bounty goes back");
        checkSolvent();
    }
}
