"""Who may claim a task, and when: the twin of contracts/libraries/Draw.sol, computed by everybody, chosen by nobody."""

from __future__ import annotations

from typing import Final

from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.types import Address, JobId, TaskIndex

CANDIDATES_PER_SLOT: Final = 8


def wait_of(
    *,
    seed: bytes,
    job_id: JobId,
    task_index: TaskIndex,
    worker: Address,
    stake: int,
    total_stake: int,
    slots: int,
    reopens: int,
    ramp_time: int,
) -> int | None:
    """Seconds from the recording of the seed until this worker may claim, from 1 to `ramp_time`; None: not drawn.

    The least `wait` with lot / 2^256 < 8 * slots * 2^reopens * (stake / total_stake) * (wait / ramp_time): the number
    of candidates grows evenly with time, from none to eight a slot. `stake` and `total_stake` are base units as of the
    draw's epoch, `slots` those of the present wave. Nobody is drawn with a zero seed or without stake.
    """
    if not any(seed) or stake == 0:
        return None
    lot = int.from_bytes(lot_of(seed, job_id, task_index, worker), "big")
    needed = (lot * total_stake * ramp_time) >> 256
    wait = needed // ((CANDIDATES_PER_SLOT * slots * stake) << reopens) + 1
    return wait if wait <= ramp_time else None


def lot_of(seed: bytes, job_id: JobId, task_index: TaskIndex, worker: Address) -> bytes:
    """A worker's lot in the draw of a task: keccak256(abi.encode(seed, jobId, taskIndex, worker))."""
    if len(seed) != 32:
        raise ValueError(f"a seed is 32 bytes long, this is {len(seed)}")
    return keccak256(abi_words(seed, job_id, task_index, worker))
