// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IStakeVault} from "../../../contracts/interfaces/IStakeVault.sol";
import {JobTerms} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {expectError, same, vm} from "./Vm.sol";

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
}
