// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Who may claim a task, and when: everybody computes it, nobody chooses it.
library Draw {
    /// @dev Eight at the end of the ramp, so that a few sleeping devices do not stall a task. One after the other and not
    ///      all at once, because then the fastest of eight would fill the quorum: a fifth of the stake could take three
    ///      replicas of three nearly always.
    uint256 internal constant CANDIDATES_PER_SLOT = 8;
    /// @dev The wait of who is not drawn: longer than any ramp, and safe to add to a time.
    uint256 internal constant NEVER = type(uint40).max;

    /// @notice A worker's lot in the draw of a task, even over all 256 bits. Never to be drawn with a zero seed.
    function lotOf(bytes32 seed, uint256 jobId, uint32 taskIndex, address worker) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, jobId, taskIndex, worker)));
    }

    /// @notice Seconds from the recording of the seed until who drew `lot` may claim, at least 1 and at most `rampTime`,
    ///         or NEVER. The chance to be drawn grows evenly with time, from nobody to eight candidates per slot.
    /// @dev The smallest `wait` with lot / 2^256 < 8 x slots x 2^reopens x (stake / totalStake) x (wait / rampTime).
    ///      Proportional to stake, so splitting stake over addresses gains nothing. The twin is
    ///      edgebounty/protocol/draw.py; tests/vectors/draw.json holds both to it.
    /// @param stake, totalStake below 2^96, which keeps all products far from overflow (the other factors are small)
    /// @param slots of the present wave
    /// @param rampTime seconds, not zero
    function waitOf(
        uint256 lot,
        uint256 stake,
        uint256 totalStake,
        uint256 slots,
        uint256 reopens,
        uint256 rampTime
    ) internal pure returns (uint256 wait) {
        if (stake == 0) return NEVER;

        // The whole part of lot / 2^256 x totalStake x rampTime: what has to exceed it is whole, so no more is needed.
        (uint256 needed, ) = Math.mul512(lot, totalStake * rampTime);
        wait = needed / ((CANDIDATES_PER_SLOT * slots * stake) << reopens) + 1;
        if (wait > rampTime) return NEVER;
    }
}
