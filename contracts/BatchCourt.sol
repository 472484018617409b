// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {BatchMessages} from "./batch/BatchMessages.sol";
import {Openings} from "./batch/Openings.sol";
import {IBatchCourt} from "./interfaces/IBatchCourt.sol";
import {IBatchLane} from "./interfaces/IBatchLane.sol";
import {IBountyEscrow} from "./interfaces/IBountyEscrow.sol";
import {IDirectLane} from "./interfaces/IDirectLane.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {Terms} from "./libraries/Terms.sol";
import {BatchHeader, BatchJob, BundleOpening, ReceiptOpening} from "./types/Batch.sol";
import {CourtCase, CourtSettings, CourtVerdict} from "./types/Court.sol";
import {ClaimStatus, ClaimView, JobTerms, TaskStatus, TaskView} from "./types/Market.sol";

/// @title BatchCourt
/// @dev Of others' stake it moves only what `LANE.slashSigner` and `LANE.payFromJob` allow.
contract BatchCourt is IBatchCourt, ReentrancyGuardTransient {
    using BatchMessages for *;
    using ExactTransfer for IERC20;
    using Openings for *;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    bytes32 public constant VOID = keccak256("Edgebounty jury: void");
    uint256 private constant APPEAL_FACTOR = 3;
    uint256 private constant MOST_QUORUM = 3; // an appeal has 15 slots then, and a task 16 at most
    uint256 private constant MOST_STAKE_FACTOR = 100;
    /// @dev Task times that a direct lane's task may take after its deadline and DRAW_TIME: see IDirectLane.
    uint256 private constant TASK_TIMES = 6;
    uint256 private constant CUT_BITS = 40; // a receipt keeps the first 216 of a digest

    IBatchLane public immutable LANE;
    IDirectLane public immutable DIRECT_LANE;
    IBountyEscrow public immutable ESCROW;
    IStakeVault public immutable VAULT;
    IERC20 private immutable TOKEN;
    uint256 public immutable LIABILITY;
    uint256 public immutable JURY_TIME;
    uint256 public immutable TASK_TIME;
    uint256 public immutable REPLY_TIME;
    uint256 public immutable QUORUM;
    uint256 public immutable LEAST_PRICE;
    uint256 public immutable STAKE_FACTOR;
    uint256 private immutable CASE_TIME; // from summoning a jury until it is over and replied to
    uint256 private immutable WINDOW;

    /// @inheritdoc IBatchCourt
    uint256 public caseCount;
    /// @inheritdoc IBatchCourt
    uint256 public totalOwed;
    /// @inheritdoc IBatchCourt
    mapping(address account => uint256) public owedTo;
    /// @inheritdoc IBatchCourt
    mapping(uint256 caseId => mapping(address account => bool)) public isSlashed;
    mapping(uint256 caseId => CourtCase) private _cases;
    mapping(bytes32 key => uint256 caseId) private _caseAbout;

    /// @dev Deployed last of all; the batch lane names its predicted address.
    constructor(IBatchLane lane, IDirectLane directLane, CourtSettings memory settings) {
        IStakeVault vault = lane.VAULT();
        IBountyEscrow escrow = lane.ESCROW();
        _requireSame(address(this), lane.COURT());
        _requireSame(address(directLane), escrow.DIRECT_LANE());
        uint256 caseTime = settings.juryTime + directLane.DRAW_TIME() + TASK_TIMES * settings.taskTime + settings.reply;
        uint256 window = lane.WINDOW();
        uint256 liability = window + 2 * caseTime + settings.reply;
        bool given = settings.juryTime != 0 && settings.reply != 0 && settings.taskTime >= escrow.MIN_TASK_TIME();
        // Else the escrow would take no jury.
        given = given && settings.taskTime <= Terms.MAX_TASK_TIME && settings.juryTime <= Terms.MAX_JOB_TIME;
        if (!given || liability >= vault.UNBONDING_TIME()) {
            revert CourtTimesOutOfRange(
                settings.juryTime,
                settings.taskTime,
                settings.reply,
                liability,
                vault.UNBONDING_TIME()
            );
        }
        bool fits = settings.quorum > 1 && settings.quorum <= MOST_QUORUM;
        fits = fits && settings.stakeFactor != 0 && settings.stakeFactor <= MOST_STAKE_FACTOR;
        fits = fits && settings.leastPrice >= escrow.MIN_SLOT_PRICE() && settings.leastPrice != 0;
        // So that neither a juror's stake nor a whole jury's price is more than the escrow takes.
        if (!fits || settings.leastPrice > type(uint88).max) {
            revert JuryOutOfRange(settings.quorum, settings.stakeFactor, settings.leastPrice);
        }
        LANE = lane;
        DIRECT_LANE = directLane;
        ESCROW = escrow;
        VAULT = vault;
        TOKEN = escrow.TOKEN();
        WINDOW = window;
        LIABILITY = liability;
        CASE_TIME = caseTime;
        JURY_TIME = settings.juryTime;
        TASK_TIME = settings.taskTime;
        REPLY_TIME = settings.reply;
        QUORUM = settings.quorum;
        LEAST_PRICE = settings.leastPrice;
        STAKE_FACTOR = settings.stakeFactor;
    }

    // --- the life of a case ---

    /// @inheritdoc IBatchCourt
    function challenge(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown,
        bytes32 commitment
    ) external nonReentrant returns (uint256 caseId) {
        if (commitment == 0) revert CommitmentMissing();
        if (msg.sender == header.orchestrator) revert ChallengerIsOrchestrator(msg.sender);
        uint256 deadline = LANE.stateOf(header).postedAt + WINDOW;
        if (block.timestamp >= deadline) revert TooLate(deadline, block.timestamp);
        (uint32 task, uint216 digest) = _signed(header, opening, shown);
        JobTerms memory terms = ESCROW.terms(header.job);
        if (task >= terms.mapTasks) revert TaskNotTried(task, terms.mapTasks);
        if (terms.taskTime > TASK_TIME) revert TaskTooLong(terms.taskTime, TASK_TIME);
        bytes32 key = _key(header.job, task, digest);
        if (_caseAbout[key] != 0) revert ChallengeRepeated(_caseAbout[key]);

        caseId = ++caseCount;
        _caseAbout[key] = caseId;
        CourtCase storage entry = _cases[caseId];
        (entry.challenger, entry.accused) = (msg.sender, opening.bundle.account);
        (entry.job, entry.task, entry.digest) = (header.job, task, digest);
        (entry.lock, entry.price) = (uint256(terms.stakePerClaim).toUint96(), _priceFor(terms).toUint96());
        (entry.orchestrator, entry.headerHash) = (header.orchestrator, header.hashOf());
        entry.commitment = commitment;
        emit CaseOpened(caseId, header.job, task, digest, msg.sender, opening.bundle.account);

        _summon(caseId, entry, terms.manifestDigest, QUORUM);
    }

    /// @inheritdoc IBatchCourt
    // As in `_summon`.
    // slither-disable-next-line reentrancy-no-eth
    function appeal(uint256 caseId) external nonReentrant {
        CourtCase storage entry = _openCase(caseId);
        if (entry.appealed) revert AppealedAlready(caseId);
        if (block.timestamp >= entry.until) revert TooLate(entry.until, block.timestamp);
        (bytes32 result, uint256 spent) = _outcome(entry);
        if (result != 0) revert JuryAgreed(result);

        entry.appealed = true;
        _giveBack(caseId, entry, QUORUM, spent);
        _summon(caseId, entry, ESCROW.terms(entry.job).manifestDigest, APPEAL_FACTOR * QUORUM);
    }

    /// @inheritdoc IBatchCourt
    function decide(uint256 caseId, bytes32 salt) external nonReentrant returns (CourtVerdict verdict) {
        CourtCase storage entry = _openCase(caseId);
        (bytes32 result, uint256 spent) = _outcome(entry);
        bool knew = false;
        if (result == VOID) {
            verdict = CourtVerdict.Void;
        } else if (result != 0 && _cut(result) != entry.digest) {
            verdict = CourtVerdict.Wrong;
            knew = entry.commitment == commitmentOf(entry.challenger, entry.job, entry.task, result, salt);
            if (!knew) _requireFrom(entry.until);
        } else {
            verdict = CourtVerdict.Stands;
            if (result == 0 && !entry.appealed) _requireFrom(entry.until);
        }

        (entry.verdict, entry.knew) = (verdict, knew);
        emit CaseDecided(caseId, verdict, result, knew);
        _giveBack(caseId, entry, _quorumOf(entry), spent);

        if (verdict == CourtVerdict.Void) LANE.payFromJob(entry.job, entry.payer, spent);
    }

    /// @inheritdoc IBatchCourt
    function slash(
        uint256 caseId,
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown
    ) external nonReentrant returns (uint256 lost) {
        CourtCase storage entry = _cases[caseId];
        if (entry.verdict != CourtVerdict.Wrong || entry.headerHash != header.hashOf()) revert NotGuilty(caseId);
        (uint32 task, uint216 digest) = _signed(header, opening, shown);
        if (task != entry.task || digest != entry.digest) revert NotGuilty(caseId);
        address account = opening.bundle.account;
        if (isSlashed[caseId][account]) revert SlashedAlready(caseId, account);
        isSlashed[caseId][account] = true;
        BatchJob memory job = LANE.jobOf(entry.job);

        address rewarded = entry.knew ? entry.challenger : address(0);
        lost = LANE.slashSigner(header.orchestrator, account, entry.job, entry.lock, rewarded, job.price + job.fee);
        emit SignerSlashed(caseId, account, lost);
    }

    /// @inheritdoc IBatchCourt
    function withdrawFor(address account) external nonReentrant returns (uint256 amount) {
        amount = owedTo[account];
        if (amount == 0) revert NothingToWithdraw(account);
        owedTo[account] = 0;
        totalOwed -= amount;
        emit BondWithdrawn(account, amount);

        // Somebody may have fetched the credit before: then it lies here.
        if (ESCROW.creditOf(address(this)) != 0) ESCROW.withdrawFor(address(this));
        TOKEN.safeTransfer(account, amount);
    }

    // --- views ---

    /// @inheritdoc IBatchCourt
    function caseOf(uint256 caseId) external view returns (CourtCase memory) {
        if (_cases[caseId].challenger == address(0)) revert CaseUnknown(caseId);
        return _cases[caseId];
    }

    /// @inheritdoc IBatchCourt
    function caseAbout(uint256 job, uint32 task, uint216 digest) external view returns (uint256) {
        return _caseAbout[_key(job, task, digest)];
    }

    /// @inheritdoc IBatchCourt
    function bondOf(uint256 job) external view returns (uint256) {
        return _bond(_priceFor(ESCROW.terms(job)), QUORUM);
    }

    /// @inheritdoc IBatchCourt
    function commitmentOf(
        address challenger,
        uint256 job,
        uint32 task,
        bytes32 result,
        bytes32 salt
    ) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), challenger, job, task, result, salt));
    }

    /// @inheritdoc IBatchCourt
    function juryDigest(bytes32 manifestDigest, uint32 task) public pure returns (bytes32) {
        string memory named = Strings.toHexString(uint256(manifestDigest), 32);
        // JSON quotes with double quotes.
        // solhint-disable-next-line quotes
        return sha256(abi.encodePacked('{"jury":1,"manifest":"', named, '","task":', Strings.toString(task), "}"));
    }

    // --- juries ---

    /// @dev Takes the jury's whole price from the caller and posts its task, which is drawn with a seed that nobody knows yet.
    // Whoever the token calls back finds every act closed; only the escrow can tell the job's number.
    // slither-disable-next-line reentrancy-no-eth
    function _summon(uint256 caseId, CourtCase storage entry, bytes32 manifestDigest, uint256 quorum) private {
        uint256 price = entry.price;
        uint256 bond = _bond(price, quorum);
        uint40 until = (block.timestamp + CASE_TIME).toUint40();
        (entry.payer, entry.until) = (msg.sender, until);
        JobTerms memory terms = JobTerms({
            lane: address(DIRECT_LANE),
            orchestrator: address(0),
            deadline: (block.timestamp + JURY_TIME).toUint40(),
            taskTime: TASK_TIME.toUint32(),
            mapTasks: 1,
            reduceTasks: 0,
            rounds: 1,
            quorum: quorum.toUint8(),
            workSlots: _slots(quorum).toUint8(),
            auditSlots: 0,
            feeBps: 0,
            slotPrice: price.toUint128(),
            stakePerClaim: (price * STAKE_FACTOR).toUint128(),
            manifestDigest: juryDigest(manifestDigest, entry.task)
        });

        TOKEN.pull(bond);
        TOKEN.forceApprove(address(ESCROW), bond);
        uint256 jury = ESCROW.postJob(terms);
        entry.jury = jury;
        emit JurySummoned(caseId, jury, msg.sender, bond, until);
    }

    /// @dev Books what the present jury did not cost for whoever paid it, and has the escrow close its job.
    function _giveBack(uint256 caseId, CourtCase storage entry, uint256 quorum, uint256 spent) private {
        address payer = entry.payer;
        uint256 back = _bond(entry.price, quorum) - spent;
        owedTo[payer] += back;
        totalOwed += back;
        emit BondReturned(caseId, payer, back);

        if (ESCROW.refundable(entry.jury) != 0) ESCROW.refund(entry.jury);
    }

    /// @dev What the present jury found, zero if it could not agree, and what its jurors were paid. Votes of those who gain by
    ///      them are paid like any, as the direct lane knows no parties, but do not count.
    function _outcome(CourtCase storage entry) private view returns (bytes32 result, uint256 spent) {
        TaskView memory task = DIRECT_LANE.taskOf(entry.jury, 0);
        if (task.status != TaskStatus.Settled) {
            bool nobodyCame = task.status == TaskStatus.Idle && block.timestamp >= task.closesAt;
            if (!nobodyCame && task.status != TaskStatus.Refunded) revert JuryStillOut(entry.jury);
            return (0, 0);
        }
        result = task.resultDigest;
        bool spares = result == VOID || _cut(result) == entry.digest;
        address first = spares ? entry.accused : entry.challenger;
        address second = spares ? entry.orchestrator : ESCROW.requesterOf(entry.job);
        ClaimView[] memory claims = DIRECT_LANE.claimsOf(entry.jury, 0);
        uint256 votes = 0;
        uint256 counted = 0;
        for (uint256 i = 0; i < claims.length; ++i) {
            if (claims[i].status != ClaimStatus.Revealed || claims[i].digest != result) continue;
            ++votes;
            if (!_belongs(claims[i].worker, first) && !_belongs(claims[i].worker, second)) ++counted;
        }
        spent = votes * entry.price;
        // More than half is enough against the accused: whoever wants a verdict not to come about can challenge first, and
        // back jurors until their votes do not count. To spare it takes a whole quorum: without one there is the appeal.
        if (counted < (spares ? _quorumOf(entry) : votes / 2 + 1)) result = 0;
    }

    /// @dev Whether it is that party, or one of the two backs the other, or one sponsor backs both.
    function _belongs(address juror, address party) private view returns (bool) {
        address sponsor = _backerOf(juror);
        address partySponsor = _backerOf(party);
        if (juror == party || sponsor == party || juror == partySponsor) return true;
        return sponsor != address(0) && sponsor == partySponsor;
    }

    /// @dev A sponsor that staked nothing is only named: else a liar's friend could name the challenger's, vote as everybody
    ///      does, be paid, and have that vote not count.
    function _backerOf(address account) private view returns (address) {
        (address sponsor, uint256 amount, ) = VAULT.sponsorshipOf(account);
        return amount == 0 ? address(0) : sponsor;
    }

    function _quorumOf(CourtCase storage entry) private view returns (uint256) {
        return entry.appealed ? APPEAL_FACTOR * QUORUM : QUORUM;
    }

    /// @dev Of the first jury 2 x quorum - 1: a liar among them cannot prevent a quorum. Of an appeal's three times that.
    function _slots(uint256 quorum) private view returns (uint256) {
        return 2 * quorum - quorum / QUORUM;
    }

    function _bond(uint256 price, uint256 quorum) private view returns (uint256) {
        return price * _slots(quorum);
    }

    function _priceFor(JobTerms memory terms) private view returns (uint256) {
        return Math.max(terms.slotPrice, LEAST_PRICE);
    }

    // --- internals ---

    /// @dev Task and digest of a receipt that its worker has signed for this batch.
    function _signed(
        BatchHeader calldata header,
        BundleOpening calldata opening,
        ReceiptOpening calldata shown
    ) private view returns (uint32 task, uint216 digest) {
        uint256 at = shown.word.taskOf();
        bool inside = header.firstTask <= at && at < header.endTask;
        if (!inside || !opening.isIn(header) || !shown.isIn(opening.bundle)) revert NotInBatch();
        if (!opening.bundle.signedBy(header, address(LANE).separator())) revert NotSigned(opening.bundle.account);
        return (uint32(at), shown.word.digestOf());
    }

    function _openCase(uint256 caseId) private view returns (CourtCase storage entry) {
        entry = _cases[caseId];
        if (entry.challenger == address(0)) revert CaseUnknown(caseId);
        if (entry.verdict != CourtVerdict.None) revert CaseDecidedAlready(caseId, entry.verdict);
    }

    function _requireFrom(uint256 time) private view {
        if (block.timestamp < time) revert TooEarly(time, block.timestamp);
    }

    function _key(uint256 job, uint32 task, uint216 digest) private pure returns (bytes32) {
        return keccak256(abi.encode(job, task, digest));
    }

    function _cut(bytes32 result) private pure returns (uint216) {
        return uint216(uint256(result) >> CUT_BITS);
    }

    function _requireSame(address expected, address actual) private pure {
        if (expected != actual) revert WrongWiring(expected, actual);
    }
}
