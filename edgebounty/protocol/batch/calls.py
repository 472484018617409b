"""Headers and proofs as the batch lane's contracts take them: arguments in the shapes of contracts/types/Batch.sol."""

from __future__ import annotations

from typing import Any, Final

from edgebounty.protocol.batch.openings import Proof
from edgebounty.protocol.batch.tree import height_of
from edgebounty.protocol.batch.watching import Fault
from edgebounty.protocol.batch.wire import Bundle, Header
from edgebounty.protocol.hashing import abi_words
from edgebounty.protocol.types import to_address

NO_ADDRESS: Final = to_address(bytes(20))
NO_HEADER: Final = (NO_ADDRESS, 0, 0, 0, 0, 0, 0, 0, bytes(32), bytes(32), bytes(32), bytes(32))
BUNDLES, PAYOUTS, RECEIPTS, COMMIT_SETS = range(4)
"""Which of a batch's trees a demand is about: the contract's `Tree`."""
LEVELS_PER_ANSWER: Final = 5
_SHOWS_THE_HEADER_BEFORE: Final = frozenset({"strikeOwner", "rewindPayout", "rewindCount"})


def header_abi(header: Header | None) -> tuple[Any, ...]:
    """All zero for no header: before the first batch there is none."""
    if header is None:
        return NO_HEADER
    return (
        *(header.orchestrator, header.number, header.job, header.first_task, header.end_task, header.bundle_count),
        *(header.receipt_count, header.payout_count, header.bundles_root, header.payouts_root, header.data_digest),
        header.previous,
    )


def proof_args(fault: Fault, header: Header, previous: Header | None) -> tuple[Any, ...]:
    """What the function `fault.rule` of BatchChallenges takes."""
    headers = [header_abi(header)]
    if fault.rule in _SHOWS_THE_HEADER_BEFORE:
        headers.append(header_abi(previous))
    if fault.rule != "rewindPayout":
        return (*headers, *(opening.as_abi() for opening in fault.openings))
    index, new, old, near = fault.openings
    shown = (index, new.as_abi(), [] if old is None else [old.as_abi()], [opening.as_abi() for opening in near])
    return (*headers, shown)


def node_abi(tree: int, level: int, position: int, node: bytes, proof: Proof) -> tuple[Any, ...]:
    """A node to demand. Level 0 are the leaves."""
    return (tree, level, position, node, proof)


def root_abi(tree: int, root: bytes, leaf_count: int) -> tuple[Any, ...]:
    """The whole tree as a node to demand."""
    return node_abi(tree, height_of(leaf_count), 0, root, ())


def bundle_words(bundle: Bundle) -> bytes:
    """The bundle behind its leaf, as `answerLeaf` takes it."""
    numbers = (bundle.payout_index, bundle.account, bundle.start, bundle.count)
    return abi_words(*numbers) + bundle.receipts_root + bundle.sets_root + bundle.signature
