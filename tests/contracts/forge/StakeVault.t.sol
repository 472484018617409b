// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StakeVault} from "../../../contracts/StakeVault.sol";
import {IStakeVault} from "../../../contracts/interfaces/IStakeVault.sol";
import {ExactTransfer} from "../../../contracts/libraries/ExactTransfer.sol";
import {FeeToken} from "../../../contracts/mocks/HostileTokens.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, isTrue, same, sameAddress, vm} from "./Vm.sol";

/// @dev The leaves of StakeVault.tree. Locks and slashes come through a lane that does as it is told.
contract StakeVaultTest is MarketBase {
    address internal backer = address(0x3001);
    address internal rookie = address(0x3002);

    // --- stake and history ---

    function test_RevertWhen_StakingNothing() public {
        expectError(IStakeVault.AmountZero.selector);
        vault.stake(0);
    }

    function test_RevertGiven_TokenTakesAFee() public {
        FeeToken bad = new FeeToken();
        StakeVault other = new StakeVault(bad, anyone, anyone, anyone, 60, 1 ether);
        bad.mint(address(this), 10 ether);
        bad.approve(address(other), 10 ether);
        expectError(ExactTransfer.TokenNotSupported.selector);
        other.stake(1 ether);
    }

    function test_History_IsAsAtTheEndOfABlock() public {
        uint256 start = block.number;
        stakeAs(rookie, 5 ether);
        stakeAs(rookie, 1 ether);
        vm.roll(start + 2);
        vm.prank(rookie);
        vault.unbond(2 ether);
        vm.roll(start + 5);
        same(vault.stakeAt(rookie, start - 1), 0, "before");
        same(vault.stakeAt(rookie, start), 6 ether, "that block");
        same(vault.stakeAt(rookie, start + 1), 6 ether, "the next");
        same(vault.stakeAt(rookie, start + 2), 4 ether, "after unbonding");
        same(vault.totalStakeAt(start - 1), 16 * STAKE, "total before");
        same(vault.totalStakeAt(start + 1), 16 * STAKE + 6 ether, "total between");
        same(vault.totalStakeAt(start + 4), 16 * STAKE + 4 ether, "total after");
        (uint256 mine, uint256 all) = vault.stakeShareAt(rookie, start + 1);
        same(mine, 6 ether, "share");
        same(all, 16 * STAKE + 6 ether, "of all");
        expectError(IStakeVault.BlockNotPast.selector);
        vault.stakeAt(rookie, start + 5);
        expectError(IStakeVault.BlockNotPast.selector);
        vault.totalStakeAt(start + 5);
    }

    function testFuzz_History_AgreesWithANaiveCopy(uint256 seed) public {
        uint256 start = block.number;
        uint256[] memory copy = new uint256[](30);
        uint256 balance = 0;
        fund(rookie, 90 ether, address(vault));
        vm.startPrank(rookie);
        for (uint256 i = 0; i < 30; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.roll(start + i);
            if (seed % 4 == 0) {
                vault.stake(3 ether);
                balance += 3 ether;
            } else if (seed % 4 == 1 && balance != 0) {
                vault.unbond(1 ether);
                balance -= 1 ether;
            }
            copy[i] = balance;
        }
        vm.roll(start + 30);
        for (uint256 i = 0; i < 30; ++i) same(vault.stakeAt(rookie, start + i), copy[i], "history");
    }

    // --- unbond and withdraw ---

    function test_Unbond_DelayEdge() public {
        vm.prank(worker(0));
        vault.unbond(10 ether);
        same(vault.totalUnbonding(), 10 ether, "on its way");
        vm.warp(block.timestamp + UNBONDING - 1);
        expectError(IStakeVault.StillUnbonding.selector);
        vm.prank(worker(0));
        vault.withdrawStake();
        vm.warp(block.timestamp + 1);
        vm.prank(worker(0));
        same(vault.withdrawStake(), 10 ether, "amount");
        same(vault.totalUnbonding(), 0, "and gone");
        same(token.balanceOf(worker(0)), 10 ether, "paid");
        expectError(IStakeVault.NothingUnbonding.selector);
        vm.prank(worker(0));
        vault.withdrawStake();
        checkSolvent();
    }

    function test_Unbond_AgainRestartsTheDelay() public {
        vm.prank(worker(0));
        vault.unbond(10 ether);
        vm.warp(block.timestamp + UNBONDING - 1);
        vm.prank(worker(0));
        vault.unbond(1 ether);
        vm.warp(block.timestamp + 1);
        expectError(IStakeVault.StillUnbonding.selector);
        vm.prank(worker(0));
        vault.withdrawStake();
    }

    function test_Unbond_LockedStakeStays() public {
        otherLane.lock(worker(0), STAKE - 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeNotFree.selector, worker(0), 2 ether, 1 ether));
        vm.prank(worker(0));
        vault.unbond(2 ether);
        vm.prank(worker(0));
        vault.unbond(1 ether);
        expectError(IStakeVault.AmountZero.selector);
        vm.prank(worker(0));
        vault.unbond(0);
        // What is locked can still be slashed to the last unit.
        otherLane.slash(worker(0), STAKE - 1 ether, 0);
        same(bondedOf(worker(0)), 0, "all of it");
        checkSolvent();
    }

    // --- lock, unlock, slash ---

    function test_RevertWhen_NotALane() public {
        address[] memory list = new address[](1);
        expectError(IStakeVault.NotALane.selector);
        vault.lock(worker(0), 1, block.number - 1);
        expectError(IStakeVault.NotALane.selector);
        vault.unlock(list, 1);
        expectError(IStakeVault.NotALane.selector);
        vault.slash(worker(0), 1, 0);
        expectError(IStakeVault.NotALane.selector);
        vault.slashAllotted(worker(0), orchestrator, 1, 0);
    }

    function test_RevertGiven_NoBatchLane_WhenZeroCalls() public {
        StakeVault alone = new StakeVault(token, anyone, address(lane), address(0), 60, 1 ether);
        expectError(IStakeVault.NotALane.selector);
        alone.slash(worker(0), 1, 0);
    }

    function test_RevertWhen_LockingOrSlashingTooMuch() public {
        expectError(IStakeVault.StakeNotFree.selector);
        otherLane.lock(worker(0), STAKE + 1);
        otherLane.lock(worker(0), 5 ether);
        expectError(IStakeVault.StakeNotLocked.selector);
        otherLane.slash(worker(0), 5 ether + 1, 0);
        expectError(IStakeVault.SlashFundTooLarge.selector);
        otherLane.slash(worker(0), 1 ether, 1 ether + 1);
        address[] memory list = new address[](1);
        list[0] = worker(0);
        expectError(IStakeVault.StakeNotLocked.selector);
        otherLane.unlock(list, 6 ether);
    }

    function test_Lock_OnlyWhatIsFree() public {
        otherLane.lock(worker(0), 5 ether);
        same(vault.freeStakeOf(worker(0)), STAKE - 5 ether, "what is not locked");
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.StakeNotFree.selector, worker(0), STAKE - 5 ether + 1, STAKE - 5 ether)
        );
        otherLane.lock(worker(0), STAKE - 5 ether + 1);
        otherLane.lock(worker(0), STAKE - 5 ether);
        same(lockedOf(worker(0)), STAKE, "all of it");
    }

    function test_Slash_FundsAndBurns() public {
        otherLane.lock(worker(0), 5 ether);
        vm.expectEmit();
        emit IStakeVault.StakeSlashed(worker(0), address(otherLane), 5 ether, 2 ether);
        otherLane.slash(worker(0), 5 ether, 2 ether);
        same(token.balanceOf(address(escrow)), 2 ether, "funded");
        same(vault.slashPool(), 3 ether, "waits to burn");
        vm.prank(anyone);
        same(vault.burnSlashed(), 3 ether, "burned");
        same(token.balanceOf(BURN), 3 ether, "gone");
        same(vault.totalBurned(), 3 ether, "counted");
        expectError(IStakeVault.AmountZero.selector);
        vault.burnSlashed();
        same(token.balanceOf(address(vault)), vault.totalOwed(), "vault holds what it owes");
        otherLane.lock(worker(0), 2 ether);
        otherLane.slash(worker(0), 2 ether, 2 ether);
        same(vault.slashPool(), 0, "all of a slash may fund");
    }

    // --- sponsors ---

    function sponsored(uint256 own, uint256 backed) private {
        if (own != 0) stakeAs(rookie, own);
        vm.prank(rookie);
        vault.acceptSponsor(backer);
        fund(backer, backed, address(vault));
        vm.prank(backer);
        vault.sponsor(rookie, backed);
        vm.roll(block.number + 1);
    }

    function test_Sponsor_NeedsConsentAndKeepsToTheCap() public {
        fund(backer, 20_000 ether, address(vault));
        expectError(IStakeVault.SponsorNotAccepted.selector);
        vm.prank(backer);
        vault.sponsor(rookie, 1 ether);
        vm.prank(rookie);
        vault.acceptSponsor(backer);
        expectError(IStakeVault.SponsorCapExceeded.selector);
        vm.prank(backer);
        vault.sponsor(rookie, 10_000 ether + 1);
        vm.prank(backer);
        vault.sponsor(rookie, 10_000 ether);
        same(bondedOf(rookie), 10_000 ether, "counts as the worker's stake");
        expectError(IStakeVault.SponsorStillBacking.selector);
        vm.prank(rookie);
        vault.acceptSponsor(anyone);
        checkSolvent();
    }

    function test_Sponsor_WorkerCannotTakeTheSponsorsPart() public {
        sponsored(5 ether, 10 ether);
        expectError(IStakeVault.StakeNotFree.selector);
        vm.prank(rookie);
        vault.unbond(5 ether + 1);
        vm.prank(rookie);
        vault.unbond(5 ether);
        same(bondedOf(rookie), 10 ether, "the sponsor's part stays");
    }

    function test_RevertGiven_LocksReachIntoTheSponsorsPart_WhenUnbonding() public {
        sponsored(5 ether, 10 ether);
        otherLane.lock(rookie, 5 ether + 1);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeNotFree.selector, rookie, 1, 0));
        vm.prank(rookie);
        vault.unbond(1);
    }

    function test_Unsponsor_WaitsForLocksAndNoNewOnesCome() public {
        sponsored(0, 10 ether);
        otherLane.lock(rookie, 6 ether);
        vm.prank(backer);
        same(vault.unsponsor(rookie), 4 ether, "what was free");
        expectError(IStakeVault.StakeNotFree.selector);
        otherLane.lock(rookie, 1);
        same(vault.freeStakeOf(rookie), 0, "nothing can be locked anew");
        address[] memory list = new address[](1);
        list[0] = rookie;
        otherLane.unlock(list, 6 ether);
        same(vault.freeStakeOf(rookie), 0, "not even what became free");
        expectError(IStakeVault.StakeNotFree.selector);
        vm.prank(rookie);
        vault.unbond(1);
        vm.prank(backer);
        same(vault.unsponsor(rookie), 6 ether, "the rest");
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(backer);
        same(vault.withdrawStake(), 10 ether, "home");
        // The worker goes on by itself, or with somebody else.
        stakeAs(rookie, 3 ether);
        vm.roll(block.number + 1);
        otherLane.lock(rookie, 3 ether);
        vm.prank(rookie);
        vault.acceptSponsor(anyone);
        checkSolvent();
    }

    function test_Unsponsor_OnlyTheSponsor() public {
        sponsored(0, 10 ether);
        expectError(IStakeVault.SponsorNotAccepted.selector);
        vm.prank(anyone);
        vault.unsponsor(rookie);
        vm.prank(backer);
        vault.unsponsor(rookie);
        expectError(IStakeVault.SponsorLeaving.selector);
        vm.prank(backer);
        vault.sponsor(rookie, 1 ether);
    }

    function availableAtOf(address account) private view returns (uint256 availableAt) {
        (, , , availableAt) = vault.accountOf(account);
    }

    function test_Unsponsor_OfNothing_RestartsNoDelay() public {
        sponsored(0, 10 ether);
        otherLane.lock(rookie, 6 ether);
        vm.prank(backer);
        vault.unsponsor(rookie);
        uint256 availableAt = availableAtOf(backer);
        vm.warp(block.timestamp + 1);
        vm.prank(backer);
        same(vault.unsponsor(rookie), 0, "nothing became free");
        same(availableAtOf(backer), availableAt, "what is on its way comes when it was to come");
    }

    function test_AcceptSponsor_WorkerCannotDelayTheFormerOne() public {
        sponsored(0, 10 ether);
        vm.prank(backer);
        vault.unsponsor(rookie);
        uint256 availableAt = availableAtOf(backer);
        vm.warp(block.timestamp + 1);
        vm.prank(rookie);
        vault.acceptSponsor(anyone);
        same(availableAtOf(backer), availableAt, "what is on its way comes when it was to come");
    }

    function test_AcceptSponsor_UnderACapTooSmallForAnyLeast() public {
        StakeVault small = new StakeVault(token, anyone, anyone, anyone, UNBONDING, 99);
        vm.prank(rookie);
        small.acceptSponsor(backer);
        (address sponsor, , ) = small.sponsorshipOf(rookie);
        sameAddress(sponsor, backer, "who backs nothing yet is replaced at once");
    }

    function test_Slash_TakesTheWorkersOwnStakeFirst() public {
        sponsored(5 ether, 10 ether);
        otherLane.lock(rookie, 15 ether);
        otherLane.slash(rookie, 5 ether, 0);
        (, uint256 backed, ) = vault.sponsorshipOf(rookie);
        same(backed, 10 ether, "the sponsor is whole");
        otherLane.slash(rookie, 4 ether, 0);
        (, backed, ) = vault.sponsorshipOf(rookie);
        same(backed, 6 ether, "then it pays");
        otherLane.slash(rookie, 6 ether, 0);
        (, backed, ) = vault.sponsorshipOf(rookie);
        same(backed, 0, "to the end");
        checkSolvent();
    }

    // --- allotments ---

    function test_Allot_IsLockedAndCanBeSlashedUntilItsDelayHasPassed() public {
        vm.prank(worker(0));
        vault.allot(orchestrator, 10 ether);
        same(lockedOf(worker(0)), 10 ether, "locked");
        vm.prank(worker(0));
        vault.unallot(worker(0), orchestrator, 6 ether);
        otherLane.slashAllotted(worker(0), orchestrator, 7 ether, 1 ether);
        (uint256 amount, uint256 ending, ) = vault.allotmentOf(worker(0), orchestrator);
        same(amount, 3 ether, "what is ending goes first");
        same(ending, 0, "all of it");
        expectError(IStakeVault.AllotmentTooSmall.selector);
        otherLane.slashAllotted(worker(0), orchestrator, 3 ether + 1, 0);
        expectError(IStakeVault.AllotmentTooSmall.selector);
        vm.prank(worker(0));
        vault.unallot(worker(0), orchestrator, 3 ether + 1);

        vm.prank(worker(0));
        vault.unallot(worker(0), orchestrator, 3 ether);
        vm.warp(block.timestamp + UNBONDING - 1);
        expectError(IStakeVault.StillUnbonding.selector);
        vault.releaseAllotment(worker(0), orchestrator);
        vm.warp(block.timestamp + 1);
        vm.prank(anyone);
        same(vault.releaseAllotment(worker(0), orchestrator), 3 ether, "released");
        same(lockedOf(worker(0)), 0, "free");
        expectError(IStakeVault.NothingUnbonding.selector);
        vault.releaseAllotment(worker(0), orchestrator);
        same(token.balanceOf(address(vault)), vault.totalOwed(), "vault holds what it owes");
    }

    function test_RevertWhen_AllotmentsAreMisused() public {
        expectError(IStakeVault.AmountZero.selector);
        vault.allot(orchestrator, 0);
        expectError(IStakeVault.StakeNotFree.selector);
        vm.prank(worker(0));
        vault.allot(orchestrator, STAKE + 1);
        vm.prank(worker(0));
        vault.allot(orchestrator, 1 ether);
        expectError(IStakeVault.AmountZero.selector);
        vm.prank(worker(0));
        vault.unallot(worker(0), orchestrator, 0);
        expectError(IStakeVault.SponsorNotAccepted.selector);
        vm.prank(anyone);
        vault.unallot(worker(0), orchestrator, 1 ether);
    }

    function test_Unallot_LeavingSponsorNeedsNoHelp() public {
        sponsored(0, 10 ether);
        vm.prank(rookie);
        vault.allot(orchestrator, 10 ether);
        expectError(IStakeVault.SponsorNotAccepted.selector);
        vm.prank(backer);
        vault.unallot(rookie, orchestrator, 10 ether);
        vm.prank(backer);
        vault.unsponsor(rookie);
        vm.prank(backer);
        vault.unallot(rookie, orchestrator, 10 ether);
        vm.warp(block.timestamp + UNBONDING);
        vault.releaseAllotment(rookie, orchestrator);
        vm.prank(backer);
        same(vault.unsponsor(rookie), 10 ether, "out");
    }

    // --- construction ---

    function test_RevertWhen_SettingsAreOutOfRange() public {
        expectError(IStakeVault.SponsorCapOutOfRange.selector);
        new StakeVault(token, anyone, anyone, anyone, 60, uint256(1) << 96);
        expectError(IStakeVault.UnbondingTimeOutOfRange.selector);
        new StakeVault(token, anyone, anyone, anyone, 0, 1);
        expectError(IStakeVault.UnbondingTimeOutOfRange.selector);
        new StakeVault(token, anyone, anyone, anyone, 365 days + 1, 1);
    }

    function test_Settings_AtTheirEdges() public {
        StakeVault wide = new StakeVault(token, anyone, anyone, anyone, 365 days, type(uint96).max);
        same(wide.LONGEST_UNBONDING(), 365 days, "a year is the longest");
        same(wide.UNBONDING_TIME(), 365 days, "and allowed");
        same(wide.SPONSOR_CAP(), type(uint96).max, "all that a stake can be");
        same(vault.SPONSOR_LEAST(), 100 ether, "a hundredth of the cap");
    }
}
