// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader, BundleOpening, Flaw, NodeOpening} from "../types/Batch.sol";
import {PayoutFault, PayoutOpening, ReceiptOpening, SetOpening} from "../types/Batch.sol";
import {IBatchLane} from "./IBatchLane.sol";

/// @title The rules of a batch, each as a function that punishes its breach.
/// @notice Anyone but the batch's orchestrator may call, within the batch's window. Whoever proves a fault is credited half
///         of the bond behind it, in the escrow. What proves no fault reverts with NotProven and moves nothing, so nobody
///         can hurt an honest batch. The twin is edgebounty/protocol/batch/rules.py.
/// @dev `header` is always the batch's as stored. Where payouts before the batch matter, `previous` is the header of which
///      `header.previous` is the hash; it is not read if that is zero.
interface IBatchChallenges {
    /// @notice These openings show no fault: something is not in its tree, or the rule was kept.
    error NotProven(Flaw flaw);
    /// @notice Receipts and bundles of this batch were calldata.
    error DataOnChain(address orchestrator, uint256 number);
    error NodeUnknown(uint8 level, uint32 position);
    error DemandTooLate(uint256 latest, uint256 nowTime);
    /// @notice Each node once, as long as it stands.
    error DemandRepeated(bytes32 key);
    /// @notice Receipts and commit sets are a bundle's: show it.
    error BundleMissing();
    error DemandUnknown(uint256 demandId);
    error AnswerTooLate(uint256 deadline, uint256 nowTime);
    error AnswerWrong(uint256 demandId);
    error TooEarly(uint256 from, uint256 nowTime);

    event DataDemanded(
        uint256 indexed demandId,
        address indexed orchestrator,
        uint256 indexed number,
        address by,
        NodeOpening asked,
        uint32 bundle,
        uint40 deadline
    );
    event DemandAnswered(uint256 indexed demandId, address indexed by, bytes answer);
    event DemandEnforced(uint256 indexed demandId, bool punished);

    // --- a bundle is struck ---

    /// @notice The worker did not sign these roots for this batch.
    function strikeSignature(BatchHeader calldata header, BundleOpening calldata opening) external;

    /// @notice A receipt names a task outside the batch, or a slot that the job does not have.
    function strikeReceipt(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown
    ) external;

    /// @notice Two receipts of one task that cannot both be paid: one slot, one worker, or unequal digests. Strikes the
    ///         second bundle, which may be the first.
    function strikePair(
        BatchHeader calldata header,
        BundleOpening calldata first,
        ReceiptOpening calldata ofFirst,
        BundleOpening calldata second,
        ReceiptOpening calldata ofSecond
    ) external;

    /// @notice Two receipts of one task answer different commit sets: it was closed twice. Strikes the second bundle.
    function strikeSets(
        BatchHeader calldata header,
        BundleOpening calldata first,
        ReceiptOpening calldata ofFirst,
        SetOpening calldata firstSet,
        BundleOpening calldata second,
        ReceiptOpening calldata ofSecond,
        SetOpening calldata secondSet
    ) external;

    /// @notice The bundle's payout index is another account's, by the payouts that the orchestrator itself built on.
    function strikeOwner(
        BatchHeader calldata header,
        BatchHeader calldata previous,
        BundleOpening calldata opening,
        PayoutOpening calldata owned
    ) external;

    // --- a batch is void ---

    /// @notice Neighbours whose payout indices do not ascend, or whose counts leave a gap.
    function voidOrder(
        BatchHeader calldata header,
        BundleOpening calldata first,
        BundleOpening calldata second
    ) external;

    /// @notice An empty bundle; a first one that starts late or has the fee's index; a last one that misses the total.
    function voidEdge(BatchHeader calldata header, BundleOpening calldata opening) external;

    // --- payouts are rewound ---

    /// @notice A payout is not what the one before and the unstruck bundle at its index make it.
    function rewindPayout(
        BatchHeader calldata header,
        BatchHeader calldata previous,
        PayoutFault calldata fault
    ) external;

    /// @notice The payout tree shrank, or has no leaf for the last, and so the highest, index that earned something.
    function rewindCount(
        BatchHeader calldata header,
        BatchHeader calldata previous,
        BundleOpening calldata last
    ) external;

    // --- data that is not shown ---

    /// @notice Asks for what lies under a node of one of the batch's trees. Once per node and statement; locks DEPOSIT of
    ///         the caller's free stake. Not of bundles and receipts that were calldata.
    /// @dev Late demands revert: from the last two answer times of the window on. A tree of 2^20 leaves takes five demands
    ///      one after the other, five levels each, and the window has room for them.
    /// @param ofBundle the bundle whose receipts or commit sets are meant: one opening, else none
    function demand(
        BatchHeader calldata header,
        BundleOpening[] calldata ofBundle,
        NodeOpening calldata asked
    ) external returns (uint256 demandId);

    /// @notice Shows the nodes five levels under the one that was asked for, or the leaves if it is no higher than that:
    ///         as many as the tree has there. Anyone may call; the deposit is theirs.
    function answerNodes(uint256 demandId, bytes32[] calldata nodes) external;

    /// @notice Shows what a leaf that was asked for is the hash of: a bundle's eight words, or one word.
    function answerLeaf(uint256 demandId, bytes calldata preimage) external;

    /// @notice When nobody answered in time: the batch is void, or its payouts are rewound. Anyone may call; the demander
    ///         has its deposit back and the reward. Past the window, or if the payouts were restated since, only that.
    function enforce(uint256 demandId, BatchHeader calldata header) external;

    // --- views ---

    function LANE() external view returns (IBatchLane);
    function demandCount() external view returns (uint256);
    /// @return by who demanded; zero once it is over
    /// @return deadline to answer
    /// @return until when it can be enforced, the end of the window
    function demandOf(uint256 demandId) external view returns (address by, uint40 deadline, uint40 until);
}
