"""The watch loop: follows the chain, one block after the other, and keeps both cursors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from orchestrator.app.books import Books, fold_block, in_order, merged
from orchestrator.app.failpoint import Step, failpoint
from orchestrator.domain.errors import (
    DeepReorganisation,
    FactRefused,
    NodesDisagree,
    RangeTooWide,
    Rejected,
    Unavailable,
)
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.market import Decision
from orchestrator.ports.chain import ChainReader, Header
from orchestrator.ports.store import MarketStore, SeenBlock, Snapshot

_log = logging.getLogger(__name__)
WIDEST_RANGE = 2048
STEPS_BEFORE_WIDER = 16  # after a refusal: each refusal may cost a time-out
_REFUSALS = 5


class Watcher:
    """Moves `seen` and `final` forward. `step` may be called as often as one likes; each call is one short cycle."""

    def __init__(self, *, reader: ChainReader, store: MarketStore, books: Books) -> None:
        self._reader = reader
        self._store = store
        self._books = books
        self._range = WIDEST_RANGE
        self._before_wider = 0
        self._refusals = 0
        self.head: Header | None = None
        self.disagreement = ""  # of the node and its witness; while there is one, nothing may be sent
        self.reorganisations = 0

    async def step(self) -> bool:
        """One cycle; whether anything moved. Raises `Unavailable` (call again) or `Broken` (stop)."""
        try:
            moved = await self._cycle()
        except NodesDisagree as error:
            if not self.disagreement:
                _log.error("alarm: the nodes disagree", extra={"reason": error.reason})
            self.disagreement = error.reason
            raise
        except Rejected as refused:
            self._refusals += 1
            snapshot = await asyncio.to_thread(self._forget_unfinal)
            self._books.restore(snapshot)
            if self._refusals >= _REFUSALS:
                raise FactRefused(fact=refused.by, reason=refused.reason) from refused
            raise Unavailable(what="the node's log", reason=refused.reason) from refused
        self.disagreement = ""
        if moved:
            self._refusals = 0
        return moved

    async def _cycle(self) -> bool:
        head = await self._reader.head()
        self.head = head
        # Nothing else may be decided before we stand on the node's chain again.
        if head.ref.hash != self._books.tip.ref.hash and not await self._drop_unlinked(head):
            return False
        final = await self._reader.final(head)
        moved = await self._advance_final(final)
        if self._books.tip.ref.number < final.ref.number:
            return await self._catch_up(final) or moved
        return await self._follow(head) or moved

    async def _drop_unlinked(self, head: Header) -> bool:
        """Go back to the common ancestor. False if the node is merely behind; raises `DeepReorganisation`."""
        books = self._books
        kept = len(books.seen)
        while kept:
            ours = books.seen[kept - 1].header.ref
            theirs = await self._reader.block(ours.number)
            if theirs is None:
                if await self._is_behind(head):
                    return False
            elif theirs.ref.hash == ours.hash:
                break
            kept -= 1
        if not kept:
            ours = books.final_header.ref
            theirs = await self._reader.block(ours.number)
            if theirs is None:
                return False
            if theirs.ref.hash != ours.hash:
                raise DeepReorganisation(number=ours.number, stored=ours.hash, found=theirs.ref.hash)
        if kept < len(books.seen):
            dropped = len(books.seen) - kept
            self.reorganisations += 1
            _log.warning("reorganisation", extra={"depth": dropped, "block": books.tip.ref.number - dropped})
            del books.seen[kept:]
            await asyncio.to_thread(self._store.save_seen, keep_up_to=books.tip.ref.number, blocks=())
            failpoint(Step.REORGANISATION_SAVED)
            books.rebuild_soft()
        return True

    async def _is_behind(self, head: Header) -> bool:
        """Whether the node's head is a block of ours: then it only lags, and nothing was taken back."""
        books = self._books
        known = {block.header.ref.number: block.header.ref.hash for block in books.seen}
        known[books.final_header.ref.number] = books.final_header.ref.hash
        return head.ref.number < books.final_header.ref.number or known.get(head.ref.number) == head.ref.hash

    async def _follow(self, head: Header) -> bool:
        """Take in unfinal blocks one by one, asked by hash."""
        blocks: list[SeenBlock] = []
        parent = self._books.tip
        while parent.ref.number < head.ref.number:
            header = await self._reader.block(parent.ref.number + 1)
            if header is None or header.parent_hash != parent.ref.hash:
                break  # the chain moved under us; the next cycle finds the ancestor
            facts = await self._reader.facts_of(header.ref)
            blocks.append(SeenBlock(header=header, facts=tuple(in_order(facts))))
            parent = header
        if not blocks:
            return False
        failpoint(Step.SEEN_READ)
        keep = self._books.tip.ref.number
        await asyncio.to_thread(self._store.save_seen, keep_up_to=keep, blocks=blocks)
        failpoint(Step.SEEN_SAVED)
        self._books.extend_soft(blocks)
        return True

    async def _advance_final(self, final: Header) -> bool:
        """Move seen blocks that became final into the final state."""
        books = self._books
        ready = [block for block in books.seen if block.header.ref.number <= final.ref.number]
        if not ready:
            return False
        last = ready[-1].header
        if last.ref.number == final.ref.number and last.ref.hash != final.ref.hash:
            return False  # seen on another fork: the next cycle drops it first
        decisions: list[Decision] = []
        for block in ready:
            is_last = block.header is last
            decisions += fold_block(books.final, block.facts, block.header.ref, look_for_due=is_last)
        await self._save_final(last, [fact for block in ready for fact in block.facts], decisions)
        books.seen = books.seen[len(ready) :]
        books.rebuild_soft()
        return True

    async def _catch_up(self, final: Header) -> bool:
        """Read final blocks by range, halving it when the node wants less."""
        books = self._books
        first = books.final_header.ref.number + 1
        last = min(final.ref.number, first + self._range - 1)
        end = final if last == final.ref.number else await self._reader.block(last)
        if end is None:
            return False
        try:
            facts = in_order(await self._reader.facts_between(first, last))
        except RangeTooWide as error:
            if first == last:
                raise
            self._range = (last - first + 1) // 2
            self._before_wider = STEPS_BEFORE_WIDER
            _log.info("log range halved", extra={"blocks": self._range, "reason": error.reason})
            if not error.at_once:
                raise
            return True
        if self._before_wider:
            self._before_wider -= 1
        else:
            self._range = min(WIDEST_RANGE, self._range * 2)
        await self._save_final(end, facts, fold_block(books.final, facts, end.ref))
        books.rebuild_soft()
        return True

    async def _save_final(self, final: Header, facts: Sequence[ChainFact], decisions: Sequence[Decision]) -> None:
        failpoint(Step.FINAL_DECIDED)
        await asyncio.to_thread(
            self._store.save_final,
            final=final,
            facts=facts,
            decision=merged(decisions),
            digest=self._books.final.state_digest,
        )
        failpoint(Step.FINAL_SAVED)
        self._books.final_header = final

    def _forget_unfinal(self) -> Snapshot:
        self._store.save_seen(keep_up_to=-1, blocks=())
        return self._store.load()
