// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Who may claim a task: everybody computes it, nobody chooses it.
library Draw {
    /// @dev Candidates per replica, so that a few sleeping devices do not stall a task.
    uint256 internal constant CANDIDATES_PER_SLOT = 8;

    /// @notice Whether `worker` is drawn. A worker's chance grows with its share of the stake, so splitting stake over
    ///         addresses gains nothing; it doubles with each reopen.
    /// @dev hash < (2^256 - 1) x min(1, 8 x slots x 2^reopens x stake / totalStake), rounded down. Its twin is
    ///      edgebounty/protocol/draw.py; tests/vectors/draw.json holds both to it.
    /// @param stake below 2^96, which keeps the product far from overflow (slots and reopens are small)
    function isDrawn(
        bytes32 seed,
        uint256 jobId,
        uint32 taskIndex,
        address worker,
        uint256 stake,
        uint256 totalStake,
        uint256 slots,
        uint256 reopens
    ) internal pure returns (bool) {
        if (seed == 0 || stake == 0) return false;

        uint256 weight = (CANDIDATES_PER_SLOT * slots * stake) << reopens;
        if (weight >= totalStake) return true;

        uint256 threshold = Math.mulDiv(type(uint256).max, weight, totalStake);
        return uint256(keccak256(abi.encode(seed, jobId, taskIndex, worker))) < threshold;
    }
}
