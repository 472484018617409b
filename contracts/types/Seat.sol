// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A claim in 64 bits, four to a storage slot: the worker's number in the lane, and until when it must commit.
type Seat is uint64;

using {worker, commitDeadline} for Seat global;

/// @param workerNumber at most 2^32 - 1
/// @param deadline Unix seconds, in 32 bits until the year 2106
function toSeat(uint32 workerNumber, uint32 deadline) pure returns (Seat) {
    return Seat.wrap((uint64(workerNumber) << 32) | deadline);
}

function worker(Seat seat) pure returns (uint32) {
    return uint32(Seat.unwrap(seat) >> 32);
}

function commitDeadline(Seat seat) pure returns (uint32) {
    return uint32(Seat.unwrap(seat));
}
