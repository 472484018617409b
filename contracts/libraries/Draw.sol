// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Who may claim a task: everybody computes it, nobody chooses it.
library Draw {
    /// @dev One candidate per replica may claim at once, two after one turn, four after two, eight after three. Eight, so
    ///      that a few sleeping devices do not stall a task; not all at once, because then the fastest of eight would
    ///      fill the quorum: a fifth of the stake could take three replicas of three nearly always.
    uint256 internal constant LAST_TURN = 3;

    /// @notice Whether `worker` may claim. A worker's chance grows with its share of the stake, so splitting stake over
    ///         addresses gains nothing; it doubles with each turn and with each reopen.
    /// @dev hash < (2^256 - 1) x min(1, slots x 2^doublings x stake / totalStake), rounded down. The last turn's twin is
    ///      edgebounty/protocol/draw.py; tests/vectors/draw.json holds both to it.
    /// @param slots of the present wave
    /// @param stake below 2^96, which keeps the product far from overflow (slots and doublings are small)
    /// @param doublings turns that have passed, and reopens
    function isDrawn(
        bytes32 seed,
        uint256 jobId,
        uint32 taskIndex,
        address worker,
        uint256 stake,
        uint256 totalStake,
        uint256 slots,
        uint256 doublings
    ) internal pure returns (bool) {
        if (seed == 0 || stake == 0) return false;

        uint256 weight = (slots * stake) << doublings;
        if (weight >= totalStake) return true;

        uint256 threshold = Math.mulDiv(type(uint256).max, weight, totalStake);
        return uint256(keccak256(abi.encode(seed, jobId, taskIndex, worker))) < threshold;
    }
}
