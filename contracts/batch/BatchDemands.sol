// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IBatchChallenges} from "../interfaces/IBatchChallenges.sol";
import {IBatchLane} from "../interfaces/IBatchLane.sol";
import {BatchHeader, BatchState, Bundle, BundleOpening, NodeOpening, Tree, Verdict} from "../types/Batch.sol";
import {Openings} from "./Openings.sol";
import {PositionTree} from "./PositionTree.sol";

/// @title Data that nobody sees: it is demanded, and shown in time or punished like a fault.
abstract contract BatchDemands is IBatchChallenges {
    using Openings for BundleOpening;

    // two slots and two hashes
    struct Demand {
        // 20 + 5 + 5 + 1 + 1
        address by;
        uint40 deadline; // Unix seconds
        uint40 until; // Unix seconds
        Tree tree;
        uint8 level;
        // 20 + 4 + 4 + 4
        address orchestrator;
        uint32 number;
        uint32 position; // of the node in its level
        uint32 leafCount; // of the tree
        bytes32 node;
        bytes32 headerHash;
    }

    /// @dev An answer is at most 2^5 words, and a tree of 2^20 leaves takes five of them.
    uint256 private constant LEVELS_PER_ANSWER = 5;
    uint256 private constant BUNDLE_BYTES = 256;
    uint256 private constant WORD_BYTES = 32;

    IBatchLane public immutable LANE;

    Demand[] private _demands;
    mapping(bytes32 key => bool) private _asked;

    /// @param lane predicted address: the lane is deployed after this contract and checks it
    constructor(IBatchLane lane) {
        LANE = lane;
    }

    // --- data that is not shown ---

    /// @inheritdoc IBatchChallenges
    function demand(
        BatchHeader calldata header,
        BundleOpening[] calldata ofBundle,
        NodeOpening calldata asked
    ) external returns (uint256 demandId) {
        BatchState memory state = LANE.stateOf(header);
        uint256 until = LANE.WINDOW();
        if (asked.tree == Tree.Payouts) {
            (, uint256 stated, ) = LANE.bookOf(header.orchestrator);
            if (header.number >= stated) revert IBatchLane.AlreadyRewound(header.orchestrator, header.number);
            until += state.statedAt;
        } else {
            if (state.voided) revert IBatchLane.BatchVoid(header.orchestrator, header.number);
            until += state.postedAt;
        }
        uint256 answerTime = LANE.ANSWER_TIME();
        if (block.timestamp + 2 * answerTime > until) revert DemandTooLate(until - 2 * answerTime, block.timestamp);
        (bytes32 root, uint32 leafCount) = _treeOf(header, ofBundle, asked.tree);
        _requireNode(asked, root, leafCount);
        bytes32 key = keccak256(
            abi.encode(header.orchestrator, header.number, until, asked.tree, root, asked.level, asked.position)
        );
        if (_asked[key]) revert DemandRepeated(key);
        _asked[key] = true;

        demandId = _demands.length;
        _demands.push(
            Demand({
                by: msg.sender,
                deadline: uint40(block.timestamp + answerTime),
                until: uint40(until),
                tree: asked.tree,
                level: asked.level,
                orchestrator: header.orchestrator,
                number: header.number,
                position: asked.position,
                leafCount: leafCount,
                node: asked.node,
                headerHash: state.headerHash
            })
        );
        _announce(demandId, header, ofBundle, asked);

        LANE.holdDeposit(msg.sender);
    }

    /// @inheritdoc IBatchChallenges
    function answerNodes(uint256 demandId, bytes32[] calldata nodes) external {
        Demand memory asked = _answerable(demandId);
        uint256 levels = Math.min(asked.level, LEVELS_PER_ANSWER);
        uint256 below = asked.level - levels;
        uint256 behind = PositionTree.widthOf(asked.leafCount, below) - (uint256(asked.position) << levels);
        uint256 count = Math.min(behind, 1 << levels);
        if (levels == 0 || nodes.length != count) revert AnswerWrong(demandId);
        bytes memory words = abi.encodePacked(nodes, bytes32(0));
        uint256 at;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            at := add(words, 32)
        }
        if (PositionTree.reduce(at, count, levels) != asked.node) revert AnswerWrong(demandId);

        _answered(demandId, asked, abi.encodePacked(nodes));
    }

    /// @inheritdoc IBatchChallenges
    function answerLeaf(uint256 demandId, bytes calldata preimage) external {
        Demand memory asked = _answerable(demandId);
        uint256 size = asked.tree == Tree.Bundles ? BUNDLE_BYTES : WORD_BYTES;
        bool right = asked.level == 0 && preimage.length == size && keccak256(preimage) == asked.node;
        if (!right) revert AnswerWrong(demandId);
        // Reverts unless strictly encoded: else there could be a bundle that is known and still cannot be opened.
        if (asked.tree == Tree.Bundles) abi.decode(preimage, (Bundle));

        _answered(demandId, asked, preimage);
    }

    /// @inheritdoc IBatchChallenges
    function enforce(uint256 demandId, BatchHeader calldata header) external {
        Demand memory asked = _demandAt(demandId);
        if (block.timestamp < asked.deadline) revert TooEarly(asked.deadline, block.timestamp);
        _demands[demandId].by = address(0);
        bool punishable = block.timestamp < asked.until && _stillFaulty(asked, header);
        emit DemandEnforced(demandId, punishable);

        LANE.settleDeposit(asked.by, address(0));
        if (!punishable) return;
        LANE.punish(header, asked.by, asked.tree == Tree.Payouts ? Verdict.Rewind : Verdict.Void, 0, 0);
    }

    // --- views ---

    /// @inheritdoc IBatchChallenges
    function demandCount() external view returns (uint256) {
        return _demands.length;
    }

    /// @inheritdoc IBatchChallenges
    function demandOf(uint256 demandId) external view returns (address by, uint40 deadline, uint40 until) {
        if (demandId >= _demands.length) revert DemandUnknown(demandId);
        Demand storage asked = _demands[demandId];
        return (asked.by, asked.deadline, asked.until);
    }

    // --- internals ---

    function _announce(
        uint256 demandId,
        BatchHeader calldata header,
        BundleOpening[] calldata ofBundle,
        NodeOpening calldata asked
    ) private {
        uint32 bundle = ofBundle.length == 0 ? 0 : ofBundle[0].position;
        uint40 deadline = _demands[demandId].deadline;
        emit DataDemanded(demandId, header.orchestrator, header.number, msg.sender, asked, bundle, deadline);
    }

    function _treeOf(
        BatchHeader calldata header,
        BundleOpening[] calldata ofBundle,
        Tree tree
    ) private pure returns (bytes32 root, uint32 leafCount) {
        if (tree == Tree.Payouts) return (header.payoutsRoot, header.payoutCount);
        if (header.dataDigest == 0 && tree != Tree.CommitSets) revert DataOnChain(header.orchestrator, header.number);
        if (tree == Tree.Bundles) return (header.bundlesRoot, header.bundleCount);
        if (ofBundle.length != 1 || !ofBundle[0].isIn(header)) revert BundleMissing();
        root = tree == Tree.Receipts ? ofBundle[0].bundle.receiptsRoot : ofBundle[0].bundle.setsRoot;
        return (root, ofBundle[0].bundle.count);
    }

    function _requireNode(NodeOpening calldata asked, bytes32 root, uint256 leafCount) private pure {
        bool known = PositionTree.verify(root, asked.node, asked.level, asked.position, leafCount, asked.proof);
        if (!known) revert NodeUnknown(asked.level, asked.position);
    }

    function _demandAt(uint256 demandId) private view returns (Demand memory asked) {
        if (demandId >= _demands.length || _demands[demandId].by == address(0)) revert DemandUnknown(demandId);
        return _demands[demandId];
    }

    function _answerable(uint256 demandId) private view returns (Demand memory asked) {
        asked = _demandAt(demandId);
        if (block.timestamp >= asked.deadline) revert AnswerTooLate(asked.deadline, block.timestamp);
    }

    function _answered(uint256 demandId, Demand memory asked, bytes memory answer) private {
        _demands[demandId].by = address(0);
        emit DemandAnswered(demandId, msg.sender, answer);

        LANE.settleDeposit(asked.by, msg.sender);
    }

    /// @dev Whether what was asked for is still part of the batch. Restating changes the payouts that were asked for, never
    ///      the bundles: no demand for those is dodged so.
    /// @param header the batch's as it is stored now
    function _stillFaulty(Demand memory asked, BatchHeader calldata header) private view returns (bool) {
        if (header.orchestrator != asked.orchestrator || header.number != asked.number) {
            revert IBatchLane.BatchUnknown(asked.orchestrator, asked.number);
        }
        BatchState memory state = LANE.stateOf(header);
        if (asked.tree != Tree.Payouts) return !state.voided;
        (, uint256 stated, ) = LANE.bookOf(header.orchestrator);
        return state.headerHash == asked.headerHash && header.number < stated;
    }
}
