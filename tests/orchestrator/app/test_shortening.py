"""A journal without what led to settled batches tells the same, whatever else is in it and between it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from edgebounty.protocol.types import Digest
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.app import shortening
from orchestrator.app.shortening import gist, replayed, shorten, shortened
from orchestrator.domain.batch import facts as f
from orchestrator.domain.batch.decide import BatchDecision
from orchestrator.domain.policy import VerificationPolicy
from orchestrator.ports.journal import Entry, JobOpened, OutputKept
from tests.orchestrator.domain.batch_kit import JOB, Desk, Hand, make_terms
from tests.orchestrator.domain.test_batch_decide import HostileWorkers

WRONG = Digest(b"\x66" * 32)


class Kept(Desk):
    """A desk with a journal."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.entries: list[Entry] = [JobOpened(terms=self.terms)]

    def take(self, fact: f.BatchFact) -> BatchDecision:
        decision = super().take(fact)
        self.entries.append(fact)
        return decision

    def close(self, most_age: int = 1 << 40) -> None:
        for closing in self.book.closings(JOB, self.now, most_age):
            self.book.close(closing)
            self.entries.append(closing)

    def settle(self, *firsts: int) -> list[Entry]:
        return [*self.entries, *(f.BatchSettled(job=JOB, first=first) for first in firsts)]


class Journaled(HostileWorkers):
    """The hostile workers, checks and all. What is sealed is settled, in any selection."""

    def __init__(self) -> None:
        super().__init__()
        terms = make_terms(tasks=5, span=2, copies=2, quorum=2, policy=VerificationPolicy.STANDARD)
        self.desk: Kept = Kept(terms)

    @rule(task=st.integers(0, 4))
    def run_it(self, task: int) -> None:
        self.tried(self.desk.run, task)

    @rule(task=st.integers(0, 4), who=st.sampled_from([(0, 1), (1, 2), (3, 0), (4, 2)]))
    def two_do_it(self, task: int, who: tuple[int, int]) -> None:
        hands = [self.hands[i] for i in who]
        for act in (self.desk.claim, self.desk.commit, self.desk.show):
            for hand in hands:
                if act == self.desk.show and task not in hand.salts:
                    continue
                self.tried(act, hand, task)
        self.run_it(task)
        for hand in hands:
            if task in hand.salts:
                self.tried(self.desk.sign, hand, task)

    def accepted_receipts_name_the_quorums_result_once_a_worker(self) -> None:
        """Not here: our own run decides, however few were right."""

    def teardown(self) -> None:
        sealed = sorted(self.batches.sealed)
        for chosen in (sealed, sealed[:1], sealed[1:], sealed[:1] + sealed[2:]):
            entries = self.desk.settle(*chosen)
            short = shortened(entries)
            batches = {(JOB, first) for first in chosen}
            assert gist(replayed(short), batches) == gist(replayed(entries), batches)
            assert not chosen or len(short) < len(entries)
            again = shortened([*short, *(f.BatchSettled(job=JOB, first=first) for first in sealed)])
            everything = {(JOB, first) for first in sealed}
            assert gist(replayed(again), everything) == gist(replayed(entries), everything)


@pytest.mark.property
class TestJournaled(Journaled.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=15, stateful_step_count=25, deadline=None)


def done(desk: Kept, task: int, *hands: Hand, digest: Digest | None = None) -> None:
    for hand in hands:
        desk.claim(hand, task)
    for hand in hands:
        desk.commit(hand, task, digest)
    for hand in hands:
        desk.show(hand, task)
    desk.run(task)
    if digest is None:
        for hand in hands:
            desk.sign(hand, task)


ANN, BOB, EVE, NEW = (Hand(f"kept {name}") for name in ("ann", "bob", "eve", "new"))


def two_batches() -> Kept:
    """In the first Ann and Bob earn indices and a record and Eve is caught; the second is decided by that."""
    desk = Kept(make_terms(tasks=5, span=3, copies=2, quorum=2, policy=VerificationPolicy.STANDARD))
    done(desk, 0, ANN, BOB)
    done(desk, 1, ANN, BOB)
    desk.claim(EVE, 2)
    desk.claim(NEW, 2)
    for hand, digest in ((EVE, WRONG), (NEW, None)):
        desk.commit(hand, 2, digest)
    for hand in (EVE, NEW):
        desk.show(hand, 2)
    desk.run(2)
    desk.sign(NEW, 2)
    desk.close(most_age=0)
    for hand in (ANN, BOB):
        desk.claim(hand, 3)
    for hand in (ANN, BOB):
        desk.commit(hand, 3)
    for hand in (ANN, BOB):
        desk.show(hand, 3)
    desk.sign(BOB, 3)
    return desk


@pytest.mark.unit
def test_shortened__what_came_after_was_decided_on_what_is_dropped__it_is_decided_alike() -> None:
    desk = two_batches()
    assert desk.book.batch_of(JOB, 3)[0] == 3
    entries = desk.settle(0)

    short = shortened(entries)

    book = replayed(short)
    assert book.payees == {1: ANN.address, 2: BOB.address, 3: NEW.address}
    assert list(book.standing.caught) == [EVE.address]
    assert book.standing.passed[ANN.address] == 2
    assert book.task(JOB, 3) == desk.book.task(JOB, 3)
    assert {i: book.task(JOB, i).digest for i in range(3)} == {i: desk.book.task(JOB, i).digest for i in range(3)}
    assert not any(isinstance(entry, f.BatchFact) and entry.task < 3 for entry in short)
    assert gist(book, {(JOB, 0)}) == gist(desk.book, {(JOB, 0)})


@pytest.mark.unit
def test_shortened__outputs_and_requests_that_ended__one_entry_each_or_none() -> None:
    desk = two_batches()
    asked = f.WithdrawalAsked(
        account=ANN.address, payout_index=1, cumulative=5, receiver=ANN.address, until=9, signature=b"a", now=1
    )
    open_one = f.WithdrawalAsked(
        account=BOB.address, payout_index=2, cumulative=5, receiver=BOB.address, until=9, signature=b"b", now=1
    )
    ended = f.WithdrawalEnded(payout_index=1, signature=b"a")
    outputs = [OutputKept(job=JOB, task=0), OutputKept(job=JOB, task=3)]
    entries = [*desk.settle(0), asked, open_one, ended, *outputs]

    short = shortened(entries)

    assert [entry for entry in short if isinstance(entry, f.WithdrawalAsked | f.WithdrawalEnded)] == [open_one]
    assert [entry for entry in short if isinstance(entry, OutputKept)] == [outputs[1]]
    (kept,) = (entry for entry in short if isinstance(entry, f.BatchKept))
    assert kept.outputs == (0,)


@pytest.mark.unit
def test_shorten__a_shortening_that_would_lose_something__leaves_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    store, desk = MemoryStore(), two_batches()
    store.append(desk.settle(0))
    before = store.entries()
    with monkeypatch.context() as patched:
        patched.setattr(shortening, "shortened", lambda entries: shortened(entries)[:-1])
        assert shorten(store) == 0
        assert store.entries() == before
    assert shorten(store) == len(before) - len(store.entries()) > 10
    assert shorten(store) == 0
