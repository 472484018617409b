"""The court's rules: what a challenger commits to, what a jury computes, what votes mean. Twin of BatchCourt.sol."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from edgebounty.protocol import canonical
from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.types import Address, Digest

VOID: Final = Digest(keccak256(b"Edgebounty jury: void"))
"""The result of a juror that cannot have one: inputs are not to be had, or two runs differ."""
APPEAL_FACTOR: Final = 3
KEPT_BYTES: Final = 27
"""Of a digest in a receipt."""
_DOCUMENT: Final = re.compile(rb'\{"jury":1,"manifest":"0x([0-9a-f]{64})","task":(0|[1-9][0-9]{0,4})\}')
_MOST_DOCUMENT_BYTES: Final = 128


class Verdict(IntEnum):
    NONE = 0
    STANDS = 1
    WRONG = 2
    VOID = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A juror's revealed digest. `party`: it or its sponsor gains by this digest, so that the vote does not count."""

    digest: bytes
    party: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where a slashed lock goes."""

    reward: int
    refund: int
    burned: int


def jury_document(manifest: Digest, task: int) -> bytes:
    """What a jury computes: one task of that manifest. Its SHA-256 is the jury job's manifest digest."""
    return canonical.encode({"jury": 1, "manifest": "0x" + manifest.hex(), "task": task})


def jury_digest(manifest: Digest, task: int) -> Digest:
    return Digest(hashlib.sha256(jury_document(manifest, task)).digest())


class NoJury(ValueError):
    """It is no document of a jury."""


def parse_jury_document(data: bytes) -> tuple[Digest, int]:
    """The manifest's digest and the task. Raises `NoJury` unless `data` is a document as the court hashes it."""
    if len(data) > _MOST_DOCUMENT_BYTES or not (told := _DOCUMENT.fullmatch(data)):
        raise NoJury("no jury document of version 1")
    return Digest(bytes.fromhex(told[1].decode())), int(told[2])


def commitment_of(
    *, chain_id: int, court: Address, challenger: Address, job: int, task: int, result: bytes, salt: bytes
) -> bytes:
    """Hides the result from jurors and binds it to the challenger, so that nobody can take its challenge."""
    return keccak256(abi_words(chain_id, court, challenger, job, task, result, salt))


def slots_of(quorum: int, *, appealed: bool) -> int:
    """Of the first jury 2q - 1, so that a few liars cannot prevent a quorum; an appeal has three times as many."""
    return (APPEAL_FACTOR if appealed else 1) * (2 * quorum - 1)


def bond_of(price: int, quorum: int, *, appealed: bool) -> int:
    """What a jury's summoner puts up: its whole price."""
    return price * slots_of(quorum, appealed=appealed)


def finding(winners: Sequence[Vote], quorum: int, disputed: bytes) -> bytes | None:
    """The digest that the jury agreed on, None if too few of those who gain nothing by it voted so.

    To spare the accused it takes a quorum of them, against it more than half of the votes: else a liar's friend
    challenges first, and backs jurors until their votes do not count.
    """
    if not winners:
        return None
    found = winners[0].digest
    counted = sum(not vote.party for vote in winners)
    needed = len(winners) // 2 + 1 if verdict_of(found, disputed) is Verdict.WRONG else quorum
    return found if counted >= needed else None


def verdict_of(found: bytes | None, disputed: bytes) -> Verdict:
    """What it means for receipts with this (truncated) digest."""
    if found is None:
        return Verdict.STANDS
    if found == VOID:
        return Verdict.VOID
    return Verdict.STANDS if found[:KEPT_BYTES] == disputed[:KEPT_BYTES] else Verdict.WRONG


def split(lost: int, *, rewarded: bool, refund: int) -> Split:
    """Half, rounded down, to a challenger that knew; of the rest the requester has price and fee."""
    reward = lost // 2 if rewarded else 0
    returned = min(refund, lost - lost // 2)
    return Split(reward=reward, refund=returned, burned=lost - reward - returned)
