// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IBatchChallenges} from "../interfaces/IBatchChallenges.sol";
import {IBatchPayouts} from "../interfaces/IBatchPayouts.sol";
import {IBatchLane} from "../interfaces/IBatchLane.sol";
import {IBountyEscrow} from "../interfaces/IBountyEscrow.sol";
import {ILane} from "../interfaces/ILane.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {BatchHeader, BatchJob, BatchSettings, BatchState} from "../types/Batch.sol";
import {JobTerms} from "../types/Market.sol";
import {BatchMessages} from "./BatchMessages.sol";
import {Openings} from "./Openings.sol";

/// @title What the batch lane remembers: jobs, each orchestrator's ring of headers, bonds, and what was withdrawn.
abstract contract BatchBooks is IBatchLane {
    using SafeCast for uint256;
    using Openings for BatchHeader;

    // one slot: 5 + 3 + 3 + 1 + 12 + 2. Posting touches this slot and no other of a job
    struct Job {
        uint40 deadline; // Unix seconds; zero means that there is no such job
        uint24 nextTask;
        uint24 tasks;
        uint8 slots;
        uint96 price; // token base units
        uint16 feeBps;
    }

    // one slot: 4 + 4 + 12
    struct Book {
        uint32 next;
        uint32 stated;
        uint96 bonded; // of the account's allotment to itself, also for what it restated of others
    }

    // A place in the ring. Unless something goes wrong, two slots
    struct Posted {
        bytes32 headerHash;
        // slot 1: 5 + 5 + 12 + 1 + 1
        uint40 postedAt; // Unix seconds
        uint40 statedAt; // Unix seconds
        uint96 bond; // token base units
        bool voided;
        bool touched; // whether the slots below hold anything
        // slot 2: 20 + 12
        address restater;
        uint96 restatedBond; // token base units
        // slot 3: 12 + 4
        uint96 aside; // token base units
        uint32 struckReceipts;
    }

    uint256 internal constant ALL_BPS = 10_000;
    /// @dev Every proof is as short as this tree is low.
    uint256 internal constant MOST_RECEIPTS = 1 << 20;
    uint256 private constant MOST_HEADERS = 1 << 16;
    /// @dev A tree of MOST_RECEIPTS takes five demands, one after the other, and the last ends two answers early.
    uint256 private constant ANSWERS_PER_WINDOW = 10;
    uint256 private constant LONGEST_ENDING = 30 days;

    IBountyEscrow public immutable ESCROW;
    IStakeVault public immutable VAULT;
    address public immutable CHALLENGES;
    address public immutable PAYOUTS;
    address public immutable COURT;
    uint256 public immutable WINDOW;
    uint256 public immutable ANSWER_TIME;
    uint256 public immutable CLAIM_TIME;
    uint256 public immutable LIABILITY;
    uint256 public immutable NOTICE;
    uint256 public immutable GRACE;
    uint256 public immutable RING;
    uint256 public immutable LEAST_BOND;
    uint256 public immutable BOND_BPS;
    uint256 public immutable DEPOSIT;

    mapping(uint256 jobId => address orchestrator) internal _orchestratorOf;
    mapping(address orchestrator => mapping(uint256 jobId => Job)) internal _jobs;
    mapping(address account => Book) internal _books;
    // Written through the pointers that `_place` gives.
    // slither-disable-next-line uninitialized-state
    mapping(address orchestrator => mapping(uint256 place => Posted)) internal _ring;
    // Bits by bundle position. By the batch's number, so nothing is to be cleared when a place in the ring is used again.
    mapping(address orchestrator => mapping(uint256 number => mapping(uint256 word => uint256))) private _struck;

    /// @dev All others are deployed before, so this one sees whether they know it; but the court, which checks this one.
    /// @param court predicted address; zero if this deployment has none
    constructor(
        IBountyEscrow escrow,
        IStakeVault vault,
        IBatchChallenges challenges,
        IBatchPayouts payouts,
        address court,
        BatchSettings memory settings
    ) {
        _check(settings, vault.UNBONDING_TIME());
        _requireSame(address(this), escrow.BATCH_LANE());
        _requireSame(address(this), vault.BATCH_LANE());
        _requireSame(address(escrow), vault.ESCROW());
        _requireSame(address(this), address(challenges.LANE()));
        _requireSame(address(this), address(payouts.LANE()));
        ESCROW = escrow;
        VAULT = vault;
        CHALLENGES = address(challenges);
        PAYOUTS = address(payouts);
        COURT = court;
        WINDOW = settings.window;
        ANSWER_TIME = settings.answer;
        CLAIM_TIME = settings.claim;
        LIABILITY = settings.liability;
        NOTICE = settings.notice;
        GRACE = settings.grace;
        RING = settings.ring;
        LEAST_BOND = settings.leastBond;
        BOND_BPS = settings.bondBps;
        DEPOSIT = settings.deposit;
    }

    modifier onlyEscrow() {
        if (msg.sender != address(ESCROW)) revert NotTheEscrow(msg.sender);
        _;
    }

    modifier onlyJudges() {
        _requireJudge();
        _;
    }

    modifier onlyCourt() {
        if (msg.sender != COURT) revert NotTheCourt(msg.sender);
        _;
    }

    // --- jobs ---

    /// @inheritdoc ILane
    function openJob(uint256 jobId, JobTerms calldata terms) external onlyEscrow {
        if (terms.orchestrator == address(0)) revert OrchestratorMissing();
        _orchestratorOf[jobId] = terms.orchestrator;
        _jobs[terms.orchestrator][jobId] = Job({
            deadline: terms.deadline,
            nextTask: 0,
            tasks: (uint256(terms.rounds) * (uint256(terms.mapTasks) + terms.reduceTasks)).toUint24(),
            slots: terms.workSlots + terms.auditSlots,
            price: uint256(terms.slotPrice).toUint96(),
            feeBps: terms.feeBps
        });
        emit JobOpened(jobId, terms.orchestrator, terms.deadline);
    }

    /// @inheritdoc ILane
    function stopJob(uint256 jobId) external onlyEscrow {
        Job storage job = _jobs[_orchestratorOf[jobId]][jobId];
        uint40 deadline = Math.min(job.deadline, block.timestamp + NOTICE).toUint40();
        job.deadline = deadline;
        emit JobStopping(jobId, deadline);
    }

    /// @inheritdoc ILane
    /// @dev What batches may still cover is active, whether anybody works on it or not: its money stays until the grace is
    ///      over.
    function progress(uint256 jobId) external view returns (uint256 finished, uint256 active, bool failed) {
        Job storage job = _jobs[_orchestratorOf[jobId]][jobId];
        finished = job.nextTask;
        if (block.timestamp < job.deadline + GRACE) active = job.tasks - finished;
        failed = false;
    }

    // --- views ---

    /// @inheritdoc IBatchLane
    // solhint-disable-next-line func-name-mixedcase
    function MAX_RECEIPTS() external pure returns (uint256) {
        return MOST_RECEIPTS;
    }

    /// @inheritdoc IBatchLane
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return BatchMessages.separator(address(this));
    }

    /// @inheritdoc IBatchLane
    function bondFor(uint256 total, bool inCid) public view returns (uint256 bond) {
        bond = LEAST_BOND + Math.ceilDiv(total * BOND_BPS, ALL_BPS);
        if (inCid && bond < total) bond = total;
    }

    /// @inheritdoc IBatchLane
    function bookOf(address orchestrator) external view returns (uint256 next, uint256 stated, uint256 bonded) {
        Book storage book = _books[orchestrator];
        return (book.next, book.stated, book.bonded);
    }

    /// @inheritdoc IBatchLane
    function jobOf(uint256 jobId) external view returns (BatchJob memory) {
        address orchestrator = _orchestratorOf[jobId];
        if (orchestrator == address(0)) revert JobUnknown(jobId);
        Job memory job = _jobs[orchestrator][jobId];
        return
            BatchJob({
                orchestrator: orchestrator,
                deadline: job.deadline,
                nextTask: job.nextTask,
                tasks: job.tasks,
                slots: job.slots,
                price: job.price,
                fee: _feeDown(job).toUint96()
            });
    }

    /// @inheritdoc IBatchLane
    function batchOf(address orchestrator, uint256 number) public view returns (BatchState memory) {
        uint256 next = _books[orchestrator].next;
        if (number >= next || number + RING < next) revert BatchUnknown(orchestrator, number);
        Posted storage posted = _place(orchestrator, number);
        return
            BatchState({
                headerHash: posted.headerHash,
                postedAt: posted.postedAt,
                statedAt: posted.statedAt,
                bond: posted.bond,
                voided: posted.voided,
                restater: posted.restater,
                restatedBond: posted.restatedBond,
                struckReceipts: posted.struckReceipts,
                aside: posted.aside
            });
    }

    /// @inheritdoc IBatchLane
    function stateOf(BatchHeader calldata header) external view returns (BatchState memory) {
        _stored(header);
        return batchOf(header.orchestrator, header.number);
    }

    /// @inheritdoc IBatchLane
    function postableAt(address orchestrator) external view returns (uint256) {
        return _freeAt(orchestrator, _books[orchestrator].next);
    }

    /// @inheritdoc IBatchLane
    function isStruck(address orchestrator, uint256 number, uint256 position) public view returns (bool) {
        return (_struck[orchestrator][number][position >> 8] >> (position & 255)) & 1 == 1;
    }

    /// @inheritdoc IBatchLane
    function requireUsable(BatchHeader calldata header) public view {
        Posted storage posted = _stored(header);
        if (header.number >= _books[header.orchestrator].stated) {
            revert PayoutsRewoundStill(header.orchestrator, header.number);
        }
        _requireFrom(posted.statedAt + WINDOW);
    }

    // --- internals ---

    /// @dev Not in the modifier, which is copied into six functions.
    function _requireJudge() private view {
        if (msg.sender != CHALLENGES && msg.sender != PAYOUTS) revert NotAJudge(msg.sender);
    }

    /// @dev Before it the act is valid.
    function _requireBefore(uint256 deadline) internal view {
        if (block.timestamp >= deadline) revert TooLate(deadline, block.timestamp);
    }

    /// @dev From it on.
    function _requireFrom(uint256 time) internal view {
        if (block.timestamp < time) revert TooEarly(time, block.timestamp);
    }

    function _markStruck(BatchHeader calldata header, uint256 position) internal {
        _struck[header.orchestrator][header.number][position >> 8] |= 1 << (position & 255);
    }

    function _place(address orchestrator, uint256 number) internal view returns (Posted storage) {
        // A place in the ring, nothing random.
        // slither-disable-next-line weak-prng
        return _ring[orchestrator][number % RING];
    }

    /// @dev The batch with exactly this header. The hash holds its number, so a place used again is not mistaken for it.
    function _stored(BatchHeader calldata header) internal view returns (Posted storage posted) {
        posted = _place(header.orchestrator, header.number);
        if (posted.headerHash != header.hashOf()) revert BatchUnknown(header.orchestrator, header.number);
    }

    /// @dev Hash of the header before batch `number`, zero before the first.
    function _hashBefore(address orchestrator, uint256 number) internal view returns (bytes32) {
        return number == 0 ? bytes32(0) : _place(orchestrator, number - 1).headerHash;
    }

    /// @dev Of the place of batch `number`: zero if it was never used.
    function _freeAt(address orchestrator, uint256 number) internal view returns (uint256 time) {
        Posted storage old = _place(orchestrator, number);
        uint256 postedAt = old.postedAt;
        if (postedAt == 0) return 0;
        if (old.touched && old.aside != 0) return type(uint256).max;
        // The header after it has usable payouts by then, so there is always one to withdraw by; and whoever's bundle
        // stands at another's index has had its time.
        time = Math.max(postedAt + LIABILITY, old.statedAt + WINDOW + CLAIM_TIME);
        time = Math.max(time, _place(orchestrator, number + 1).statedAt + WINDOW);
    }

    function _feeDown(Job memory job) internal pure returns (uint256) {
        return (uint256(job.price) * job.feeBps) / ALL_BPS;
    }

    /// @dev `bonded` of the account's own allotment becomes what batches hold; only what is not ending counts for that.
    function _requireCovered(address account, uint256 bonded) internal view {
        (uint256 allotted, , ) = VAULT.allotmentOf(account, account);
        if (bonded > allotted) revert BondTooSmall(account, bonded, allotted);
    }

    function _slash(address guilty, address challenger, uint256 jobId, uint256 bond) internal {
        if (bond == 0) return; // lost to an earlier challenge
        _books[guilty].bonded -= bond.toUint96();
        uint256 rewardDown = bond / 2;
        emit BondLost(guilty, challenger, bond);

        VAULT.slashAllotted(guilty, guilty, bond, rewardDown);
        ESCROW.creditSlashed(challenger, jobId, rewardDown);
    }

    function _requireSame(address expected, address actual) private pure {
        if (expected != actual) revert WrongWiring(expected, actual);
    }

    function _check(BatchSettings memory settings, uint256 unbonding) private pure {
        (uint256 window, uint256 answer, uint256 claim) = (settings.window, settings.answer, settings.claim);
        bool tooShort = answer == 0 || window < ANSWERS_PER_WINDOW * answer || claim == 0;
        if (tooShort || window + claim > settings.liability || settings.liability >= unbonding) {
            revert TimesOutOfRange(window, answer, claim, settings.liability, unbonding);
        }
        if (settings.notice == 0 || settings.grace == 0 || settings.notice + settings.grace > LONGEST_ENDING) {
            revert EndingOutOfRange(settings.notice, settings.grace, LONGEST_ENDING);
        }
        if (settings.ring < 2 || settings.ring > MOST_HEADERS) revert RingOutOfRange(settings.ring, 2, MOST_HEADERS);
        bool bondFits = settings.leastBond <= type(uint88).max && settings.deposit <= type(uint96).max;
        if (settings.leastBond < 2 || settings.deposit == 0 || settings.bondBps > ALL_BPS || !bondFits) {
            revert BondOutOfRange(settings.leastBond, settings.bondBps, settings.deposit);
        }
    }
}
