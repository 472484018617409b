"""Reads back what the chain has of our batches and the journal does not: it was lost, or an old copy was put back.

From posted data follow who has which payout index, what everybody has earned, and which tasks are done. What was
accepted and not posted yet is lost to us: its workers have our signature, and claim it on chain.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from edgebounty.protocol.types import JobId
from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.app.poster import WIDEST_RANGE
from orchestrator.domain.batch.due import Place
from orchestrator.domain.batch.facts import BatchKept, KeptWords, ResultFound
from orchestrator.domain.batch.history import BatchPosted
from orchestrator.domain.batch.values import BatchTerms
from orchestrator.domain.errors import Broken, RangeTooWide, Unavailable
from orchestrator.ports.batch import BatchChain, PostedData
from orchestrator.ports.chain import ChainReader
from orchestrator.ports.content import ContentKeeper

_log = logging.getLogger(__name__)
TermsOf = Callable[[JobId], Awaitable[BatchTerms]]


class Recovery:
    """`step` until `is_whole`; nothing is given out, accepted or posted before that. Then `find` for the results."""

    def __init__(
        self,
        *,
        desk: BatchDesk,
        books: Books,
        chain: BatchChain,
        blocks: ChainReader,
        data: PostedData,
        keeper: ContentKeeper,
        terms_of: TermsOf,
        since: int,
    ) -> None:
        """`since`: the first block that may hold a batch."""
        self._desk = desk
        self._books = books
        self._chain = chain
        self._blocks = blocks
        self._data = data
        self._keeper = keeper
        self._terms_of = terms_of
        self._next_block = since
        self._range = WIDEST_RANGE
        self._until: int | None = None  # the final block when we started: our own books have to be there first
        self._lacking: list[BatchPosted] = []
        self._disputed: set[Place] = set()
        self.is_whole = False

    async def step(self) -> bool:
        """Whether there is more to do at once. Raises `Unavailable` (call again), `Broken` if nothing fits together."""
        if self.is_whole:
            return False
        if self._until is None:
            self._until = (await self._blocks.final(await self._blocks.head())).ref.number
        final = self._books.final_header.ref
        if final.number < self._until:
            return False
        if not self._lacking and (await self._chain.look(final, [], [])).next <= self._known():
            self.is_whole = True
            return False
        if self._next_block <= final.number:
            await self._read(final.number)
            return True
        if not self._lacking:
            raise Unavailable(what="our batches", reason="the node's views show some that its events do not")
        for posted in self._lacking:
            await self._take_back(posted)
        _log.warning("batches taken back from what was posted", extra={"count": len(self._lacking)})
        self._lacking, self.is_whole = [], True
        return False

    async def find(self) -> bool:
        """Runs one task whose result is known in part; whether there may be more to do at once."""
        for place, begun in list(self._desk.book.unknown.items()):
            manifest, results = self._desk.manifest(place[0]), self._desk.results(place[0])
            if manifest is None or place in self._disputed:
                continue
            try:
                digest = await self._keeper.compute(manifest, place[1], results)
            except KeyError:  # a result that it reads is not known yet
                continue
            if digest[:27] != begun:
                self._disputed.add(place)
                reason = f"its receipts begin with 0x{begun.hex()}, computed here it is 0x{digest.hex()}"
                _log.error("accepted result is wrong", extra={"job": place[0], "task": place[1], "reason": reason})
                return True
            await self._desk.found(ResultFound(job=place[0], task=place[1], digest=digest))
            return True
        return False

    def _known(self) -> int:
        return sum(len(batches.sealed) for batches in self._desk.book.batches.values())

    async def _read(self, final: int) -> None:
        last = min(final, self._next_block + self._range - 1)
        try:
            events = await self._chain.events(self._next_block, last)
        except RangeTooWide:
            if self._range == 1:
                raise
            self._range = max(1, self._range // 2)
            return
        posted = [event for event in events if isinstance(event, BatchPosted)]
        self._lacking += [one for one in posted if not self._has(JobId(one.header.job), one.header.first_task)]
        self._next_block = last + 1

    def _has(self, job: JobId, first: int) -> bool:
        batches = self._desk.book.batches.get(job)
        return batches is not None and first in batches.sealed

    async def _take_back(self, posted: BatchPosted) -> None:
        header = posted.header
        job = JobId(header.job)
        if self._has(job, header.first_task):
            return  # before something was not available
        known = await self._data.read(posted)
        terms = await self._terms_of(job)
        if self._desk.book.terms.get(job, terms) != terms:
            raise Broken(f"job {job} was opened with other terms: {self._desk.book.terms[job]}, and now {terms}")
        kept = BatchKept(
            job=job,
            first=header.first_task,
            end=header.end_task,
            leaves=known.leaves,
            words=tuple(
                KeptWords(
                    receipts=b"".join(receipt.word for receipt in bundle.receipts),
                    commit_sets=b"".join(bundle.commit_sets),
                )
                for bundle in known.bundles
            ),
        )
        await self._desk.take_back(terms, kept)
