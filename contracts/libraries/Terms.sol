// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IBountyEscrow} from "../interfaces/IBountyEscrow.sol";
import {JobTerms} from "../types/Market.sol";

/// @title What terms cost, and which terms are refused.
library Terms {
    uint256 internal constant MAX_TASKS = 65_535;
    uint256 internal constant MAX_SLOTS = 16;
    /// @dev Bounds how long a job can hold anybody's stake: in the direct lane until its deadline, then DRAW_TIME and six
    ///      task times at most (see IDirectLane). No unbonding delay has to outlast that: what a claim or an allotment
    ///      holds is locked, and only free stake can begin to unbond.
    uint256 internal constant MAX_JOB_TIME = 90 days;
    uint256 internal constant MAX_TASK_TIME = 7 days;
    /// @dev stakePerClaim in slotPrices: else a job that pays dust could hold, and burn, any worker's whole stake.
    uint256 internal constant MAX_STAKE_FACTOR = 100;
    uint256 internal constant ALL_BPS = 10_000;

    /// @notice Tasks of the whole job.
    function taskCount(JobTerms calldata terms) internal pure returns (uint256) {
        return uint256(terms.rounds) * (uint256(terms.mapTasks) + terms.reduceTasks);
    }

    /// @notice The most one task can cost: every slot wins and pays its fee, rounded up.
    function maxTaskCost(
        uint256 slotPrice,
        uint256 feeBps,
        uint256 workSlots,
        uint256 auditSlots
    ) internal pure returns (uint256) {
        uint256 feeUp = Math.ceilDiv(slotPrice * feeBps, ALL_BPS);
        return (slotPrice + feeUp) * (workSlots + auditSlots);
    }

    /// @notice The whole bounty.
    function bounty(JobTerms calldata terms) internal pure returns (uint256) {
        return maxTaskCost(terms.slotPrice, terms.feeBps, terms.workSlots, terms.auditSlots) * taskCount(terms);
    }

    /// @notice Reverts with the first term that no job may have.
    function check(JobTerms calldata terms, uint256 minSlotPrice, uint256 minTaskTime) internal view {
        uint256 latest = block.timestamp + MAX_JOB_TIME;
        if (terms.deadline <= block.timestamp || terms.deadline > latest) {
            revert IBountyEscrow.DeadlineOutOfRange(terms.deadline, block.timestamp + 1, latest);
        }
        if (terms.taskTime < minTaskTime || terms.taskTime > MAX_TASK_TIME) {
            revert IBountyEscrow.TaskTimeOutOfRange(terms.taskTime, minTaskTime, MAX_TASK_TIME);
        }
        uint256 tasks = taskCount(terms);
        if (tasks == 0 || terms.mapTasks == 0 || tasks > MAX_TASKS) {
            revert IBountyEscrow.TaskCountOutOfRange(tasks, MAX_TASKS);
        }
        if (terms.quorum == 0 || terms.quorum > terms.workSlots || terms.workSlots > MAX_SLOTS) {
            revert IBountyEscrow.QuorumOutOfRange(terms.quorum, terms.workSlots, MAX_SLOTS);
        }
        if (terms.auditSlots > MAX_SLOTS) revert IBountyEscrow.AuditSlotsOutOfRange(terms.auditSlots, MAX_SLOTS);
        if (terms.feeBps > ALL_BPS) revert IBountyEscrow.FeeOutOfRange(terms.feeBps, ALL_BPS);
        if (terms.feeBps != 0 && terms.orchestrator == address(0)) revert IBountyEscrow.OrchestratorMissing();
        if (terms.slotPrice == 0 || terms.slotPrice < minSlotPrice || terms.slotPrice > type(uint96).max) {
            revert IBountyEscrow.SlotPriceOutOfRange(terms.slotPrice, Math.max(minSlotPrice, 1), type(uint96).max);
        }
        uint256 mostStake = Math.min(MAX_STAKE_FACTOR * terms.slotPrice, type(uint96).max);
        if (terms.stakePerClaim < terms.slotPrice || terms.stakePerClaim > mostStake) {
            revert IBountyEscrow.StakeOutOfRange(terms.stakePerClaim, terms.slotPrice, mostStake);
        }
        if (terms.manifestDigest == 0) revert IBountyEscrow.ManifestMissing();
    }
}
