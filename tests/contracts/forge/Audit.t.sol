// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBountyEscrow} from "../../../contracts/interfaces/IBountyEscrow.sol";
import {IDirectLane} from "../../../contracts/interfaces/IDirectLane.sol";
import {IStakeVault} from "../../../contracts/interfaces/IStakeVault.sol";
import {JobTerms} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, sameAddress, vm} from "./Vm.sol";

/// @dev Attacks that worked once, each by somebody who follows the rules to the letter.
contract AuditTest is MarketBase {
    address internal sponsored = address(0x4001);
    address internal backer = address(0x4002);

    function back(uint256 own, uint256 backed) private {
        stakeAs(sponsored, own);
        vm.prank(sponsored);
        vault.acceptSponsor(backer);
        if (backed == 0) return;
        fund(backer, backed, address(vault));
        vm.prank(backer);
        vault.sponsor(sponsored, backed);
    }

    // --- a worker at its sponsor's cost ---

    function test_WorkerCannotLeaveItsSponsorToAnswerForItsLocks() public {
        back(100 ether, 100 ether);
        otherLane.lock(sponsored, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeNotFree.selector, sponsored, 1, 0));
        vm.prank(sponsored);
        vault.unbond(1);

        otherLane.slash(sponsored, 100 ether, 0);
        (, uint256 left, ) = vault.sponsorshipOf(sponsored);
        same(left, 100 ether, "the sponsor is whole");
        checkSolvent();
    }

    function test_WorkerUnbondsWhatItsOwnStakeHoldsBeyondItsLocks() public {
        back(100 ether, 50 ether);
        otherLane.lock(sponsored, 30 ether);
        expectError(IStakeVault.StakeNotFree.selector);
        vm.prank(sponsored);
        vault.unbond(70 ether + 1);
        vm.prank(sponsored);
        vault.unbond(70 ether);
        same(bondedOf(sponsored), 80 ether, "its lock and the sponsor's part stay");
    }

    // --- a late claim ---

    function test_LateClaimIsNotRevivedByAnAccomplice() public {
        uint256 job = post(terms());
        claim(job, 0, 0);
        vm.warp(lane.taskOf(job, 0).phaseDeadline);
        expectError(IDirectLane.CommitsPending.selector);
        claim(job, 0, 1);
        expectError(IDirectLane.CommitTooLate.selector);
        commit(job, 0, 0, WRONG);

        lane.expireClaim(job, 0, worker(0));
        same(vault.slashPool(), (CLAIM_STAKE * NO_SHOW_BPS) / 10_000, "the fee is paid");
        fill(job, 0, 1, both(RIGHT, RIGHT));
    }

    // --- a sponsor at its worker's cost ---

    function test_SponsorWhoBacksNothingEndsNoAllotment() public {
        back(100 ether, 0);
        vm.prank(sponsored);
        vault.allot(orchestrator, 50 ether);
        vm.prank(backer);
        vault.unsponsor(sponsored);
        expectError(IStakeVault.AmountZero.selector);
        vm.prank(backer);
        vault.unallot(sponsored, orchestrator, 50 ether);
    }

    function test_SponsorEndsNoMoreThanItBacks_AndDoesNotRestartTheDelay() public {
        back(100 ether, 10 ether);
        vm.prank(sponsored);
        vault.allot(orchestrator, 110 ether);
        vm.prank(backer);
        vault.unsponsor(sponsored);
        vm.prank(backer);
        vault.unallot(sponsored, orchestrator, 110 ether);
        (uint256 amount, uint256 ending, uint256 availableAt) = vault.allotmentOf(sponsored, orchestrator);
        same(amount, 100 ether, "the worker's part goes on");
        same(ending, 10 ether, "the sponsor's ends");
        vm.warp(availableAt - 1);
        expectError(IStakeVault.AmountZero.selector);
        vm.prank(backer);
        vault.unallot(sponsored, orchestrator, 1);

        vm.warp(availableAt);
        vault.releaseAllotment(sponsored, orchestrator);
        vm.prank(backer);
        same(vault.unsponsor(sponsored), 10 ether, "out");
    }

    /// @dev With several orchestrators a sponsor could end an allotment of its size at each of them.
    function test_SponsorEndsWhatItBacksOnce_NotOnceForEachOrchestrator() public {
        back(100 ether, 10 ether);
        vm.prank(sponsored);
        vault.allot(orchestrator, 50 ether);
        vm.prank(sponsored);
        vault.allot(anyone, 60 ether);
        vm.prank(backer);
        vault.unsponsor(sponsored);
        vm.prank(backer);
        vault.unallot(sponsored, orchestrator, 0);
        expectError(IStakeVault.AmountZero.selector);
        vm.prank(backer);
        vault.unallot(sponsored, anyone, 0);
        (uint256 kept, uint256 ending, ) = vault.allotmentOf(sponsored, anyone);
        same(kept, 60 ether, "the other allotment is whole");
        same(ending, 0, "and goes on");

        // What was slashed meanwhile comes no more, so as much again may end.
        otherLane.slashAllotted(sponsored, orchestrator, 10 ether, 0);
        vm.prank(backer);
        vault.unallot(sponsored, anyone, 0);
        (, ending, ) = vault.allotmentOf(sponsored, anyone);
        same(ending, 10 ether, "what it still backs");
    }

    function test_SponsorThatFindsItsPartFree_EndsNothing() public {
        back(100 ether, 10 ether);
        vm.prank(sponsored);
        vault.allot(orchestrator, 50 ether);
        otherLane.lock(sponsored, 55 ether);
        vm.prank(backer);
        same(vault.unsponsor(sponsored), 5 ether, "what is free goes");
        otherLane.unlock(one(sponsored), 55 ether);
        expectError(IStakeVault.AmountZero.selector);
        vm.prank(backer);
        vault.unallot(sponsored, orchestrator, 0);
        vm.prank(backer);
        same(vault.unsponsor(sponsored), 5 ether, "and so does the rest");
    }

    // --- a worker's sponsor of dust ---

    function test_DustySponsorIsReplaced_AndLosesNothing() public {
        back(50 ether, 100 ether - 1);
        vm.expectEmit();
        emit IStakeVault.SponsorLeft(sponsored, backer, 100 ether - 1);
        vm.prank(sponsored);
        vault.acceptSponsor(anyone);
        (address sponsor, uint256 amount, bool leaving) = vault.sponsorshipOf(sponsored);
        sameAddress(sponsor, anyone, "the new one");
        isTrue(amount == 0 && !leaving, "from nothing");
        same(bondedOf(sponsored), 50 ether, "the worker's own stays");
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(backer);
        same(vault.withdrawStake(), 100 ether - 1, "the former sponsor has all back");
        expectError(IStakeVault.SponsorNotAccepted.selector);
        vm.prank(backer);
        vault.unsponsor(sponsored);
        checkSolvent();
    }

    function test_RevertWhen_ReplacingASponsorThatMeansIt() public {
        back(50 ether, 100 ether);
        expectError(IStakeVault.SponsorStillBacking.selector);
        vm.prank(sponsored);
        vault.acceptSponsor(anyone);
    }

    function test_RevertGiven_DustIsLocked_WhenReplacing() public {
        back(50 ether, 1 ether);
        otherLane.lock(sponsored, 50 ether + 1);
        expectError(IStakeVault.SponsorStillBacking.selector);
        vm.prank(sponsored);
        vault.acceptSponsor(anyone);
        otherLane.unlock(one(sponsored), 1);
        vm.prank(sponsored);
        vault.acceptSponsor(anyone);
        same(lockedOf(sponsored), 50 ether, "locks rest on what stays");
        same(bondedOf(sponsored), 50 ether, "all of it");
    }

    function one(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }

    function test_AllotmentSlashed_SaysWhose() public {
        back(100 ether, 0);
        vm.prank(sponsored);
        vault.allot(orchestrator, 10 ether);
        vm.expectEmit();
        emit IStakeVault.AllotmentSlashed(sponsored, orchestrator, 4 ether);
        otherLane.slashAllotted(sponsored, orchestrator, 4 ether, 0);
    }

    function test_AllotmentSlashed_ToItsLastUnit() public {
        back(100 ether, 0);
        vm.prank(sponsored);
        vault.allot(orchestrator, 10 ether);
        vm.prank(sponsored);
        vault.unallot(sponsored, orchestrator, 6 ether);
        otherLane.slashAllotted(sponsored, orchestrator, 10 ether, 0);
        (uint256 amount, uint256 ending, ) = vault.allotmentOf(sponsored, orchestrator);
        same(amount + ending, 0, "nothing is left");
        same(lockedOf(sponsored), 0, "nothing is locked");
    }

    function test_SponsorEndsTheRest_OnceItsFirstPartIsReleased() public {
        back(100 ether, 10 ether);
        vm.prank(sponsored);
        vault.allot(orchestrator, 4 ether);
        vm.prank(sponsored);
        vault.allot(anyone, 106 ether);
        vm.prank(backer);
        vault.unsponsor(sponsored);
        expectError(IStakeVault.SponsorNotAccepted.selector); // a stranger ends nothing, whoever is leaving
        vm.prank(anyone);
        vault.unallot(sponsored, orchestrator, 0);
        vm.prank(backer);
        vault.unallot(sponsored, orchestrator, 0);
        (, , uint256 availableAt) = vault.allotmentOf(sponsored, orchestrator);
        vm.warp(availableAt);
        vault.releaseAllotment(sponsored, orchestrator);

        vm.prank(backer);
        vault.unallot(sponsored, anyone, 0);
        (, uint256 ending, ) = vault.allotmentOf(sponsored, anyone);
        same(ending, 6 ether, "what is neither free nor ending yet");
    }

    function test_NewSponsor_IsNotLeavingAsTheFormerWas() public {
        back(100 ether, 10 ether);
        vm.prank(backer);
        same(vault.unsponsor(sponsored), 10 ether, "the former is out");
        vm.prank(sponsored);
        vault.acceptSponsor(anyone);

        fund(anyone, 5 ether, address(vault));
        vm.prank(anyone);
        vault.sponsor(sponsored, 5 ether);
        same(bondedOf(sponsored), 105 ether, "backed again");
    }

    // --- numbers of workers ---

    function test_WorkersNumbersEndWithAnError_AndOldWorkersGoOn() public {
        uint256 job = post(terms());
        claim(job, 0, 0);
        bytes32 slot = bytes32(uint256(5)); // tests/contracts/snapshots/DirectLane.txt
        same(uint256(vm.load(address(lane), slot)), 1, "the slot of the count");
        vm.store(address(lane), slot, bytes32(uint256(type(uint24).max)));
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.WorkersExhausted.selector, type(uint24).max));
        claim(job, 0, 1);
        uint256 second = post(terms());
        claim(second, 0, 0);
    }

    // --- a draw that never took place ---

    function test_DrawIsNotReplacedBeforeItsEpochIsOver() public {
        vm.prank(requester);
        uint256 job = escrow.postJob(terms());
        uint32 epoch = lane.drawEpochOf(job, 0);
        vm.warp(lane.taskOf(job, 0).fillDeadline); // the chain is slow, or the settings are bad
        vm.expectRevert(abi.encodeWithSelector(IDirectLane.DrawPending.selector, job, 0, epoch));
        lane.reopen(job, 0);
        vm.roll(uint256(epoch) * 4 + 3);
        expectError(IDirectLane.DrawPending.selector);
        lane.reopen(job, 0);
        vm.roll(uint256(epoch) * 4 + 4);
        lane.reopen(job, 0);
        expectError(IDirectLane.TooEarly.selector);
        lane.reopen(job, 0);
        same(lane.taskOf(job, 0).reopens, 1, "one draw missed, one doubling");
    }

    // --- the deciding replica ---

    function test_DecidingReplicaIsDrawnForOneSlot_NotForAllThatWereEverOpened() public {
        for (uint256 i = 16; i < 400; ++i) stakeAs(worker(i), STAKE);
        vm.roll(block.number + 8);
        uint256 drawn = 0;
        for (uint256 k = 0; k < 3; ++k) {
            uint256 job = post(terms());
            split(job);
            uint32 epoch = lane.drawEpochOf(job, 0);
            vm.roll(uint256(epoch) * 4 + 1);
            seeds.set(epoch, keccak256(abi.encode("deciding", k)));
            vm.warp(block.timestamp + RAMP_TIME);
            for (uint256 i = 0; i < 400; ++i) drawn += tryToDecide(job, i);
        }
        // Eight of 400 for each job. Of all three slots it would be 24, and a small sybil would decide three times as often.
        isTrue(drawn > 8 && drawn < 45, "about 24 in three jobs");
    }

    /// @dev Two drawn workers claim, and disagree.
    function split(uint256 job) private {
        uint256 liar = 0;
        for (uint256 seated = 0; seated < 2; ++liar) {
            if (!lane.isDrawn(job, 0, worker(liar))) continue;
            claim(job, 0, liar);
            commit(job, 0, liar, seated == 0 ? RIGHT : WRONG);
            ++seated;
        }
        for (uint256 i = 0; i < liar; ++i) {
            if (lane.claimsOf(job, 0)[0].worker == worker(i)) reveal(job, 0, i, RIGHT);
            if (lane.claimsOf(job, 0)[1].worker == worker(i)) reveal(job, 0, i, WRONG);
        }
        lane.settle(job, 0);
        same(lane.taskOf(job, 0).firstSlot, 2, "one more is drawn");
    }

    /// @dev 1 if the worker is drawn; view and claim must agree.
    function tryToDecide(uint256 job, uint256 who) private returns (uint256) {
        bool drawn = lane.isDrawn(job, 0, worker(who));
        if (drawn) return 1;
        if (lane.claimsOf(job, 0)[0].worker == worker(who) || lane.claimsOf(job, 0)[1].worker == worker(who)) return 0;
        expectError(IDirectLane.NotDrawn.selector);
        claim(job, 0, who);
        return 0;
    }

    // --- a job that pays dust ---

    function test_StakeOfAClaimIsAtMostAHundredPrices() public {
        JobTerms memory wanted = terms();
        (wanted.slotPrice, wanted.stakePerClaim) = (1_000, 100_001);
        vm.expectRevert(abi.encodeWithSelector(IBountyEscrow.StakeOutOfRange.selector, 100_001, 1_000, 100_000));
        vm.prank(requester);
        escrow.postJob(wanted);
        wanted.stakePerClaim = 100_000;
        post(wanted);
    }
}
