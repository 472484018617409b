// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a requester signs up to when posting a job. Never changes afterwards.
/// @dev Tasks are numbered round * (mapTasks + reduceTasks) + i; within a round the map tasks come first.
struct JobTerms {
    address lane; // who decides the tasks' outcome
    address orchestrator; // gets the fee; zero only if feeBps is 0
    uint40 deadline; // Unix seconds: no task starts later. What is claimed runs on, bounded: see IDirectLane
    uint32 taskTime; // seconds from claim to commit, and again for all reveals
    uint32 mapTasks; // per round
    uint32 reduceTasks; // per round
    uint16 rounds;
    uint8 quorum; // equal reveals that make a result final
    uint8 workSlots; // replicas of a task that may be opened at most
    uint8 auditSlots; // replicas priced for audits; the direct lane refunds them
    uint16 feeBps; // of what workers are paid, 10_000 = all
    uint128 slotPrice; // token base units for one winning replica
    uint128 stakePerClaim; // token base units locked by each claim: one to a hundred slotPrices
    bytes32 manifestDigest; // sha2-256 inside the manifest's CID
}

/// @dev Idle -> Claiming -> Revealing -> Settled | Refunded, with Revealing -> Claiming when more replicas are drawn
///      and Idle | Claiming -> Refunded when the deadline has passed. Settled and Refunded are final.
enum TaskStatus {
    Idle, // nobody has ever claimed it
    Claiming, // a wave is filling with claims and commits
    Revealing, // the wave is full: commits are closed, reveals are open
    Settled, // a quorum agreed; the winners have their credit
    Refunded // no quorum; the bounty went back
}

enum ClaimStatus {
    None,
    Claimed,
    Committed,
    Revealed
}

/// @notice A task as its views tell it.
struct TaskView {
    TaskStatus status;
    uint8 slotsOpen; // replicas drawn so far, over all waves
    uint8 firstSlot; // first slot of the present wave
    uint8 reopens; // times the draw was widened
    uint8 claimed; // slots taken
    uint8 committed;
    uint8 revealed;
    uint32 drawEpoch; // whose seed decides who may claim now
    uint40 fillDeadline; // the present wave has had its time to fill: from then on it may be drawn again, and left
    uint40 closesAt; // the present wave takes claims until then; after it the task can only end
    uint40 phaseDeadline; // Claiming: commits close, zero before the wave's first claim. Revealing: reveals close
    bytes32 resultDigest; // zero until settled
}

/// @notice One worker's part in one task as its views tell it.
struct ClaimView {
    address worker;
    uint8 slot;
    ClaimStatus status;
    uint40 commitDeadline; // Unix seconds; moves later when others join the wave
    bytes32 digest; // the commitment once committed, the result digest once revealed
}
