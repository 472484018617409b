// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CourtCase, CourtVerdict} from "../../../../contracts/types/Court.sol";
import {Verdict} from "../../../../contracts/types/Batch.sol";
import {ClaimStatus, ClaimView, TaskStatus, TaskView} from "../../../../contracts/types/Market.sol";
import {CourtBase} from "../CourtBase.sol";
import {isTrue, same, vm} from "../Vm.sol";

/// @dev What forge may call: everybody's acts, valid or not. A refusal is fine, an arithmetic panic is not.
contract CourtHandler is CourtBase {
    bytes4 private constant PANIC = 0x4e487b71;
    mapping(uint256 caseId => mapping(uint256 who => uint256)) private _lost;
    mapping(uint256 who => uint256) private _had;
    uint256 private _bonds; // lost by the orchestrator for a fault of its batch
    uint256 private _reserved;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < PEOPLE; ++i) _had[i] = bondedOf(person(i));
        _reserved = escrow.reservedOf(person(ORC));
    }

    function selectors() external pure returns (bytes4[] memory picked) {
        picked = new bytes4[](10);
        picked[0] = this.challengeSome.selector;
        picked[1] = this.sitSome.selector;
        picked[2] = this.sitAlike.selector;
        picked[3] = this.joinSome.selector;
        picked[4] = this.appealSome.selector;
        picked[5] = this.decideSome.selector;
        picked[6] = this.slashSome.selector;
        picked[7] = this.moneyMoves.selector;
        picked[8] = this.befriendSome.selector;
        picked[9] = this.passTime.selector;
    }

    function self(bytes memory data) private returns (bool done) {
        bytes memory answer;
        (done, answer) = address(this).call(data);
        isTrue(done || bytes4(answer) != PANIC, "an arithmetic panic");
    }

    function pick(uint256 seed) private view returns (uint256) {
        return court.caseCount() == 0 ? 0 : (seed % court.caseCount()) + 1;
    }

    // --- acts ---

    function challengeSome(uint256 by, uint256 signer, uint256 code) external {
        self(abi.encodeCall(this.doChallenge, (by % PEOPLE, signerAt(signer % 5), (code % 4) + 1)));
    }

    function doChallenge(uint256 by, uint256 signer, uint256 code) external {
        challenge(by, signer, code);
    }

    /// @dev Jurors in a row, each with an own opinion.
    function sitSome(uint256 seed, uint256 first, uint256 opinions) external {
        uint256 votes = 0;
        for (uint256 i = 0; i < 15; ++i) {
            votes |= ((((first % 15) + i) % 15) * 16 + (((opinions >> (4 * i)) % 4) + 1)) << (8 * i);
        }
        self(abi.encodeCall(this.doSit, (pick(seed), votes)));
    }

    /// @dev Jurors that agree, mostly on what is right.
    function sitAlike(uint256 seed, uint256 first, uint256 code) external {
        uint256 votes = 0;
        code = code % 8 < 4 ? RIGHT : (code % 4) + 1;
        for (uint256 i = 0; i < 15; ++i) votes |= ((((first % 15) + i) % 15) * 16 + code) << (8 * i);
        self(abi.encodeCall(this.doSit, (pick(seed), votes)));
    }

    function doSit(uint256 caseId, uint256 votes) external {
        sit(caseId, votes);
    }

    /// @dev One juror claims and is never heard of again.
    function joinSome(uint256 seed, uint256 who) external {
        self(abi.encodeCall(this.doJoin, (pick(seed), who % 15)));
    }

    function doJoin(uint256 caseId, uint256 who) external {
        uint256 jury = court.caseOf(caseId).jury;
        know(jury, who * 16 + 1, 1);
        vm.prank(juror(who));
        direct.claim(jury, 0);
    }

    function appealSome(uint256 by, uint256 seed) external {
        uint256 caseId = pick(seed);
        vm.prank(person(by % PEOPLE));
        (bool done, bytes memory answer) = address(court).call(abi.encodeCall(court.appeal, (caseId)));
        isTrue(done || bytes4(answer) != PANIC, "appeal: panic");
    }

    function decideSome(uint256 seed, bool salted) external {
        uint256 caseId = pick(seed);
        (bool done, bytes memory answer) = address(court).call(
            abi.encodeCall(court.decide, (caseId, salted ? SALT : bytes32(0)))
        );
        isTrue(done || bytes4(answer) != PANIC, "decide: panic");
    }

    function slashSome(uint256 seed, uint256 signer) external {
        (uint256 caseId, uint256 who) = (pick(seed), signerAt(signer % 5));
        uint256 had = bondedOf(person(who));
        if (!self(abi.encodeCall(this.doSlash, (caseId, who)))) return;
        CourtCase memory entry = court.caseOf(caseId);
        isTrue(entry.verdict == CourtVerdict.Wrong, "slashed for another verdict");
        isTrue(entry.task == taskOf(who) && entry.digest == uint216(uint256(receiptOf(who).word)), "of others");
        _lost[caseId][who] += had - bondedOf(person(who));
    }

    function doSlash(uint256 caseId, uint256 who) external {
        slash(caseId, who);
    }

    function moneyMoves(uint256 what, uint256 who, uint256 seed) external {
        (address account, uint256 caseId) = (person(who % PEOPLE), pick(seed));
        what %= 8;
        if (what == 0) call(address(court), abi.encodeCall(court.withdrawFor, (account)));
        else if (what == 1) call(address(escrow), abi.encodeCall(escrow.withdrawFor, (address(court))));
        else if (what == 2 && caseId != 0) {
            call(address(escrow), abi.encodeCall(escrow.refund, (court.caseOf(caseId).jury)));
        } else if (what == 3) call(address(escrow), abi.encodeCall(escrow.refund, (jobId)));
        else if (what == 4) call(address(lane), abi.encodeCall(lane.releaseBond, (header)));
        else if (what == 5) call(address(vault), abi.encodeCall(vault.releaseAllotment, (account, person(ORC))));
        else if (what == 6) punish();
        else unallot(account, seed);
    }

    function call(address target, bytes memory data) private {
        (bool done, bytes memory answer) = target.call(data);
        isTrue(done || bytes4(answer) != PANIC, "panic");
    }

    /// @dev Somebody proves a fault: the batch is void and its bond lost, once.
    function punish() private {
        uint256 had = bondedOf(person(ORC));
        vm.prank(lane.CHALLENGES());
        call(address(lane), abi.encodeCall(lane.punish, (header, person(EVE), Verdict.Void, 0, 0)));
        _bonds += had - bondedOf(person(ORC));
    }

    function unallot(address account, uint256 part) private {
        (uint256 amount, , ) = vault.allotmentOf(account, person(ORC));
        vm.prank(account);
        call(address(vault), abi.encodeCall(vault.unallot, (account, person(ORC), part % (amount + 1))));
    }

    /// @dev A party backs a juror, or stops to.
    function befriendSome(uint256 party, uint256 who, bool leave) external {
        (address sponsor, address account) = (person(party % PEOPLE), juror(who % 13));
        if (leave) {
            vm.prank(sponsor);
            call(address(vault), abi.encodeCall(vault.unsponsor, (account)));
            return;
        }
        vm.prank(account);
        call(address(vault), abi.encodeCall(vault.acceptSponsor, (sponsor)));
        vm.prank(sponsor);
        token.approve(address(vault), type(uint256).max);
        vm.prank(sponsor);
        call(address(vault), abi.encodeCall(vault.sponsor, (account, 10)));
    }

    function passTime(uint256 seconds_) external {
        vm.warp(block.timestamp + (seconds_ % 3 == 0 ? CASE_TIME : seconds_ % 100));
    }

    // --- what holds at any time ---

    function check() external view {
        checkSolvent();
        uint256 owed = 0;
        for (uint256 i = 0; i < PEOPLE; ++i) owed += court.owedTo(person(i));
        same(court.totalOwed(), owed, "what the court owes, it owes to somebody");
        same(escrow.reservedOf(person(ORC)), _reserved, "no verdict takes what payees earned");
        for (uint256 who = 0; who < PEOPLE; ++who) {
            uint256 lost = who == ORC ? _bonds : 0;
            for (uint256 id = 1; id <= court.caseCount(); ++id) {
                isTrue(_lost[id][who] <= LOCK, "more than a lock for a case");
                lost += _lost[id][who];
            }
            same(bondedOf(person(who)), _had[who] - lost, "stake goes only by a verdict, or with a batch's bond");
        }
    }

    /// @dev Strangers end every case, slash whom they can, twice, and then nothing is left that belongs to nobody.
    function endAll() external {
        for (uint256 id = 1; id <= court.caseCount(); ++id) {
            if (court.caseOf(id).verdict != CourtVerdict.None) continue;
            uint256 jury = court.caseOf(id).jury;
            endJury(jury);
            if (block.timestamp < court.caseOf(id).until) vm.warp(court.caseOf(id).until);
            court.decide(id, 0);
        }
        for (uint256 i = 0; i < 10 * court.caseCount(); ++i) this.slashSome(i / 10, i % 5);
        for (uint256 i = 0; i < PEOPLE; ++i) {
            if (court.owedTo(person(i)) != 0) court.withdrawFor(person(i));
        }
        same(court.totalOwed(), 0, "everybody has its own");
        same(token.balanceOf(address(court)) + escrow.creditOf(address(court)), 0, "nothing is stuck");
    }

    function endJury(uint256 jury) private {
        TaskView memory task = direct.taskOf(jury, 0);
        while (task.status == TaskStatus.Revealing) {
            vm.warp(task.phaseDeadline);
            direct.settle(jury, 0);
            task = direct.taskOf(jury, 0);
        }
        if (block.timestamp < task.closesAt) vm.warp(task.closesAt);
        if (task.status != TaskStatus.Claiming) return;
        if (block.timestamp < task.phaseDeadline) vm.warp(task.phaseDeadline);
        ClaimView[] memory claims = direct.claimsOf(jury, 0);
        for (uint256 i = 0; i < claims.length; ++i) {
            if (claims[i].status == ClaimStatus.Claimed) direct.expireClaim(jury, 0, claims[i].worker);
        }
        direct.expireTask(jury, 0);
    }
}

/// @dev docs/invariants.md, the court's.
contract CourtInvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    CourtHandler private _handler;

    function setUp() public {
        _handler = new CourtHandler();
        _handler.setUp();
    }

    /// @dev Forge asks these two what to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _handler.selectors());
    }

    /// forge-config: default.invariant.runs = 40
    /// forge-config: default.invariant.depth = 60
    /// forge-config: deep.invariant.runs = 400
    /// forge-config: deep.invariant.depth = 100
    function invariant_CourtIsSound() external view {
        _handler.check();
    }

    /// @dev Forge calls this when a run is over.
    function afterInvariant() external {
        _handler.endAll();
        _handler.check();
    }
}
