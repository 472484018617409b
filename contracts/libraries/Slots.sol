// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Sets of at most 16 slots as bit masks, and their grouping by equal digest.
/// @dev `groups` holds one nibble per slot: the slot that was the first to reveal the same digest, the group's leader.
library Slots {
    function bit(uint256 slot) internal pure returns (uint16) {
        return uint16(1 << slot);
    }

    /// @notice The slots below `count`.
    function below(uint256 count) internal pure returns (uint16) {
        return uint16((1 << count) - 1);
    }

    function has(uint16 mask, uint256 slot) internal pure returns (bool) {
        return (mask >> slot) & 1 == 1;
    }

    function size(uint16 mask) internal pure returns (uint8 count) {
        unchecked {
            for (uint256 left = mask; left != 0; left &= left - 1) ++count;
        }
    }

    /// @notice The lowest slot not in the mask; 16 if there is none.
    function lowestFree(uint16 mask) internal pure returns (uint8 slot) {
        unchecked {
            for (uint256 left = mask; left & 1 == 1; left >>= 1) ++slot;
        }
    }

    function leaderOf(uint64 groups, uint256 slot) internal pure returns (uint8) {
        return uint8((groups >> (slot * 4)) & 15);
    }

    function withLeader(uint64 groups, uint256 slot, uint256 leader) internal pure returns (uint64) {
        return groups | uint64(leader << (slot * 4));
    }

    /// @notice The slots whose digest equals that of slot `leader`.
    function followers(uint64 groups, uint16 revealed, uint256 leader) internal pure returns (uint16 mask) {
        uint256 slotBit = 1;
        for (uint256 left = revealed; left != 0; left >>= 1) {
            if (left & 1 == 1 && groups & 15 == leader) mask |= uint16(slotBit);
            slotBit <<= 1;
            groups >>= 4;
        }
    }

    /// @notice The leader of the largest group of equal digests and its size; of equally large ones the lowest leader.
    /// @dev Two groups may be equally large only below the quorum, because a wave opens no more slots than are missing.
    function largestGroup(uint64 groups, uint16 revealed) internal pure returns (uint8 leader, uint8 votes) {
        uint256 counts = 0; // one byte per leader
        unchecked {
            for (uint256 left = revealed; left != 0; left >>= 1) {
                if (left & 1 == 1) counts += 1 << ((groups & 15) * 8);
                groups >>= 4;
            }
            for (uint8 slot = 0; counts != 0; ++slot) {
                if (uint8(counts) > votes) (leader, votes) = (slot, uint8(counts));
                counts >>= 8;
            }
        }
    }
}
