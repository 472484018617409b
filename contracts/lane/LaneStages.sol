// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IBountyEscrow} from "../interfaces/IBountyEscrow.sol";
import {IDirectLane} from "../interfaces/IDirectLane.sol";
import {ILane} from "../interfaces/ILane.sol";
import {ISeedSource} from "../interfaces/ISeedSource.sol";
import {JobTerms} from "../types/Market.sol";

/// @title Jobs as the lane knows them: their rules, their progress, and which stage is open.
/// @dev Stages follow each other: the map tasks of round 0, its reduce tasks, the map tasks of round 1, and so on. A
///      stage opens when everything before it has an outcome, and its draw uses a seed that nobody knows by then.
abstract contract LaneStages is IDirectLane {
    using SafeCast for uint256;

    // one slot, full: what claiming and settling need of a job's terms, and the open stage's draw
    struct Rules {
        uint40 deadline; // Unix seconds; zero means that there is no such job
        uint24 taskTime; // seconds
        uint16 mapTasks;
        uint16 reduceTasks;
        uint16 rounds;
        uint8 quorum;
        uint8 workSlots;
        uint96 stakePerClaim; // token base units
        uint32 drawEpoch; // of the open stage
    }

    // one slot: how far a job is
    struct Progress {
        uint24 finished; // tasks with an outcome
        uint24 active; // tasks claimed and without an outcome
        bool failed;
        bool stopped;
        uint40 openedAt; // when the open stage opened, Unix seconds
        uint96 slotPrice; // token base units
    }

    IBountyEscrow public immutable ESCROW;
    ISeedSource public immutable SEEDS;

    mapping(uint256 jobId => Rules) internal _rules;
    mapping(uint256 jobId => Progress) internal _progress;

    constructor(IBountyEscrow escrow, ISeedSource seeds) {
        ESCROW = escrow;
        SEEDS = seeds;
    }

    modifier onlyEscrow() {
        if (msg.sender != address(ESCROW)) revert NotTheEscrow(msg.sender);
        _;
    }

    /// @inheritdoc ILane
    function openJob(uint256 jobId, JobTerms calldata terms) external onlyEscrow {
        // Else a single disagreement ends the task, and the requester has the digests and the bounty.
        if (terms.quorum > 1 && terms.workSlots == terms.quorum) revert SpareSlotMissing(terms.quorum, terms.workSlots);
        _rules[jobId] = Rules({
            deadline: terms.deadline,
            taskTime: uint256(terms.taskTime).toUint24(),
            mapTasks: uint256(terms.mapTasks).toUint16(),
            reduceTasks: uint256(terms.reduceTasks).toUint16(),
            rounds: terms.rounds,
            quorum: terms.quorum,
            workSlots: terms.workSlots,
            stakePerClaim: uint256(terms.stakePerClaim).toUint96(),
            drawEpoch: 0
        });
        _progress[jobId].slotPrice = uint256(terms.slotPrice).toUint96();
        _openStage(jobId, 0);
    }

    /// @inheritdoc ILane
    function stopJob(uint256 jobId) external onlyEscrow {
        _progress[jobId].stopped = true;
    }

    /// @inheritdoc ILane
    function progress(uint256 jobId) external view returns (uint256 finished, uint256 active, bool failed) {
        Progress storage job = _progress[jobId];
        return (job.finished, job.active, job.failed);
    }

    /// @inheritdoc IDirectLane
    function stageOpen(uint256 jobId, uint32 taskIndex) external view returns (bool) {
        return _progress[jobId].finished >= _firstOfStage(_rulesOf(jobId, taskIndex), taskIndex);
    }

    /// @dev The first claim of a task: from here on its money stays in escrow until it has an outcome.
    function _startTask(uint256 jobId, uint32 taskIndex, Rules memory rules) internal {
        _requireStartable(jobId, taskIndex, rules);
        ++_progress[jobId].active;
    }

    function _requireStartable(uint256 jobId, uint32 taskIndex, Rules memory rules) internal view {
        Progress storage job = _progress[jobId];
        if (job.stopped || job.failed) revert JobEnded(jobId);
        uint256 needed = _firstOfStage(rules, taskIndex);
        if (job.finished < needed) revert StageNotOpen(jobId, taskIndex, job.finished, needed);
    }

    /// @dev Counts an outcome and opens the next stage if this was the last task that it waited for.
    function _finishTask(
        uint256 jobId,
        uint32 taskIndex,
        Rules memory rules,
        bool refunded
    ) internal returns (uint256 slotPrice) {
        Progress storage job = _progress[jobId];
        slotPrice = job.slotPrice;
        uint24 finished = job.finished + 1;
        job.finished = finished;
        --job.active;
        // Without reduce tasks nothing depends on a task's result, so the others are still worth doing.
        if (refunded && rules.reduceTasks != 0 && !job.failed) {
            job.failed = true;
            emit JobFailed(jobId, taskIndex);
        }

        bool opens = finished < _taskCount(rules) && _firstOfStage(rules, finished) == finished;
        if (opens && !job.failed && !job.stopped) _openStage(jobId, finished);
    }

    function _openStage(uint256 jobId, uint24 firstTask) private {
        uint32 drawEpoch = SEEDS.unknownEpoch();
        _rules[jobId].drawEpoch = drawEpoch;
        _progress[jobId].openedAt = uint40(block.timestamp);
        emit StageOpened(jobId, firstTask, drawEpoch);
    }

    function _firstOfStage(Rules memory rules, uint256 taskIndex) internal pure returns (uint256) {
        uint256 inRound = taskIndex % (uint256(rules.mapTasks) + rules.reduceTasks);
        uint256 inStage = inRound < rules.mapTasks ? inRound : inRound - rules.mapTasks;
        return taskIndex - inStage;
    }

    function _taskCount(Rules memory rules) internal pure returns (uint256) {
        return uint256(rules.rounds) * (uint256(rules.mapTasks) + rules.reduceTasks);
    }

    /// @dev Of a job that is known to exist.
    function _rulesFor(uint256 jobId) internal view returns (Rules memory) {
        return _rules[jobId];
    }

    function _rulesOf(uint256 jobId, uint32 taskIndex) internal view returns (Rules memory rules) {
        rules = _rules[jobId];
        if (rules.deadline == 0) revert JobUnknown(jobId);
        uint256 tasks = _taskCount(rules);
        if (taskIndex >= tasks) revert TaskUnknown(jobId, taskIndex, tasks);
    }
}
