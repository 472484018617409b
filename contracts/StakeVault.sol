// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {StakeHistory} from "./vault/StakeHistory.sol";

/// @title StakeVault
contract StakeVault is StakeHistory, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using ExactTransfer for IERC20;
    using SafeCast for uint256;

    // one slot: 20 + 12
    struct Sponsorship {
        address sponsor;
        uint96 amount; // part of the worker's `bonded`
    }

    // one slot: 12 + 5
    struct Unbonding {
        uint96 amount;
        uint40 availableAt; // Unix seconds
    }

    // one slot: 12 + 12 + 5
    struct Allotment {
        uint96 amount;
        uint96 ending;
        uint40 availableAt; // Unix seconds
    }

    uint256 public constant LONGEST_UNBONDING = 365 days;
    uint256 private constant LEAST_SPONSORSHIPS_PER_CAP = 100;
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    IERC20 public immutable TOKEN;
    address public immutable ESCROW;
    address public immutable DIRECT_LANE;
    address public immutable BATCH_LANE;
    uint256 public immutable UNBONDING_TIME;
    uint256 public immutable SPONSOR_CAP;
    /// @inheritdoc IStakeVault
    uint256 public immutable SPONSOR_LEAST;

    mapping(address worker => Sponsorship) private _sponsorships;
    mapping(address account => Unbonding) private _unbondings;
    mapping(address worker => mapping(address orchestrator => Allotment)) private _allotments;
    mapping(address worker => uint96) private _ending; // sum of `ending` over all its allotments

    /// @inheritdoc IStakeVault
    uint256 public slashPool;
    /// @inheritdoc IStakeVault
    uint256 public totalBurned;

    /// @param escrow, directLane, batchLane predicted addresses: these contracts are deployed after this one
    constructor(
        IERC20 token,
        address escrow,
        address directLane,
        address batchLane,
        uint256 unbondingTime,
        uint256 sponsorCap
    ) {
        if (sponsorCap > type(uint96).max) revert SponsorCapOutOfRange(sponsorCap, type(uint96).max);
        if (unbondingTime == 0 || unbondingTime > LONGEST_UNBONDING) {
            revert UnbondingTimeOutOfRange(unbondingTime, 1, LONGEST_UNBONDING);
        }
        TOKEN = token;
        ESCROW = escrow;
        DIRECT_LANE = directLane;
        BATCH_LANE = batchLane;
        UNBONDING_TIME = unbondingTime;
        SPONSOR_CAP = sponsorCap;
        SPONSOR_LEAST = sponsorCap / LEAST_SPONSORSHIPS_PER_CAP;
    }

    modifier onlyLane() {
        if (msg.sender != DIRECT_LANE && msg.sender != BATCH_LANE) revert NotALane(msg.sender);
        _;
    }

    // --- workers and sponsors ---

    /// @inheritdoc IStakeVault
    function stake(uint256 amount) external nonReentrant {
        _stake(msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function stakeWithPermit(
        uint256 amount,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        TOKEN.permit(amount, permitDeadline, v, r, s);
        _stake(msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function acceptSponsor(address newSponsor) external {
        Sponsorship storage backing = _sponsorships[msg.sender];
        (address former, uint96 amount) = (backing.sponsor, backing.amount);
        Account storage account = _accounts[msg.sender];
        // Dust must not keep a worker from a sponsor that means it. All of it goes at once, so that a sponsor's other
        // unbonding is delayed by this once, not again and again.
        bool canGo = amount < SPONSOR_LEAST && amount <= account.bonded - account.locked;
        if (amount != 0 && !canGo) revert SponsorStillBacking(msg.sender, former, amount);

        backing.sponsor = newSponsor;
        backing.amount = 0;
        account.sponsorLeaving = false;
        if (amount != 0) {
            emit SponsorLeft(msg.sender, former, amount);
            _unbond(msg.sender, former, amount);
        }
        emit SponsorAccepted(msg.sender, newSponsor);
    }

    /// @inheritdoc IStakeVault
    function sponsor(address worker, uint256 amount) external nonReentrant {
        Sponsorship storage backing = _sponsorships[worker];
        if (backing.sponsor != msg.sender) revert SponsorNotAccepted(worker, msg.sender, backing.sponsor);
        if (_accounts[worker].sponsorLeaving) revert SponsorLeaving(worker, msg.sender);
        uint256 backed = backing.amount + amount;
        if (backed > SPONSOR_CAP) revert SponsorCapExceeded(worker, backed, SPONSOR_CAP);

        backing.amount = backed.toUint96();
        _stake(worker, amount);
    }

    /// @inheritdoc IStakeVault
    function unsponsor(address worker) external returns (uint256 amount) {
        Sponsorship storage backing = _sponsorships[worker];
        if (backing.sponsor != msg.sender) revert SponsorNotAccepted(worker, msg.sender, backing.sponsor);

        Account storage account = _accounts[worker];
        account.sponsorLeaving = true;
        amount = Math.min(account.bonded - account.locked, backing.amount);
        backing.amount -= amount.toUint96();
        emit SponsorLeft(worker, msg.sender, amount);
        if (amount != 0) _unbond(worker, msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function unbond(uint256 amount) external {
        Account storage account = _accounts[msg.sender];
        uint256 own = account.bonded - _sponsorships[msg.sender].amount;
        // Locks rest on the worker's own stake first, as slashes do: else it could leave its sponsor to answer for them.
        uint256 free = own > account.locked ? own - account.locked : 0;
        if (amount == 0) revert AmountZero();
        if (amount > free) revert StakeNotFree(msg.sender, amount, free);

        _unbond(msg.sender, msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function withdrawStake() external nonReentrant returns (uint256 amount) {
        Unbonding memory unbonding = _unbondings[msg.sender];
        amount = unbonding.amount;
        if (amount == 0) revert NothingUnbonding(msg.sender);
        if (block.timestamp < unbonding.availableAt) {
            revert StillUnbonding(msg.sender, unbonding.availableAt, block.timestamp);
        }

        delete _unbondings[msg.sender];
        _totals.unbonding -= unbonding.amount;
        emit StakeWithdrawn(msg.sender, amount);

        TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function allot(address orchestrator, uint256 amount) external {
        if (amount == 0) revert AmountZero();
        _lock(msg.sender, amount);
        _allotments[msg.sender][orchestrator].amount += amount.toUint96();
        emit StakeAllotted(msg.sender, orchestrator, amount);
    }

    /// @inheritdoc IStakeVault
    function unallot(address worker, address orchestrator, uint256 amount) external {
        Allotment storage allotment = _allotments[worker][orchestrator];
        if (msg.sender != worker) amount = _endableBySponsor(worker, allotment);
        if (amount == 0) revert AmountZero();
        if (amount > allotment.amount) revert AllotmentTooSmall(worker, orchestrator, amount, allotment.amount);

        allotment.amount -= amount.toUint96();
        allotment.ending += amount.toUint96();
        _ending[worker] += amount.toUint96();
        allotment.availableAt = (block.timestamp + UNBONDING_TIME).toUint40();
        emit StakeUnallotted(worker, orchestrator, amount, allotment.availableAt);
    }

    /// @inheritdoc IStakeVault
    function releaseAllotment(address worker, address orchestrator) external returns (uint256 amount) {
        Allotment storage allotment = _allotments[worker][orchestrator];
        amount = allotment.ending;
        if (amount == 0) revert NothingUnbonding(worker);
        if (block.timestamp < allotment.availableAt) {
            revert StillUnbonding(worker, allotment.availableAt, block.timestamp);
        }

        allotment.ending = 0;
        _ending[worker] -= amount.toUint96();
        _unlock(worker, amount);
        emit AllotmentReleased(worker, orchestrator, amount);
    }

    /// @inheritdoc IStakeVault
    function burnSlashed() external nonReentrant returns (uint256 amount) {
        amount = slashPool;
        if (amount == 0) revert AmountZero();

        slashPool = 0;
        totalBurned += amount;
        emit SlashedBurned(amount);

        TOKEN.safeTransfer(BURN_ADDRESS, amount);
    }

    // --- lanes ---

    /// @inheritdoc IStakeVault
    function lock(
        address worker,
        uint256 amount,
        uint256 asOfBlock
    ) external onlyLane returns (uint256 workerStake, uint256 totalStake) {
        _lock(worker, amount);
        return (_stakeAt(worker, asOfBlock), _totalStakeAt(asOfBlock));
    }

    /// @inheritdoc IStakeVault
    function unlock(address[] calldata workers, uint256 amountEach) external onlyLane {
        for (uint256 i = 0; i < workers.length; ++i) _unlock(workers[i], amountEach);
    }

    /// @inheritdoc IStakeVault
    function slash(address worker, uint256 amount, uint256 fundAmount) external onlyLane {
        _slash(worker, amount, fundAmount);
    }

    /// @inheritdoc IStakeVault
    function slashAllotted(address worker, address orchestrator, uint256 amount, uint256 fundAmount) external onlyLane {
        Allotment storage allotment = _allotments[worker][orchestrator];
        uint256 liable = uint256(allotment.amount) + allotment.ending;
        if (amount > liable) revert AllotmentTooSmall(worker, orchestrator, amount, liable);

        uint256 fromEnding = Math.min(amount, allotment.ending);
        allotment.ending -= fromEnding.toUint96();
        _ending[worker] -= fromEnding.toUint96();
        allotment.amount -= (amount - fromEnding).toUint96();
        emit AllotmentSlashed(worker, orchestrator, amount);
        _slash(worker, amount, fundAmount);
    }

    // --- views ---

    /// @inheritdoc IStakeVault
    function accountOf(
        address worker
    ) external view returns (uint256 bonded, uint256 locked, uint256 unbonding, uint256 availableAt) {
        Account memory account = _accounts[worker];
        Unbonding memory leaving = _unbondings[worker];
        return (account.bonded, account.locked, leaving.amount, leaving.availableAt);
    }

    /// @inheritdoc IStakeVault
    function freeStakeOf(address worker) external view returns (uint256) {
        return _lockable(worker);
    }

    /// @inheritdoc IStakeVault
    function sponsorshipOf(address worker) external view returns (address sponsor_, uint256 amount, bool leaving) {
        Sponsorship memory backing = _sponsorships[worker];
        return (backing.sponsor, backing.amount, _accounts[worker].sponsorLeaving);
    }

    /// @inheritdoc IStakeVault
    function allotmentOf(
        address worker,
        address orchestrator
    ) external view returns (uint256 amount, uint256 ending, uint256 availableAt) {
        Allotment memory allotment = _allotments[worker][orchestrator];
        return (allotment.amount, allotment.ending, allotment.availableAt);
    }

    /// @inheritdoc IStakeVault
    function totalUnbonding() external view returns (uint256) {
        return _totals.unbonding;
    }

    /// @inheritdoc IStakeVault
    function totalOwed() external view returns (uint256) {
        return uint256(_totals.bonded) + _totals.unbonding + slashPool;
    }

    // --- internals ---

    function _stake(address worker, uint256 amount) private {
        if (amount == 0) revert AmountZero();
        _setBonded(worker, _accounts[worker].bonded + amount, _totals.bonded + amount);
        emit Staked(worker, msg.sender, amount);

        TOKEN.pull(amount);
    }

    function _unbond(address worker, address account, uint256 amount) private {
        _setBonded(worker, _accounts[worker].bonded - amount, _totals.bonded - amount);
        _totals.unbonding += amount.toUint96();

        Unbonding storage unbonding = _unbondings[account];
        unbonding.amount += amount.toUint96();
        unbonding.availableAt = (block.timestamp + UNBONDING_TIME).toUint40();
        emit StakeUnbonded(account, amount, unbonding.availableAt);
    }

    /// @dev What a leaving sponsor may end of an allotment: as much as it backs, less what it gets without that, because
    ///      it is free or ending already, for whatever orchestrator.
    function _endableBySponsor(address worker, Allotment storage allotment) private view returns (uint256) {
        Sponsorship memory backing = _sponsorships[worker];
        if (backing.sponsor != msg.sender || !_accounts[worker].sponsorLeaving) {
            revert SponsorNotAccepted(worker, msg.sender, backing.sponsor);
        }
        Account storage account = _accounts[worker];
        uint256 coming = uint256(account.bonded) - account.locked + _ending[worker];
        return Math.min(Math.saturatingSub(backing.amount, coming), allotment.amount);
    }

    function _lock(address worker, uint256 amount) private {
        uint256 free = _lockable(worker);
        if (amount > free) revert StakeNotFree(worker, amount, free);
        _accounts[worker].locked += amount.toUint96();
    }

    function _unlock(address worker, uint256 amount) private {
        Account storage account = _accounts[worker];
        uint256 locked = account.locked;
        if (amount > locked) revert StakeNotLocked(worker, amount, locked);
        account.locked = uint96(locked - amount);
    }

    function _slash(address worker, uint256 amount, uint256 fundAmount) private {
        if (fundAmount > amount) revert SlashFundTooLarge(fundAmount, amount);
        _unlock(worker, amount);
        uint256 bonded = _accounts[worker].bonded - amount;
        _setBonded(worker, bonded, _totals.bonded - amount);

        // The worker's own stake goes first: its sponsor loses only what is missing then.
        Sponsorship storage backing = _sponsorships[worker];
        if (backing.amount > bonded) backing.amount = bonded.toUint96();

        slashPool += amount - fundAmount;
        emit StakeSlashed(worker, msg.sender, amount, fundAmount);

        if (fundAmount != 0) TOKEN.safeTransfer(ESCROW, fundAmount);
    }

    /// @dev A leaving sponsor's part can no longer be locked; the slot is read only then.
    function _lockable(address worker) private view returns (uint256) {
        Account memory account = _accounts[worker];
        uint256 reserved = account.locked;
        if (account.sponsorLeaving) reserved += _sponsorships[worker].amount;
        return account.bonded > reserved ? account.bonded - reserved : 0;
    }
}
