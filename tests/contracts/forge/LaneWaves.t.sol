// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDirectLane} from "../../../contracts/interfaces/IDirectLane.sol";
import {ClaimStatus, ClaimView, JobTerms, TaskStatus, TaskView} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, sameAddress, sameBytes, vm} from "./Vm.sol";

/// @dev How long a wave may fill, who may leave it, and what is left after the deadline.
contract LaneWavesTest is MarketBase {
    uint256 internal job;
    uint256 internal closing;

    function setUp() public override {
        super.setUp();
        closing = terms().deadline;
        job = post(terms());
    }

    function look() private view returns (TaskView memory) {
        return lane.taskOf(job, 0);
    }

    function leaves(uint256 who) private {
        vm.prank(worker(who));
        lane.leaveTask(job, 0);
    }

    function commitAlone(uint256 who) private {
        claim(job, 0, who);
        commit(job, 0, who, RIGHT);
    }

    // --- time to fill, apart from time to commit ---

    function test_EarlyClaimDoesNotShortenTheDraw() public {
        JobTerms memory quick = terms();
        quick.taskTime = 2;
        uint256 opened = block.timestamp;
        vm.prank(requester);
        job = escrow.postJob(quick);
        uint32 epoch = lane.drawEpochOf(job, 0);
        vm.roll(uint256(epoch) * 4 + 1);
        seeds.set(epoch, keccak256("seed"));
        vm.warp(block.timestamp + RAMP_TIME);
        commitAlone(0);
        same(look().phaseDeadline, block.timestamp + 2, "time to commit");
        same(look().fillDeadline, opened + DRAW_TIME + 2, "time to fill, as if nobody had claimed");
        passDraw(job, 0);
        vm.warp(opened + DRAW_TIME + 1);
        expectError(IDirectLane.TooEarly.selector);
        lane.reopen(job, 0);
        vm.warp(opened + DRAW_TIME + 2);
        lane.reopen(job, 0);
    }

    /// @dev Else whoever is first to see a late seed could double the chances before the ramp has let anybody in.
    function test_LateSeedHasItsWholeRamp() public {
        vm.prank(requester);
        job = escrow.postJob(terms());
        uint32 epoch = lane.drawEpochOf(job, 0);
        uint256 due = block.timestamp + DRAW_TIME + TASK_TIME;
        same(look().fillDeadline, due, "before the seed is known");
        passDraw(job, 0);
        vm.warp(due - 1);
        seeds.set(epoch, keccak256("late"));
        same(look().fillDeadline, due - 1 + RAMP_TIME, "its ramp has begun only now");
        vm.warp(due - 1 + RAMP_TIME - 1);
        expectError(IDirectLane.TooEarly.selector);
        lane.reopen(job, 0);
        vm.warp(due - 1 + RAMP_TIME);
        lane.reopen(job, 0);
    }

    function test_LateSeedOfARedrawHasItsWholeRampToo() public {
        passDraw(job, 0);
        vm.warp(look().fillDeadline);
        lane.reopen(job, 0);
        uint256 due = block.timestamp + DRAW_TIME + TASK_TIME;
        same(look().fillDeadline, due, "before the seed is known");
        uint32 epoch = lane.drawEpochOf(job, 0);
        passDraw(job, 0);
        vm.warp(due - 1);
        seeds.set(epoch, keccak256("late"));
        same(look().fillDeadline, due - 1 + RAMP_TIME, "its ramp has begun only now");
    }

    function test_RedrawDoesNotLengthenCommits() public {
        passDraw(job, 0);
        vm.warp(look().fillDeadline);
        lane.reopen(job, 0);
        know(job, 0);
        claim(job, 0, 0);
        same(look().phaseDeadline, block.timestamp + TASK_TIME, "a task time and no more");
        same(lane.claimsOf(job, 0)[0].commitDeadline, block.timestamp + TASK_TIME, "and so it is told");
    }

    // --- leave ---

    function test_Leave_FillDeadlineEdge() public {
        commitAlone(0);
        uint256 due = look().fillDeadline;
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.TooEarly.selector, job, due, due - 1));
        leaves(0);
        vm.warp(due);
        vm.expectEmit();
        emit IDirectLane.ClaimLeft(job, 0, worker(0));
        leaves(0);
        same(lockedOf(worker(0)), 0, "unlocked");
        same(bondedOf(worker(0)), STAKE, "unpunished");
        same(escrow.creditOf(worker(0)), 0, "unpaid");
        isTrue(lane.isBarred(job, 0, worker(0)), "and not to come back");
        same(lane.claimsOf(job, 0).length, 0, "the slot is free");
        expectError(IDirectLane.Barred.selector);
        claim(job, 0, 0);
        expectError(IDirectLane.NoClaim.selector);
        leaves(0);
        expectError(IDirectLane.NoClaim.selector);
        commit(job, 0, 0, RIGHT);
        checkSolvent();
    }

    /// @dev Whoever stays loses nothing: the place is taken by another, and the task is decided as if nobody had left.
    function test_Leave_HurtsNobodyWhoStays() public {
        JobTerms memory three = terms();
        (three.quorum, three.workSlots) = (3, 5);
        job = post(three);
        commitAlone(0);
        commitAlone(1);
        vm.warp(look().fillDeadline);
        leaves(0);
        ClaimView[] memory claims = lane.claimsOf(job, 0);
        same(claims.length, 1, "one stays");
        sameAddress(claims[0].worker, worker(1), "in its seat");

        claim(job, 0, 2);
        claims = lane.claimsOf(job, 0);
        same(uint256(claims[0].status), uint256(ClaimStatus.Claimed), "the free slot");
        sameBytes(claims[0].digest, 0, "without what the leaver left");
        claim(job, 0, 3);
        commit(job, 0, 2, RIGHT);
        commit(job, 0, 3, WRONG);
        reveal(job, 0, 1, RIGHT);
        reveal(job, 0, 2, RIGHT);
        reveal(job, 0, 3, WRONG);
        lane.settle(job, 0); // 2 of 3: one more
        know(job, 0);
        commitAlone(4);
        reveal(job, 0, 4, RIGHT);
        lane.settle(job, 0);
        for (uint256 i = 1; i < 5; ++i) same(escrow.creditOf(worker(i)), i == 3 ? 0 : PRICE, "paid as ever");
        same(bondedOf(worker(0)) + lockedOf(worker(0)), STAKE, "the leaver has its stake, all free");
        same(bondedOf(worker(3)), STAKE - CLAIM_STAKE, "the liar pays");
        checkSolvent();
    }

    function test_RevertGiven_SomebodyHasYetToCommit_WhenLeaving() public {
        commitAlone(0);
        vm.warp(look().fillDeadline - 1);
        claim(job, 0, 1);
        vm.warp(look().fillDeadline);
        expectError(IDirectLane.CommitsPending.selector);
        leaves(0);
        // Nor can who has not committed dodge the fee.
        expectError(IDirectLane.CommitsPending.selector);
        leaves(1);
        commit(job, 0, 1, RIGHT);
        expectError(IDirectLane.TaskStatusWrong.selector);
        leaves(0);
    }

    function test_RevertGiven_WaveIsOver_WhenLeaving() public {
        fill(job, 0, 0, both(RIGHT, RIGHT));
        reveal(job, 0, 0, RIGHT);
        vm.warp(look().phaseDeadline);
        lane.settle(job, 0);
        know(job, 0);
        vm.warp(look().fillDeadline);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.WaveOver.selector, job, 0, worker(0)));
        leaves(0); // a revealer, perhaps a liar
        expectError(IDirectLane.WaveOver.selector);
        leaves(1); // the silent
        commitAlone(2);
        expectError(IDirectLane.TaskStatusWrong.selector);
        leaves(2); // full
    }

    function test_Leave_DecidingReplicaThatIsBarredStaysBarred_AndTheTaskGoesOn() public {
        fillAndReveal(job, 0, 0, both(RIGHT, WRONG));
        lane.settle(job, 0);
        know(job, 0);
        same(look().slotsOpen - look().firstSlot, 1, "one place: full as soon as it is taken, nobody has to leave it");
        commitAlone(2);
        checkStatus(job, 0, TaskStatus.Revealing);
    }

    function test_Leave_ThenEverybodyLeft_TheTaskExpires() public {
        commitAlone(0);
        vm.warp(look().fillDeadline);
        leaves(0);
        vm.warp(closing);
        lane.expireTask(job, 0);
        same(escrow.refund(job), escrow.bountyFor(terms()), "the bounty goes back");
        checkSolvent();
    }

    function test_RevertWhen_LeavingWithoutAClaim() public {
        expectError(IDirectLane.TaskStatusWrong.selector);
        leaves(0);
        claim(job, 0, 0);
        expectError(IDirectLane.NoClaim.selector);
        leaves(1);
    }

    // --- after the deadline ---

    function test_RevertGiven_NoSpareSlot_WhenPosting() public {
        JobTerms memory wanted = terms();
        (wanted.quorum, wanted.workSlots) = (2, 2);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.SpareSlotMissing.selector, 2, 2));
        vm.prank(requester);
        escrow.postJob(wanted);
        (wanted.quorum, wanted.workSlots) = (1, 1);
        post(wanted); // nobody can disagree
    }

    /// @dev A liar that reveals when no first wave may open any more does not escape, nor cost its peer the pay.
    function test_Grace_LastMomentLiarPays() public {
        vm.warp(closing - 1);
        claim(job, 0, 0);
        claim(job, 0, 1);
        vm.warp(look().phaseDeadline - 1);
        commit(job, 0, 0, RIGHT);
        commit(job, 0, 1, WRONG);
        reveal(job, 0, 0, RIGHT);
        vm.warp(look().phaseDeadline - 1);
        reveal(job, 0, 1, WRONG);
        same(block.timestamp, closing + 2 * TASK_TIME - 3, "as late as can be");
        lane.settle(job, 0);
        checkStatus(job, 0, TaskStatus.Claiming);
        isTrue(look().closesAt > look().fillDeadline, "a further wave has all its time to fill");
        know(job, 0);
        commitAlone(2);
        reveal(job, 0, 2, RIGHT);
        lane.settle(job, 0);
        same(escrow.creditOf(worker(0)), PRICE, "the honest is paid");
        same(bondedOf(worker(1)), STAKE - CLAIM_STAKE, "the liar pays");
        checkSolvent();
    }

    function test_Grace_Edge() public {
        fillAndReveal(job, 0, 0, both(RIGHT, WRONG));
        vm.warp(closing + DRAW_TIME + 4 * TASK_TIME - 1);
        lane.settle(job, 0);
        uint256 end = look().closesAt;
        same(end, closing + DRAW_TIME + 4 * TASK_TIME, "bounded by constants of the job and the deployment");
        expectError(IDirectLane.TooEarly.selector);
        lane.expireTask(job, 0);
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.ClaimTooLate.selector, job, end, end));
        claim(job, 0, 2);
        expectError(IDirectLane.ClaimTooLate.selector);
        lane.reopen(job, 0);
        lane.expireTask(job, 0);
        checkStatus(job, 0, TaskStatus.Refunded);
        same(bondedOf(worker(0)) + bondedOf(worker(1)), 2 * STAKE, "nobody is slashed");
        checkSolvent();
    }

    function test_Grace_IsNotForFirstWaves() public {
        commitAlone(0);
        same(look().closesAt, closing, "a first wave");
        vm.warp(closing);
        expectError(IDirectLane.ClaimTooLate.selector);
        claim(job, 0, 1);
        lane.expireTask(job, 0);
    }

    function test_Grace_WaveCanBeDrawnAgainInIt() public {
        fillAndReveal(job, 0, 0, both(RIGHT, WRONG));
        vm.warp(closing);
        lane.settle(job, 0);
        passDraw(job, 0);
        vm.warp(look().fillDeadline);
        lane.reopen(job, 0);
        know(job, 0);
        commitAlone(2);
        checkStatus(job, 0, TaskStatus.Revealing);
    }

    /// @dev The bounty of a task that is still open after the deadline is not refundable.
    function test_Grace_KeepsTheBounty() public {
        fillAndReveal(job, 0, 0, both(RIGHT, WRONG));
        vm.warp(closing);
        lane.settle(job, 0);
        same(escrow.refundable(job), 0, "it may still be paid");
    }
}
