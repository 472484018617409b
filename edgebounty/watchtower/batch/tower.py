"""Follows the batch lane and judges every batch. What a fault is says `protocol.batch.watching`; `acts` sends.

Reads what is final into the journal, and what is newer each round anew: a reorganisation costs it nothing but a
transaction that reverts. Whatever it sends is decided from chain and data alone, so a restart decides the same.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from edgebounty.chain.batches import BatchContracts, LaneEvent
from edgebounty.chain.following import Book, Followed, Key, Lane
from edgebounty.chain.sender import Sender
from edgebounty.content import batches as published
from edgebounty.content.store import ContentError, ContentStore
from edgebounty.protocol.batch.building import Batch, next_payouts
from edgebounty.protocol.batch.calls import PAYOUTS
from edgebounty.protocol.batch.known import Known, decode_leaves, encode_leaves
from edgebounty.protocol.batch.openings import PayoutOpening
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.shown import Padded
from edgebounty.protocol.batch.watching import bundle_fault, count_fault, payout_fault
from edgebounty.protocol.batch.wire import NOBODY, Bundle, Payout, payouts_tree
from edgebounty.protocol.types import to_address
from edgebounty.watchtower.batch import demanded, findings
from edgebounty.watchtower.batch.acts import Hand
from edgebounty.watchtower.batch.demanded import Wanted
from edgebounty.watchtower.journal import Journal
from edgebounty.watchtower.rules import Finding

BLOCKS_AT_ONCE: Final = 2_000
MOST_STEPS: Final = 64
MOST_PADDING: Final = 1 << 20
NONE_BEFORE: Final[tuple[Payout, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A batch with everything that a rule may need. `before`: payouts on which it builds, None if not known.

    `times`: when it was posted and when its payouts were stated, Unix seconds; None once nothing of it can be proven.
    """

    batch: Followed
    known: Known | None
    before: tuple[Payout, ...] | None
    after: tuple[Payout, ...] | None
    prices: Prices
    times: tuple[int, int] | None

    def case(self, contracts: BatchContracts) -> Case:
        leaves = self.known.leaves if self.known else ()
        struck = self.batch.struck
        return Case(
            domain=contracts.domain,
            prices=self.prices,
            header=self.batch.header,
            previous=self.batch.previous,
            struck=struck,
            struck_receipts=sum(leaf.count for at, leaf in enumerate(leaves) if at in struck),
            voided=self.batch.voided,
            restated=self.batch.restater is not None,
        )

    def with_before(self, known: Known) -> Batch:
        """As the rules take it; without the payouts before where they are not the header's."""
        before: tuple[Payout, ...] = ()
        previous = self.batch.previous
        if previous is not None and self.before is not None and previous.payout_count - len(self.before) < MOST_PADDING:
            padded = (*self.before, *[NOBODY] * (previous.payout_count - len(self.before)))
            if payouts_tree(padded).root == previous.payouts_root:
                before = padded
        return Batch(
            header=self.batch.header, leaves=known.leaves, bundles=known.bundles, payouts_before=before, payouts=()
        )


class BatchTower:
    """Watches all orchestrators of one lane. With a `sender` it challenges; its account needs coin for gas, free stake
    for the deposits of demands, and stake allotted to itself to restate payouts."""

    def __init__(
        self,
        contracts: BatchContracts,
        content: ContentStore,
        journal: Journal,
        *,
        sender: Sender | None,
        tell: Callable[[], None],
        on_judged: Callable[[Followed, Known], None] = lambda batch, known: None,
    ) -> None:
        self._contracts, self._content, self._journal = contracts, content, journal
        self._hand = Hand(contracts, sender, self._note)
        self._tell, self._on_judged = tell, on_judged
        self._final = Lane()
        self._prices: dict[int, Prices] = {}
        self._known: dict[tuple[Key, bytes], Known] = {}  # with the bundles' root
        self._clean: dict[Key, tuple[object, ...]] = {}
        self._over: dict[Key, bytes] = {}
        self._looked_late: set[tuple[Key, bytes]] = set()
        self.unjudged: set[Key] = set()
        """Batches of which too little is known: their data, or what was paid before them."""
        self._afters: dict[Key, tuple[tuple[Payout, ...], frozenset[int], bool, tuple[Payout, ...]]] = {}
        self._next_try: dict[Key, float] = {}
        for stored in journal.lane_events():
            self._final.take(LaneEvent(**stored))

    def round(self, *, once: bool = False) -> int:
        """One look at everything that is open, again after each transaction. Returns the batches that were seen."""
        self._read()
        for _ in range(MOST_STEPS):
            lane = self._now()
            if not self._act(lane, once=once):
                break
        return sum(len(book.batches) for book in lane.books.values())

    # --- reading ---

    def _read(self) -> None:
        market = self._contracts.market
        final = market.final_block().number
        while (first := self._journal.lane_next_block(market.deployment.block)) <= final:
            last = min(final, first + BLOCKS_AT_ONCE - 1)
            events = self._contracts.events(first, last)
            self._final = _with(self._final, events)  # raises for what cannot be: then nothing of it is stored
            self._journal.lane_passed(last + 1, [dataclasses.asdict(event) for event in events])

    def _now(self) -> Lane:
        """With what is not final yet."""
        first = self._journal.lane_next_block(self._contracts.market.deployment.block)
        head = self._contracts.market.block().number
        return _with(self._final, self._contracts.events(first, head) if first <= head else [])

    # --- judging ---

    def _act(self, lane: Lane, *, once: bool) -> bool:
        """The next thing that is to be done, if anything is: whether the chain is another now."""
        if self._hand.enforce(lane):
            return True
        for book in lane.books.values():
            for judged in self._judge(lane, book, once=once):
                if self._answer(lane, judged) or self._challenge(lane, book, judged):
                    return True
        return False

    def _judge(self, lane: Lane, book: Book, *, once: bool) -> Iterator[Judged]:
        before: tuple[Payout, ...] | None = NONE_BEFORE
        for batch in book.batches:
            prices = self._prices_of(batch.header.job)
            times = self._times_of(batch, stated=batch.header.number < book.stated)
            after = self._kept_after(batch, before) if times is None else None
            known = None if after is not None else self._data(lane, batch, over=times is None, once=once)
            if after is None:
                after = self._after(batch, before, known, prices)
            unseen = times is not None and known is None and not batch.voided
            (self.unjudged.add if unseen or after is None else self.unjudged.discard)(batch.key)
            yield Judged(batch=batch, known=known, before=before, after=after, prices=prices, times=times)
            before = after

    def _times_of(self, batch: Followed, *, stated: bool) -> tuple[int, int] | None:
        if stated and self._over.get(batch.key) == batch.header.hash:
            return None
        times = self._contracts.times_of(batch.header)
        now = self._contracts.market.block().time
        if times is not None and not (stated and now >= max(times) + self._contracts.window):
            return times
        self._over[batch.key] = batch.header.hash
        self._known.pop((batch.key, batch.header.bundles_root), None)
        return None

    def _after(
        self, batch: Followed, before: tuple[Payout, ...] | None, known: Known | None, prices: Prices
    ) -> tuple[Payout, ...] | None:
        """The right payouts after this batch, None if they are not known."""
        leaves = known.leaves if known else self._old_leaves(batch)
        if before is None or (leaves is None and not batch.voided):
            return None
        kept = self._kept_after(batch, before)
        if kept is not None:
            return kept
        after = next_payouts(
            before,
            leaves or (),
            orchestrator=batch.header.orchestrator,
            prices=prices,
            struck=batch.struck,
            voided=batch.voided,
        )
        self._afters[batch.key] = (before, batch.struck, batch.voided, after)
        return after

    def _kept_after(self, batch: Followed, before: tuple[Payout, ...] | None) -> tuple[Payout, ...] | None:
        """As computed last time, while all is as it was: there may be thousands of batches and of payees."""
        kept = self._afters.get(batch.key)
        if kept is None or kept[0] is not before or kept[1:3] != (batch.struck, batch.voided):
            return None
        return kept[3]

    def _challenge(self, lane: Lane, book: Book, judged: Judged) -> bool:
        batch, known = judged.batch, judged.known
        stated = batch.header.number < book.stated
        seen = (batch.header.hash, batch.struck, batch.voided, batch.restater, stated)
        state = (*seen, id(known), judged.before, len(lane.asked), len(lane.demands))
        if judged.times is None:
            self._look_late(judged)
            return False
        if self._clean.get(batch.key) == state:
            return False
        late = self._contracts.market.block().time >= judged.times[0] + self._contracts.window
        if not stated and judged.after is not None and self._hand.restate(book, batch, judged.after):
            return True
        if self._challenge_bundles(lane, judged, late=late):
            return True
        if stated and self._challenge_payouts(lane, judged):
            return True
        if known is not None and stated and _enough(batch, known):
            self._clean[batch.key] = state
        return False

    def _challenge_bundles(self, lane: Lane, judged: Judged, *, late: bool) -> bool:
        if late:
            self._look_late(judged)
            return False
        if judged.batch.voided:
            return False
        if judged.known is None or not _enough(judged.batch, judged.known):
            wanted = self._unknown(lane, judged)
            if wanted and any(judged.batch.header.data_digest) and self._hand.demand(lane, judged.batch, wanted):
                return True
        if judged.known is None:
            return False
        fault = bundle_fault(judged.case(self._contracts), judged.with_before(judged.known))
        if fault is None:
            self._on_judged(judged.batch, judged.known)
            return False
        return self._hand.prove(judged.batch, fault)

    def _look_late(self, judged: Judged) -> None:
        """Tells a fault of the bundles that nobody can prove any more: what was paid by it stays paid."""
        batch, known = judged.batch, judged.known
        looked = (batch.key, batch.header.bundles_root)
        if known is None or batch.voided or looked in self._looked_late:
            return
        if _enough(batch, known):
            self._looked_late.add(looked)
        fault = bundle_fault(judged.case(self._contracts), judged.with_before(known))
        if fault is not None:
            self._note(findings.late_fault(batch, fault))

    def _challenge_payouts(self, lane: Lane, judged: Judged) -> bool:
        header = judged.batch.header
        case = judged.case(self._contracts)
        before = judged.with_before(judged.known or Known(leaves=(), bundles=()))
        if judged.known is not None:
            too_small = count_fault(case, before)
            if too_small is not None:
                return self._hand.prove(judged.batch, too_small)
        if judged.after is None:
            return False
        right = Padded(
            [payout.leaf for payout in judged.after[: header.payout_count]], header.payout_count, NOBODY.leaf
        )
        if right.root == header.payouts_root:
            return False
        self._note(findings.wrong_payouts(judged.batch, right.root))
        tree = (PAYOUTS, 0, header.payouts_root)
        shown = lane.shown_of(judged.batch, tree, header.payout_count)
        at = shown.first_other(right)
        if at is None:
            return False
        if at[0] or at[1] not in shown.leaves:
            return self._hand.demand(lane, judged.batch, [demanded.wanted_of(tree, shown, at)])
        word = shown.leaves[at[1]]
        payout = Payout(account=to_address(word[:20]), cumulative=int.from_bytes(word[20:], "big"))
        opening = PayoutOpening(payout=payout, proof=shown.proof(*at))
        fault = payout_fault(case, before, at[1], opening) if before.leaves or judged.batch.voided else None
        return fault is not None and self._hand.prove(judged.batch, fault)

    def _answer(self, lane: Lane, judged: Judged) -> bool:
        for number, asked in list(lane.demands.items()):
            if asked.batch == judged.batch.key and self._hand.may_answer(number, asked):
                answer = demanded.answer_to(judged.batch, judged.known, judged.after, asked)
                if answer is not None and self._hand.answer(number, judged.batch, answer):
                    return True
        return False

    # --- data ---

    def _unknown(self, lane: Lane, judged: Judged) -> list[Wanted]:
        """What to demand of a batch whose data is not to be had, half an answer time after it was posted."""
        now = self._contracts.market.block().time
        if judged.times is None or now < judged.times[0] + self._contracts.answer_time / 2:
            return []
        return demanded.of_demands(lane, judged.batch, judged.known)[1]

    def _data(self, lane: Lane, batch: Followed, *, over: bool, once: bool) -> Known | None:
        """`over`: nothing of it can be proven any more, so its leaves are enough if they are stored."""
        root = batch.header.bundles_root
        place = (batch.key, root)
        known = self._known.get(place)
        if known is not None and _enough(batch, known):
            return known
        if any(key == batch.key for key, _ in lane.answers):
            shown, wanted = demanded.of_demands(lane, batch, known)
            if shown is not None and not wanted:
                self._known[place] = shown
                return shown
        if known is not None:
            return known
        if over and self._journal.leaves(root) is not None:
            return None
        if not once and time.monotonic() < self._next_try.get(batch.key, 0):
            return demanded.of_demands(lane, batch)[0]
        try:
            known = published.load(batch.header, self._content, lambda: self._contracts.calldata_of(batch.tx_hash))
        except ContentError as error:
            self._next_try[batch.key] = time.monotonic() + min(self._contracts.answer_time / 4, 60)
            self._note(findings.missing(batch, error))
            return demanded.of_demands(lane, batch)[0]
        if known is not None:
            self._known[place] = known
            self._journal.keep_leaves(root, encode_leaves(known.leaves))
        return known

    def _old_leaves(self, batch: Followed) -> tuple[Bundle, ...] | None:
        stored = self._journal.leaves(batch.header.bundles_root)
        return None if stored is None else decode_leaves(stored)

    def _prices_of(self, job: int) -> Prices:
        if job not in self._prices:
            self._prices[job] = self._contracts.prices_of(job)
        return self._prices[job]

    def _note(self, finding: Finding) -> None:
        self._journal.note([finding])
        self._tell()


def _enough(batch: Followed, known: Known) -> bool:
    """Whether that is all that can be known: of calldata the commit sets are behind their root only."""
    return known.whole or not any(batch.header.data_digest)


def _with(lane: Lane, events: list[LaneEvent]) -> Lane:
    if not events:
        return lane
    lane = lane.copy()
    for event in events:
        lane.take(event)
    return lane
