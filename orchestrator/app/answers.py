"""Answers what others ask of this orchestrator's batches: data that is demanded, bundles that are said to be missing.

Silence costs the bond, so this does not wait for final blocks: an answer to what was taken back is refused, and
forgotten when its time is over.
"""

from __future__ import annotations

import asyncio
import logging

from edgebounty.protocol.batch.answering import answer
from edgebounty.protocol.batch.openings import open_bundle
from edgebounty.protocol.batch.wire import bundles_tree
from edgebounty.protocol.types import JobId
from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.app.poster import Poster, give
from orchestrator.domain.batch.effects import AnswerDemand, BatchEffect, ShowBundle
from orchestrator.domain.errors import RangeTooWide
from orchestrator.ports.batch import BatchChain, Claimed, Demanded
from orchestrator.ports.store import Outbox

_log = logging.getLogger(__name__)
WIDEST_RANGE = 10_000


class Answers:
    """`step` is one short cycle."""

    def __init__(
        self, *, desk: BatchDesk, poster: Poster, chain: BatchChain, outbox: Outbox, books: Books, since: int
    ) -> None:
        self._desk = desk
        self._poster = poster
        self._chain = chain
        self._outbox = outbox
        self._books = books
        self._next_block = since
        self._range = WIDEST_RANGE
        self._seen: object = None
        self._open: dict[Demanded | Claimed, BatchEffect | None] = {}

    async def step(self) -> bool:
        """Whether there is more to do at once. Raises `Unavailable`: call again."""
        final, head = self._books.final_header.ref, self._books.tip.ref
        batches = len(self._poster.history.batches)
        if not self._poster.has_looked or (head.hash, batches) == self._seen:
            return False
        if not batches:
            self._next_block = max(self._next_block, final.number + 1)  # nobody can ask for what was not posted
            return False
        last = min(head.number, self._next_block + self._range - 1)
        try:
            asked = await self._chain.asked(self._next_block, last) if last >= self._next_block else ()
        except RangeTooWide:
            if self._range == 1:
                raise
            self._range = max(1, self._range // 2)
            return True
        for one in asked:
            self._open.setdefault(one, None)
        self._next_block = min(last, final.number) + 1
        for one in [one for one in self._open if head.time >= one.deadline]:
            del self._open[one]
        for one, known in list(self._open.items()):
            effect = known if known is not None else await asyncio.to_thread(self._effect, one)
            self._open[one] = effect
            if effect is not None and await asyncio.to_thread(give, self._outbox, effect, final):
                _log.info("answering", extra={"order": effect.key, "until": one.deadline})
        if last < head.number:
            return True
        self._seen = (head.hash, batches)
        return False

    def _effect(self, asked: Demanded | Claimed) -> BatchEffect | None:
        """None while the batch is not final, or if there is nothing to show."""
        match asked:
            case Demanded():
                return self._answer(asked)
            case Claimed():
                return self._inclusion(asked)

    def _answer(self, demanded: Demanded) -> AnswerDemand | None:
        batches = self._poster.history.batches
        if demanded.number >= len(batches):
            return None
        batch = batches[demanded.number]
        bundles = self._desk.book.signed_bundles(JobId(batch.header.job), batch.header.first_task)
        found = answer(demanded.asked, batch.leaves, bundles, batch.payouts)
        if found is None:
            return None
        node = demanded.asked.node
        return AnswerDemand(demand=demanded.demand, node=node, nodes=found.nodes, leaf=found.leaf)

    def _inclusion(self, claimed: Claimed) -> ShowBundle | None:
        for batch in self._poster.history.batches:
            header = batch.header
            if (header.job, header.first_task) != (claimed.job, claimed.first_task):
                continue
            for position, leaf in enumerate(batch.leaves):
                if leaf.account == claimed.worker and leaf.count >= claimed.count:
                    shown = open_bundle(batch.leaves, bundles_tree(batch.leaves), position)
                    return ShowBundle(claim=claimed.claim, header=header, shown=shown)
        return None
