// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClaimStatus, ClaimView, TaskStatus, TaskView} from "../../../../contracts/types/Market.sol";
import {isTrue, same, sameAddress, sameBytes} from "../Vm.sol";
import {MoneyActs} from "./MoneyActs.sol";

/// @dev The market against its ghost. Amounts are computed anew from the history of the claims, not carried along.
abstract contract Checks is MoneyActs {
    struct Books {
        uint256[9] locked;
        uint256[9] lost;
        uint256[9] earned;
    }

    uint256 internal supply;

    /// @dev I1
    function checkSolvency() external view {
        uint256 inVault = token.balanceOf(address(vault));
        uint256 inEscrow = token.balanceOf(address(escrow));
        same(inVault, vault.totalOwed() + donatedToVault, "I1: the vault holds what it owes and what was given");
        same(inEscrow, escrow.totalOwed() + donatedToEscrow, "I1: the escrow holds what it owes and what was given");
        same(token.balanceOf(address(lane)), 0, "I1: the lane holds nothing");

        uint256 stakes = vault.totalStaked() + vault.totalUnbonding() + vault.slashPool();
        same(vault.totalOwed(), stakes, "I1: the vault owes stake, unbonding and the slash pool");
        uint256 bonded = (16 - ACTORS) * STAKE;
        uint256 unbonding = 0;
        uint256 credits = 0;
        for (uint256 i = 0; i < everybody.length; ++i) {
            (uint256 held, , uint256 leaving, ) = vault.accountOf(everybody[i]);
            bonded += held;
            unbonding += leaving;
            credits += escrow.creditOf(everybody[i]);
        }
        same(vault.totalStaked(), bonded, "I1: total stake");
        same(vault.totalUnbonding(), unbonding, "I1: total unbonding");
        for (uint256 id = 1; id <= escrow.jobCount(); ++id) credits += escrow.escrowOf(id) + escrow.feeDueOf(id);
        same(escrow.totalOwed(), credits, "I1: the escrow owes bounties, fees and credits");
    }

    /// @dev I2: no token appears or disappears; the fire has what was burnt.
    function checkConservation() external view {
        uint256 sum = token.balanceOf(address(vault)) + token.balanceOf(address(escrow)) + token.balanceOf(BURN);
        for (uint256 i = 0; i < everybody.length; ++i) sum += token.balanceOf(everybody[i]);
        same(sum, supply, "I2: all tokens are somewhere");
        same(token.balanceOf(BURN), vault.totalBurned(), "I2: burnt");
    }

    /// @dev I3
    function checkJobs() external view {
        for (uint256 id = 1; id <= escrow.jobCount(); ++id) {
            GhostJob storage j = jobs[id];
            same(escrow.escrowOf(id), leftOf(id), "I3: bounty left");
            same(escrow.feeDueOf(id), j.fees - j.feesCredited, "I3: fee due");
            isTrue(j.paid + j.fees + j.refunded <= j.escrowed + j.fromSlash, "I3: paid more than was escrowed");
            if (id == batchJob) continue;
            same(escrow.refundable(id), refundableOf(id), "I3: refundable");
            (uint256 finished, uint256 active, bool failed) = lane.progress(id);
            same(finished, j.finished, "I5: tasks finished");
            same(active, j.active, "I5: tasks active");
            isTrue(failed == j.failed && escrow.isStopped(id) == j.stopped, "I5: failed or stopped");
        }
    }

    /// @dev I4, I5, I10: every task is where its listed transitions have led, and every claim is what was done.
    function checkTasks() external view {
        for (uint256 i = 0; i < refs.length; ++i) {
            (uint256 jobId, uint32 task) = (refs[i].jobId, refs[i].task);
            GhostTask storage t = ghostTasks[jobId][task];
            TaskView memory seen = lane.taskOf(jobId, task);
            same(uint256(seen.status), uint256(t.status), "I4, I5: status");
            sameBytes(seen.resultDigest, t.result, "I4: result");
            same(seen.reopens, t.reopens, "I5: reopens");
            if (t.status == TaskStatus.Idle) continue;
            same(seen.slotsOpen, t.slotsOpen, "I5: slots open");
            same(seen.firstSlot, t.firstSlot, "I5: first slot of the wave");
            same(seen.phaseDeadline, t.phaseDeadline, "I12: deadline");
            if (isOpen(jobId, task)) {
                same(seen.drawEpoch, t.drawEpoch == 0 ? jobs[jobId].stageEpoch : t.drawEpoch, "I5: draw epoch");
                same(seen.fillDeadline, fillDeadline(jobId, task), "I12: time to fill");
                same(seen.closesAt, closesAt(jobId, task), "I12: time to claim");
            }
            checkClaims(t, lane.claimsOf(jobId, task));
        }
    }

    function checkClaims(GhostTask storage t, ClaimView[] memory claims) internal view {
        uint256 next = 0;
        for (uint256 slot = 0; slot < t.slotsOpen; ++slot) {
            Seat storage seat = t.seats[slot];
            if (seat.worker == address(0)) continue;
            isTrue(next < claims.length, "I10: a claim is missing");
            same(claims[next].slot, slot, "I10: slot");
            sameAddress(claims[next].worker, seat.worker, "I10: worker");
            same(uint256(claims[next].status), uint256(seat.phase), "I10: one commit, one reveal");
            bytes32 digest = seat.phase == ClaimStatus.Revealed ? seat.digest : seat.commitment;
            sameBytes(claims[next].digest, digest, "I10: commitment or result");
            ++next;
        }
        same(next, claims.length, "I10: a claim too many");
    }

    /// @dev I6 to I9: stake, locks, slashes and pay of each worker follow from its claims alone.
    function checkWorkers() external view {
        Books memory books;
        for (uint256 i = 0; i < refs.length; ++i) addTask(books, refs[i].jobId, refs[i].task);
        uint256 slashed = 0;
        for (uint256 i = 0; i < ACTORS; ++i) {
            address who = worker(i);
            GhostAccount storage account = people[who];
            (uint256 bonded, uint256 locked, uint256 unbonding, uint256 availableAt) = vault.accountOf(who);
            uint256 held = account.allotted + account.ending;
            same(locked, books.locked[i] + held, "I6: locked is the sum of the open locks");
            isTrue(bonded >= locked, "I8: stake that can be slashed has left");

            uint256 lost = books.lost[i] + account.noShowFees + account.batchLost;
            same(bonded + account.unbondedOut + lost, account.stakedIn, "I7: stake lost");
            slashed += lost;
            same(unbonding, account.unbonding, "I8: unbonding");
            if (unbonding != 0) same(availableAt, account.availableAt, "I8: unbonding ends");

            uint256 earned = books.earned[i] + account.batchEarned;
            same(escrow.creditOf(who) + account.withdrawn, earned, "I9: paid for accepted results and nothing else");
            (address backer, uint256 backed, bool leaving) = vault.sponsorshipOf(who);
            sameAddress(backer, account.sponsor, "I11: sponsor");
            same(backed, account.sponsored, "I11: sponsored stake");
            isTrue(leaving == account.leaving, "I11: sponsor leaving");
            (uint256 allotted, uint256 ending, ) = vault.allotmentOf(who, orchestrator);
            same(allotted, account.allotted, "I6: allotted");
            same(ending, account.ending, "I6: allotment ending");
            if (i < HONEST) same(account.noShowFees, 0, "I9: the honest come in time");
        }
        same(slashed, slashedSum, "I7: every slash once");
        same(vault.slashPool() + vault.totalBurned() + funded, slashed, "I7: slashes are burnt or fund something");
    }

    function addTask(Books memory books, uint256 jobId, uint32 task) internal view {
        GhostTask storage t = ghostTasks[jobId][task];
        if (t.status == TaskStatus.Idle) return;
        uint256 stakePerClaim = jobs[jobId].terms.stakePerClaim;
        bool open = isOpen(jobId, task);
        for (uint256 slot = 0; slot < t.slotsOpen; ++slot) {
            address who = t.seats[slot].worker;
            if (who == address(0)) continue;
            uint256 index = uint160(who) - 0x2000;
            if (open) {
                books.locked[index] += stakePerClaim;
            } else if (wins(t, slot)) {
                books.earned[index] += jobs[jobId].terms.slotPrice;
            } else if (loses(t, slot)) {
                books.lost[index] += stakePerClaim;
                bool accepted = t.status == TaskStatus.Settled && t.result == opinionOf(jobId, task, who);
                isTrue(index >= HONEST || !accepted, "I9: an honest revealer of the accepted result was slashed");
            }
        }
    }

    /// @dev I11: what requesters and orchestrators are owed follows from refunds and fees.
    function checkCredits() external view {
        for (uint256 i = ACTORS; i < everybody.length; ++i) {
            GhostAccount storage account = people[everybody[i]];
            same(escrow.creditOf(everybody[i]) + account.withdrawn, account.otherCredit, "I11: refunds and fees");
            (, , uint256 unbonding, ) = vault.accountOf(everybody[i]);
            same(unbonding, account.unbonding, "I11: a sponsor's unbonding");
        }
    }

    /// @dev I12: whatever is open has exactly one valid kind of act, its own or a time-out.
    function checkOneWayOn() external view {
        for (uint256 i = 0; i < refs.length; ++i) {
            (uint256 jobId, uint32 task) = (refs[i].jobId, refs[i].task);
            GhostTask storage t = ghostTasks[jobId][task];
            if (t.status == TaskStatus.Revealing) {
                // Else everybody has revealed, and settling is the one act.
                bool silent = count(t, ClaimStatus.Revealed, t.firstSlot) < uint256(t.slotsOpen) - t.firstSlot;
                bool late = block.timestamp >= t.phaseDeadline;
                isTrue(!silent || canSettle(jobId, task) == late, "I12: settle or reveal, not both");
            } else if (t.status == TaskStatus.Claiming && waiting(t) == 0) {
                bool last = block.timestamp >= closesAt(jobId, task);
                bool stuck = !last && t.reopens == 16;
                bool early = !last && seeds.currentEpoch() <= epochOf(jobId, task); // blocks pass
                bool filling = !last && block.timestamp < fillDeadline(jobId, task);
                bool exit = last ? canExpireTask(jobId, task) : canReopen(jobId, task);
                isTrue(exit || stuck || early || filling, "I5: an overdue wave has no exit");
            }
        }
    }
}
