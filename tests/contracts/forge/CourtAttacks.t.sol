// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchCourt} from "../../../contracts/BatchCourt.sol";
import {IBatchCourt} from "../../../contracts/interfaces/IBatchCourt.sol";
import {CourtSettings, CourtVerdict} from "../../../contracts/types/Court.sol";
import {CourtBase} from "./CourtBase.sol";
import {expectError, isTrue, same, vm} from "./Vm.sol";

/// @dev What an audit tried against the court, each by the behaviour that it wanted to break.
contract CourtAttacksTest is CourtBase {
    function befriendLater(address worker, address sponsor) private {
        vm.prank(worker);
        vault.acceptSponsor(sponsor);
        vm.prank(sponsor);
        vault.sponsor(worker, 1);
    }

    /// @dev The liar's friend challenges first, and one of the liar's jurors votes as everybody does. Then the friend backs
    ///      it with one unit: its vote does not count any more.
    function test_Convicts_ThoughOneJurorMadeItselfTheChallengersFriend() public {
        uint256 caseId = challenge(DAN, ALICE, OTHER);
        sit(caseId, alike(RIGHT, 3));
        befriendLater(juror(0), person(DAN));
        vm.warp(START + CASE_TIME);
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Wrong, "two whom nobody backs say so");
        same(slash(caseId, ALICE), LOCK, "and the liar pays");
    }

    /// @dev As above in the appeal, with four of its nine votes.
    function test_Convicts_ThoughFourOfNineMadeThemselvesTheChallengersFriends() public {
        uint256 caseId = challenge(DAN, ALICE, OTHER);
        vm.warp(START + 500);
        vm.prank(person(EVE));
        court.appeal(caseId);
        sit(caseId, alike(RIGHT, 9));
        for (uint256 i = 0; i < 4; ++i) befriendLater(juror(i), person(DAN));
        vm.warp(START + 500 + CASE_TIME);
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Wrong, "five are more than half");
    }

    function test_Spares_WhenHalfOfTheVotesAreOfTheChallengersFriends() public {
        uint256 caseId = challenge(DAN, CAROL, OTHER);
        sit(caseId, alike(OTHER, 3));
        befriendLater(juror(0), person(DAN));
        befriendLater(juror(1), person(DAN));
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, SALT);
        vm.warp(START + CASE_TIME);
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Stands, "one of three is not enough");
    }

    /// @dev Longer times than any job may have: no jury could ever be posted.
    function test_RevertWhen_TheEscrowWouldRefuseEveryJury() public {
        vm.mockCall(address(vault), abi.encodeCall(vault.UNBONDING_TIME, ()), abi.encode(uint256(365 days)));
        CourtSettings memory wanted = courtSettings();
        wanted.taskTime = 7 days + 1;
        refuse(wanted);
        wanted = courtSettings();
        wanted.juryTime = 90 days + 1;
        refuse(wanted);
    }

    function refuse(CourtSettings memory wanted) private {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.mockCall(address(lane), abi.encodeCall(lane.COURT, ()), abi.encode(next));
        expectError(IBatchCourt.CourtTimesOutOfRange.selector);
        new BatchCourt(lane, direct, wanted);
    }
}
