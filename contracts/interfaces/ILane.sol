// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobTerms} from "../types/Market.sol";

/// @title What the escrow asks of any lane.
/// @notice A lane decides outcomes and holds no token.
interface ILane {
    /// @notice Takes in a job that the escrow has just recorded. Only the escrow may call.
    /// @dev Reverts if the lane cannot serve these terms; then nothing was posted.
    function openJob(uint256 jobId, JobTerms calldata terms) external;

    /// @notice Starts no new task of this job. Only the escrow may call, on behalf of the requester.
    function stopJob(uint256 jobId) external;

    /// @notice How far a job is.
    /// @return finished tasks with an outcome, settled or refunded
    /// @return active tasks that somebody has claimed and that have no outcome yet: their money stays in escrow
    /// @return failed whether a task that later tasks depend on was refunded, so that nothing new may start
    function progress(uint256 jobId) external view returns (uint256 finished, uint256 active, bool failed);
}
