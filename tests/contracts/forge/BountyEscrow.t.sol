// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BountyEscrow} from "../../../contracts/BountyEscrow.sol";
import {IBountyEscrow} from "../../../contracts/interfaces/IBountyEscrow.sol";
import {ExactTransfer} from "../../../contracts/libraries/ExactTransfer.sol";
import {FalseToken, FeeToken, LyingToken, OpenToken} from "../../../contracts/mocks/HostileTokens.sol";
import {OpenLane} from "../../../contracts/mocks/OpenLane.sol";
import {JobTerms} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, sameAddress, sameBytes, vm} from "./Vm.sol";

/// @dev The leaves of BountyEscrow.tree. Money moves are tested through a lane that does as it is told.
contract BountyEscrowTest is MarketBase {
    // --- postJob ---

    function test_PostJob_TakesTheBountyAndTellsTheTerms() public {
        JobTerms memory wanted = terms();
        // (1 + 0.025) x (4 + 1 slots) x 1 task
        same(escrow.bountyFor(wanted), 5.125 ether, "bounty");
        uint256 id = post(wanted);
        same(id, 1, "counted from one");
        same(escrow.escrowOf(id), 5.125 ether, "escrowed");
        same(token.balanceOf(address(escrow)), 5.125 ether, "held");
        sameBytes(keccak256(abi.encode(escrow.terms(id))), keccak256(abi.encode(wanted)), "terms");
        sameAddress(escrow.requesterOf(id), requester, "requester");
        checkSolvent();
    }

    function testFuzz_PostJob_TermsComeBackAsPosted(JobTerms memory wanted) public {
        wanted.lane = wanted.taskTime % 2 == 0 ? address(lane) : address(otherLane);
        wanted.deadline = uint40(block.timestamp + 1 + (wanted.deadline % 90 days));
        wanted.taskTime = 1 + (wanted.taskTime % uint32(7 days));
        wanted.mapTasks = 1 + (wanted.mapTasks % 100);
        wanted.reduceTasks = wanted.reduceTasks % 3;
        wanted.rounds = 1 + (wanted.rounds % 20);
        wanted.workSlots = 1 + (wanted.workSlots % 16);
        wanted.quorum = 1 + (wanted.quorum % wanted.workSlots);
        if (wanted.lane == address(lane) && wanted.quorum == wanted.workSlots) wanted.quorum = 1;
        wanted.auditSlots = wanted.auditSlots % 17;
        wanted.feeBps = wanted.feeBps % 10_001;
        wanted.slotPrice = 1000 + (wanted.slotPrice % 1 ether);
        wanted.stakePerClaim = wanted.slotPrice + (wanted.stakePerClaim % (99 * wanted.slotPrice + 1));
        if (wanted.orchestrator == address(0)) wanted.orchestrator = orchestrator;
        if (wanted.manifestDigest == 0) wanted.manifestDigest = RIGHT;
        fund(requester, escrow.bountyFor(wanted), address(escrow));
        uint256 id = post(wanted);
        sameBytes(keccak256(abi.encode(escrow.terms(id))), keccak256(abi.encode(wanted)), "terms");
        checkSolvent();
    }

    function refuse(JobTerms memory wanted, bytes4 selector) private {
        expectError(selector);
        vm.prank(requester);
        escrow.postJob(wanted);
    }

    function test_RevertWhen_TermsAreBad() public {
        JobTerms memory t = terms();
        t.lane = anyone;
        refuse(t, IBountyEscrow.LaneUnknown.selector);
        t = terms();
        t.deadline = uint40(block.timestamp);
        refuse(t, IBountyEscrow.DeadlineOutOfRange.selector);
        vm.expectRevert(
            abi.encodeWithSelector(
                IBountyEscrow.DeadlineOutOfRange.selector,
                block.timestamp,
                block.timestamp + 1,
                block.timestamp + 90 days
            )
        );
        vm.prank(requester);
        escrow.postJob(t);
        t.deadline = uint40(block.timestamp + 90 days + 1);
        refuse(t, IBountyEscrow.DeadlineOutOfRange.selector);
        t = terms();
        t.taskTime = 0;
        refuse(t, IBountyEscrow.TaskTimeOutOfRange.selector);
        t.taskTime = uint32(7 days + 1);
        refuse(t, IBountyEscrow.TaskTimeOutOfRange.selector);
        t = terms();
        t.mapTasks = 0;
        refuse(t, IBountyEscrow.TaskCountOutOfRange.selector);
        (t.mapTasks, t.reduceTasks) = (0, 5);
        refuse(t, IBountyEscrow.TaskCountOutOfRange.selector);
        (t.mapTasks, t.reduceTasks) = (65_536, 0);
        refuse(t, IBountyEscrow.TaskCountOutOfRange.selector);
        (t.mapTasks, t.reduceTasks, t.rounds) = (type(uint32).max, type(uint32).max, type(uint16).max);
        refuse(t, IBountyEscrow.TaskCountOutOfRange.selector);
        t = terms();
        t.rounds = 0;
        refuse(t, IBountyEscrow.TaskCountOutOfRange.selector);
        t = terms();
        t.quorum = 0;
        refuse(t, IBountyEscrow.QuorumOutOfRange.selector);
        (t.quorum, t.workSlots) = (3, 2);
        refuse(t, IBountyEscrow.QuorumOutOfRange.selector);
        (t.quorum, t.workSlots) = (3, 17);
        refuse(t, IBountyEscrow.QuorumOutOfRange.selector);
        t = terms();
        t.auditSlots = 17;
        refuse(t, IBountyEscrow.AuditSlotsOutOfRange.selector);
        t = terms();
        t.feeBps = 10_001;
        refuse(t, IBountyEscrow.FeeOutOfRange.selector);
        t = terms();
        t.orchestrator = address(0);
        refuse(t, IBountyEscrow.OrchestratorMissing.selector);
    }

    function test_RevertWhen_AmountsAreBad() public {
        JobTerms memory t = terms();
        t.slotPrice = 0;
        refuse(t, IBountyEscrow.SlotPriceOutOfRange.selector);
        t.slotPrice = 999; // dust, below MIN_SLOT_PRICE
        refuse(t, IBountyEscrow.SlotPriceOutOfRange.selector);
        (t.slotPrice, t.stakePerClaim) = (uint128(1) << 96, uint128(1) << 96);
        refuse(t, IBountyEscrow.SlotPriceOutOfRange.selector);
        t = terms();
        t.stakePerClaim = t.slotPrice - 1;
        refuse(t, IBountyEscrow.StakeOutOfRange.selector);
        t.stakePerClaim = uint128(1) << 96;
        refuse(t, IBountyEscrow.StakeOutOfRange.selector);
        t = terms();
        (t.slotPrice, t.stakePerClaim) = (uint128(1) << 95, uint128(1) << 95);
        refuse(t, IBountyEscrow.BountyTooLarge.selector);
        t = terms();
        t.manifestDigest = 0;
        refuse(t, IBountyEscrow.ManifestMissing.selector);
    }

    function cheapest() private view returns (JobTerms memory t) {
        t = terms();
        (t.lane, t.slotPrice, t.stakePerClaim) = (address(otherLane), 1000, 1000);
    }

    function accept(JobTerms memory wanted) private {
        fund(requester, escrow.bountyFor(wanted), address(escrow));
        post(wanted);
    }

    function test_PostJob_TermsAtTheirEdges() public {
        accept(cheapest());
        JobTerms memory t = cheapest();
        t.deadline = uint40(block.timestamp + 1);
        accept(t);
        t.deadline = uint40(block.timestamp + 90 days);
        accept(t);
        t.taskTime = 1;
        accept(t);
        t.taskTime = uint32(7 days);
        accept(t);
        t.mapTasks = 65_535;
        accept(t);
        (t.mapTasks, t.reduceTasks, t.rounds) = (1, 2, 21_845);
        accept(t);
        t = cheapest();
        (t.quorum, t.workSlots, t.auditSlots) = (16, 16, 16);
        accept(t);
        t.feeBps = 10_000;
        accept(t);
        (t.feeBps, t.orchestrator) = (0, address(0));
        accept(t);
        t.stakePerClaim = 100_000;
        accept(t);
        t.stakePerClaim = 100_001;
        refuse(t, IBountyEscrow.StakeOutOfRange.selector);
        (t.quorum, t.workSlots, t.auditSlots) = (1, 1, 0);
        (t.slotPrice, t.stakePerClaim) = (type(uint96).max, type(uint96).max);
        accept(t);
        t.stakePerClaim = uint128(type(uint96).max) + 1;
        refuse(t, IBountyEscrow.StakeOutOfRange.selector);
    }

    function test_PostJob_TheLargestBounty() public {
        JobTerms memory t = terms();
        (t.lane, t.quorum, t.workSlots, t.auditSlots, t.feeBps) = (address(otherLane), 1, 2, 1, 0);
        // Three slots: 2^96 - 1 is a multiple of three.
        (t.slotPrice, t.stakePerClaim) = (type(uint96).max / 3, type(uint96).max / 3);
        fund(requester, type(uint96).max, address(escrow));
        same(escrow.escrowOf(post(t)), type(uint96).max, "to the last unit");
    }

    function test_RevertWhen_PriceIsZero_ThoughNoneIsDustHere() public {
        BountyEscrow free = new BountyEscrow(token, address(otherLane), address(0), 0, 1);
        JobTerms memory t = cheapest();
        (t.slotPrice, t.stakePerClaim) = (0, 0);
        vm.expectRevert(abi.encodeWithSelector(IBountyEscrow.SlotPriceOutOfRange.selector, 0, 1, type(uint96).max));
        free.postJob(t);
    }

    function test_RevertWhen_NoBatchLaneAndLaneIsZero() public {
        BountyEscrow alone = new BountyEscrow(token, address(lane), address(0), 1000, 1);
        JobTerms memory t = terms();
        t.lane = address(0);
        expectError(IBountyEscrow.LaneUnknown.selector);
        alone.postJob(t);
    }

    function test_RevertWhen_AllowanceOrBalanceMissing() public {
        JobTerms memory wanted = terms();
        vm.expectRevert();
        vm.prank(anyone);
        escrow.postJob(wanted);
        vm.prank(anyone);
        token.approve(address(escrow), type(uint256).max);
        vm.expectRevert();
        vm.prank(anyone);
        escrow.postJob(wanted);
        same(escrow.jobCount(), 0, "nothing was posted");
    }

    // --- stop ---

    function test_Stop_OnlyTheRequesterAndOnce() public {
        uint256 id = post(terms());
        expectError(IBountyEscrow.NotTheRequester.selector);
        escrow.stop(id);
        vm.prank(requester);
        escrow.stop(id);
        isTrue(escrow.isStopped(id), "stopped");
        expectError(IBountyEscrow.JobAlreadyEnded.selector);
        vm.prank(requester);
        escrow.stop(id);
    }

    function test_RevertGiven_DeadlinePassed_WhenStopped() public {
        uint256 id = post(terms());
        vm.warp(escrow.terms(id).deadline);
        expectError(IBountyEscrow.JobAlreadyEnded.selector);
        vm.prank(requester);
        escrow.stop(id);
    }

    function test_RevertGiven_AllTasksFinished_WhenStopped() public {
        JobTerms memory wanted = terms();
        (wanted.lane, wanted.mapTasks) = (address(otherLane), 4);
        uint256 id = post(wanted);
        otherLane.setProgress(4, 0, false);
        expectError(IBountyEscrow.JobAlreadyEnded.selector);
        vm.prank(requester);
        escrow.stop(id);
        otherLane.setProgress(3, 1, false);
        vm.prank(requester);
        escrow.stop(id);
        isTrue(escrow.isStopped(id), "while one is left it can be stopped");
    }

    function test_RevertWhen_JobUnknown() public {
        expectError(IBountyEscrow.JobUnknown.selector);
        escrow.stop(1);
        expectError(IBountyEscrow.JobUnknown.selector);
        escrow.refund(1);
        expectError(IBountyEscrow.JobUnknown.selector);
        escrow.terms(1);
    }

    // --- settleTask, refund: through a lane that does as it is told ---

    function postOther() private returns (uint256 id, JobTerms memory wanted) {
        wanted = terms();
        (wanted.lane, wanted.mapTasks) = (address(otherLane), 4);
        id = post(wanted);
    }

    function people(uint256 count) private pure returns (address[] memory list) {
        list = new address[](count);
        for (uint256 i = 0; i < count; ++i) list[i] = worker(i);
    }

    function test_RevertWhen_SettlingThroughAnotherLane() public {
        (uint256 id, ) = postOther();
        expectError(IBountyEscrow.NotTheLane.selector);
        escrow.settleTask(id, people(1), PRICE, 0);
        expectError(IBountyEscrow.NotTheLane.selector);
        vm.prank(address(lane));
        escrow.settleTask(id, people(1), PRICE, 0);
        uint256 direct = post(terms());
        expectError(IBountyEscrow.NotTheLane.selector);
        otherLane.settleTask(direct, people(1), PRICE, 0);
    }

    function test_RevertWhen_SettlingMoreThanEscrowed() public {
        (uint256 id, JobTerms memory wanted) = postOther();
        uint256 bounty = escrow.bountyFor(wanted);
        expectError(IBountyEscrow.EscrowTooSmall.selector);
        otherLane.settleTask(id, people(1), bounty, 0);
        expectError(IBountyEscrow.EscrowTooSmall.selector);
        vm.prank(address(lane));
        escrow.settleTask(99, people(1), 1, 0);
    }

    function test_SettleTask_PartlyFromASlash() public {
        (uint256 id, JobTerms memory wanted) = postOther();
        otherLane.lock(worker(9), PRICE);
        otherLane.slash(worker(9), PRICE, PRICE / 2);
        uint256 before = escrow.escrowOf(id);
        otherLane.settleTask(id, people(3), PRICE, PRICE / 2);
        uint256 fee = (3 * PRICE * FEE_BPS) / 10_000;
        same(escrow.escrowOf(id), before - 3 * PRICE - fee + PRICE / 2, "the slash paid a half");
        same(escrow.feeDueOf(id), fee, "fee on all of it");
        for (uint256 i = 0; i < 3; ++i) same(escrow.creditOf(worker(i)), PRICE, "paid");
        same(escrow.bountyFor(wanted), before, "nothing else changed");
        checkSolvent();
    }

    function testFuzz_SettleTask_SplitsWithoutLoss(uint256 count, uint256 amount, uint256 bps, uint8 decimals) public {
        uint256 unit =
            10 **
                (
                    uint256(decimals) % 3 == 0
                        ? 6
                        : uint256(decimals) % 3 == 1
                            ? 8
                            : 18
                );
        JobTerms memory wanted = terms();
        (wanted.lane, wanted.auditSlots) = (address(otherLane), 0); // all that is escrowed can be won
        wanted.feeBps = uint16(bps % 10_001);
        wanted.slotPrice = uint128(1000 + (amount % (1000 * unit)));
        wanted.stakePerClaim = wanted.slotPrice;
        fund(requester, escrow.bountyFor(wanted), address(escrow));
        uint256 id = post(wanted);
        uint256 winners = 1 + (count % 4);
        otherLane.settleTask(id, people(winners), wanted.slotPrice, 0);
        otherLane.setProgress(1, 0, false);
        if (escrow.feeDueOf(id) != 0 || escrow.refundable(id) != 0) escrow.refund(id);
        uint256 paid = winners * wanted.slotPrice;
        uint256 fee = escrow.creditOf(orchestrator);
        same(fee, (paid * wanted.feeBps) / 10_000, "fee, rounded down");
        same(paid + fee + escrow.creditOf(requester), escrow.bountyFor(wanted), "parts and dust make the whole");
        same(escrow.escrowOf(id), 0, "nothing is left");
        checkSolvent();
    }

    function test_Refund_FollowsWhatCanStillBeSpent() public {
        (uint256 id, JobTerms memory wanted) = postOther();
        uint256 each = escrow.bountyFor(wanted) / 4;
        same(escrow.refundable(id), 0, "all may still be needed");
        expectError(IBountyEscrow.NothingToRefund.selector);
        escrow.refund(id);
        otherLane.setProgress(1, 1, false);
        same(escrow.refundable(id), each, "one finished");
        otherLane.setProgress(1, 1, true);
        same(escrow.refundable(id), 3 * each, "failed: only the active one is kept");
        otherLane.setProgress(0, 1, false);
        vm.warp(wanted.deadline - 1);
        same(escrow.refundable(id), 0, "before the deadline all may start");
        vm.warp(wanted.deadline);
        same(escrow.refundable(id), 3 * each, "from the deadline on nothing new starts");
        vm.prank(anyone);
        escrow.refund(id);
        same(escrow.creditOf(requester), 3 * each, "to the requester, whoever asks");
        checkSolvent();
    }

    function test_Refund_FeesAlone() public {
        JobTerms memory wanted = terms();
        (wanted.lane, wanted.quorum, wanted.workSlots, wanted.auditSlots) = (address(otherLane), 1, 1, 0);
        uint256 id = post(wanted);
        otherLane.settleTask(id, people(1), PRICE, 0);
        otherLane.setProgress(1, 0, false);
        same(escrow.refund(id), 0, "nothing for the requester");
        same(escrow.creditOf(orchestrator), PRICE / 40, "the fee");
        expectError(IBountyEscrow.NothingToRefund.selector);
        escrow.refund(id);
        checkSolvent();
    }

    // --- withdraw ---

    function credited() private returns (uint256 id) {
        (id, ) = postOther();
        otherLane.settleTask(id, people(2), PRICE, 0);
    }

    function test_Withdraw_PaysTheCallersCreditOnce() public {
        credited();
        vm.prank(worker(0));
        same(escrow.withdraw(anyone), PRICE, "amount");
        same(token.balanceOf(anyone), PRICE, "to whom the caller says");
        expectError(IBountyEscrow.NothingToWithdraw.selector);
        vm.prank(worker(0));
        escrow.withdraw(anyone);
        checkSolvent();
    }

    function test_WithdrawFor_PaysTheAccountItself() public {
        credited();
        uint256 before = token.balanceOf(worker(1));
        vm.prank(anyone);
        escrow.withdrawFor(worker(1));
        same(token.balanceOf(worker(1)) - before, PRICE, "relayed");
        same(token.balanceOf(anyone), 0, "the relayer gets nothing");
        expectError(IBountyEscrow.NothingToWithdraw.selector);
        escrow.withdrawFor(worker(1));
    }

    function test_RevertWhen_ReceiverIsZero() public {
        credited();
        expectError(IBountyEscrow.ReceiverZero.selector);
        vm.prank(worker(0));
        escrow.withdraw(address(0));
    }

    function test_Donation_ChangesNobodysBooks() public {
        uint256 id = credited();
        otherLane.setProgress(1, 0, false);
        token.mint(address(escrow), 7 ether);
        token.mint(address(vault), 7 ether);
        same(token.balanceOf(address(escrow)) - escrow.totalOwed(), 7 ether, "a surplus");
        uint256 refundable = escrow.refundable(id);
        post(terms());
        same(escrow.refundable(id), refundable, "and nothing else");
    }

    // --- tokens that are refused ---

    function refuseToken(OpenToken bad, bytes4 selector) private {
        OpenLane plain = new OpenLane();
        BountyEscrow other = new BountyEscrow(bad, address(plain), address(0), 1000, 1);
        JobTerms memory wanted = terms();
        wanted.lane = address(plain);
        bad.mint(requester, 100 ether);
        vm.prank(requester);
        bad.approve(address(other), type(uint256).max);
        expectError(selector);
        vm.prank(requester);
        other.postJob(wanted);
    }

    function test_RevertGiven_TokenTakesAFee() public {
        refuseToken(new FeeToken(), ExactTransfer.TokenNotSupported.selector);
    }

    function test_RevertGiven_TokenLies() public {
        refuseToken(new LyingToken(), ExactTransfer.TokenNotSupported.selector);
    }

    function test_RevertGiven_TokenAnswersFalse() public {
        refuseToken(new FalseToken(), SafeERC20.SafeERC20FailedOperation.selector);
    }

    // --- the batch lane's reserve ---

    function test_Reserve_MovesBetweenJobAndPayeesOnly() public {
        JobTerms memory t = terms();
        t.lane = address(otherLane);
        uint256 jobId = post(t);
        uint256 bounty = escrow.escrowOf(jobId);
        uint256 owed = escrow.totalOwed();

        vm.startPrank(address(otherLane));
        escrow.reserve(jobId, orchestrator, bounty);
        escrow.unreserve(jobId, orchestrator, 3);
        escrow.creditReserved(orchestrator, worker(0), jobId, 2);
        escrow.payReserved(orchestrator, worker(1), 1);
        vm.stopPrank();

        same(escrow.escrowOf(jobId), 3, "back in the job");
        same(escrow.creditOf(worker(0)), 2, "credit");
        same(token.balanceOf(worker(1)), 1, "paid");
        same(escrow.reservedOf(orchestrator), bounty - 6, "left");
        same(escrow.totalOwed(), owed - 1, "owed less what was paid");
        checkSolvent();
    }

    function test_RevertWhen_ReservingMoreThanThereIs_OrOfAnotherLane() public {
        JobTerms memory t = terms();
        uint256 direct = post(t);
        t.lane = address(otherLane);
        uint256 jobId = post(t);
        uint256 bounty = escrow.escrowOf(jobId);

        vm.startPrank(address(otherLane));
        expectError(IBountyEscrow.EscrowTooSmall.selector);
        escrow.reserve(jobId, orchestrator, bounty + 1);
        expectError(IBountyEscrow.NotTheLane.selector);
        escrow.reserve(direct, orchestrator, 1);
        escrow.reserve(jobId, orchestrator, 5);
        expectError(IBountyEscrow.ReserveTooSmall.selector);
        escrow.unreserve(jobId, orchestrator, 6);
        expectError(IBountyEscrow.ReserveTooSmall.selector);
        escrow.payReserved(anyone, worker(0), 1);
        vm.stopPrank();
    }
}
