// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobTerms, TaskStatus, TaskView} from "../../../contracts/types/Market.sol";
import {MarketHandler} from "./MarketHandler.sol";
import {isTrue, same, sameBytes, vm} from "./Vm.sol";

/// @dev What is checked after every step, beside what the handler checks within it. Prose: docs/invariants.md.
contract CheckedMarket is MarketHandler {
    error DryRun(bool succeeded);

    function tasksOf(uint256 job) internal view returns (uint32) {
        JobTerms memory t = escrow.terms(job);
        return uint32(uint256(t.rounds) * (t.mapTasks + t.reduceTasks));
    }

    function checkSolvency() external view {
        uint256 held = token.balanceOf(address(vault)) + token.balanceOf(address(escrow));
        same(held, vault.totalOwed() + escrow.totalOwed() + donated, "I1 balance and what is owed");
        isTrue(token.balanceOf(address(vault)) >= vault.totalOwed(), "I1 vault");
        isTrue(token.balanceOf(address(escrow)) >= escrow.totalOwed(), "I1 escrow");
        same(token.balanceOf(address(lane)), 0, "I1 the lane holds nothing");
    }

    function checkConservation() external view {
        same(deposited, withdrawn + vault.totalOwed() + escrow.totalOwed(), "I2 in = out + owed");
        uint256 owed = 0;
        for (uint256 i = 0; i < jobs.length; ++i) owed += escrow.escrowOf(jobs[i]) + escrow.feeDueOf(jobs[i]);
        for (uint256 i = 0; i < WORKERS; ++i) owed += escrow.creditOf(worker(i));
        owed += escrow.creditOf(requester) + escrow.creditOf(orchestrator);
        same(escrow.totalOwed(), owed, "I2 escrow, fees and credits");
        uint256 bonded = 0;
        uint256 unbonding = 0;
        for (uint256 i = 0; i < 16; ++i) {
            (uint256 b, , uint256 u, ) = vault.accountOf(worker(i));
            (bonded, unbonding) = (bonded + b, unbonding + u);
        }
        same(vault.totalStaked(), bonded, "I2 stake");
        same(vault.totalUnbonding(), unbonding, "I2 unbonding");
    }

    function checkJobs() external view {
        for (uint256 i = 0; i < jobs.length; ++i) {
            Books storage b = books[jobs[i]];
            same(escrow.escrowOf(jobs[i]) + b.paid + b.fees + b.refunded, b.escrowed, "I3 per job");
            checkOutcomes(jobs[i]);
        }
    }

    function checkOutcomes(uint256 job) private view {
        uint256 finished = 0;
        uint256 active = 0;
        for (uint32 task = 0; task < tasksOf(job); ++task) {
            TaskView memory view_ = lane.taskOf(job, task);
            bool done = view_.status == TaskStatus.Settled || view_.status == TaskStatus.Refunded;
            if (done) ++finished;
            else if (view_.status != TaskStatus.Idle) ++active;
            TaskStatus known = finals[job][task];
            isTrue(done ? view_.status == known : known == TaskStatus.Idle, "I4 an outcome changed");
            sameBytes(view_.resultDigest, results[job][task], "I4 the result");
        }
        (uint256 f, uint256 a, ) = lane.progress(job);
        same(f, finished, "I5 finished");
        same(a, active, "I5 active");
    }

    function checkLocks() external view {
        for (uint256 w = 0; w < WORKERS; ++w) {
            uint256 open = 0;
            for (uint256 i = 0; i < jobs.length; ++i) {
                uint256 each = escrow.terms(jobs[i]).stakePerClaim;
                for (uint32 task = 0; task < tasksOf(jobs[i]); ++task) {
                    address[] storage list = seated[jobs[i]][task];
                    for (uint256 k = 0; k < list.length; ++k) if (list[k] == worker(w)) open += each;
                }
            }
            same(lockedOf(worker(w)), open, "I6 locked is the sum of open claims");
            isTrue(lockedOf(worker(w)) <= bondedOf(worker(w)), "I6 and covered by stake");
        }
        same(vault.slashPool() + vault.totalBurned(), slashed, "I7 slashed is burned");
    }

    /// @dev I12: of act and time-out exactly one is valid, for everybody who is expected to act.
    function checkEdges() external {
        for (uint256 i = 0; i < jobs.length; ++i) {
            for (uint32 task = 0; task < tasksOf(jobs[i]); ++task) checkEdge(jobs[i], task);
        }
    }

    function checkEdge(uint256 job, uint32 task) private {
        TaskStatus status = lane.taskOf(job, task).status;
        address[] storage list = seated[job][task];
        for (uint256 k = 0; k < list.length; ++k) {
            Ghost storage ghost = ghosts[job][task][list[k]];
            if (status == TaskStatus.Claiming && ghost.part == Part.Claimed) {
                bool act = works(list[k], abi.encodeCall(lane.commit, (job, task, RIGHT)));
                bool timeOut = works(anyone, abi.encodeCall(lane.expireClaim, (job, task, list[k])));
                isTrue(act != timeOut, "I12 commit or expireClaim");
            }
            bool due = ghost.part == Part.Committed && ghost.wave == waves[job][task] && ghost.digest != 0;
            if (status == TaskStatus.Revealing && due) {
                bool act = works(list[k], abi.encodeCall(lane.reveal, (job, task, ghost.digest, SALT)));
                bool timeOut = works(anyone, abi.encodeCall(lane.settle, (job, task)));
                isTrue(act != timeOut, "I12 reveal or settle");
            }
        }
    }

    function works(address caller, bytes memory data) private returns (bool) {
        try this.dryRun(caller, data) {
            return false;
        } catch (bytes memory answer) {
            return abi.decode(slice(answer), (bool));
        }
    }

    /// @dev Undoes what it did.
    function dryRun(address caller, bytes calldata data) external {
        vm.prank(caller);
        (bool succeeded, ) = address(lane).call(data);
        revert DryRun(succeeded);
    }

    function slice(bytes memory answer) private pure returns (bytes memory value) {
        value = new bytes(32);
        for (uint256 i = 0; i < 32; ++i) value[i] = answer[i + 4];
    }

    /// @dev I5: whatever happened, after the last deadline anyone can finish everything, and everybody gets out.
    function everybodyOut() external {
        vm.warp(block.timestamp + 1_000_000);
        for (uint256 i = 0; i < jobs.length; ++i) {
            for (uint32 task = 0; task < tasksOf(jobs[i]); ++task) finishByTimeOut(jobs[i], task);
            if (escrow.refundable(jobs[i]) + escrow.feeDueOf(jobs[i]) != 0) escrow.refund(jobs[i]);
            same(escrow.escrowOf(jobs[i]), 0, "I5 escrow is empty");
        }
        for (uint256 i = 0; i < 16; ++i) leave(worker(i));
        leave(requester);
        leave(orchestrator);
        if (vault.slashPool() != 0) vault.burnSlashed();
        same(escrow.totalOwed() + vault.totalOwed(), 0, "I5 everybody is out");
    }

    function finishByTimeOut(uint256 job, uint32 task) private {
        TaskStatus status = lane.taskOf(job, task).status;
        if (status == TaskStatus.Revealing) lane.settle(job, task);
        if (lane.taskOf(job, task).status == TaskStatus.Claiming) {
            address[] memory list = seated[job][task];
            for (uint256 k = 0; k < list.length; ++k) {
                if (ghosts[job][task][list[k]].part == Part.Claimed) lane.expireClaim(job, task, list[k]);
            }
            lane.expireTask(job, task);
        }
    }

    function leave(address account) private {
        if (escrow.creditOf(account) != 0) escrow.withdrawFor(account);
        (uint256 bonded, uint256 locked, , ) = vault.accountOf(account);
        same(locked, 0, "I5 nothing stays locked");
        if (bonded != 0) {
            vm.prank(account);
            vault.unbond(bonded);
        }
        vm.warp(block.timestamp + UNBONDING);
        (, , uint256 unbonding, ) = vault.accountOf(account);
        if (unbonding == 0) return;
        vm.prank(account);
        vault.withdrawStake();
    }
}

contract InvariantTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    CheckedMarket internal market;

    function setUp() public {
        market = new CheckedMarket();
        market.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(market);
    }

    /// @dev Named twice: what should happen more often.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory s = new bytes4[](40);
        uint256 n = 0;
        for (; n < 16; ++n) s[n] = market.work.selector;
        for (; n < 19; ++n) s[n] = market.pass.selector;
        for (; n < 22; ++n) s[n] = market.seedBecomesKnown.selector;
        (s[n++], s[n++], s[n++]) = (market.passToDeadline.selector, market.postJob.selector, market.stop.selector);
        (s[n++], s[n++], s[n++]) = (market.claim.selector, market.commit.selector, market.reveal.selector);
        (s[n++], s[n++], s[n++]) = (market.settle.selector, market.refund.selector, market.expireTask.selector);
        (s[n++], s[n++], s[n++]) = (market.expireClaim.selector, market.reopen.selector, market.stake.selector);
        (s[n++], s[n++], s[n++]) = (market.unbond.selector, market.withdrawStake.selector, market.withdraw.selector);
        (s[n++], s[n++], s[n++]) = (market.burn.selector, market.donate.selector, market.intrude.selector);
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(market), s);
    }

    /// @dev The walk is not idle: in a few of them everything that can happen does happen.
    function test_Walk_ReachesEverything() public {
        string[11] memory acts = [
            "refunded",
            "claimed",
            "committed",
            "revealed",
            "more replicas",
            "no quorum",
            "paid",
            "slashed for a lie",
            "slashed for silence",
            "expired claims",
            "reopened"
        ];
        uint256[11] memory times;
        for (uint256 i = 0; i < 16; ++i) {
            walk(uint256(keccak256(abi.encode("walk", i))));
            for (uint256 k = 0; k < acts.length; ++k) times[k] += market.counts(acts[k]);
            setUp();
        }
        for (uint256 k = 0; k < acts.length; ++k) isTrue(times[k] != 0, acts[k]);
    }

    function walk(uint256 random) private {
        bytes4[] memory selectors = this.targetSelectors()[0].selectors;
        for (uint256 step = 0; step < 200; ++step) {
            random = uint256(keccak256(abi.encode(random)));
            (uint256 a, uint256 b) = (random, uint256(keccak256(abi.encode(random, 1))));
            bytes4 selector = selectors[(random >> 200) % selectors.length];
            (bool succeeded, ) = address(market).call(abi.encodeWithSelector(selector, a, b, b >> 128));
            isTrue(succeeded, "a step failed");
        }
        market.everybodyOut();
    }

    function invariant_BalanceCoversOwed() public view {
        market.checkSolvency();
        market.checkConservation();
    }

    function invariant_OutcomesAndLocksAgreeWithTheModel() public view {
        market.checkJobs();
        market.checkLocks();
    }

    function invariant_OneValidActAtEachTime() public {
        market.checkEdges();
    }

    function afterInvariant() public {
        market.everybodyOut();
    }
}
