// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CourtVerdict} from "../../../contracts/types/Court.sol";
import {CourtBase} from "./CourtBase.sol";
import {isTrue, same, vm} from "./Vm.sol";

error CourtDiverged(string walk, uint256 step, string what);

/// @dev What the court's model did (tests/model/court.py), done with the contracts: they take what it took, refuse what it
///      refused, never by an arithmetic panic, and leave everybody with the same after each step.
contract CourtReplayTest is CourtBase {
    bytes4 private constant PANIC = 0x4e487b71;

    struct Walk {
        string name;
        uint256[] acts;
        uint256[] who;
        uint256[] a;
        uint256[] b;
        uint256[] taken;
        uint256[] times;
        bytes32[] states;
    }

    uint256[2][PEOPLE] private before;
    uint256 private escrowedBefore;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < PEOPLE; ++i) before[i] = [moneyOf(person(i)), bondedOf(person(i))];
        escrowedBefore = escrow.escrowOf(jobId);
    }

    function test_Replay_CourtDoesWhatTheModelDid() public {
        uint256 count = vm.parseJsonUint(vm.readFile("tests/vectors/court_replays/index.json"), "$.count");
        isTrue(count > 20, "runs were read");
        uint256 clean = vm.snapshotState();
        for (uint256 i = 0; i < count; ++i) {
            this.replay(i); // a call of its own, so that its memory is free again
            vm.revertToState(clean);
        }
    }

    function replay(uint256 number) external {
        string memory json = vm.readFile(string.concat("tests/vectors/court_replays/", vm.toString(number), ".json"));
        Walk memory walk = Walk({
            name: vm.parseJsonString(json, "$.name"),
            acts: vm.parseJsonUintArray(json, "$.acts"),
            who: vm.parseJsonUintArray(json, "$.who"),
            a: vm.parseJsonUintArray(json, "$.a"),
            b: vm.parseJsonUintArray(json, "$.b"),
            taken: vm.parseJsonUintArray(json, "$.taken"),
            times: vm.parseJsonUintArray(json, "$.times"),
            states: vm.parseJsonBytes32Array(json, "$.states")
        });
        for (uint256 i = 0; i < walk.acts.length; ++i) {
            bool taken = walk.taken[i] == 1;
            // A jury that does not sit in the model does not in the contracts: it is no call of its own.
            if (walk.acts[i] != 2 || taken) {
                try this.act(walk.acts[i], walk.who[i], walk.a[i], walk.b[i]) {
                    if (!taken) revert CourtDiverged(walk.name, i, "taken");
                } catch (bytes memory reason) {
                    if (taken || bytes4(reason) == PANIC) revert CourtDiverged(walk.name, i, string(reason));
                }
            }
            if (block.timestamp != START + walk.times[i]) revert CourtDiverged(walk.name, i, "time");
            if (walk.states[i] != state()) revert CourtDiverged(walk.name, i, "somebody has something else");
            checkSolvent();
        }
    }

    function act(uint256 name, uint256 who, uint256 a, uint256 b) external {
        if (name == 0) challenge(who, a, b);
        else if (name == 1) appealAs(who, a + 1);
        else if (name == 2) sit(a + 1, b);
        else if (name == 3) court.decide(a + 1, b == 1 ? SALT : bytes32(0));
        else if (name == 4) slash(a + 1, b);
        else if (name == 5) court.withdrawFor(person(who));
        else if (name == 6) unallot(who);
        else if (name == 7) vault.releaseAllotment(person(who), person(ORC));
        else if (name == 8) vm.warp(block.timestamp + a);
        else fetch();
    }

    function appealAs(uint256 who, uint256 caseId) private {
        vm.prank(person(who));
        court.appeal(caseId);
    }

    function unallot(uint256 who) private {
        (uint256 amount, , ) = vault.allotmentOf(person(who), person(ORC));
        if (who == ORC) amount = 0; // the orchestrator stays in the model
        vm.prank(person(who));
        vault.unallot(person(who), person(ORC), amount);
    }

    function fetch() private {
        for (uint256 i = 1; i <= court.caseCount(); ++i) {
            uint256 jury = court.caseOf(i).jury;
            if (escrow.refundable(jury) != 0) escrow.refund(jury);
        }
        if (escrow.creditOf(address(court)) != 0) escrow.withdrawFor(address(court));
    }

    /// @dev Twin of `Court.state`.
    function state() private view returns (bytes32) {
        bytes memory packed;
        for (uint256 i = 0; i < PEOPLE; ++i)
            packed = abi.encodePacked(packed, changed(moneyOf(person(i)), before[i][0]));
        for (uint256 i = 0; i < PEOPLE; ++i) {
            packed = abi.encodePacked(packed, changed(bondedOf(person(i)), before[i][1]));
        }
        uint256 burned = vault.slashPool() + vault.totalBurned();
        return keccak256(abi.encodePacked(packed, burned, changed(escrow.escrowOf(jobId), escrowedBefore)));
    }

    function changed(uint256 now_, uint256 then) private pure returns (uint256) {
        unchecked {
            return now_ - then;
        }
    }
}
