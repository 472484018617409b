// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchHeader, BatchJob, BatchState, Verdict} from "../types/Batch.sol";
import {IBountyEscrow} from "./IBountyEscrow.sol";
import {ILane} from "./ILane.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title Thousands of tiny tasks in one transaction: an optimistic ledger of signed receipts.
/// @notice An orchestrator posts batches; anyone can prove a batch wrong within its window (see IBatchChallenges, where
///         the rules are). A wrong bundle is struck, a wrong batch void, wrong payouts are rewound and anyone may restate
///         them. What passed its window can be
///         withdrawn (see IBatchPayouts). Nothing has to be finalised.
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
    /// @notice Only BatchChallenges and BatchPayouts tell this lane what is wrong.
    error NotAJudge(address caller);
    error NotTheCourt(address caller);
    error WrongWiring(address expected, address actual);
    /// @notice 0 < 10 x answer <= window, window + claim <= liability < the vault's unbonding time, and none is zero.
    error TimesOutOfRange(uint256 window, uint256 answer, uint256 claim, uint256 liability, uint256 unbonding);
    /// @notice Neither is zero.
    error EndingOutOfRange(uint256 notice, uint256 grace, uint256 longest);
    error RingOutOfRange(uint256 ring, uint256 least, uint256 most);
    error BondOutOfRange(uint256 leastBond, uint256 bondBps, uint256 deposit);
    error OrchestratorMissing();
    error JobUnknown(uint256 jobId);
    error NotTheOrchestrator(uint256 jobId, address caller);
    /// @notice Payouts of an earlier batch were rewound: they come first.
    error RestateFirst(address orchestrator, uint256 number);
    error RangeWrong(uint256 jobId, uint256 nextTask, uint256 endTask, uint256 tasks);
    /// @notice 1 <= bundles <= receipts <= most must hold.
    error CountsWrong(uint256 bundles, uint256 receipts, uint256 most);
    /// @notice A batch under a CID names it; one whose bundles are calldata does not.
    error DataDigestWrong(bytes32 dataDigest);
    /// @notice The calldata's bundles are not those of the header.
    error DataMismatch(bytes32 bundlesRoot, uint256 bundles, uint256 receipts);
    /// @notice The header names another orchestrator, number or first task than is due.
    error HeaderWrong(address orchestrator, uint256 number, uint256 firstTask);
    /// @notice Calldata that is no list of bundles: at which byte it goes wrong.
    error DataMalformed(uint256 at);
    error PreviousWrong(bytes32 expected, bytes32 actual);
    error BondTooSmall(address account, uint256 needed, uint256 allotted);
    /// @notice No such batch, or its header is another by now, or it left the ring.
    error BatchUnknown(address orchestrator, uint256 number);
    error BatchVoid(address orchestrator, uint256 number);
    error BatchNotVoid(address orchestrator, uint256 number);
    error NotNextToRestate(address orchestrator, uint256 number, uint256 next);
    error NothingToRelease(address orchestrator, uint256 number);
    /// @notice The payouts of this batch were rewound, and nobody has restated them.
    error PayoutsRewoundStill(address orchestrator, uint256 number);
    error NothingToClaim(address orchestrator, uint256 number);
    error NothingAside(address orchestrator, uint256 number);
    /// @notice Also for a batch whose place in the ring is still needed: until then.
    error TooEarly(uint256 from, uint256 nowTime);
    error TooLate(uint256 deadline, uint256 nowTime);
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
    /// @notice The batch's header has these three words anew.
    event PayoutsRestated(
        address indexed orchestrator,
        uint256 indexed number,
        address indexed restater,
        uint32 payoutCount,
        bytes32 payoutsRoot,
        bytes32 previous
    );
    /// @param guilty whose bond was lost: half of it goes to the challenger, rounded down, the rest burns
    event BondLost(address indexed guilty, address indexed challenger, uint256 amount);
    event BondReleased(address indexed account, address indexed orchestrator, uint256 indexed number, uint256 amount);
    event AsideReturned(address indexed orchestrator, uint256 indexed number, uint256 indexed jobId, uint256 amount);

    // --- orchestrators ---

    /// @notice Posts the next batch of a job, its data under the CID with `dataDigest`. The job's orchestrator only.
    /// @dev The header's orchestrator, number, first task and previous header must be those that are due: see `bookOf`,
    ///      `jobOf`, `batchOf`. Its bond, `bondFor(total, true)`, is held until the window is over; `total`, receipts x
    ///      (price + fee), moves from the job to what is reserved for this orchestrator's payees. Reverts rather than
    ///      overwrite a header that is still needed: `postableAt` tells.
    function post(BatchHeader calldata header) external;

    /// @notice `post` with the bundles as calldata and no CID: they must have the header's root and counts.
    /// @param bundles per bundle: payout index (4 bytes), account (20), count (4), sets root (32), r and vs (64), then 32
    ///        bytes a receipt; payout indices ascend from 1
    function postWithData(BatchHeader calldata header, bytes calldata bundles) external;

    /// @notice Frees the bonds that a batch still holds and that nobody can take any more. Anyone may call.
    function releaseBond(BatchHeader calldata header) external returns (uint256 amount);

    // --- after a fault ---

    /// @notice Returns to the job what was set aside for struck and void bundles and nobody claimed in time. Anyone may
    ///         call; the escrow's `refund` then credits the requester.
    function giveBack(BatchHeader calldata header) external returns (uint256 amount);

    /// @notice States the payouts of the first batch whose payouts were rewound, on top of those before it. Anyone may
    ///         call who has allotted LEAST_BOND to itself: it answers with that for the window that now begins.
    /// @param header as stored
    /// @param previous hash of the header before, as it is now: so nobody builds on what changed meanwhile
    function restate(BatchHeader calldata header, uint32 payoutCount, bytes32 payoutsRoot, bytes32 previous) external;

    // --- BatchChallenges and BatchPayouts only: they have seen the proof ---

    /// @notice Punishes a proven fault: the bond behind it is lost, half to the challenger, and the payouts from this batch
    ///         on are to be restated. Reverts past the window, or if the challenger is the orchestrator.
    /// @param position, count of the bundle to strike; not read for another verdict
    function punish(
        BatchHeader calldata header,
        address challenger,
        Verdict verdict,
        uint32 position,
        uint32 count
    ) external;

    /// @notice Pays what is reserved for the orchestrator's payees.
    function payReserved(address orchestrator, address to, uint256 amount) external;

    /// @notice Pays a bundle apart, as credit: of a void batch what is aside for it, until the window and CLAIM_TIME after
    ///         it are over; else the whole of its pay, when the batch's payouts can be withdrawn.
    function payApart(BatchHeader calldata header, uint32 count, address account) external returns (uint256 amount);

    /// @notice Locks a deposit in the account's free stake.
    function holdDeposit(address account) external;

    /// @notice Unlocks it, or takes it and credits it, as of no job, to `to`, who answered.
    function settleDeposit(address account, address to) external;

    /// @notice Pays `amount` of the orchestrator's allotted stake that no batch holds, or what there is of it, as credit.
    function payFromBond(
        address orchestrator,
        address account,
        uint256 jobId,
        uint256 amount
    ) external returns (uint256 paid);

    // --- BatchCourt only: a jury has found ---

    /// @notice Slashes what the worker allotted to this orchestrator, at most `most`, as far as no batch holds it. Half of it,
    ///         rounded down, goes to `rewarded` unless that is zero; of the other half at most `refund` to the job's
    ///         requester; the rest burns.
    function slashSigner(
        address orchestrator,
        address worker,
        uint256 jobId,
        uint256 most,
        address rewarded,
        uint256 refund
    ) external returns (uint256 lost);

    /// @notice Credits the account with at most `most` of what would be refunded to the job's requester now: nothing that a
    ///         batch may still take.
    function payFromJob(uint256 jobId, address account, uint256 most) external returns (uint256 paid);

    // --- views ---

    function ESCROW() external view returns (IBountyEscrow);
    function VAULT() external view returns (IStakeVault);
    function CHALLENGES() external view returns (address);
    function PAYOUTS() external view returns (address);
    /// @notice Zero if this deployment has no court.
    function COURT() external view returns (address);
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

    /// @notice Reverts unless the payouts of the batch with this header can be withdrawn.
    function requireUsable(BatchHeader calldata header) external view;

    /// @notice From when on the next batch finds its place in the ring free; zero if it is. The largest uint256 while
    ///         something is aside that nobody gave back.
    function postableAt(address orchestrator) external view returns (uint256);

    function isStruck(address orchestrator, uint256 number, uint256 position) external view returns (bool);
}
