"""Two nodes of different operators instead of one: what only one of them says is not believed.

A node that lies, or stands on a fork of its own, could make an orchestrator send the wrong transactions. With a
witness nothing is taken in, neither seen nor final, before both have told the same blocks and the same events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from edgebounty.protocol.types import Address
from orchestrator.domain.errors import NodesDisagree, RangeTooWide, Unavailable
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.values import BlockRef
from orchestrator.ports.chain import ChainReader, Header, StakeReader

_T = TypeVar("_T")


class WitnessedReader:
    """Fulfils `ChainReader` and `StakeReader`. Raises `NodesDisagree` where the two contradict each other.

    The slower of the two sets the pace; one that does not answer stops both (`Unavailable`): waiting loses nothing.
    """

    def __init__(self, node: ChainReader, witness: ChainReader, *, stakes: StakeReader) -> None:
        self._node = node
        self._witness = witness
        self._stakes = stakes

    async def head(self) -> Header:
        ours, theirs = await asyncio.gather(self._node.head(), _of_witness(self._witness.head()))
        if ours.ref.number <= theirs.ref.number:
            return ours
        return await self._node.block(theirs.ref.number) or ours  # unfinal: forks may differ here for a moment

    async def final(self, head: Header) -> Header:
        ours = await self._node.final(head)
        theirs = await _of_witness(self._witness.final(head))
        if ours.ref.number > theirs.ref.number:
            found = await self._node.block(theirs.ref.number)
            if found is None:
                raise Unavailable(what="a final block", reason=f"the node does not know block {theirs.ref.number}")
            ours = found
        else:
            block = await _of_witness(self._witness.block(ours.ref.number))
            if block is None:
                raise Unavailable(what="the witness", reason=f"it does not know block {ours.ref.number}")
            theirs = block
        if ours.ref.hash != theirs.ref.hash:
            raise NodesDisagree(
                what=f"final block {ours.ref.number}",
                node="0x" + ours.ref.hash.hex(),
                witness="0x" + theirs.ref.hash.hex(),
            )
        return ours

    async def block(self, number: int) -> Header | None:
        return await self._node.block(number)

    async def facts_of(self, block: BlockRef) -> tuple[ChainFact, ...]:
        ours = await self._node.facts_of(block)
        theirs = await _of_witness(self._witness.facts_of(block))
        return _agreed(ours, theirs, f"the events of block {block.number}")

    async def facts_between(self, first: int, last: int) -> tuple[ChainFact, ...]:
        ours = await self._node.facts_between(first, last)
        theirs = await _of_witness(self._witness.facts_between(first, last))
        return _agreed(ours, theirs, f"the events of blocks {first} to {last}")

    async def stakes(self, worker: Address, block_number: int) -> tuple[int, int]:
        """For offers only: a wrong one costs a worker a question to the chain."""
        return await self._stakes.stakes(worker, block_number)


def _agreed(ours: tuple[ChainFact, ...], theirs: tuple[ChainFact, ...], what: str) -> tuple[ChainFact, ...]:
    """`ours`, if both hold the same facts, in whatever order and however often."""
    if set(ours) == set(theirs):
        return ours
    raise NodesDisagree(what=what, node=_named(set(ours) - set(theirs)), witness=_named(set(theirs) - set(ours)))


def _named(facts: set[ChainFact]) -> str:
    """What only one of the two tells."""
    places = sorted((f.ref.block.number, f.ref.log_index, type(f).__name__) for f in facts)
    if not places:
        return "nothing more"
    number, _, kind = places[0]
    return f"{kind} in block {number}" + (f" and {len(places) - 1} more" if len(places) > 1 else "")


async def _of_witness(answer: Awaitable[_T]) -> _T:
    """An error of the witness, named as such."""
    try:
        return await answer
    except RangeTooWide:
        raise
    except Unavailable as error:
        raise Unavailable(what=f"the witness node ({error.what})", reason=error.reason) from error
