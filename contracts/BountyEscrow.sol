// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IBountyEscrow} from "./interfaces/IBountyEscrow.sol";
import {ILane} from "./interfaces/ILane.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {Terms} from "./libraries/Terms.sol";
import {JobTerms} from "./types/Market.sol";

/// @title BountyEscrow
contract BountyEscrow is IBountyEscrow, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using ExactTransfer for IERC20;
    using SafeCast for uint256;
    using Terms for JobTerms;

    struct Job {
        // slot 0: 12 + 12 + 2 + 1 + 1. Settling touches this slot and no other
        uint96 escrow; // token base units left for this job, fees apart
        uint96 feeDue; // token base units earned by the orchestrator and not credited yet
        uint16 feeBps;
        bool inBatchLane;
        bool stopped;
        // slot 1: 20 + 5 + 4 + 2 + 1
        address requester;
        uint40 deadline; // Unix seconds
        uint32 taskTime; // seconds
        uint16 rounds;
        uint8 quorum;
        // slot 2: 20 + 4 + 4 + 1 + 1
        address orchestrator;
        uint32 mapTasks;
        uint32 reduceTasks;
        uint8 workSlots;
        uint8 auditSlots;
        // slot 3: 16 + 16
        uint128 slotPrice; // token base units
        uint128 stakePerClaim; // token base units
        // slot 4
        bytes32 manifestDigest; // sha2-256 inside the manifest's CID
    }

    IERC20 public immutable TOKEN;
    address public immutable DIRECT_LANE;
    address public immutable BATCH_LANE;
    uint256 public immutable MIN_SLOT_PRICE;
    uint256 public immutable MIN_TASK_TIME;

    mapping(uint256 jobId => Job) private _jobs;
    /// @inheritdoc IBountyEscrow
    mapping(address account => uint256) public creditOf;
    /// @inheritdoc IBountyEscrow
    mapping(address orchestrator => uint256) public reservedOf;
    /// @inheritdoc IBountyEscrow
    uint256 public jobCount;
    /// @inheritdoc IBountyEscrow
    uint256 public totalOwed;

    /// @param directLane, batchLane predicted addresses: lanes are deployed after this contract
    /// @param minSlotPrice below it a job is dust, not worth anybody's gas
    /// @param minTaskTime seconds: with less nobody could commit and reveal in time on this chain, and would lose stake
    constructor(IERC20 token, address directLane, address batchLane, uint256 minSlotPrice, uint256 minTaskTime) {
        if (minTaskTime == 0 || minTaskTime > Terms.MAX_TASK_TIME) {
            revert TaskTimeOutOfRange(minTaskTime, 1, Terms.MAX_TASK_TIME);
        }
        TOKEN = token;
        DIRECT_LANE = directLane;
        BATCH_LANE = batchLane;
        MIN_SLOT_PRICE = minSlotPrice;
        MIN_TASK_TIME = minTaskTime;
    }

    modifier onlyBatchLane() {
        if (msg.sender != BATCH_LANE) revert NotTheBatchLane(msg.sender);
        _;
    }

    /// @inheritdoc IBountyEscrow
    function postJob(JobTerms calldata terms_) external nonReentrant returns (uint256 jobId) {
        return _post(terms_);
    }

    /// @inheritdoc IBountyEscrow
    function postJobWithPermit(
        JobTerms calldata terms_,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (uint256 jobId) {
        TOKEN.permit(terms_.bounty(), permitDeadline, v, r, s);
        return _post(terms_);
    }

    /// @inheritdoc IBountyEscrow
    function stop(uint256 jobId) external {
        Job storage job = _existing(jobId);
        if (msg.sender != job.requester) revert NotTheRequester(jobId, msg.sender);
        ILane lane = _laneOf(job);
        (uint256 finished, , bool failed) = lane.progress(jobId);
        if (_ended(job, finished, failed)) revert JobAlreadyEnded(jobId);

        job.stopped = true;
        emit JobStopped(jobId);

        lane.stopJob(jobId);
    }

    /// @inheritdoc IBountyEscrow
    function refund(uint256 jobId) external returns (uint256 amount) {
        Job storage job = _existing(jobId);
        amount = refundable(jobId);
        uint256 fee = job.feeDue;
        if (amount == 0 && fee == 0) revert NothingToRefund(jobId);

        job.escrow -= amount.toUint96();
        job.feeDue = 0;
        if (fee != 0) _credit(job.orchestrator, jobId, fee);
        if (amount != 0) {
            emit BountyRefunded(jobId, job.requester, amount);
            _credit(job.requester, jobId, amount);
        }
    }

    /// @inheritdoc IBountyEscrow
    function settleTask(uint256 jobId, address[] calldata payees, uint256 amountEach, uint256 fromSlash) external {
        Job storage job = _jobs[jobId];
        if (msg.sender != address(_laneOf(job))) revert NotTheLane(jobId, msg.sender);

        uint256 paid = amountEach * payees.length;
        uint256 feeDown = (paid * job.feeBps) / Terms.ALL_BPS;
        uint256 fromEscrow = paid + feeDown - fromSlash;
        uint256 left = job.escrow;
        if (fromEscrow > left) revert EscrowTooSmall(jobId, fromEscrow, left);

        job.escrow = uint96(left - fromEscrow);
        job.feeDue += uint96(feeDown);
        if (fromSlash != 0) totalOwed += fromSlash;
        for (uint256 i = 0; i < payees.length; ++i) _credit(payees[i], jobId, amountEach);
    }

    /// @inheritdoc IBountyEscrow
    function withdraw(address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert ReceiverZero();
        return _withdraw(msg.sender, to);
    }

    /// @inheritdoc IBountyEscrow
    function withdrawFor(address account) external nonReentrant returns (uint256 amount) {
        return _withdraw(account, account);
    }

    // --- the batch lane ---

    /// @inheritdoc IBountyEscrow
    function reserve(uint256 jobId, address orchestrator, uint256 amount) external onlyBatchLane {
        Job storage job = _inBatchLane(jobId);
        uint256 left = job.escrow;
        if (amount > left) revert EscrowTooSmall(jobId, amount, left);

        job.escrow = uint96(left - amount);
        reservedOf[orchestrator] += amount;
    }

    /// @inheritdoc IBountyEscrow
    function unreserve(uint256 jobId, address orchestrator, uint256 amount) external onlyBatchLane {
        Job storage job = _inBatchLane(jobId);
        _takeReserved(orchestrator, amount);
        job.escrow += amount.toUint96();
    }

    /// @inheritdoc IBountyEscrow
    function payReserved(address orchestrator, address to, uint256 amount) external onlyBatchLane nonReentrant {
        _takeReserved(orchestrator, amount);
        totalOwed -= amount;

        TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IBountyEscrow
    function creditReserved(
        address orchestrator,
        address account,
        uint256 jobId,
        uint256 amount
    ) external onlyBatchLane {
        _takeReserved(orchestrator, amount);
        _credit(account, jobId, amount);
    }

    /// @inheritdoc IBountyEscrow
    function creditSlashed(address account, uint256 jobId, uint256 amount) external onlyBatchLane {
        totalOwed += amount;
        _credit(account, jobId, amount);
    }

    // --- views ---

    /// @inheritdoc IBountyEscrow
    function bountyFor(JobTerms calldata terms_) external pure returns (uint256) {
        return terms_.bounty();
    }

    /// @inheritdoc IBountyEscrow
    function refundable(uint256 jobId) public view returns (uint256) {
        Job storage job = _existing(jobId);
        (uint256 finished, uint256 active, bool failed) = _laneOf(job).progress(jobId);
        uint256 open = _ended(job, finished, failed) ? active : _taskCount(job) - finished;
        return job.escrow - open * Terms.maxTaskCost(job.slotPrice, job.feeBps, job.workSlots, job.auditSlots);
    }

    /// @inheritdoc IBountyEscrow
    function terms(uint256 jobId) external view returns (JobTerms memory) {
        Job storage job = _existing(jobId);
        return
            JobTerms({
                lane: address(_laneOf(job)),
                orchestrator: job.orchestrator,
                deadline: job.deadline,
                taskTime: job.taskTime,
                mapTasks: job.mapTasks,
                reduceTasks: job.reduceTasks,
                rounds: job.rounds,
                quorum: job.quorum,
                workSlots: job.workSlots,
                auditSlots: job.auditSlots,
                feeBps: job.feeBps,
                slotPrice: job.slotPrice,
                stakePerClaim: job.stakePerClaim,
                manifestDigest: job.manifestDigest
            });
    }

    /// @inheritdoc IBountyEscrow
    function requesterOf(uint256 jobId) external view returns (address) {
        return _existing(jobId).requester;
    }

    /// @inheritdoc IBountyEscrow
    function isStopped(uint256 jobId) external view returns (bool) {
        return _existing(jobId).stopped;
    }

    /// @inheritdoc IBountyEscrow
    function feeDueOf(uint256 jobId) external view returns (uint256) {
        return _existing(jobId).feeDue;
    }

    /// @inheritdoc IBountyEscrow
    function escrowOf(uint256 jobId) external view returns (uint256) {
        return _existing(jobId).escrow;
    }

    // --- internals ---

    function _post(JobTerms calldata terms_) private returns (uint256 jobId) {
        // No lane is the zero address, so an absent batch lane matches nothing.
        bool known = terms_.lane == DIRECT_LANE || terms_.lane == BATCH_LANE;
        if (!known || terms_.lane == address(0)) revert LaneUnknown(terms_.lane);
        terms_.check(MIN_SLOT_PRICE, MIN_TASK_TIME);
        uint256 bounty = terms_.bounty();
        if (bounty > type(uint96).max) revert BountyTooLarge(bounty, type(uint96).max);

        jobId = ++jobCount;
        _jobs[jobId] = Job({
            escrow: bounty.toUint96(),
            feeDue: 0,
            feeBps: terms_.feeBps,
            inBatchLane: terms_.lane == BATCH_LANE,
            stopped: false,
            requester: msg.sender,
            deadline: terms_.deadline,
            taskTime: terms_.taskTime,
            rounds: terms_.rounds,
            quorum: terms_.quorum,
            orchestrator: terms_.orchestrator,
            mapTasks: terms_.mapTasks,
            reduceTasks: terms_.reduceTasks,
            workSlots: terms_.workSlots,
            auditSlots: terms_.auditSlots,
            slotPrice: terms_.slotPrice,
            stakePerClaim: terms_.stakePerClaim,
            manifestDigest: terms_.manifestDigest
        });
        totalOwed += bounty;
        emit JobPosted(jobId, msg.sender, terms_.orchestrator, bounty, terms_);

        ILane(terms_.lane).openJob(jobId, terms_);
        TOKEN.pull(bounty);
    }

    function _credit(address account, uint256 jobId, uint256 amount) private {
        creditOf[account] += amount;
        emit CreditAdded(account, jobId, amount);
    }

    function _takeReserved(address orchestrator, uint256 amount) private {
        uint256 left = reservedOf[orchestrator];
        if (amount > left) revert ReserveTooSmall(orchestrator, amount, left);
        reservedOf[orchestrator] = left - amount;
    }

    function _inBatchLane(uint256 jobId) private view returns (Job storage job) {
        job = _jobs[jobId];
        if (!job.inBatchLane) revert NotTheLane(jobId, msg.sender);
    }

    function _withdraw(address account, address to) private returns (uint256 amount) {
        amount = creditOf[account];
        if (amount == 0) revert NothingToWithdraw(account);

        creditOf[account] = 0;
        totalOwed -= amount;
        emit CreditWithdrawn(account, to, amount);

        TOKEN.safeTransfer(to, amount);
    }

    function _laneOf(Job storage job) private view returns (ILane) {
        return ILane(job.inBatchLane ? BATCH_LANE : DIRECT_LANE);
    }

    function _existing(uint256 jobId) private view returns (Job storage job) {
        job = _jobs[jobId];
        if (job.requester == address(0)) revert JobUnknown(jobId);
    }

    /// @dev Once true it stays true, and no task that nobody has claimed can start any more.
    function _ended(Job storage job, uint256 finished, bool failed) private view returns (bool) {
        return job.stopped || failed || block.timestamp >= job.deadline || finished == _taskCount(job);
    }

    function _taskCount(Job storage job) private view returns (uint256) {
        return uint256(job.rounds) * (uint256(job.mapTasks) + job.reduceTasks);
    }
}
