// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobTerms} from "../../../../contracts/types/Market.sol";
import {same} from "../Vm.sol";
import {TaskActs} from "./TaskActs.sol";

/// @dev The acts of requesters, stakers, sponsors and of whoever pushes the buttons that are there for anyone.
abstract contract MoneyActs is TaskActs {
    uint256 internal constant SPONSOR_CAP = 10_000 ether;

    // --- jobs ---

    function post(uint256 seed) public act {
        if (refs.length >= TASKS_KEPT) return;
        uint256 luck = dice(seed, "terms");
        JobTerms memory wanted = terms();
        wanted.mapTasks = uint32(1 + (luck % 3));
        wanted.reduceTasks = uint32((luck >> 8) % 2);
        wanted.rounds = wanted.mapTasks == 3 ? 1 : uint16(1 + ((luck >> 16) % 2));
        wanted.quorum = uint8(1 + ((luck >> 24) % 3));
        wanted.workSlots = uint8(wanted.quorum + ((luck >> 32) % 3));
        if (wanted.quorum > 1 && wanted.workSlots == wanted.quorum) ++wanted.workSlots; // the direct lane wants a spare
        wanted.auditSlots = uint8((luck >> 40) % 2);
        wanted.feeBps = uint16((luck >> 48) % 1_000);
        wanted.slotPrice = uint128(1 ether + ((luck >> 64) % 20 ether));
        wanted.stakePerClaim = uint128(wanted.slotPrice * (1 + ((luck >> 128) % 10)));
        wanted.taskTime = uint32(20 + ((luck >> 136) % 100));
        wanted.deadline = uint40(block.timestamp + 200 + ((luck >> 144) % 4_000));
        doPost(wanted, seed % 3 == 0 ? anyone : requester);
    }

    function doPost(JobTerms memory wanted, address who) internal {
        uint256 bounty = mostFor(wanted) * wanted.rounds * (wanted.mapTasks + wanted.reduceTasks);
        same(escrow.bountyFor(wanted), bounty, "I3: the bounty covers every slot and its fee");
        bytes memory data = abi.encodeCall(escrow.postJob, (wanted));
        uint256 jobId = abi.decode(attempt(who, address(escrow), data, true, "post"), (uint256));
        jobs[jobId].terms = wanted;
        jobs[jobId].requester = who;
        jobs[jobId].escrowed = bounty;
        if (wanted.lane != address(lane)) return;
        jobIds.push(jobId);
        for (uint32 task = 0; task < taskCount(jobId); ++task) refs.push(Ref(jobId, task));
        openGhostStage(jobId);
    }

    function stop(uint256 seed) public act {
        (uint256 jobId, ) = pick(seed, known);
        bool exists = jobs[jobId].requester != address(0);
        address caller = exists && seed % 4 != 0 ? jobs[jobId].requester : worker(seed % ACTORS);
        bool valid = exists && caller == jobs[jobId].requester && (jobId != batchJob) && !ended(jobId);
        if (jobId == batchJob || dice(seed, "stop") % 4 != 0) return; // else no job would live
        attempt(caller, address(escrow), abi.encodeCall(escrow.stop, (jobId)), valid, "stop");
        if (valid) jobs[jobId].stopped = true;
    }

    function refund(uint256 seed) public act {
        (uint256 jobId, ) = pick(seed, known);
        if (jobId != batchJob) doRefund(jobId, worker(seed % ACTORS));
    }

    function doRefund(uint256 jobId, address caller) internal {
        GhostJob storage j = jobs[jobId];
        bool exists = j.requester != address(0);
        uint256 amount = exists ? refundableOf(jobId) : 0;
        uint256 fee = exists ? j.fees - j.feesCredited : 0;
        bool valid = amount + fee != 0;
        bytes memory data = abi.encodeCall(escrow.refund, (jobId));
        bytes memory answer = attempt(caller, address(escrow), data, valid, "refund");
        if (!valid) return;
        same(abi.decode(answer, (uint256)), amount, "I3: refund gives what no task can cost any more");
        j.refunded += amount;
        j.feesCredited += fee;
        people[j.requester].otherCredit += amount;
        people[j.terms.orchestrator].otherCredit += fee;
    }

    function withdraw(uint256 seed) public act {
        address who = everybody[dice(seed, "who") % everybody.length];
        doWithdraw(who, seed % 3);
    }

    /// @dev To itself, to somebody else, or by a relay.
    function doWithdraw(address who, uint256 way) internal {
        uint256 amount = escrow.creditOf(who);
        address to = way == 1 ? donor : who;
        bytes memory data = abi.encodeCall(escrow.withdraw, (to));
        if (way == 2) data = abi.encodeCall(escrow.withdrawFor, (who));
        uint256 before = token.balanceOf(to);
        attempt(way == 2 ? anyone : who, address(escrow), data, amount != 0, "withdraw");
        if (amount == 0) return;
        people[who].withdrawn += amount;
        same(token.balanceOf(to) - before, amount, "I2: the whole credit arrives");
    }

    // --- stake ---

    function stake(uint256 seed) public act {
        address who = worker(dice(seed, "who") % ACTORS);
        uint256 amount = dice(seed, "amount") % 40 ether;
        if (seed % 16 == 0) amount = 0;
        bool valid = amount != 0 && amount <= token.balanceOf(who);
        attempt(who, address(vault), abi.encodeCall(vault.stake, (amount)), valid, "stake");
        if (valid) people[who].stakedIn += amount;
    }

    function unbond(uint256 seed) public act {
        // The honest keep theirs, else soon nobody could claim.
        address who = worker(seed % 3 == 0 ? dice(seed, "who") % ACTORS : HONEST + (dice(seed, "who") % 5));
        uint256 own = bondedOf(who) - people[who].sponsored;
        uint256 free = own > lockedOf(who) ? own - lockedOf(who) : 0; // locks rest on its own stake first
        uint256 amount = free == 0 ? 0 : dice(seed, "amount") % free;
        // All that is free, and one unit of what an open task could still slash (I8).
        if (seed % 4 == 0) amount = free;
        if (seed % 4 == 1) amount = free + 1;
        if (seed % 4 == 2) amount = free > 20 ether ? free - 20 ether : free;
        doUnbond(who, amount, free);
    }

    function doUnbond(address who, uint256 amount, uint256 free) internal {
        bool valid = amount != 0 && amount <= free;
        attempt(who, address(vault), abi.encodeCall(vault.unbond, (amount)), valid, "unbond");
        if (valid) noteUnbond(who, who, amount);
    }

    function noteUnbond(address who, address account, uint256 amount) internal {
        people[who].unbondedOut += amount;
        people[account].unbonding += amount;
        people[account].availableAt = block.timestamp + UNBONDING;
    }

    function withdrawStake(uint256 seed) public act {
        doWithdrawStake(everybody[dice(seed, "who") % everybody.length]);
    }

    function doWithdrawStake(address who) internal {
        GhostAccount storage account = people[who];
        bool valid = account.unbonding != 0 && block.timestamp >= account.availableAt;
        uint256 before = token.balanceOf(who);
        attempt(who, address(vault), abi.encodeCall(vault.withdrawStake, ()), valid, "withdrawStake");
        if (!valid) return;
        same(token.balanceOf(who) - before, account.unbonding, "I2: what has unbonded arrives");
        account.unbonding = 0;
    }

    // --- sponsors ---

    function acceptSponsor(uint256 seed) public act {
        address who = worker(dice(seed, "who") % ACTORS);
        address wanted = seed % 4 == 0 ? rival : sponsor;
        doAccept(who, wanted);
    }

    function doAccept(address who, address wanted) internal {
        GhostAccount storage account = people[who];
        uint256 free = bondedOf(who) - lockedOf(who);
        // A sponsor with dust can be replaced: what it backs begins to unbond for it.
        uint256 dust = account.sponsored;
        bool valid = dust == 0 || (dust < SPONSOR_CAP / 100 && dust <= free);
        attempt(who, address(vault), abi.encodeCall(vault.acceptSponsor, (wanted)), valid, "acceptSponsor");
        if (!valid) return;
        if (dust != 0) {
            GhostAccount storage former = people[account.sponsor];
            account.unbondedOut += dust;
            account.sponsored = 0;
            former.unbonding += dust;
            former.availableAt = block.timestamp + UNBONDING;
            ++done["dust replaced"];
        }
        people[who].sponsor = wanted;
        people[who].leaving = false;
    }

    function backWorker(uint256 seed) public act {
        address who = worker(dice(seed, "who") % ACTORS);
        GhostAccount storage account = people[who];
        address backer = account.sponsor == address(0) || seed % 8 == 0 ? sponsor : account.sponsor;
        uint256 amount = 1 + (dice(seed, "amount") % 300 ether);
        if (account.sponsor == address(0) && seed % 4 != 0) doAccept(who, backer);
        if (seed % 32 == 1) amount = SPONSOR_CAP + 1;
        bool valid = account.sponsor == backer && !account.leaving && account.sponsored + amount <= SPONSOR_CAP;
        valid = valid && token.balanceOf(backer) >= amount;
        attempt(backer, address(vault), abi.encodeCall(vault.sponsor, (who, amount)), valid, "sponsor");
        if (!valid) return;
        account.sponsored += amount;
        account.stakedIn += amount;
    }

    function unsponsor(uint256 seed) public act {
        address who = worker(dice(seed, "who") % ACTORS);
        address backer = people[who].sponsor;
        doUnsponsor(who, backer == address(0) || seed % 8 == 0 ? rival : backer);
    }

    function doUnsponsor(address who, address backer) internal {
        GhostAccount storage account = people[who];
        bool valid = account.sponsor == backer;
        uint256 amount = bondedOf(who) - lockedOf(who);
        if (account.sponsored < amount) amount = account.sponsored;
        attempt(backer, address(vault), abi.encodeCall(vault.unsponsor, (who)), valid, "unsponsor");
        if (!valid) return;
        account.leaving = true;
        account.sponsored -= amount;
        if (amount != 0) noteUnbond(who, backer, amount);
    }

    // --- allotments and the other lane ---

    function allot(uint256 seed) public act {
        address who = worker(dice(seed, "who") % ACTORS);
        uint256 free = lockable(who);
        uint256 amount = dice(seed, "amount") % (1 + free / 4);
        if (seed % 8 == 0) amount = free + 1;
        bool valid = amount != 0 && amount <= free;
        attempt(who, address(vault), abi.encodeCall(vault.allot, (orchestrator, amount)), valid, "allot");
        if (valid) people[who].allotted += amount;
    }

    function unallot(uint256 seed) public act {
        address who = worker(dice(seed, "who") % ACTORS);
        GhostAccount storage account = people[who];
        address caller =
            seed % 3 == 0
                ? sponsor
                : seed % 3 == 1
                    ? rival
                    : who;
        doUnallot(who, caller, account.allotted + (seed % 8 == 0 ? 1 : 0));
    }

    function doUnallot(address who, address caller, uint256 amount) internal {
        GhostAccount storage account = people[who];
        bytes memory data = abi.encodeCall(vault.unallot, (who, orchestrator, amount));
        bool allowed = caller == who || (account.leaving && account.sponsor == caller);
        if (caller != who) {
            // A sponsor ends what it backs, whatever it asks for.
            uint256 coming = bondedOf(who) - lockedOf(who) + account.ending;
            amount = account.sponsored > coming ? account.sponsored - coming : 0;
            if (amount > account.allotted) amount = account.allotted;
        }
        bool valid = allowed && amount != 0 && amount <= account.allotted;
        attempt(caller, address(vault), data, valid, "unallot");
        if (!valid) return;
        account.allotted -= amount;
        account.ending += amount;
        account.endingAt = block.timestamp + UNBONDING;
    }

    function releaseAllotment(uint256 seed) public act {
        doRelease(worker(dice(seed, "who") % ACTORS));
    }

    function doRelease(address who) internal {
        GhostAccount storage account = people[who];
        bool valid = account.ending != 0 && block.timestamp >= account.endingAt;
        bytes memory data = abi.encodeCall(vault.releaseAllotment, (who, orchestrator));
        attempt(anyone, address(vault), data, valid, "releaseAllotment");
        if (valid) account.ending = 0;
    }

    /// @dev The other lane slashes what was allotted to it and pays somebody else from it, the rest from its job.
    function settleBatch(uint256 seed) public act {
        uint256 index = dice(seed, "loser") % ACTORS;
        while (seed % 8 != 1 && index + 1 < ACTORS && people[worker(index)].allotted == 0) ++index;
        address loser = worker(index);
        GhostAccount storage account = people[loser];
        uint256 liable = account.allotted + account.ending;
        uint256 amount = liable == 0 ? 1 : 1 + (dice(seed, "amount") % liable);
        if (seed % 8 == 0) amount = liable + 1;
        uint256 fund = (amount * (seed % 5)) / 4;
        bool valid = amount <= liable && fund <= amount;
        bytes memory data = abi.encodeCall(otherLane.slashAllotted, (loser, orchestrator, amount, fund));
        attempt(anyone, address(otherLane), data, valid, "slashAllotted");
        if (!valid) return;
        uint256 fromEnding = amount < account.ending ? amount : account.ending;
        account.ending -= fromEnding;
        account.allotted -= amount - fromEnding;
        account.batchLost += amount;
        funded += fund;
        noteSlash(loser, amount);
        payBatch(seed, fund);
    }

    function payBatch(uint256 seed, uint256 fund) internal {
        GhostJob storage j = jobs[batchJob];
        address[] memory payees = new address[](2);
        (payees[0], payees[1]) = (worker(seed % ACTORS), worker((seed / 16) % ACTORS));
        uint256 each = fund / 2 + 1 ether;
        uint256 fee = (2 * each * j.terms.feeBps) / 10_000;
        bool valid = 2 * each + fee - fund <= leftOf(batchJob);
        bytes memory data = abi.encodeCall(otherLane.settleTask, (batchJob, payees, each, fund));
        attempt(anyone, address(otherLane), data, valid, "settleBatch");
        if (!valid) {
            donatedToEscrow += fund; // a lane that slashes and does not pay leaves a surplus, nothing worse
            return;
        }
        j.paid += 2 * each;
        j.fees += fee;
        j.fromSlash += fund;
        people[payees[0]].batchEarned += each;
        people[payees[1]].batchEarned += each;
    }

    function burnSlashed(uint256) public act {
        uint256 amount = vault.slashPool();
        attempt(anyone, address(vault), abi.encodeCall(vault.burnSlashed, ()), amount != 0, "burnSlashed");
        same(vault.slashPool(), 0, "I7: nothing is left to burn");
    }

    /// @dev A gift changes nothing but the surplus.
    function donate(uint256 seed) public act {
        uint256 amount = dice(seed, "amount") % 3 ether;
        address to = seed % 2 == 0 ? address(vault) : address(escrow);
        uint256 owed = vault.totalOwed() + escrow.totalOwed();
        attempt(donor, address(token), abi.encodeCall(token.transfer, (to, amount)), true, "donate");
        if (to == address(vault)) donatedToVault += amount;
        else donatedToEscrow += amount;
        same(vault.totalOwed() + escrow.totalOwed(), owed, "I1: a donation is owed to nobody");
    }
}
