// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader, BundleOpening, ReceiptOpening} from "../types/Batch.sol";
import {CourtCase, CourtVerdict} from "../types/Court.sol";
import {IBatchLane} from "./IBatchLane.sol";
import {IBountyEscrow} from "./IBountyEscrow.sol";
import {IDirectLane} from "./IDirectLane.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title Where the result of a batch lane's receipt is challenged.
/// @notice Whoever has computed a task and got another digest commits to it and pays a jury. The jury is one task of the
///         direct lane on the same program and inputs, drawn after the challenge. A digest that it finds wrong costs every
///         worker that signed it what the job demands as stake for a claim, as far as it has allotted that much to the
///         batch's orchestrator; who allotted nothing loses nothing. It touches no batch and no payout.
///
///         Tried are map tasks of a first round: their inputs stand in the manifest. What later tasks read depends on what
///         others showed before, and an honest worker could be shown one thing and the jury another.
/// @dev Has no owner and decides nothing itself. It is the requester of its juries, so what they do not cost comes back to it,
///      by the escrow's `refund` and `withdrawFor`, which anyone may call at any time; it keeps books of whose that is.
///      Amounts are token base units, times Unix seconds. The twin is edgebounty/protocol/batch/court.py.
interface IBatchCourt {
    error WrongWiring(address expected, address actual);
    /// @notice window + 2 x (jury + reply) + reply < unbonding, where a jury takes juryTime, the lane's DRAW_TIME and six
    ///         task times; none is zero, and the escrow takes jobs with this task time and this long a deadline.
    error CourtTimesOutOfRange(uint256 juryTime, uint256 taskTime, uint256 reply, uint256 liability, uint256 unbonding);
    error JuryOutOfRange(uint256 quorum, uint256 stakeFactor, uint256 leastPrice);
    error CommitmentMissing();
    error ChallengerIsOrchestrator(address orchestrator);
    error TooEarly(uint256 from, uint256 nowTime);
    error TooLate(uint256 deadline, uint256 nowTime);
    /// @notice The bundle or receipt does not stand where it is said to, or is of a task outside the batch.
    error NotInBatch();
    error NotSigned(address account);
    /// @notice Only map tasks of the first round are tried.
    error TaskNotTried(uint256 task, uint256 mapTasks);
    error TaskTooLong(uint256 taskTime, uint256 longest);
    error ChallengeRepeated(uint256 caseId);
    error CaseUnknown(uint256 caseId);
    error CaseDecidedAlready(uint256 caseId, CourtVerdict verdict);
    /// @notice The jury's task has no outcome yet.
    error JuryStillOut(uint256 juryJob);
    error JuryAgreed(bytes32 result);
    error AppealedAlready(uint256 caseId);
    /// @notice There is nothing to slash for: the verdict is another, or this is another header, task or digest.
    error NotGuilty(uint256 caseId);
    error SlashedAlready(uint256 caseId, address account);
    error NothingToWithdraw(address account);

    event CaseOpened(
        uint256 indexed caseId,
        uint256 indexed job,
        uint32 indexed task,
        uint216 digest,
        address challenger,
        address accused
    );
    /// @param bond the jury's whole price, put up by `payer`
    event JurySummoned(uint256 indexed caseId, uint256 indexed juryJob, address payer, uint256 bond, uint40 until);
    event CaseDecided(uint256 indexed caseId, CourtVerdict verdict, bytes32 result, bool knew);
    event SignerSlashed(uint256 indexed caseId, address indexed account, uint256 lost);
    event BondReturned(uint256 indexed caseId, address indexed payer, uint256 amount);
    event BondWithdrawn(address indexed account, uint256 amount);

    /// @notice Challenges the digest of a receipt, within the batch's window, once per task and digest. Takes `bondOf(job)`
    ///         from the caller, who needs an allowance to this contract: the jury's whole price. What it does not cost comes
    ///         back.
    /// @param commitment `commitmentOf(caller, job, task, the right digest, salt)`: hidden so that no juror can echo it,
    ///        bound to the caller so that nobody who merely saw the challenge coming can take its reward
    function challenge(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown,
        bytes32 commitment
    ) external returns (uint256 caseId);

    /// @notice Asks a jury three times as large, once, when the first could not agree. Anyone may pay for it until `until`.
    function appeal(uint256 caseId) external;

    /// @notice Fixes the verdict once the jury's task has its outcome. Anyone may call. Before `until`, a digest that is found
    ///         wrong needs the salt of the challenger's commitment; whoever cannot show it in time gets no reward. Nor is a
    ///         jury that did not agree the last word before `until`, unless it was the appeal's.
    function decide(uint256 caseId, bytes32 salt) external returns (CourtVerdict verdict);

    /// @notice Slashes one worker that signed the digest that was found wrong. Anyone may call, once per worker. Half goes to
    ///         the challenger, if it knew the right digest; of the other half the requester gets what the receipt cost, the
    ///         rest burns.
    /// @param header as it was when it was challenged
    function slash(
        uint256 caseId,
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown
    ) external returns (uint256 lost);

    /// @notice Pays an account what came back of its bonds. Anyone may call.
    function withdrawFor(address account) external returns (uint256 amount);

    // --- views ---

    function LANE() external view returns (IBatchLane);
    function DIRECT_LANE() external view returns (IDirectLane);
    function ESCROW() external view returns (IBountyEscrow);
    function VAULT() external view returns (IStakeVault);
    /// @notice Seconds from a batch's window until nobody can be slashed for it: less than stake takes to unbond.
    function LIABILITY() external view returns (uint256);
    function JURY_TIME() external view returns (uint256);
    function TASK_TIME() external view returns (uint256);
    function REPLY_TIME() external view returns (uint256);
    function QUORUM() external view returns (uint256);
    function LEAST_PRICE() external view returns (uint256);
    function STAKE_FACTOR() external view returns (uint256);
    /// @notice The result of jurors that cannot have one: inputs are not to be had, or two runs differ.
    function VOID() external view returns (bytes32);

    function caseCount() external view returns (uint256);
    /// @notice Cases are numbered from 1.
    function caseOf(uint256 caseId) external view returns (CourtCase memory);
    /// @notice The case about this task and digest; zero if there is none.
    function caseAbout(uint256 job, uint32 task, uint216 digest) external view returns (uint256 caseId);
    function isSlashed(uint256 caseId, address account) external view returns (bool);
    function owedTo(address account) external view returns (uint256);
    /// @notice What this contract owes in all; its tokens and its credit in the escrow are never less.
    function totalOwed() external view returns (uint256);
    /// @notice What a challenge of this job's receipts takes; an appeal takes three times as much.
    function bondOf(uint256 job) external view returns (uint256);
    function commitmentOf(
        address challenger,
        uint256 job,
        uint32 task,
        bytes32 result,
        bytes32 salt
    ) external view returns (bytes32);
    /// @notice sha2-256 of the document that says what a jury computes: the canonical JSON
    ///         `{"jury":1,"manifest":"<digest in hex>","task":<task>}`.
    function juryDigest(bytes32 manifestDigest, uint32 task) external pure returns (bytes32);
}
