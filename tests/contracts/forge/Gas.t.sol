// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobTerms} from "../../../contracts/types/Market.sol";
import {MarketBase} from "./MarketBase.sol";
import {vm} from "./Vm.sol";

/// @dev What every act costs as a transaction of its own, calldata and all, kept in tests/contracts/snapshots/gas.json.
///      Forge compares each time it runs; `make snapshots` writes them anew.
/// forge-config: default.isolate = true
contract GasTest is MarketBase {
    address private backer = address(0x3001);

    function note(string memory what) private {
        vm.snapshotGasLastCall("gas", what);
    }

    /// @dev Three workers agree; the first claims and reveals cost more than those that follow.
    function test_Gas_LifeOfATask() public {
        JobTerms memory wanted = terms();
        (wanted.quorum, wanted.mapTasks) = (3, 2);
        vm.prank(requester);
        uint256 id = escrow.postJob(wanted);
        note("escrow postJob");
        know(id, 0);
        finishAndNote(id, 0, " of a newcomer");
        know(id, 1);
        finishAndNote(id, 1, "");
        escrow.refund(id);
        note("escrow refund");
        vm.prank(worker(0));
        escrow.withdraw(anyone);
        note("escrow withdraw");
        escrow.withdrawFor(worker(1));
        note("escrow withdrawFor");
    }

    function finishAndNote(uint256 id, uint32 task, string memory whose) private {
        for (uint256 i = 0; i < 3; ++i) {
            claim(id, task, i);
            note(string.concat("lane claim ", vm.toString(i), whose));
        }
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 commitment = sealedFor(id, task, worker(i), RIGHT);
            vm.prank(worker(i));
            lane.commit(id, task, commitment);
            note(string.concat("lane commit ", vm.toString(i)));
        }
        for (uint256 i = 0; i < 3; ++i) {
            reveal(id, task, i, RIGHT);
            note(string.concat("lane reveal ", vm.toString(i)));
        }
        lane.settle(id, task);
        note(string.concat("lane settle", whose));
    }

    /// @dev The costliest of all: sixteen replicas, one of them wrong.
    function test_Gas_LargestQuorum() public {
        JobTerms memory wanted = terms();
        (wanted.quorum, wanted.workSlots) = (15, 16);
        uint256 id = post(wanted);
        // Worker 7 stays out, because the second draw is sure to draw it.
        for (uint256 i = 0; i < 16; ++i) if (i != 7) claim(id, 0, i);
        for (uint256 i = 0; i < 16; ++i) if (i != 7) commit(id, 0, i, i == 0 ? WRONG : RIGHT);
        for (uint256 i = 0; i < 16; ++i) if (i != 7) reveal(id, 0, i, i == 0 ? WRONG : RIGHT);
        lane.settle(id, 0);
        note("lane settle into another wave");
        know(id, 0);
        fillAndReveal(id, 0, 7, one(RIGHT));
        note("lane reveal 15");
        lane.settle(id, 0);
        note("lane settle of sixteen with a slash");
    }

    function test_Gas_TimeOuts() public {
        uint256 id = post(terms());
        claim(id, 0, 0);
        vm.warp(block.timestamp + TASK_TIME);
        lane.expireClaim(id, 0, worker(0));
        note("lane expireClaim");
        passDraw(id, 0);
        vm.warp(block.timestamp + DRAW_TIME);
        lane.reopen(id, 0);
        note("lane reopen");
        vm.warp(block.timestamp + 20_000);
        lane.expireTask(id, 0);
        note("lane expireTask");
        uint256 other = post(terms());
        vm.prank(requester);
        escrow.stop(other);
        note("escrow stop");
    }

    function test_Gas_Stake() public {
        fund(worker(0), 1 ether, address(vault));
        vm.prank(worker(0));
        vault.stake(1 ether);
        note("vault stake");
        vm.prank(worker(0));
        vault.allot(orchestrator, 3 ether);
        note("vault allot");
        vm.prank(worker(0));
        vault.unallot(worker(0), orchestrator, 2 ether);
        note("vault unallot");
        otherLane.slashAllotted(worker(0), orchestrator, 1 ether, 0);
        note("vault slashAllotted");
        vault.burnSlashed();
        note("vault burnSlashed");
        vm.prank(worker(0));
        vault.unbond(1 ether);
        note("vault unbond");
        vm.warp(block.timestamp + UNBONDING);
        vault.releaseAllotment(worker(0), orchestrator);
        note("vault releaseAllotment");
        vm.prank(worker(0));
        vault.withdrawStake();
        note("vault withdrawStake");
    }

    function test_Gas_Sponsor() public {
        fund(backer, 5 ether, address(vault));
        vm.prank(worker(0));
        vault.acceptSponsor(backer);
        note("vault acceptSponsor");
        vm.prank(backer);
        vault.sponsor(worker(0), 5 ether);
        note("vault sponsor");
        vm.prank(backer);
        vault.unsponsor(worker(0));
        note("vault unsponsor");
    }
}
