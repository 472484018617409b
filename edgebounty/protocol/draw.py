"""Who may claim a task: the twin of contracts/libraries/Draw.sol, computed by everybody and chosen by nobody."""

from __future__ import annotations

from typing import Final

from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.types import Address, JobId, TaskIndex

CANDIDATES_PER_SLOT: Final = 8
_MAX = (1 << 256) - 1


def is_drawn(
    *,
    seed: bytes,
    job_id: JobId,
    task_index: TaskIndex,
    worker: Address,
    stake: int,
    total_stake: int,
    slots: int,
    reopens: int,
) -> bool:
    """Whether this worker may claim: its hash is below its share of the stake, times 8 per slot, doubled per reopen.

    `stake` and `total_stake` are base units as of the draw's epoch. Nobody is drawn with a zero seed or without stake.
    """
    if not any(seed) or stake == 0:
        return False
    weight = (CANDIDATES_PER_SLOT * slots * stake) << reopens
    if weight >= total_stake:
        return True
    return int.from_bytes(draw_hash(seed, job_id, task_index, worker), "big") < _MAX * weight // total_stake


def draw_hash(seed: bytes, job_id: JobId, task_index: TaskIndex, worker: Address) -> bytes:
    """keccak256(abi.encode(seed, jobId, taskIndex, worker))."""
    if len(seed) != 32:
        raise ValueError(f"a seed is 32 bytes long, this is {len(seed)}")
    return keccak256(abi_words(seed, job_id, task_index, worker))
