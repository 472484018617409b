// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Merkle trees in which a position has a meaning: receipts, bundles, payouts.
/// @notice A node is keccak256(left + right); where there is no right node, 32 zero bytes stand. The number of leaves fixes
///         the height, so a proof of another length is no proof, and a leaf is shown at one position only. Leaves are
///         hashes of 32 bytes or of 256, never of 64: no inner node passes for a leaf.
/// @dev Twin of edgebounty/protocol/batch/tree.py; tests/vectors/batch_replays holds both to it.
library PositionTree {
    /// @notice Levels above the leaves: 0 for one leaf (or none).
    function heightOf(uint256 count) internal pure returns (uint256) {
        return count < 2 ? 0 : Math.log2(count - 1) + 1;
    }

    /// @notice Nodes at `level` of a tree of `count` leaves.
    function widthOf(uint256 count, uint256 level) internal pure returns (uint256) {
        return (count + (1 << level) - 1) >> level;
    }

    /// @notice Whether `node` stands at `position` of `level` in the tree of `count` leaves with this root.
    function verify(
        bytes32 root,
        bytes32 node,
        uint256 level,
        uint256 position,
        uint256 count,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        uint256 height = heightOf(count);
        if (level > height || proof.length != height - level) return false;
        if (position >= widthOf(count, level)) return false;
        for (uint256 i = 0; i < proof.length; ++i) {
            bytes32 sibling = proof[i];
            node = position & 1 == 0 ? _join(node, sibling) : _join(sibling, node);
            position >>= 1;
        }
        return node == root;
    }

    /// @notice `verify` of a leaf.
    function holds(
        bytes32 root,
        bytes32 leaf,
        uint256 position,
        uint256 count,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        return verify(root, leaf, 0, position, count, proof);
    }

    /// @notice The node `levels` above `count` nodes that lie in memory from `at` on, which it overwrites. One more word
    ///         behind them must be free for use.
    function reduce(uint256 at, uint256 count, uint256 levels) internal pure returns (bytes32 node) {
        // Reads and writes the words that the caller has just written, and the one behind them.
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            for {} levels {
                levels := sub(levels, 1)
            } {
                let end := add(at, shl(5, count))
                mstore(end, 0)
                let to := at
                for {
                    let from := at
                } lt(from, end) {
                    from := add(from, 64)
                } {
                    mstore(to, keccak256(from, 64))
                    to := add(to, 32)
                }
                count := shr(1, add(count, 1))
            }
            node := mload(at)
        }
    }

    function _join(bytes32 left, bytes32 right) private pure returns (bytes32 node) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(32, right)
            node := keccak256(0, 64)
        }
    }
}
