// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClaimView, TaskStatus, TaskView} from "../types/Market.sol";
import {IBountyEscrow} from "./IBountyEscrow.sol";
import {ILane} from "./ILane.sol";
import {ISeedSource} from "./ISeedSource.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title Everything on chain: claim -> commit -> reveal -> settle.
/// @notice Every deadline is a timestamp. Before it the act is valid, from it on the time-out is, which anyone may call.
///         No task starts at its job's deadline or later. Of what was started, further waves may be claimed for DRAW_TIME
///         and four task times more, so a claim holds stake for at most DRAW_TIME and six task times after the deadline.
interface IDirectLane is ILane {
    error NotTheEscrow(address caller);
    error WrongWiring(address expected, address actual);
    /// @notice An account without code would be a lane that anybody with its key can slash by.
    error LaneWithoutCode(address lane);
    error NoShowFeeOutOfRange(uint256 noShowBps, uint256 most);
    /// @notice 1 <= rampTime <= drawTime <= longest must hold, else a draw could be widened before its ramp is over.
    error DrawTimeOutOfRange(uint256 drawTime, uint256 rampTime, uint256 longest);
    error JobUnknown(uint256 jobId);
    error TaskUnknown(uint256 jobId, uint32 taskIndex, uint256 tasks);
    error JobEnded(uint256 jobId);
    error StageNotOpen(uint256 jobId, uint32 taskIndex, uint256 finished, uint256 needed);
    error TaskStatusWrong(uint256 jobId, uint32 taskIndex, TaskStatus actual);
    /// @notice A quorum of more than one needs a slot more than it, for a deciding replica when two disagree.
    error SpareSlotMissing(uint256 quorum, uint256 workSlots);
    error WaveFull(uint256 jobId, uint32 taskIndex);
    error NotDrawn(uint256 jobId, uint32 taskIndex, address worker, uint32 drawEpoch);
    error AlreadyClaimed(uint256 jobId, uint32 taskIndex, address worker);
    error Barred(uint256 jobId, uint32 taskIndex, address worker);
    /// @notice Numbers of workers are used up: who has claimed before may go on, a new worker needs another deployment.
    error WorkersExhausted(uint256 most);
    error NoClaim(uint256 jobId, uint32 taskIndex, address worker);
    error AlreadyCommitted(uint256 jobId, uint32 taskIndex, address worker);
    error AlreadyRevealed(uint256 jobId, uint32 taskIndex, address worker);
    error DigestZero();
    error CommitmentMismatch(uint256 jobId, uint32 taskIndex, address worker);
    error ClaimTooLate(uint256 jobId, uint256 deadline, uint256 nowTime);
    error CommitTooLate(uint256 jobId, uint256 deadline, uint256 nowTime);
    error RevealTooLate(uint256 jobId, uint256 deadline, uint256 nowTime);
    error TooEarly(uint256 jobId, uint256 deadline, uint256 nowTime);
    error CommitsPending(uint256 jobId, uint32 taskIndex);
    /// @notice Who was there when reveals opened stays until the task's outcome.
    error WaveOver(uint256 jobId, uint32 taskIndex, address worker);
    /// @notice The present draw has its whole epoch to take place: it may be replaced in the next one.
    error DrawPending(uint256 jobId, uint32 taskIndex, uint32 drawEpoch);
    error ReopensExhausted(uint256 jobId, uint32 taskIndex, uint256 most);

    event StageOpened(uint256 indexed jobId, uint32 firstTask, uint32 drawEpoch);
    event JobFailed(uint256 indexed jobId, uint32 taskIndex);
    /// @param commitDeadline until when everybody in this wave who has not committed must; it moves with each claim
    event TaskClaimed(uint256 indexed jobId, uint32 indexed taskIndex, address indexed worker, uint40 commitDeadline);
    event ResultCommitted(uint256 indexed jobId, uint32 indexed taskIndex, address indexed worker, bytes32 commitment);
    event RevealsOpened(uint256 indexed jobId, uint32 indexed taskIndex, uint40 revealDeadline);
    event ResultRevealed(uint256 indexed jobId, uint32 indexed taskIndex, address indexed worker, bytes32 resultDigest);
    event TaskSettled(uint256 indexed jobId, uint32 indexed taskIndex, bytes32 resultDigest, uint8 winners);
    event TaskReopened(uint256 indexed jobId, uint32 indexed taskIndex, uint8 slots, uint32 drawEpoch, uint8 reopens);
    event TaskRefunded(uint256 indexed jobId, uint32 indexed taskIndex);
    event TaskExpired(uint256 indexed jobId, uint32 indexed taskIndex);
    event ClaimLeft(uint256 indexed jobId, uint32 indexed taskIndex, address indexed worker);
    event ClaimExpired(uint256 indexed jobId, uint32 indexed taskIndex, address indexed worker, uint256 fee);

    /// @notice Takes a slot of the task's wave and locks `stakePerClaim` of the caller's free stake.
    /// @dev The stage must be open, the caller drawn by now, a slot free and the deadline not reached. Claims
    ///      whose time to commit has passed must have expired first. A worker holds at most one slot of a task, and none
    ///      again after failing to commit.
    function claim(uint256 jobId, uint32 taskIndex) external;

    /// @notice Binds the caller to a result without showing it. The last commit of a wave opens the reveals.
    /// @param commitment keccak256(abi.encode(chainId, lane, jobId, taskIndex, worker, resultDigest, salt)); the salt
    ///        keeps a result of few values from being guessed, the worker's address keeps it from being copied
    function commit(uint256 jobId, uint32 taskIndex, bytes32 commitment) external;

    /// @notice Opens the caller's commitment. Not before every slot of the wave has committed, so nobody can copy.
    function reveal(uint256 jobId, uint32 taskIndex, bytes32 resultDigest, bytes32 salt) external;

    /// @notice Fixes the outcome once all have revealed or the time for it has passed. Anyone may call.
    /// @dev A quorum of equal digests: they are credited slotPrice each and unlocked; unequal and silent lose
    ///      stakePerClaim. No quorum: the missing replicas are opened for a new draw, if workSlots and the time allow (see
    ///      the deadline's grace above); else the task is refunded, those who revealed are unlocked and the silent lose stakePerClaim.
    function settle(uint256 jobId, uint32 taskIndex) external;

    /// @notice Removes a claim when the wave's time to commit has passed: a small fee burns, the rest is unlocked, the slot
    ///         is free again and the worker barred from this task. Anyone may call.
    function expireClaim(uint256 jobId, uint32 taskIndex, address worker) external;

    /// @notice Gives up the caller's committed claim, unpaid and unpunished, when its wave has had its time to fill and is
    ///         not full: the slot is free again, the stake unlocked, and the worker barred from this task.
    /// @dev So that nobody's stake is held, and nobody has to stay awake, for peers that never come. Not while another
    ///      claim waits for its commit, and never once reveals were open.
    function leaveTask(uint256 jobId, uint32 taskIndex) external;

    /// @notice Draws anew, with twice the chance for everybody, for a wave that did not fill in time (its seed may have
    ///         been missed). Anyone may call, at most MAX_REOPENS times a task, once late claims have expired and the
    ///         epoch of the present draw is over.
    /// @dev Claims stay possible until then and after: this widens a draw, it ends nothing. The claims' time-out is
    ///      `closesAt` (see TaskView).
    function reopen(uint256 jobId, uint32 taskIndex) external;

    /// @notice When its wave takes no more claims, refunds a task that did not fill; whoever committed or revealed is
    ///         unlocked. Claims that wait for their commit must have committed or expired first. Anyone may call.
    function expireTask(uint256 jobId, uint32 taskIndex) external;

    // --- views ---

    function ESCROW() external view returns (IBountyEscrow);
    function VAULT() external view returns (IStakeVault);
    function SEEDS() external view returns (ISeedSource);
    /// @notice Part of a claim's stake that a claim without a commit costs, rounded up.
    function NO_SHOW_BPS() external view returns (uint256);
    /// @notice Seconds on top of taskTime before a draw may be widened: the seed has to become known, and the ramp to end.
    function DRAW_TIME() external view returns (uint256);
    /// @notice Seconds from a seed's recording over which the number of candidates grows evenly from none to eight a slot.
    function RAMP_TIME() external view returns (uint256);

    function taskOf(uint256 jobId, uint32 taskIndex) external view returns (TaskView memory);
    /// @notice Present claims in slot order; expired ones are gone.
    function claimsOf(uint256 jobId, uint32 taskIndex) external view returns (ClaimView[] memory);
    /// @notice The accepted digest, zero while there is none.
    function resultOf(uint256 jobId, uint32 taskIndex) external view returns (bytes32);
    /// @notice Whether all tasks that this one depends on are finished.
    function stageOpen(uint256 jobId, uint32 taskIndex) external view returns (bool);
    /// @notice The epoch whose seed decides who may claim now. Of a task whose stage is not open: not yet meaningful.
    function drawEpochOf(uint256 jobId, uint32 taskIndex) external view returns (uint32);
    /// @notice From when on the task's present draw lets this worker claim, Unix seconds; zero if it does not, or if the
    ///         seed is not recorded yet.
    function drawnFrom(uint256 jobId, uint32 taskIndex, address worker) external view returns (uint256 time);
    /// @notice Whether the task's present draw lets this worker claim now.
    function isDrawn(uint256 jobId, uint32 taskIndex, address worker) external view returns (bool);
    /// @notice Whether this worker failed to commit to this task in time and may not claim it again.
    function isBarred(uint256 jobId, uint32 taskIndex, address worker) external view returns (bool);
}
