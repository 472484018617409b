"""What a watchtower says of batches: pure."""

from __future__ import annotations

from typing import Final

from edgebounty.chain.following import Followed
from edgebounty.content.store import ContentError
from edgebounty.protocol.batch.watching import Fault
from edgebounty.watchtower.rules import Finding, Kind

_MEANS: Final = {
    "strikeSignature": "a bundle that its worker did not sign",
    "strikeReceipt": "a receipt of a task outside the batch, or of a slot that the job does not have",
    "strikePair": "two receipts of one task that cannot both be paid",
    "strikeSets": "two receipts of one task that answer different commit sets",
    "strikeOwner": "a bundle at another account's payout index",
    "voidOrder": "bundles out of order, or a gap in their counts",
    "voidEdge": "an empty bundle, a first one that starts late, or a last one that misses the total",
    "rewindPayout": "a payout that is not what the batch before and its bundles make it",
    "rewindCount": "a payout tree that shrank, or lacks an index that earned",
}
_TREES: Final = ("bundles", "payouts", "receipts", "commit sets")


def name_of(batch: Followed) -> str:
    return f"batch {batch.header.number} of {batch.header.orchestrator}"


def fault(batch: Followed, found: Fault) -> Finding:
    text = f"{_MEANS[found.rule]} ({found.rule})"
    return _finding(Kind.BATCH_FAULT, batch, _key_of(batch, found), text, transaction=batch.tx_hash, rule=found.rule)


def late_fault(batch: Followed, found: Fault) -> Finding:
    """Under the key of the same fault within the window: what was told then is not told again."""
    text = f"{_MEANS[found.rule]} ({found.rule}); its window is over, nobody can prove it and what it paid stays paid"
    evidence = {"transaction": batch.tx_hash, "rule": found.rule, "window": "over"}
    return _finding(Kind.BATCH_FAULT, batch, _key_of(batch, found), text, **evidence)


def _key_of(batch: Followed, found: Fault) -> str:
    at = f" {found.openings[0]}" if found.rule == "rewindPayout" else ""
    return f"{found.rule}{at} {sorted(batch.struck)}"


def wrong_payouts(batch: Followed, right: bytes) -> Finding:
    return _finding(
        Kind.BATCH_FAULT,
        batch,
        f"payouts {batch.header.payouts_root.hex()}",
        "its payouts are not those that follow from its bundles and the batches before",
        transaction=batch.tx_hash,
        stated="0x" + batch.header.payouts_root.hex(),
        right="0x" + right.hex(),
    )


def challenged(batch: Followed, rule: str, tx_hash: str, lost: int) -> Finding:
    return _finding(
        Kind.CHALLENGED,
        batch,
        tx_hash,
        f"proven by {rule}; a bond of {lost} base units is lost, half of it is ours",
        transaction=tx_hash,
        rule=rule,
        bond=str(lost),
    )


def enforced(batch: Followed, demand: int, tx_hash: str, lost: int) -> Finding:
    return _finding(
        Kind.CHALLENGED,
        batch,
        tx_hash,
        f"demand {demand} was not answered; a bond of {lost} base units is lost, half of it is ours",
        transaction=tx_hash,
        rule="enforce",
        bond=str(lost),
    )


def not_challenged(batch: Followed, what: str, error: str, why: str) -> Finding:
    return _finding(Kind.NOT_CHALLENGED, batch, f"not {what} {error}", f"{what.split()[0]} was refused: {why}")


def demanded(batch: Followed, tree: int, level: int, position: int) -> Finding:
    text = f"node {position} at level {level} of its {_TREES[tree]} is demanded: unanswered, it costs the bond"
    return _finding(Kind.DEMANDED, batch, f"demand {tree} {level} {position} {batch.header.payouts_root.hex()}", text)


def answered(batch: Followed, demand: int, tx_hash: str) -> Finding:
    text = f"demand {demand} is answered: what it asked for is known; its deposit is ours"
    return _finding(Kind.ANSWERED, batch, f"answer {demand}", text, transaction=tx_hash)


def restated(batch: Followed, tx_hash: str) -> Finding:
    return _finding(Kind.RESTATED, batch, tx_hash, "the right payouts are stated", transaction=tx_hash)


def missing(batch: Followed, error: ContentError) -> Finding:
    return _finding(
        Kind.CONTENT_MISSING,
        batch,
        f"missing {error.cid}",
        f"its data {error.cid} cannot be had ({error.detail}): the orchestrator has to serve it",
        cid=str(error.cid),
    )


def _finding(kind: Kind, batch: Followed, key: str, text: str, **evidence: str) -> Finding:
    return Finding(
        kind=kind,
        key=f"{batch.header.orchestrator} {batch.header.number} {key}",
        job_id=batch.header.job,
        text=f"{name_of(batch)} (job {batch.header.job}): {text}",
        evidence=evidence,
    )
