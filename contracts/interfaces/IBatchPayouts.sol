// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acceptance, BatchHeader, BundleOpening, PayoutOpening} from "../types/Batch.sol";
import {Withdrawal, WithdrawalProblem} from "../types/Batch.sol";
import {IBatchLane} from "./IBatchLane.sol";

/// @title Who is paid by the batch lane: payees by their payout index, and workers whose bundle went wrong or was left out.
/// @dev `header` is always the batch's as stored.
interface IBatchPayouts {
    error WithdrawalRefused(uint32 index, WithdrawalProblem problem);
    error NotInBatch(uint256 position);
    error NotInTree(uint256 index);
    error NotMisplaced(uint256 position);
    error SignatureWrong(address expected);
    /// @notice The bundle was paid apart, or it was struck.
    error AlreadyClaimed(address orchestrator, uint256 number, uint256 position);
    error ClaimNotOpenYet(uint256 jobId, uint32 firstTask);
    error ClaimTooLate(uint256 latest, uint256 nowTime);
    /// @notice One claim for each worker and batch.
    error ClaimRepeated(bytes32 key);
    error ClaimUnknown(uint256 claimId);
    error AnswerTooLate(uint256 deadline, uint256 nowTime);
    error NotIncluded(uint256 claimId);
    error TooEarly(uint256 from, uint256 nowTime);

    event PayoutWithdrawn(address indexed orchestrator, uint32 indexed index, address indexed receiver, uint256 amount);
    event WithdrawalSkipped(address indexed orchestrator, uint32 indexed index, WithdrawalProblem problem);
    event BundlePaid(
        address indexed orchestrator,
        uint256 indexed number,
        address indexed account,
        uint32 position,
        uint256 amount
    );
    event BundleClaimed(uint256 indexed claimId, Acceptance acceptance, address by, uint40 deadline);
    event ClaimAnswered(uint256 indexed claimId, address indexed by);
    event ClaimPaid(uint256 indexed claimId, address indexed worker, uint256 amount);

    /// @notice Pays what a payout index has earned and not withdrawn. Anyone may call; the payee is fixed.
    /// @param header of a batch whose payouts have passed their window: nobody rewound them (`bookOf`), and WINDOW is over
    ///        since `statedAt` (`batchOf`)
    function withdraw(BatchHeader calldata header, Withdrawal calldata asked) external returns (uint256 amount);

    /// @notice `withdraw` for many payees of one orchestrator. What fails is skipped, with its reason in an event.
    /// @return paid how many were paid
    function withdrawMany(BatchHeader calldata header, Withdrawal[] calldata asked) external returns (uint256 paid);

    // --- bundles of void batches, and in the wrong place ---

    /// @notice Pays the worker of a bundle that went down with a void batch, from what that batch held, as credit in the
    ///         escrow. Anyone may call, until the window and CLAIM_TIME after it are over. First come, first served.
    function claimVoided(BatchHeader calldata header, BundleOpening calldata opening) external returns (uint256 amount);

    /// @notice Pays the worker of a bundle that stands at another account's payout index, from what is reserved, as credit
    ///         in the escrow, once the batch's payouts can no longer change. Anyone may call.
    /// @param owned the payout at the bundle's index, after this batch
    function claimMisplaced(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        PayoutOpening calldata owned
    ) external returns (uint256 amount);

    // --- workers who were left out ---

    /// @notice Claims pay for receipts that the orchestrator accepted and did not post. Anyone may call, for the worker;
    ///         locks DEPOSIT of the caller's free stake. One claim per worker and batch.
    /// @param header the batch that covers `firstTask`, while its liability has an answer time left; all zero if the job
    ///        has taken its last batch without one
    /// @param r, vs the orchestrator's signature of the acceptance
    function claimBundle(
        Acceptance calldata acceptance,
        bytes32 r,
        bytes32 vs,
        BatchHeader calldata header
    ) external returns (uint256 claimId);

    /// @notice Ends a claim: the batch has a bundle of that worker with as many receipts, or more. Anyone may call; the
    ///         deposit is theirs. A bundle that was struck counts: it was not left out.
    function showBundle(uint256 claimId, BatchHeader calldata header, BundleOpening calldata opening) external;

    /// @notice Pays a claim that nobody ended in time: count x price, as credit, from the stake that the orchestrator has
    ///         allotted to itself and no batch holds. Anyone may call.
    function payClaim(uint256 claimId) external returns (uint256 amount);

    // --- views ---

    function LANE() external view returns (IBatchLane);
    /// @notice What a payout index has withdrawn so far.
    function withdrawnOf(address orchestrator, uint256 index) external view returns (uint256);
    /// @notice Whether the bundle was paid apart, by claimVoided or claimMisplaced.
    function isClaimed(address orchestrator, uint256 number, uint256 position) external view returns (bool);
    function claimCount() external view returns (uint256);
    /// @return by who claimed; zero once it is over
    /// @return deadline to show an inclusion
    function claimOf(uint256 claimId) external view returns (address by, uint40 deadline);
}
