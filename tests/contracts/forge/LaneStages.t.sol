// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBountyEscrow} from "../../../contracts/interfaces/IBountyEscrow.sol";
import {IDirectLane} from "../../../contracts/interfaces/IDirectLane.sol";
import {JobTerms, TaskStatus} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, vm} from "./Vm.sol";

/// @dev Stages follow each other, a failed dependency ends the job, and refunds follow what can still be spent.
contract LaneStagesTest is MarketBase {
    uint256 internal job;
    uint256 internal taskCost;

    /// @dev Two rounds of two maps and a reduce: tasks 0 1 | 2 || 3 4 | 5.
    function setUp() public override {
        super.setUp();
        JobTerms memory wanted = terms();
        (wanted.mapTasks, wanted.reduceTasks, wanted.rounds) = (2, 1, 2);
        job = post(wanted);
        taskCost = escrow.bountyFor(wanted) / 6;
    }

    function checkProgress(uint256 finished, uint256 active, bool failed) private view {
        (uint256 f, uint256 a, bool x) = lane.progress(job);
        same(f, finished, "finished");
        same(a, active, "active");
        isTrue(x == failed, "failed");
    }

    /// @dev The task ends without a quorum.
    function fail(uint32 task) private {
        know(job, task);
        fill(job, task, 0, both(RIGHT, WRONG));
        vm.warp(lane.taskOf(job, task).phaseDeadline);
        // Nobody reveals: four slots allow two more, and these differ again.
        lane.settle(job, task);
        know(job, task);
        fill(job, task, 2, both(RIGHT, WRONG));
        vm.warp(lane.taskOf(job, task).phaseDeadline);
        lane.settle(job, task);
        checkStatus(job, task, TaskStatus.Refunded);
    }

    /// @dev Opening a stage would take the next epoch for the job's draws.
    function settleWithoutAnotherStage(uint32 task) private {
        uint32 epoch = lane.drawEpochOf(job, 2);
        vm.roll(block.number + 40);
        isTrue(seeds.unknownEpoch() != epoch, "a stage opened now would have another epoch");
        lane.settle(job, task);
        same(lane.drawEpochOf(job, 2), epoch, "no stage was opened");
    }

    function test_Stages_OpenInOrder() public {
        for (uint32 task = 0; task < 6; ++task) {
            isTrue(lane.stageOpen(job, task) == (task < 2), "only the first maps are open");
        }
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.StageNotOpen.selector, job, 2, 0, 2));
        claim(job, 2, 0);
        finish(job, 1);
        expectError(IDirectLane.StageNotOpen.selector);
        claim(job, 2, 0);

        fillAndReveal(job, 0, 0, both(RIGHT, RIGHT));
        uint32 epoch = seeds.unknownEpoch();
        vm.expectEmit();
        emit IDirectLane.StageOpened(job, 2, epoch);
        lane.settle(job, 0);
        same(lane.drawEpochOf(job, 2), epoch, "the reduce is drawn by a seed that nobody knows yet");
        isTrue(!lane.isDrawn(job, 2, worker(0)), "not yet");
        expectError(IDirectLane.StageNotOpen.selector);
        claim(job, 3, 0);

        finish(job, 2);
        isTrue(lane.stageOpen(job, 3) && lane.stageOpen(job, 4) && !lane.stageOpen(job, 5), "second round");
        finish(job, 3);
        finish(job, 4);
        know(job, 5);
        fillAndReveal(job, 5, 0, both(RIGHT, RIGHT));
        settleWithoutAnotherStage(5);
        checkProgress(6, 0, false);
    }

    function test_Stages_FailedDependencyEndsTheJob() public {
        claim(job, 1, 5);
        commit(job, 1, 5, RIGHT);
        fail(0);
        checkProgress(1, 1, true);
        expectError(IDirectLane.JobEnded.selector);
        claim(job, 2, 0);
        // What was claimed goes on and is paid.
        claim(job, 1, 6);
        commit(job, 1, 6, RIGHT);
        same(escrow.refundable(job), 5 * taskCost, "all but the active task");
        escrow.refund(job);
        reveal(job, 1, 5, RIGHT);
        reveal(job, 1, 6, RIGHT);
        settleWithoutAnotherStage(1);
        same(escrow.creditOf(worker(5)), PRICE, "paid");
        isTrue(!lane.stageOpen(job, 3), "no further stage");
        escrow.refund(job);
        same(escrow.escrowOf(job), 0, "nothing is left behind");
        checkSolvent();
    }

    function test_Stages_WithoutReducerARefundHurtsNobodyElse() public {
        JobTerms memory wanted = terms();
        (wanted.mapTasks, wanted.workSlots) = (2, 3);
        job = post(wanted);
        fill(job, 0, 0, both(RIGHT, WRONG));
        vm.warp(lane.taskOf(job, 0).phaseDeadline);
        lane.settle(job, 0);
        checkStatus(job, 0, TaskStatus.Refunded);
        finish(job, 1);
        checkProgress(2, 0, false);
        checkStatus(job, 1, TaskStatus.Settled);
    }

    function test_Refund_OfUnusedSlots_Repeatable() public {
        finish(job, 0);
        uint256 spent = 2 * PRICE + (2 * PRICE * FEE_BPS) / 10_000;
        same(escrow.refundable(job), taskCost - spent, "unused slots of the finished task");
        uint256 first = escrow.refund(job);
        expectError(IBountyEscrow.NothingToRefund.selector);
        escrow.refund(job);
        finish(job, 1);
        same(escrow.refund(job), first, "the same for the next one");
        same(escrow.creditOf(orchestrator), (4 * PRICE * FEE_BPS) / 10_000, "fees come along");
        checkSolvent();
    }

    function test_Stop_RefundsWhatNobodyClaimed_AndPaysTheRest() public {
        claim(job, 0, 0);
        vm.prank(requester);
        escrow.stop(job);
        same(escrow.refund(job), 5 * taskCost, "five tasks that nobody started");
        claim(job, 0, 1);
        commit(job, 0, 0, RIGHT);
        commit(job, 0, 1, RIGHT);
        reveal(job, 0, 0, RIGHT);
        reveal(job, 0, 1, RIGHT);
        lane.settle(job, 0);
        same(escrow.creditOf(worker(0)), PRICE, "claimed before the stop: paid");
        escrow.refund(job);
        same(escrow.escrowOf(job), 0, "nothing is left behind");
        checkSolvent();
    }

    function test_Stop_OpensNoFurtherStage() public {
        claim(job, 0, 0);
        claim(job, 1, 2);
        vm.prank(requester);
        escrow.stop(job);
        claim(job, 0, 1);
        claim(job, 1, 3);
        for (uint32 task = 0; task < 2; ++task) {
            commit(job, task, task * 2, RIGHT);
            commit(job, task, task * 2 + 1, RIGHT);
            reveal(job, task, task * 2, RIGHT);
            reveal(job, task, task * 2 + 1, RIGHT);
            settleWithoutAnotherStage(task);
        }
        expectError(IDirectLane.JobEnded.selector);
        claim(job, 2, 0);
    }

    function test_RevertWhen_NotTheEscrow() public {
        expectError(IDirectLane.NotTheEscrow.selector);
        lane.openJob(7, terms());
        expectError(IDirectLane.NotTheEscrow.selector);
        lane.stopJob(job);
    }
}
