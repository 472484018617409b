// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Sets of at most 16 slots as bit masks, and their grouping by equal digest.
/// @dev `groups` holds one nibble per slot: the first slot that revealed the same digest.
library Slots {
    function bit(uint256 slot) internal pure returns (uint16) {
        return uint16(1 << slot);
    }

    /// @notice The slots below `count`.
    function first(uint256 count) internal pure returns (uint16) {
        return uint16((1 << count) - 1);
    }

    function has(uint16 mask, uint256 slot) internal pure returns (bool) {
        return (mask >> slot) & 1 == 1;
    }

    function size(uint16 mask) internal pure returns (uint8 count) {
        for (; mask != 0; mask &= mask - 1) ++count;
    }

    /// @notice The lowest slot not in the mask.
    function lowestFree(uint16 mask) internal pure returns (uint8 slot) {
        while (has(mask, slot)) ++slot;
    }

    function groupOf(uint64 groups, uint256 slot) internal pure returns (uint8) {
        return uint8((groups >> (slot * 4)) & 15);
    }

    function withGroup(uint64 groups, uint256 slot, uint256 group) internal pure returns (uint64) {
        return groups | uint64(group << (slot * 4));
    }

    /// @notice The slots whose digest equals the one first revealed by slot `group`.
    function members(uint64 groups, uint16 revealed, uint256 group) internal pure returns (uint16 mask) {
        for (uint256 slot = 0; revealed >> slot != 0; ++slot) {
            if (has(revealed, slot) && groupOf(groups, slot) == group) mask |= bit(slot);
        }
    }

    /// @notice The largest set of slots with equal digests; of equally large ones, that with the lowest slot.
    /// @dev Before a quorum several may be equally large; two quorums cannot be, as a wave opens only what is missing.
    function largestGroup(uint64 groups, uint16 revealed) internal pure returns (uint16 largest) {
        for (uint256 slot = 0; revealed >> slot != 0; ++slot) {
            if (!has(revealed, slot) || groupOf(groups, slot) != slot) continue;
            uint16 candidates = members(groups, revealed, slot);
            if (size(candidates) > size(largest)) largest = candidates;
        }
    }
}
