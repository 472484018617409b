// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader, Bundle, BundleOpening, PayoutOpening, ReceiptOpening, SetOpening} from "../types/Batch.sol";
import {PositionTree} from "./PositionTree.sol";

/// @title Pieces of a batch, and whether they stand where they are said to.
/// @dev Twin of edgebounty/protocol/batch/openings.py.
library Openings {
    uint256 private constant HEADER_BYTES = 12 * 32;
    uint256 private constant BUNDLE_BYTES = 8 * 32;

    /// @notice keccak256(abi.encode(header)), taken where the header lies: its words are its encoding. One that is not
    ///         strictly encoded hashes to something that is stored nowhere.
    function hashOf(BatchHeader calldata header) internal pure returns (bytes32 hash) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, header, HEADER_BYTES)
            hash := keccak256(at, HEADER_BYTES)
        }
    }

    /// @notice The same with other payouts.
    function hashWith(
        BatchHeader calldata header,
        uint32 payoutCount,
        bytes32 payoutsRoot,
        bytes32 previous
    ) internal pure returns (bytes32 hash) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, header, HEADER_BYTES)
            mstore(add(at, 224), and(payoutCount, 0xffffffff)) // its eighth word
            mstore(add(at, 288), payoutsRoot) // its tenth
            mstore(add(at, 352), previous) // its last
            hash := keccak256(at, HEADER_BYTES)
        }
    }

    /// @notice keccak256(abi.encode(bundle)), taken where the bundle lies. A leaf over words that are not strictly encoded
    ///         cannot be opened: whoever reads one of them reverts. Nor can it be shown when it is demanded.
    function leafOf(Bundle calldata bundle) internal pure returns (bytes32 leaf) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, bundle, BUNDLE_BYTES)
            leaf := keccak256(at, BUNDLE_BYTES)
        }
    }

    function isIn(BundleOpening calldata opening, BatchHeader calldata header) internal pure returns (bool) {
        bytes32 leaf = leafOf(opening.bundle);
        return PositionTree.holds(header.bundlesRoot, leaf, opening.position, header.bundleCount, opening.proof);
    }

    function isIn(ReceiptOpening calldata shown, Bundle calldata bundle) internal pure returns (bool) {
        bytes32 leaf = keccak256(abi.encode(shown.word));
        return PositionTree.holds(bundle.receiptsRoot, leaf, shown.position, bundle.count, shown.proof);
    }

    /// @param position of the receipt beside which the commit set stands
    function isIn(SetOpening calldata shown, Bundle calldata bundle, uint256 position) internal pure returns (bool) {
        bytes32 leaf = keccak256(abi.encode(shown.commitSet));
        return PositionTree.holds(bundle.setsRoot, leaf, position, bundle.count, shown.proof);
    }

    /// @param header of the batch after which the payout stands at `index`
    function isIn(
        PayoutOpening calldata shown,
        BatchHeader calldata header,
        uint256 index
    ) internal pure returns (bool) {
        bytes32 leaf = keccak256(abi.encodePacked(shown.account, shown.cumulative));
        return PositionTree.holds(header.payoutsRoot, leaf, index, header.payoutCount, shown.proof);
    }

    function taskOf(bytes32 receipt) internal pure returns (uint256) {
        return uint256(receipt) >> 224;
    }

    function slotOf(bytes32 receipt) internal pure returns (uint256) {
        return uint8(uint256(receipt) >> 216);
    }

    /// @notice What a receipt keeps of the result's digest: its first 216 bits.
    function digestOf(bytes32 receipt) internal pure returns (uint216) {
        return uint216(uint256(receipt));
    }
}
