"""The batch lane's posting loop: closes batches, publishes their data, posts them, watches their windows, frees bonds.

What it knows is derived anew at every start: the final events say what was posted, the desk's journal what is in it.
Orders go through the outbox, so each is sent once, whatever dies in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgebounty.protocol.batch.building import Batch, build
from edgebounty.protocol.batch.openings import NotProven
from edgebounty.protocol.batch.publishing import encode_data
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.tree import PositionTree
from edgebounty.protocol.batch.watching import Fault, all_openings
from edgebounty.protocol.batch.wire import Header, Payout, bundle_leaves, encode_bundles, payouts_tree
from edgebounty.protocol.types import JobId
from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch import effects as e
from orchestrator.domain.batch import posting as p
from orchestrator.domain.batch.history import BatchPosted, History, LaneEvent
from orchestrator.domain.errors import Broken, RangeTooWide, Unavailable
from orchestrator.domain.values import BlockRef
from orchestrator.ports.batch import BatchChain, LaneLook
from orchestrator.ports.content import ContentKeeper
from orchestrator.ports.store import Order, OrderStatus, Outbox, reordered

_log = logging.getLogger(__name__)
WIDEST_RANGE = 10_000
KEPT_USABLE = 8  # a request names what its payee had earned by one batch: it may be some batches old when it is sent


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingSettings:
    """`most_age`: seconds from a batch's first receipt to its closing. Up to `calldata_receipts` go on chain whole."""

    most_age: int
    calldata_receipts: int
    rules: p.Rules


@dataclass(frozen=True, kw_only=True)
class Usable:
    """A batch by whose payouts can be withdrawn."""

    header: Header
    payouts: tuple[Payout, ...]

    @cached_property
    def tree(self) -> PositionTree:
        return payouts_tree(self.payouts)


class Poster:
    """`step` is one short cycle."""

    def __init__(
        self,
        *,
        desk: BatchDesk,
        chain: BatchChain,
        outbox: Outbox,
        books: Books,
        content: ContentKeeper,
        limits: p.LaneLimits,
        settings: PostingSettings,
        since: int,
        is_whole: Callable[[], bool] = lambda: True,
    ) -> None:
        """`since`: the first block that may hold a batch. `is_whole`: whether the desk knows all that was posted."""
        self._is_whole = is_whole
        self._desk = desk
        self._chain = chain
        self._outbox = outbox
        self._books = books
        self._content = content
        self._limits = limits
        self._settings = settings
        self._next_block = since
        self._range = WIDEST_RANGE
        self._seen: object = None
        self._settled: set[int] = set()
        self._told_settled: set[int] = set()
        self._usable: dict[int, Usable] = {}
        self._misstated = False
        self.has_looked = False  # at all that was posted, since the start
        self.history = History(me=desk.me, leaves_of=desk.book.leaves_of, prices_of=self._prices)
        self.waiting = ""  # what keeps a batch from being posted, and who acts
        self.lost: list[p.Ready] = []

    async def step(self) -> bool:
        """Whether there is more to do at once. Raises `Unavailable`: call again."""
        if not self._is_whole():
            return False
        await self._desk.close_batches(self._settings.most_age)
        # In this order: what is no longer on its way now is in the final block that is taken next.
        on_its_way = await asyncio.to_thread(self._on_its_way)
        final, head = self._books.final_header.ref, self._books.tip.ref
        if await self._read_events(final):
            return True
        sealed = self._sealed_count()
        seen = (final.hash, head.time, on_its_way, sealed)
        if not (sealed or self.history.batches):
            self.has_looked = True
        if seen == self._seen or not (sealed or self.history.batches):
            return False
        standing, ready = await self._look(final, head)
        self._seen, self.has_looked = seen, True
        if not on_its_way:
            await self._act(p.next_act(standing, ready, self._settings.rules, self._limits), final)
        return False

    def usable(self, payout_index: int, cumulative: int) -> Usable | None:
        """The newest batch whose window has passed and by which this index has earned exactly so much.

        Raises `Unavailable` until the chain was read after a start.
        """
        self._require_look()
        for number in sorted(self._usable, reverse=True):
            payouts = self._usable[number].payouts
            if payout_index < len(payouts) and payouts[payout_index].cumulative == cumulative:
                return self._usable[number]
        return None

    def earned(self, payout_index: int) -> int:
        """What can be withdrawn by now, base units, with what was withdrawn before. Raises as `usable`."""
        self._require_look()
        newest = self._usable.get(max(self._usable, default=-1))
        if newest is None or payout_index >= len(newest.payouts):
            return 0
        return newest.payouts[payout_index].cumulative

    def _require_look(self) -> None:
        if not self.has_looked:
            raise Unavailable(what="what was posted", reason="this orchestrator has just started")

    # --- seeing ---

    def _on_its_way(self) -> bool:
        orders = [*self._outbox.orders(OrderStatus.OPEN), *self._outbox.orders(OrderStatus.SENT)]
        return any(isinstance(order.effect, e.LaneEffect) for order in orders)

    def _sealed_count(self) -> int:
        return sum(len(batches.sealed) for batches in self._desk.book.batches.values())

    async def _read_events(self, final: BlockRef) -> bool:
        """Takes the next range of final events; whether there are more."""
        if self._next_block > final.number:
            return False
        last = min(final.number, self._next_block + self._range - 1)
        try:
            events = await self._chain.events(self._next_block, last)
        except RangeTooWide:
            if self._range == 1:
                raise
            self._range = max(1, self._range // 2)
            return True
        if events:
            await asyncio.to_thread(self._take, events)
        self._next_block = last + 1
        return last < final.number

    def _take(self, events: Sequence[LaneEvent]) -> None:
        for event in events:
            self.history.take(event)
        self._misstated = bool(self.history.batches) and not self.history.batches[-1].is_right
        if not all(isinstance(event, BatchPosted) for event in events):  # those before may have other payouts now
            self._usable.clear()
            self._settled.clear()

    async def _look(self, final: BlockRef, head: BlockRef) -> tuple[p.Standing, list[p.Ready]]:
        book, posted = self._desk.book, self.history.posted
        sealed = [
            (job, first)
            for job, batches in book.batches.items()
            for first in sorted(batches.sealed)
            if (job, first) not in posted and book.signed_bundles(job, first)
        ]
        count = len(self.history.batches)
        kept = range(max(0, count - self._limits.ring), count)
        look = await self._chain.look(final, [n for n in kept if n not in self._settled], {job for job, _ in sealed})
        self._check(look)
        standing = p.Standing(
            now=final.time,
            head=head.time,
            next=look.next,
            stated=look.stated,
            bonded=look.bonded,
            allotted=look.allotted,
            free_stake=look.free_stake,
            postable_at=look.postable_at,
            held=tuple(look.held[number] for number in sorted(look.held)),
            bonds_lost=self.history.bonds_lost,
            misstated=self._misstated and look.stated == look.next,
            refundable=await self._refundable(final),
        )
        await asyncio.to_thread(self._mature, standing, kept)
        for number in sorted(self._settled - self._told_settled):
            await self._tell_settled(self.history.batches[number].header)
            self._told_settled.add(number)
        ready = [self._ready(job, first, look) for job, first in sealed]
        self._tell_lost(p.lost(ready, standing))
        return standing, ready

    def _check(self, look: LaneLook) -> None:
        """The events told all that the views show. Else the node has left some out."""
        told = {n: self.history.batches[n].header.hash for n in look.header_hashes}
        if look.next != len(self.history.batches) or told != look.header_hashes:
            events = f"its events tell of {len(self.history.batches)} batches of ours"
            raise Unavailable(what="the batch lane", reason=f"{events}, its views of {look.next}, or of others")

    def _mature(self, standing: p.Standing, kept: range) -> None:
        """Notes whose payouts can be withdrawn, and which batches nothing can happen to any more."""
        over = [
            batch
            for batch in standing.held
            if batch.number < standing.stated
            and standing.now >= max(batch.posted_at, batch.stated_at) + self._limits.window
        ]
        self._settled.update(b.number for b in over if not (b.bond or b.restated_bond or b.aside))
        for number in [batch.number for batch in over][-KEPT_USABLE:]:
            posted = self.history.batches[number]
            if number not in self._usable and posted.is_right:
                self._usable[number] = Usable(header=posted.header, payouts=posted.payouts)
        for number in sorted(self._usable)[:-KEPT_USABLE]:
            del self._usable[number]
        for number in [n for n in self._usable if n not in kept]:
            del self._usable[number]

    async def _refundable(self, final: BlockRef) -> tuple[JobId, ...]:
        """Of jobs with a batch of which something was set aside: they were perhaps refunded before it came back."""
        damaged = [batch for batch in self.history.batches if batch.struck or batch.voided]
        jobs = sorted({JobId(batch.header.job) for batch in damaged})
        if not jobs:
            return ()
        amounts = await self._chain.refundable(final, jobs)
        return tuple(job for job, amount in amounts.items() if amount)

    async def _tell_settled(self, header: Header) -> None:
        job, book = JobId(header.job), self._desk.book
        kept = book.kept.get((job, header.first_task))
        if kept is not None and not kept.words:
            return  # the journal is without it already
        if not any((job, task) in book.unknown for task in range(header.first_task, header.end_task)):
            await self._desk.settled(job, header.first_task)

    def _ready(self, job: JobId, first: int, look: LaneLook) -> p.Ready:
        receipts = self._receipts(job, first)
        on_chain = look.jobs[job]
        return p.Ready(
            job=job,
            first=first,
            total=receipts * self._prices(job).cost,
            in_cid=receipts > self._settings.calldata_receipts,
            next_task=on_chain.next_task,
            closes=on_chain.deadline + self._limits.grace,
        )

    def _receipts(self, job: JobId, first: int) -> int:
        return sum(len(bundle.receipts) for bundle in self._desk.book.signed_bundles(job, first))

    def _prices(self, job: JobId) -> Prices:
        terms = self._desk.book.terms.get(job)
        if terms is None:
            raise Broken(
                f"the chain has a batch of job {job}, this database does not know it: put its newest copy back"
            )
        return Prices(price=terms.price, fee=terms.fee, slots=terms.slots)

    def _tell_lost(self, lost: list[p.Ready]) -> None:
        for batch in lost:
            if batch not in self.lost:
                extra = {"job": batch.job, "task": batch.first, "base_units": batch.total}
                _log.error("a batch came too late for its job: its workers can claim it (claimBundle)", extra=extra)
        self.lost = lost

    # --- acting ---

    async def _act(self, act: p.Act, final: BlockRef) -> None:
        reason = ""
        match act:
            case p.Wait() | p.Stop():
                reason = act.reason
            case p.Post():
                reason = await self._post(act, final)
            case p.PutUp():
                await self._order(e.PutUpBond(account=self._desk.me, amount=act.amount, at=final.number), final)
            case p.Release():
                await self._order(e.ReleaseBond(header=self._header(act.number), at=final.number), final)
            case p.GiveBack():
                await self._order(e.GiveBackAside(header=self._header(act.number), at=final.number), final)
            case p.RefundRest():
                await self._order(e.RefundRest(job=act.job, at=final.number), final)
            case p.Restate():
                await self._order(self._restatement(act.number, final), final)
        if reason and reason != self.waiting:
            _log.warning("no batch is posted now", extra={"reason": reason})
        self.waiting = reason

    async def _post(self, act: p.Post, final: BlockRef) -> str:
        """Orders it; or why that would cost the bond."""
        bundles = self._desk.book.signed_bundles(act.job, act.first)
        in_calldata = self._receipts(act.job, act.first) <= self._settings.calldata_receipts
        digest = bytes(32)
        if not in_calldata:
            digest = bytes(await self._content.keep(encode_data(bundle_leaves(bundles), bundles)))

        def make() -> tuple[Batch, Fault | None]:
            number = len(self.history.batches)
            batch = build(
                orchestrator=self._desk.me,
                number=number,
                job=act.job,
                tasks=self._desk.book.batch_of(act.job, act.first),
                bundles=bundles,
                prices=self._prices(act.job),
                payouts=self.history.payouts_before(number),
                previous=self.history.previous,
                data_digest=digest,
            )
            return batch, self._fault_of(batch)

        batch, fault = await asyncio.to_thread(make)
        if fault is not None:
            return f"the batch of job {act.job} from task {act.first} on would lose its bond: {fault.rule}"
        data = encode_bundles(bundles) if in_calldata else b""
        await self._order(e.PostBatch(header=batch.header, bundles=data), final)
        return ""

    def _fault_of(self, batch: Batch) -> Fault | None:
        """What a stranger could prove of its bundles. Its payouts were made by the rule that would judge them."""
        before = self.history.batches[-1].header if self.history.batches else None
        prices = self._prices(JobId(batch.header.job))
        case = Case(domain=self._desk.domain, prices=prices, header=batch.header, previous=before)
        for shown in all_openings(case, batch):
            if shown.rule.startswith("rewind"):
                return None
            try:
                shown.check(case)
            except NotProven:
                continue
            return shown
        return None

    def _restatement(self, number: int, final: BlockRef) -> e.RestatePayouts:
        right = self.history.restated(number)
        return e.RestatePayouts(
            header=self._header(number),
            payout_count=right.payout_count,
            payouts_root=right.payouts_root,
            previous=right.previous,
            at=final.number,
        )

    def _header(self, number: int) -> Header:
        return self.history.batches[number].header

    async def _order(self, effect: e.BatchEffect, final: BlockRef) -> None:
        if await asyncio.to_thread(give, self._outbox, effect, final):
            _log.info("ordered", extra={"order": effect.key})


def give(outbox: Outbox, effect: e.BatchEffect, final: BlockRef) -> bool:
    """Puts the order into the outbox unless it is there, or rests. Whether it is to be carried out now."""
    known: Order | None
    try:
        known = outbox.order(effect.key)
    except KeyError:
        known = None
    order = reordered(known, effect, final)
    if order is not None:
        outbox.update(order)
    return order is not None
