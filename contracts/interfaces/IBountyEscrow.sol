// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {JobTerms} from "../types/Market.sol";

/// @title Where bounties lie, and what people are owed.
/// @notice A job's bounty is escrowed in full when it is posted. Its lane turns it into credits, refunds turn the rest
///         into the requester's credit, and credits are withdrawn. There is no owner.
/// @dev Amounts are token base units. Tokens that take a fee on transfer or change balances by themselves are refused
///      on receipt.
interface IBountyEscrow {
    error LaneUnknown(address lane);
    error DeadlineOutOfRange(uint256 deadline, uint256 earliest, uint256 latest);
    error TaskTimeOutOfRange(uint256 taskTime, uint256 shortest, uint256 longest);
    error TaskCountOutOfRange(uint256 tasks, uint256 most);
    /// @notice 1 <= quorum <= workSlots <= most must hold.
    error QuorumOutOfRange(uint256 quorum, uint256 workSlots, uint256 most);
    error AuditSlotsOutOfRange(uint256 auditSlots, uint256 most);
    error FeeOutOfRange(uint256 feeBps, uint256 most);
    error OrchestratorMissing();
    error SlotPriceOutOfRange(uint256 slotPrice, uint256 least, uint256 most);
    /// @notice A worker must risk at least what it can gain.
    error StakeOutOfRange(uint256 stakePerClaim, uint256 least, uint256 most);
    error ManifestMissing();
    error BountyTooLarge(uint256 bounty, uint256 most);
    error JobUnknown(uint256 jobId);
    error NotTheRequester(uint256 jobId, address caller);
    error NotTheLane(uint256 jobId, address caller);
    error NotTheBatchLane(address caller);
    error ReserveTooSmall(address orchestrator, uint256 wanted, uint256 left);
    error JobAlreadyEnded(uint256 jobId);
    error EscrowTooSmall(uint256 jobId, uint256 wanted, uint256 left);
    error NothingToRefund(uint256 jobId);
    error NothingToWithdraw(address account);
    error ReceiverZero();

    event JobPosted(
        uint256 indexed jobId,
        address indexed requester,
        address indexed orchestrator,
        uint256 escrowed,
        JobTerms terms
    );
    event JobStopped(uint256 indexed jobId);
    event BountyRefunded(uint256 indexed jobId, address indexed requester, uint256 amount);
    event CreditAdded(address indexed account, uint256 indexed jobId, uint256 amount);
    event CreditWithdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Posts a job and takes `bountyFor(terms)` from the caller. Needs an allowance.
    /// @return jobId counted from 1
    function postJob(JobTerms calldata terms) external returns (uint256 jobId);

    /// @notice `postJob` with an EIP-2612 permit for exactly `bountyFor(terms)`. A permit that somebody else has already
    ///         used is no obstacle as long as the allowance is there.
    function postJobWithPermit(
        JobTerms calldata terms,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 jobId);

    /// @notice Ends new tasks. The requester only. Tasks already claimed go on and stay paid for; their missing replicas
    ///         may still be claimed until the deadline.
    function stop(uint256 jobId) external;

    /// @notice Closes the books so far: credits the requester with what no task can cost any more, and the orchestrator
    ///         with the fees it has earned. Anyone may call, again and again.
    /// @return amount the requester's part
    function refund(uint256 jobId) external returns (uint256 amount);

    /// @notice Turns escrow into credits for one task: `amountEach` to each payee. The orchestrator's fee on all of it,
    ///         rounded down, becomes due. The job's lane only; it bounds the payees and pays a task at most once.
    /// @param fromSlash part of it that slashed stake pays, already transferred here by the vault
    function settleTask(uint256 jobId, address[] calldata payees, uint256 amountEach, uint256 fromSlash) external;

    /// @notice Pays the caller's whole credit to `to`.
    function withdraw(address to) external returns (uint256 amount);

    /// @notice Pays an account's whole credit to that account. Anyone may call, so that a worker needs no gas.
    function withdrawFor(address account) external returns (uint256 amount);

    // --- the batch lane; its own events tell what moved ---

    /// @notice Sets escrow of a job aside for the payees of its orchestrator's batches. The batch lane only, for its jobs.
    function reserve(uint256 jobId, address orchestrator, uint256 amount) external;

    /// @notice Returns reserved tokens to a job. The batch lane only, for its jobs.
    function unreserve(uint256 jobId, address orchestrator, uint256 amount) external;

    /// @notice Pays reserved tokens to a payee. The batch lane only; it answers for paying each payee at most its due.
    function payReserved(address orchestrator, address to, uint256 amount) external;

    /// @notice Turns reserved tokens into credit. The batch lane only.
    function creditReserved(address orchestrator, address account, uint256 jobId, uint256 amount) external;

    /// @notice Credits slashed stake that the vault has just transferred here. The batch lane only.
    function creditSlashed(address account, uint256 jobId, uint256 amount) external;

    // --- views ---

    /// @notice The one token.
    function TOKEN() external view returns (IERC20);
    function DIRECT_LANE() external view returns (address);
    /// @notice Zero if this deployment has no batch lane.
    function BATCH_LANE() external view returns (address);
    function MIN_SLOT_PRICE() external view returns (uint256);
    /// @notice Seconds.
    function MIN_TASK_TIME() external view returns (uint256);

    /// @notice What posting these terms takes: (slot price + fee, rounded up) x (work + audit slots) x tasks.
    function bountyFor(JobTerms calldata terms) external pure returns (uint256);

    /// @notice What `refund` would credit the requester now.
    function refundable(uint256 jobId) external view returns (uint256);

    function terms(uint256 jobId) external view returns (JobTerms memory);
    function requesterOf(uint256 jobId) external view returns (address);
    function isStopped(uint256 jobId) external view returns (bool);
    /// @notice Fees that `refund` would credit the orchestrator now.
    function feeDueOf(uint256 jobId) external view returns (uint256);
    /// @notice Escrow that is left for this job, fees that are due apart.
    function escrowOf(uint256 jobId) external view returns (uint256);
    function creditOf(address account) external view returns (uint256);
    /// @notice What is set aside for the payees of this orchestrator's batches. No other orchestrator's batch can touch it.
    function reservedOf(address orchestrator) external view returns (uint256);
    function jobCount() external view returns (uint256);
    /// @notice What this contract owes: escrow and due fees of all jobs, what is reserved, and all credits. Its balance is never less.
    function totalOwed() external view returns (uint256);
}
