// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchCourt} from "../../../contracts/BatchCourt.sol";
import {IBatchCourt} from "../../../contracts/interfaces/IBatchCourt.sol";
import {IBatchLane} from "../../../contracts/interfaces/IBatchLane.sol";
import {OpenToken, ReentrantToken} from "../../../contracts/mocks/HostileTokens.sol";
import {Bundle, BundleOpening, ReceiptOpening} from "../../../contracts/types/Batch.sol";
import {CourtCase, CourtSettings, CourtVerdict} from "../../../contracts/types/Court.sol";
import {JobTerms} from "../../../contracts/types/Market.sol";
import {CourtBase} from "./CourtBase.sol";
import {expectError, isTrue, same, sameAddress, sameBytes, vm} from "./Vm.sol";

/// @dev The court branch by branch, and what hostile people try. Sequences of acts are in CourtReplay.t.sol.
///
/// challenge
/// ├── given no commitment, the batch's own orchestrator, no such batch, its window over, the case known: reverts
/// ├── given a receipt that is not there, is of another batch's task, or was not signed: reverts
/// ├── given a task of a later stage, or one too long: reverts
/// └── it takes a jury's price, and posts the jury: same program and inputs, drawn later
/// appeal: given no case, a verdict, a jury that is out, one that agreed, a second appeal, no time left: reverts
/// decide
/// ├── given no case, a verdict, a jury that is out: reverts
/// ├── the digest stands · is wrong, and the challenger knew or not · void · no quorum, before and after an appeal
/// └── a vote of a party, its backer or one that has the same backer does not count; a sponsor that is only named is none
/// slash: given another verdict, header, task, digest, or the second time: reverts; at most the lock, at most what is free
contract BatchCourtTest is CourtBase {
    function challengeRefused(bytes4 error, BundleOpening memory opening, ReceiptOpening memory shown) private {
        expectError(error);
        vm.prank(person(EVE));
        court.challenge(header, opening, shown, SALT);
    }

    function wrongAlice() private returns (uint256 caseId) {
        caseId = challenge(EVE, ALICE, RIGHT);
        sit(caseId, alike(RIGHT, 3));
        court.decide(caseId, SALT);
    }

    // --- challenge ---

    function test_Challenge_SummonsAJuryOnTheSameProgramAndInputs() public {
        uint256 had = token.balanceOf(person(EVE));
        same(court.bondOf(jobId), BOND, "the jury's price");
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        CourtCase memory entry = court.caseOf(caseId);
        JobTerms memory jury = escrow.terms(entry.jury);
        same(had - token.balanceOf(person(EVE)), BOND, "put up");
        same(token.balanceOf(address(court)), 0, "the court keeps none of it");
        same(token.allowance(address(court), address(escrow)), 0, "and allows nobody more");
        sameAddress(jury.lane, address(direct), "direct lane");
        sameBytes(jury.manifestDigest, court.juryDigest(MANIFEST, 0), "what it computes");
        same(jury.deadline, block.timestamp + 500, "in time");
        same(uint256(jury.quorum) * 100 + jury.workSlots, 305, "three of five");
        same(jury.stakePerClaim, 10 * JUROR_PRICE, "with something at stake");
        isTrue(direct.drawEpochOf(entry.jury, 0) > seeds.currentEpoch(), "drawn by what nobody knows yet");
        same(court.caseAbout(jobId, 0, uint216(uint256(words[0]))), caseId, "found by what it is about");
        same(entry.until, block.timestamp + CASE_TIME, "over by then");
    }

    function test_JuryDigest_IsOfTheDocumentsText() public view {
        string memory text =
            '{"jury":1,"manifest":"0x00000000000000000000000000000000000000000000000000000000000000ab","task":65534}';
        sameBytes(court.juryDigest(bytes32(uint256(0xab)), 65_534), sha256(bytes(text)), "canonical JSON");
    }

    function test_RevertGiven_NoCommitment() public {
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(ALICE), receiptOf(ALICE));
        expectError(IBatchCourt.CommitmentMissing.selector);
        court.challenge(header, opening, shown, 0);
    }

    function test_RevertWhen_TheOrchestratorChallengesItsOwn() public {
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(ALICE), receiptOf(ALICE));
        vm.prank(person(ORC));
        expectError(IBatchCourt.ChallengerIsOrchestrator.selector);
        court.challenge(header, opening, shown, SALT);
    }

    function test_RevertGiven_BatchIsNotPosted() public {
        header.number = 1;
        challengeRefused(IBatchLane.BatchUnknown.selector, bundleOf(ALICE), receiptOf(ALICE));
    }

    function test_Challenge_WindowEdge() public {
        vm.warp(START + WINDOW);
        challengeRefused(IBatchCourt.TooLate.selector, bundleOf(ALICE), receiptOf(ALICE));
        vm.warp(START + WINDOW - 1);
        challenge(EVE, ALICE, RIGHT);
    }

    function test_RevertWhen_TheSameDigestIsChallengedTwice() public {
        challenge(EVE, ALICE, RIGHT);
        challengeRefused(IBatchCourt.ChallengeRepeated.selector, bundleOf(BOB), receiptOf(BOB));
    }

    function test_RevertGiven_ReceiptIsNotThere() public {
        BundleOpening memory moved = bundleOf(ALICE);
        moved.position = 1;
        challengeRefused(IBatchCourt.NotInBatch.selector, moved, receiptOf(ALICE));
        challengeRefused(IBatchCourt.NotInBatch.selector, bundleOf(ALICE), receiptOf(BOB));
        ReceiptOpening memory longer = receiptOf(ALICE);
        longer.proof = new bytes32[](1);
        challengeRefused(IBatchCourt.NotInBatch.selector, bundleOf(ALICE), longer);
        BundleOpening memory shorter = bundleOf(ALICE);
        shorter.proof = new bytes32[](2);
        challengeRefused(IBatchCourt.NotInBatch.selector, shorter, receiptOf(ALICE));
    }

    function test_RevertGiven_TaskIsOfAnotherBatch() public {
        JobTerms memory terms = jobTerms();
        terms.mapTasks = 4;
        postJob(terms);
        allot(ORC, 10_000);
        postBatch(); // tasks 0 to 2; task 3 comes later, but Carol has signed for it already
        words[2] = bytes32((uint256(3) << 224) | 1);
        challengeRefused(IBatchCourt.NotInBatch.selector, bundleOf(CAROL), receiptOf(CAROL));
    }

    function test_RevertGiven_TaskIsNoMapTaskOfTheFirstRound() public {
        JobTerms memory terms = jobTerms();
        (terms.mapTasks, terms.reduceTasks) = (2, 1);
        postJob(terms);
        allot(ORC, 10_000);
        postBatch();
        challengeRefused(IBatchCourt.TaskNotTried.selector, bundleOf(NILS), receiptOf(NILS));
        challenge(EVE, CAROL, OTHER);
    }

    function test_RevertGiven_TaskTakesLongerThanJurorsHave() public {
        JobTerms memory terms = jobTerms();
        terms.taskTime = 101;
        postJob(terms);
        allot(ORC, 10_000);
        postBatch();
        challengeRefused(IBatchCourt.TaskTooLong.selector, bundleOf(ALICE), receiptOf(ALICE));
    }

    function test_Challenge_JurorsOfADearJobGetWhatItsWorkersGet() public {
        JobTerms memory terms = jobTerms();
        (terms.slotPrice, terms.stakePerClaim) = (3_000, 30_000);
        postJob(terms);
        allot(ORC, 20_000);
        postBatch();
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        same(court.bondOf(jobId), 15_000, "five of them");
        same(court.caseOf(caseId).price, 3_000, "each");
        same(court.caseOf(caseId).lock, 30_000, "and its own lock");
    }

    function test_RevertGiven_NoAllowanceForTheBond() public {
        vm.prank(person(EVE));
        token.approve(address(court), BOND - 1);
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(ALICE), receiptOf(ALICE));
        vm.prank(person(EVE));
        vm.expectRevert();
        court.challenge(header, opening, shown, SALT);
        same(court.caseCount(), 0, "nothing happened");
    }

    // --- decide and appeal ---

    function test_RevertGiven_JuryIsOut() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        expectError(IBatchCourt.JuryStillOut.selector);
        court.decide(caseId, SALT);
        expectError(IBatchCourt.JuryStillOut.selector);
        court.appeal(caseId);
        uint256 jury = court.caseOf(caseId).jury;
        know(jury, alike(RIGHT, 1), 1);
        vm.prank(juror(0));
        direct.claim(jury, 0);
        vm.warp(START + 501); // claimed, so somebody has to end it first
        expectError(IBatchCourt.JuryStillOut.selector);
        court.decide(caseId, SALT);
    }

    function test_Decide_NobodyCame_Edge() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        vm.warp(START + 499);
        vm.prank(person(DAN));
        expectError(IBatchCourt.JuryStillOut.selector);
        court.appeal(caseId);
        vm.warp(START + 500);
        vm.prank(person(DAN));
        court.appeal(caseId);
        same(escrow.terms(court.caseOf(caseId).jury).quorum, 9, "three times the quorum");
        same(escrow.terms(court.caseOf(caseId).jury).workSlots, 15, "and the slots");
        same(court.owedTo(person(EVE)), BOND, "the first jury cost nothing");
    }

    function test_Decide_NoQuorum_WaitsForAnAppeal() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        vm.warp(START + CASE_TIME - 1);
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, SALT);
        vm.warp(START + CASE_TIME);
        expectError(IBatchCourt.TooLate.selector);
        court.appeal(caseId);
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Stands, "nobody was proved wrong");
        expectError(IBatchCourt.NotGuilty.selector);
        this.slashAs(caseId, ALICE);
    }

    function test_RevertWhen_AppealedThoughTheJuryAgreed() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        sit(caseId, alike(WRONG, 3));
        expectError(IBatchCourt.JuryAgreed.selector);
        court.appeal(caseId);
    }

    function test_RevertWhen_AppealedTwice() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        vm.warp(START + 500);
        vm.startPrank(person(DAN));
        court.appeal(caseId);
        expectError(IBatchCourt.AppealedAlready.selector);
        court.appeal(caseId);
        vm.stopPrank();
    }

    function test_Decide_AppealWithoutQuorum_StandsAtOnce() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        vm.warp(START + 500);
        vm.prank(person(DAN));
        court.appeal(caseId);
        vm.warp(START + 1_000);
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Stands, "the last word");
        same(court.owedTo(person(DAN)), 3 * BOND, "nobody sat, nobody was paid");
    }

    function test_RevertGiven_NoSuchCaseOrOneDecided() public {
        expectError(IBatchCourt.CaseUnknown.selector);
        court.decide(1, SALT);
        expectError(IBatchCourt.CaseUnknown.selector);
        court.appeal(1);
        expectError(IBatchCourt.CaseUnknown.selector);
        court.caseOf(1);
        uint256 caseId = wrongAlice();
        expectError(IBatchCourt.CaseDecidedAlready.selector);
        court.decide(caseId, SALT);
        expectError(IBatchCourt.CaseDecidedAlready.selector);
        court.appeal(caseId);
    }

    function test_Decide_WrongDigest_SaltIsNeededUntilTheTimeIsOver() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        sit(caseId, alike(RIGHT, 3));
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, 0);
        uint256 until = court.caseOf(caseId).until;
        vm.warp(until - 1);
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, 0);
        vm.warp(until);
        court.decide(caseId, 0);
        slash(caseId, ALICE);
        same(escrow.creditOf(person(EVE)), 0, "who does not show that it knew has no reward");
        same(escrow.creditOf(person(REQUESTER)), RECEIPT_COST, "the requester has hers");
    }

    function test_Decide_CommitmentOfAnother_IsNotKnowing() public {
        bytes32 evesOwn = commitment(EVE, ALICE, RIGHT);
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(ALICE), receiptOf(ALICE));
        vm.prank(person(DAN)); // saw it in the mempool, with its commitment
        uint256 caseId = court.challenge(header, opening, shown, evesOwn);
        sit(caseId, alike(RIGHT, 3));
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, SALT);
    }

    function test_Decide_Void_RequesterPaysTheJuryAndNobodyIsSlashed() public {
        uint256 had = moneyOf(person(EVE));
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        sit(caseId, alike(VOID, 3));
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Void, "void");
        same(moneyOf(person(EVE)), had, "the challenger has all of it back");
        same(escrow.refundable(jobId), 11_000 - 3 * JUROR_PRICE, "from the job");
        expectError(IBatchCourt.NotGuilty.selector);
        this.slashAs(caseId, ALICE);
        checkSolvent();
    }

    function test_Decide_Void_NothingLeftOfTheJob_ChallengerPaysTheRest() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        sit(caseId, alike(VOID, 3));
        escrow.refund(jobId);
        court.decide(caseId, SALT);
        same(court.owedTo(person(EVE)) + escrow.creditOf(person(EVE)), BOND - 3 * JUROR_PRICE, "less the jury");
        same(escrow.reservedOf(person(ORC)), 5 * RECEIPT_COST, "payees' pay was not touched");
    }

    function test_Decide_VoidOfAJobWithOpenTasks_LeavesWhatBatchesMayTake() public {
        JobTerms memory terms = jobTerms();
        terms.mapTasks = 5;
        postJob(terms);
        allot(ORC, 10_000);
        postBatch(); // three of five tasks
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        sit(caseId, alike(VOID, 3));
        court.decide(caseId, SALT);
        uint256 open = 2 * 5 * RECEIPT_COST;
        isTrue(escrow.escrowOf(jobId) >= open, "two tasks are still to come");
    }

    // --- whose votes count ---

    function test_Jury_PartyItself_DoesNotCount() public {
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(ALICE), receiptOf(ALICE));
        back(juror(1), juror(0));
        vm.prank(juror(0)); // challenges, and sits with one that it backs
        uint256 caseId = court.challenge(header, opening, shown, SALT);
        sit(caseId, alike(RIGHT, 3));
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, SALT);
        vm.prank(person(DAN));
        court.appeal(caseId); // one vote is not more than half of three
        same(court.owedTo(juror(0)), BOND - 3 * JUROR_PRICE, "but jurors that computed are paid");
    }

    function test_Jury_BackerOfAParty_DoesNotCount() public {
        vm.prank(person(BOB));
        vault.acceptSponsor(juror(0));
        vm.prank(juror(0));
        vault.sponsor(person(BOB), 10);
        uint256 caseId = challenge(EVE, BOB, RIGHT);
        sit(caseId, alike(WRONG, 3));
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, SALT);
    }

    function test_Jury_WorkerBackedByAParty_DoesNotCount() public {
        back(juror(0), person(REQUESTER)); // she would be refunded
        back(juror(1), person(REQUESTER));
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        sit(caseId, alike(RIGHT, 3));
        expectError(IBatchCourt.TooEarly.selector);
        court.decide(caseId, SALT);
    }

    function test_Jury_VoteAgainstOnesOwnSide_Counts() public {
        uint256 caseId = challenge(DAN, ALICE, RIGHT);
        sit(caseId, (13 * 16 + RIGHT) | (alike(RIGHT, 2) << 8)); // Alice's friend says so too
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Wrong, "all three count");
    }

    function test_Jury_OneThatOnlyNamesTheChallengerAsSponsor_Counts() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        vm.prank(juror(0)); // a friend of Alice's, who wants its vote not to count
        vault.acceptSponsor(person(EVE));
        vm.prank(juror(1));
        vault.acceptSponsor(address(0x52)); // Eve's sponsor, who backs Eve and not this one
        sit(caseId, alike(RIGHT, 3));
        isTrue(court.decide(caseId, SALT) == CourtVerdict.Wrong, "naming is not backing");
    }

    // --- slash ---

    function slashAs(uint256 caseId, uint256 who) external {
        slash(caseId, who);
    }

    function test_Slash_LosesTheLock_HalfToWhoKnew_PriceToTheRequester_RestBurns() public {
        uint256 caseId = wrongAlice();
        uint256 pool = vault.slashPool();
        same(slash(caseId, ALICE), LOCK, "lost");
        same(escrow.creditOf(person(EVE)), LOCK / 2, "reward");
        same(escrow.creditOf(person(REQUESTER)), RECEIPT_COST, "refund");
        same(vault.slashPool() - pool, LOCK / 2 - RECEIPT_COST, "burns");
        same(bondedOf(person(ALICE)), 20_010 - LOCK, "Alice");
        expectError(IBatchCourt.SlashedAlready.selector);
        this.slashAs(caseId, ALICE);
        checkSolvent();
    }

    function test_Slash_EverySignerOfTheDigest_AsFarAsItAllotted() public {
        uint256 caseId = wrongAlice();
        same(slash(caseId, BOB), 5_000, "all that Bob allotted");
        expectError(IBatchCourt.NotGuilty.selector);
        this.slashAs(caseId, CAROL);
        expectError(IBatchCourt.NotGuilty.selector);
        this.slashAs(caseId, NILS);
    }

    function test_Slash_NewcomerWithoutStake_IsOnRecordAndLosesNothing() public {
        uint256 caseId = challenge(EVE, NILS, RIGHT);
        sit(caseId, alike(RIGHT, 3));
        court.decide(caseId, SALT);
        same(slash(caseId, NILS), 0, "nothing to lose");
        isTrue(court.isSlashed(caseId, person(NILS)), "on record");
    }

    function test_Slash_OrchestratorThatSigned_KeepsTheBondOfItsBatches() public {
        uint256 caseId = challenge(EVE, NILS, RIGHT);
        sit(caseId, alike(RIGHT, 3));
        court.decide(caseId, SALT);
        same(slash(caseId, ORC), 3_000, "what no batch holds");
        (uint256 allotted, , ) = vault.allotmentOf(person(ORC), person(ORC));
        (, , uint256 bonded) = lane.bookOf(person(ORC));
        same(allotted, bonded, "every pending batch's bond is still covered");
    }

    function test_Slash_LeavingStakeFirst() public {
        vm.startPrank(person(ALICE));
        vault.unallot(person(ALICE), person(ORC), 12_000);
        vm.stopPrank();
        uint256 caseId = wrongAlice();
        same(slash(caseId, ALICE), LOCK, "ending and not");
        (uint256 allotted, uint256 ending, ) = vault.allotmentOf(person(ALICE), person(ORC));
        same(allotted + ending, 4_000, "left");
        same(ending, 0, "none of it leaves");
    }

    function test_RevertGiven_AnotherHeader_WhenSlashing() public {
        uint256 caseId = wrongAlice();
        header.payoutsRoot = keccak256("others");
        expectError(IBatchCourt.NotGuilty.selector);
        this.slashAs(caseId, ALICE);
    }

    function test_Slash_LongAfter_TheCourtKeepsTheHeadersHashItself() public {
        uint256 caseId = wrongAlice();
        vm.warp(START + UNBONDING); // long after the batch left the ring's care
        same(slash(caseId, ALICE), LOCK, "whatever became of its place in the ring");
    }

    function test_Payouts_AreAsUsableAsWithoutAChallenge() public {
        challenge(EVE, ALICE, RIGHT);
        vm.warp(START + WINDOW);
        lane.requireUsable(header);
        lane.releaseBond(header);
        JobTerms memory terms = jobTerms();
        terms.deadline = uint40(block.timestamp + 10);
        postJob(terms);
        postBatch();
    }

    // --- money ---

    function test_Withdraw_AlsoIfAStrangerFetchedTheCredit() public {
        uint256 had = token.balanceOf(person(EVE));
        uint256 caseId = challenge(EVE, CAROL, OTHER);
        sit(caseId, alike(RIGHT, 3));
        escrow.refund(court.caseOf(caseId).jury);
        escrow.withdrawFor(address(court));
        court.decide(caseId, SALT);
        checkSolvent();
        same(court.withdrawFor(person(EVE)), 2 * JUROR_PRICE, "two slots were not needed");
        same(had - token.balanceOf(person(EVE)), 3 * JUROR_PRICE, "the loser pays the jury");
        same(token.balanceOf(address(court)) + court.totalOwed(), 0, "nothing stays behind");
        expectError(IBatchCourt.NothingToWithdraw.selector);
        court.withdrawFor(person(EVE));
    }

    function test_Withdraw_TwoChallengers_EachItsOwn() public {
        uint256 first = challenge(EVE, CAROL, OTHER);
        uint256 second = challenge(DAN, NILS, RIGHT);
        sit(first, alike(RIGHT, 3));
        court.decide(first, SALT);
        vm.warp(START + CASE_TIME);
        court.decide(second, SALT);
        same(court.withdrawFor(person(DAN)), BOND, "nobody came to Dan's");
        same(court.withdrawFor(person(EVE)), BOND - 3 * JUROR_PRICE, "and Eve's is whole");
        checkSolvent();
    }

    function test_RevertWhen_AnybodyElseAsksTheLane() public {
        expectError(IBatchLane.NotTheCourt.selector);
        lane.slashSigner(person(ORC), person(ALICE), jobId, 1, person(EVE), 0);
        expectError(IBatchLane.NotTheCourt.selector);
        lane.payFromJob(jobId, person(EVE), 1);
    }

    /// @dev Of Bob's 5,000 never more than half goes back to the requester, whatever is to be refunded: the reward comes first.
    function test_SlashSigner_RefundIsAtMostTheOtherHalf() public {
        uint256 pool = vault.slashPool();
        vm.prank(address(court));
        same(lane.slashSigner(person(ORC), person(BOB), jobId, LOCK, person(EVE), 10_000), 5_000, "all of it");
        same(escrow.creditOf(person(EVE)), 2_500, "reward");
        same(escrow.creditOf(person(REQUESTER)), 2_500, "refund");
        same(vault.slashPool(), pool, "nothing burns");
        checkSolvent();
    }

    /// @dev Who works for others answers to them with all of what it allotted to them: its own batches hold none of that.
    function test_SlashSigner_OrchestratorThatWorksForAnother_ItsOwnBondsCoverNothingThere() public {
        (, , uint256 bonded) = lane.bookOf(person(ORC));
        isTrue(bonded > 1_000, "it has batches");
        fund(person(ORC));
        vm.startPrank(person(ORC));
        vault.stake(1_000);
        vault.allot(person(DAN), 1_000);
        vm.stopPrank();
        vm.prank(address(court));
        same(lane.slashSigner(person(DAN), person(ORC), jobId, LOCK, person(EVE), 0), 1_000, "all of it");
        (, , uint256 left) = lane.bookOf(person(ORC));
        same(left, bonded, "the bond of its batches is untouched");
    }

    // --- the constructor ---

    function refuse(CourtSettings memory wanted, bytes4 error) private {
        uint64 nonce = vm.getNonce(address(this));
        isTrue(vm.computeCreateAddress(address(this), nonce) != address(court), "never this one");
        vm.mockCall(
            address(lane),
            abi.encodeCall(lane.COURT, ()),
            abi.encode(vm.computeCreateAddress(address(this), nonce))
        );
        expectError(error);
        new BatchCourt(lane, direct, wanted);
        vm.clearMockedCalls();
    }

    function test_RevertWhen_WiredToAnotherAddress() public {
        expectError(IBatchCourt.WrongWiring.selector);
        new BatchCourt(lane, direct, courtSettings());
    }

    function test_RevertWhen_StakeCouldLeaveBeforeTheLastSlash() public {
        same(court.LIABILITY(), WINDOW + 2 * CASE_TIME + 200, "window, two juries, and to slash");
        CourtSettings memory s = courtSettings();
        s.juryTime += 1;
        refuse(s, IBatchCourt.CourtTimesOutOfRange.selector);
        s = courtSettings();
        s.juryTime = 0;
        refuse(s, IBatchCourt.CourtTimesOutOfRange.selector);
        s = courtSettings();
        s.reply = 0;
        refuse(s, IBatchCourt.CourtTimesOutOfRange.selector);
        s = courtSettings();
        s.taskTime = 0;
        refuse(s, IBatchCourt.CourtTimesOutOfRange.selector);
    }

    function test_RevertWhen_JuryIsOutOfRange() public {
        CourtSettings memory s = courtSettings();
        s.quorum = 1;
        refuse(s, IBatchCourt.JuryOutOfRange.selector);
        s.quorum = 4; // an appeal would have 21 slots
        refuse(s, IBatchCourt.JuryOutOfRange.selector);
        s = courtSettings();
        s.stakeFactor = 0;
        refuse(s, IBatchCourt.JuryOutOfRange.selector);
        s.stakeFactor = 101;
        refuse(s, IBatchCourt.JuryOutOfRange.selector);
        s = courtSettings();
        s.leastPrice = 0;
        refuse(s, IBatchCourt.JuryOutOfRange.selector);
        s.leastPrice = 1 << 88;
        refuse(s, IBatchCourt.JuryOutOfRange.selector);
    }
}

/// @dev Alice never signed what the orchestrator posted in her name, and nobody struck it in time.
contract ForgedBundleTest is CourtBase {
    function signedBundle(uint256 position) internal view override returns (Bundle memory bundle) {
        bundle = super.signedBundle(position);
        if (position == 0) (bundle.r, bundle.vs) = sign(BOB, bundle, jobId, 0);
    }

    function test_RevertGiven_AccusedNeverSigned() public {
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(ALICE), receiptOf(ALICE));
        expectError(IBatchCourt.NotSigned.selector);
        court.challenge(header, opening, shown, SALT);
    }

    function test_Slash_WhoNeverSigned_IsSparedWhenAnotherIsGuilty() public {
        uint256 caseId = challenge(EVE, BOB, RIGHT);
        sit(caseId, alike(RIGHT, 3));
        court.decide(caseId, SALT);
        (BundleOpening memory opening, ReceiptOpening memory shown) = (bundleOf(ALICE), receiptOf(ALICE));
        expectError(IBatchCourt.NotSigned.selector);
        court.slash(caseId, header, opening, shown);
    }
}

/// @dev The token calls back: nothing of the court can be entered again.
contract CourtReentrancyTest is CourtBase {
    function makeToken() internal override returns (OpenToken) {
        return new ReentrantToken();
    }

    function test_Reentrancy_WithdrawTwiceIsRefused() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        vm.warp(START + CASE_TIME);
        court.decide(caseId, 0);
        ReentrantToken hostile = ReentrantToken(address(token));
        hostile.arm(person(EVE), address(court), abi.encodeCall(court.withdrawFor, (person(EVE))));
        same(court.withdrawFor(person(EVE)), BOND, "once");
        isTrue(hostile.called() && !hostile.succeeded(), "the second is refused");
        checkSolvent();
    }

    function test_Reentrancy_DecideWithinAChallengeIsRefused() public {
        uint256 caseId = challenge(EVE, ALICE, RIGHT);
        vm.warp(START + 900);
        ReentrantToken hostile = ReentrantToken(address(token));
        hostile.arm(person(DAN), address(court), abi.encodeCall(court.appeal, (caseId)));
        challenge(DAN, CAROL, OTHER);
        isTrue(hostile.called() && !hostile.succeeded(), "refused");
        checkSolvent();
    }
}
