"""What a worker publishes before anyone reveals: a salted hash bound to chain, lane, job, task, worker and result."""

from __future__ import annotations

import secrets

from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex


def commitment(
    *, chain_id: int, lane: Address, job_id: JobId, task_index: TaskIndex, worker: Address, digest: Digest, salt: bytes
) -> bytes:
    """keccak256(abi.encode(chainId, lane, jobId, taskIndex, worker, resultDigest, salt)), as in DirectLane.

    The salt (32 random bytes, kept secret until the reveal) stops others from guessing a result of few values.
    """
    if len(salt) != 32 or len(digest) != 32:
        raise ValueError("salt and digest are 32 bytes each")
    return keccak256(abi_words(chain_id, lane, job_id, task_index, worker, digest, salt))


def new_salt() -> bytes:
    """32 bytes from the system's secure source."""
    return secrets.token_bytes(32)
