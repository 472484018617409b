// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Slots} from "../../../contracts/libraries/Slots.sol";
import {Terms} from "../../../contracts/libraries/Terms.sol";

/// @dev For halmos (`make deep`): splitting, rounding and sets of slots, for all inputs and not only for many.
contract SymbolicTest {
    /// @dev Whatever wins, a task never costs more than was escrowed for it.
    function check_TaskNeverCostsMoreThanItsEscrow(
        uint96 price,
        uint16 feeBps,
        uint8 slots,
        uint8 winners
    ) public pure {
        if (feeBps > Terms.ALL_BPS || slots > Terms.MAX_SLOTS || winners > slots) return;
        uint256 paid = uint256(price) * winners;
        uint256 feeDown = (paid * feeBps) / Terms.ALL_BPS;
        assert(paid + feeDown <= Terms.maxTaskCost(price, feeBps, slots, 0));
    }

    /// @dev The no-show fee is never more than the stake, and never nothing.
    function check_NoShowFeeIsWithinTheStake(uint96 stake, uint16 bps) public pure {
        if (stake == 0 || bps == 0 || bps > Terms.ALL_BPS) return;
        uint256 product = uint256(stake) * bps;
        uint256 feeUp = product / Terms.ALL_BPS + (product % Terms.ALL_BPS == 0 ? 0 : 1);
        assert(feeUp <= stake && feeUp != 0);
    }

    function check_LeaderIsReadAsWritten(uint64 groups, uint8 slot, uint8 other, uint8 leader) public pure {
        if (slot > 15 || other > 15 || slot == other || leader > 15) return;
        if (Slots.leaderOf(groups, slot) != 0) return; // each slot is written once
        uint64 written = Slots.withLeader(groups, slot, leader);
        assert(Slots.leaderOf(written, slot) == leader);
        assert(Slots.leaderOf(written, other) == Slots.leaderOf(groups, other));
    }

    function check_SetsOfSlots(uint16 mask, uint8 slot) public pure {
        if (slot > 15) return;
        assert(Slots.has(mask | Slots.bit(slot), slot));
        assert(!Slots.has(mask & ~Slots.bit(slot), slot));
        assert(Slots.has(Slots.below(slot + 1), slot) && !Slots.has(Slots.below(slot), slot));
    }
}
