// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchLane} from "../interfaces/IBatchLane.sol";
import {PositionTree} from "./PositionTree.sol";

/// @title Bundles as calldata, hashed into the roots of a batch.
/// @dev Twin of `parse_bundles` and `bundles_tree` in edgebounty/protocol/batch/wire.py. Order, starts and totals are right
///      by construction, so of such a batch they need no proof.
library BatchData {
    /// @dev Payout index (4), account (20), count (4), sets root (32), r (32), vs (32).
    uint256 private constant FIXED_BYTES = 124;

    /// @notice Reads every bundle of `data`. Reverts with DataMalformed: cut short, empty, a bundle without receipts,
    ///         payout indices that do not ascend from 1.
    function digest(
        bytes calldata data
    ) internal pure returns (bytes32 bundlesRoot, uint256 bundleCount, uint256 receiptCount) {
        // One word for each bundle that could be in there, one behind them for the tree's edge.
        bytes32[] memory leaves = new bytes32[](data.length / (FIXED_BYTES + 32) + 1);
        uint256 lastIndex = 0;
        for (uint256 at = 0; at < data.length;) {
            if (data.length - at < FIXED_BYTES) revert IBatchLane.DataMalformed(at);
            uint256 index = uint32(bytes4(data[at:]));
            uint256 count = uint32(bytes4(data[at + 24:]));
            if (index <= lastIndex || count == 0) revert IBatchLane.DataMalformed(at);
            if (data.length - at - FIXED_BYTES < 32 * count) revert IBatchLane.DataMalformed(at);
            leaves[bundleCount++] = _leafOf(data[at:at + FIXED_BYTES + 32 * count], index, receiptCount, count);
            lastIndex = index;
            receiptCount += count;
            at += FIXED_BYTES + 32 * count;
        }
        if (bundleCount == 0) revert IBatchLane.DataMalformed(0);
        uint256 first;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            first := add(leaves, 32)
        }
        bundlesRoot = PositionTree.reduce(first, bundleCount, PositionTree.heightOf(bundleCount));
    }

    /// @dev keccak256(abi.encode(index, account, start, count, receiptsRoot, setsRoot, r, vs)).
    function _leafOf(
        bytes calldata bundle,
        uint256 index,
        uint256 start,
        uint256 count
    ) private pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    index,
                    address(bytes20(bundle[4:])),
                    start,
                    count,
                    _receiptsRoot(bundle, count),
                    bytes32(bundle[28:]),
                    bytes32(bundle[60:]),
                    bytes32(bundle[92:])
                )
            );
    }

    /// @dev Hashes each receipt into scratch memory behind everything else, which it leaves free again.
    function _receiptsRoot(bytes calldata bundle, uint256 count) private pure returns (bytes32) {
        uint256 scratch;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            scratch := mload(0x40)
            let from := add(bundle.offset, FIXED_BYTES)
            let to := scratch
            for {
                let end := add(scratch, shl(5, count))
            } lt(to, end) {
                to := add(to, 32)
            } {
                mstore(0, calldataload(from))
                mstore(to, keccak256(0, 32))
                from := add(from, 32)
            }
        }
        return PositionTree.reduce(scratch, count, PositionTree.heightOf(count));
    }
}
