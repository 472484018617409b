// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader, BatchJob, BatchState, BundleOpening, NewBatch, PayoutOpening} from "../types/Batch.sol";
import {Withdrawal, WithdrawalProblem} from "../types/Batch.sol";
import {IBountyEscrow} from "./IBountyEscrow.sol";
import {ILane} from "./ILane.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title Thousands of tiny tasks in one transaction: an optimistic ledger of signed receipts.
/// @notice An orchestrator posts batches; anyone can prove a batch wrong within its window (see IBatchChallenges, where
///         the rules are). A wrong bundle is struck, a wrong batch void, wrong payouts are rewound and anyone may restate
///         them. What passed its window can be withdrawn. Nothing has to be finalised.
///
///         A job for this lane is posted to the escrow with these terms: `lane` is this contract; `orchestrator` is the
///         one account that may post its batches, never zero; `slotPrice` is what a worker gets for one receipt, and
///         slotPrice x feeBps / 10,000, rounded down, what the orchestrator gets for it; a task may have workSlots +
///         auditSlots receipts, with slot numbers below that sum; tasks are numbered as in JobTerms; `deadline` ends the
///         assignments, and batches may follow until GRACE later. `taskTime`, `quorum` and `stakePerClaim` are between the
///         requester and the orchestrator: this contract does not read them. What no receipt was posted for is refunded.
///
///         Before posting, an orchestrator allots stake to itself, `vault.allot(self, amount)`: its bond is taken from that.
///         `stop` is the escrow's: it ends the job NOTICE seconds later, or at its deadline if that is sooner.
///
///         Data: in `postWithData` the bundles are calldata; this contract computes their roots, so data and root cannot
///         differ. In `post` they lie under a CID, and the bond covers all that the batch could pay.
/// @dev Assignment is the orchestrator's choice: it is untrusted for money, but trusted for assigning independent workers.
///      Holds no token. Amounts are token base units, times Unix seconds. Every message that this lane reads is EIP-712 of
///      domain (name "Edgebounty", version "1", chain, this contract).
interface IBatchLane is ILane {
    error NotTheEscrow(address caller);
    error NotTheChallenges(address caller);
    error WrongWiring(address expected, address actual);
    /// @notice 0 < 10 x answer <= window, window + claim <= liability < the vault's unbonding time, and none is zero.
    error TimesOutOfRange(uint256 window, uint256 answer, uint256 claim, uint256 liability, uint256 unbonding);
    error RingOutOfRange(uint256 ring, uint256 least, uint256 most);
    error BondOutOfRange(uint256 leastBond, uint256 bondBps, uint256 deposit);
    error OrchestratorMissing();
    error JobUnknown(uint256 jobId);
    error NotTheOrchestrator(uint256 jobId, address caller);
    error PostTooLate(uint256 jobId, uint256 closesAt, uint256 nowTime);
    /// @notice Payouts of an earlier batch were rewound: they come first.
    error RestateFirst(address orchestrator, uint256 number);
    error RangeWrong(uint256 jobId, uint256 nextTask, uint256 endTask, uint256 tasks);
    /// @notice 1 <= bundles <= receipts <= most must hold.
    error CountsWrong(uint256 bundles, uint256 receipts, uint256 most);
    error DataDigestMissing();
    /// @notice Calldata that is no list of bundles: at which byte it goes wrong.
    error DataMalformed(uint256 at);
    error PreviousWrong(bytes32 expected, bytes32 actual);
    error SlotStillNeeded(address orchestrator, uint256 number, uint256 until);
    error BondTooSmall(address account, uint256 needed, uint256 allotted);
    /// @notice No such batch, or its header is another by now, or it left the ring.
    error BatchUnknown(address orchestrator, uint256 number);
    error BatchVoid(address orchestrator, uint256 number);
    error BatchNotVoid(address orchestrator, uint256 number);
    error NotNextToRestate(address orchestrator, uint256 number, uint256 next);
    error NothingToRelease(address orchestrator, uint256 number);
    error PayoutsNotUsable(address orchestrator, uint256 number, uint256 usableAt);
    error WithdrawalRefused(uint32 index, WithdrawalProblem problem);
    error NotInBatch(uint256 position);
    error NotMisplaced(uint256 position);
    error SignatureWrong(address expected);
    error AlreadyClaimed(address orchestrator, uint256 number, uint256 position);
    error ClaimTooLate(uint256 deadline, uint256 nowTime);
    error NothingToClaim(address orchestrator, uint256 number);
    error PoolTooSmall(address orchestrator, uint256 wanted, uint256 left);
    error NothingAside(address orchestrator, uint256 number);
    error TooEarly(uint256 from, uint256 nowTime);
    error ChallengeTooLate(uint256 deadline, uint256 nowTime);
    error ChallengerIsOrchestrator(address orchestrator);
    error AlreadyRewound(address orchestrator, uint256 number);

    event JobOpened(uint256 indexed jobId, address indexed orchestrator, uint40 deadline);
    /// @notice The job takes assignments until `deadline`, and batches until GRACE later.
    event JobStopping(uint256 indexed jobId, uint40 deadline);
    /// @param header as stored: what every later call about this batch needs
    event BatchPosted(address indexed orchestrator, uint256 indexed jobId, BatchHeader header, uint256 bond);
    event BundleStruck(
        address indexed orchestrator,
        uint256 indexed number,
        address indexed challenger,
        uint32 position
    );
    event BatchVoided(address indexed orchestrator, uint256 indexed number, address indexed challenger);
    /// @notice The payouts of this batch and of all after it are no longer usable: `restate` them, in order.
    event PayoutsRewound(address indexed orchestrator, uint256 indexed number, address indexed challenger);
    event PayoutsRestated(address indexed orchestrator, address indexed restater, BatchHeader header);
    /// @param guilty whose bond was lost: half of it goes to the challenger, rounded down, the rest burns
    event BondLost(address indexed guilty, address indexed challenger, uint256 amount);
    event BondReleased(address indexed account, address indexed orchestrator, uint256 indexed number, uint256 amount);
    event PayoutWithdrawn(address indexed orchestrator, uint32 indexed index, address indexed receiver, uint256 amount);
    event WithdrawalSkipped(address indexed orchestrator, uint32 indexed index, WithdrawalProblem problem);
    event BundlePaid(
        address indexed orchestrator,
        uint256 indexed number,
        address indexed account,
        uint32 position,
        uint256 amount
    );
    event AsideReturned(address indexed orchestrator, uint256 indexed number, uint256 indexed jobId, uint256 amount);

    // --- orchestrators ---

    /// @notice Posts the next batch of a job, its data under a CID. The job's orchestrator only.
    /// @dev Its bond, `bondFor(total, true)`, is held until the window is over; `total` (receipts x cost) moves from the
    ///      job to the orchestrator's pool. Reverts rather than overwrite a header that is still needed.
    /// @return number of the batch among this orchestrator's
    function post(NewBatch calldata batch) external returns (uint256 number);

    /// @notice `post` with the bundles as calldata, from which roots and counts are computed.
    /// @param bundles per bundle: payout index (4 bytes), account (20), count (4), sets root (32), r and vs (64), then 32
    ///        bytes a receipt; payout indices ascend from 1
    function postWithData(
        uint256 job,
        uint32 endTask,
        uint32 payoutCount,
        bytes32 payoutsRoot,
        bytes32 previous,
        bytes calldata bundles
    ) external returns (uint256 number);

    /// @notice Frees the bonds that a batch still holds and that nobody can take any more. Anyone may call.
    function releaseBond(BatchHeader calldata header) external returns (uint256 amount);

    // --- payouts ---

    /// @notice Pays what a payout index has earned and not withdrawn. Anyone may call; the payee is fixed.
    /// @param header of a batch whose payouts have passed their window: `usableAt` tells
    function withdraw(BatchHeader calldata header, Withdrawal calldata withdrawal) external returns (uint256 amount);

    /// @notice `withdraw` for many payees of one orchestrator. What fails is skipped, with its reason in an event.
    /// @return paid how many were paid
    function withdrawMany(
        BatchHeader calldata header,
        Withdrawal[] calldata withdrawals
    ) external returns (uint256 paid);

    /// @notice Pays the worker of a bundle that went down with a void batch, from what that batch held, as credit in the
    ///         escrow. Anyone may call, until the window and CLAIM_TIME after it are over. First come, first served.
    function claimVoided(BatchHeader calldata header, BundleOpening calldata opening) external returns (uint256 amount);

    /// @notice Pays the worker of a bundle that stands at another account's payout index, from the pool, as credit in the
    ///         escrow, once the batch's payouts can no longer change. Anyone may call.
    /// @param owned the payout at the bundle's index, after this batch
    function claimMisplaced(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        PayoutOpening calldata owned
    ) external returns (uint256 amount);

    /// @notice Returns to the job what was set aside for struck and void bundles and nobody claimed in time. Anyone may
    ///         call; the escrow's `refund` then credits the requester.
    function giveBack(BatchHeader calldata header) external returns (uint256 amount);

    /// @notice States the payouts of the first batch whose payouts were rewound, on top of those before it. Anyone may
    ///         call who has allotted LEAST_BOND to itself: it answers with that for the window that now begins.
    /// @param header as stored
    /// @param previous hash of the header before, as it is now: so nobody builds on what changed meanwhile
    function restate(BatchHeader calldata header, uint32 payoutCount, bytes32 payoutsRoot, bytes32 previous) external;

    // --- BatchChallenges only: it has seen the proof ---

    /// @notice Strikes a bundle: it is not paid, and the payouts from this batch on are to be restated.
    function strike(BatchHeader calldata header, uint32 position, uint32 count, address challenger) external;

    /// @notice Voids a batch: nothing of it is paid, and the payouts from it on are to be restated.
    function voidBatch(BatchHeader calldata header, address challenger) external;

    /// @notice Rewinds payouts: those from this batch on are to be restated.
    function rewind(BatchHeader calldata header, address challenger) external;

    /// @notice Locks a deposit in the account's free stake.
    function holdDeposit(address account) external;

    /// @notice Unlocks it, or takes it and credits it to whoever answered.
    function settleDeposit(address account, address to, uint256 jobId) external;

    /// @notice Pays `amount` of the orchestrator's allotted stake that no batch holds, or what there is of it, as credit.
    function payFromBond(
        address orchestrator,
        address account,
        uint256 jobId,
        uint256 amount
    ) external returns (uint256 paid);

    // --- views ---

    function ESCROW() external view returns (IBountyEscrow);
    function VAULT() external view returns (IStakeVault);
    function CHALLENGES() external view returns (address);
    /// @notice Seconds in which a fault can be proven, from posting or restating on.
    function WINDOW() external view returns (uint256);
    /// @notice Seconds to answer a demand or a claim, and again for whoever asked to act on the silence.
    function ANSWER_TIME() external view returns (uint256);
    /// @notice Seconds after the window in which workers of void and misplaced bundles come for their pay.
    function CLAIM_TIME() external view returns (uint256);
    /// @notice Seconds that a header stays at least.
    function LIABILITY() external view returns (uint256);
    /// @notice Seconds from `stop` to the end of assignments.
    function NOTICE() external view returns (uint256);
    /// @notice Seconds after the deadline in which batches may follow.
    function GRACE() external view returns (uint256);
    /// @notice Headers kept of one orchestrator.
    function RING() external view returns (uint256);
    function LEAST_BOND() external view returns (uint256);
    /// @notice Part of a batch's total that its bond has on top of LEAST_BOND, 10,000 = all.
    function BOND_BPS() external view returns (uint256);
    /// @notice What a demand or a claim costs who is shown to have asked without need.
    function DEPOSIT() external view returns (uint256);
    /// @notice Receipts of one batch at most.
    function MAX_RECEIPTS() external view returns (uint256);
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    /// @notice The bond that a batch needs. In CID mode it covers the whole total.
    function bondFor(uint256 total, bool inCid) external view returns (uint256);

    /// @return next number of the next batch
    /// @return stated batches below it have payouts that nobody rewound
    /// @return bonded the part of the account's own allotment that batches hold
    function bookOf(address orchestrator) external view returns (uint256 next, uint256 stated, uint256 bonded);

    /// @notice Reverts for a job of another lane.
    function jobOf(uint256 jobId) external view returns (BatchJob memory);

    /// @notice Of a batch in the ring.
    function batchOf(address orchestrator, uint256 number) external view returns (BatchState memory);

    /// @notice `batchOf`, checked against this header: reverts unless it is the one that is stored.
    function stateOf(BatchHeader calldata header) external view returns (BatchState memory);

    /// @notice From when on the batch's payouts can be withdrawn; the largest uint256 if they have to be restated first.
    function usableAt(address orchestrator, uint256 number) external view returns (uint256);

    /// @notice From when on the next batch finds its place in the ring free; zero if it is. The largest uint256 while
    ///         something is aside that nobody gave back.
    function postableAt(address orchestrator) external view returns (uint256);

    /// @notice What a payout index has withdrawn so far.
    function withdrawnOf(address orchestrator, uint256 index) external view returns (uint256);
    function isStruck(address orchestrator, uint256 number, uint256 position) external view returns (bool);
    /// @notice Whether the bundle was paid apart, by claimVoided or claimMisplaced.
    function isClaimed(address orchestrator, uint256 number, uint256 position) external view returns (bool);
}
