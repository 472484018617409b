"""What the orchestrator does next, on the executable model of the lane: nothing that it decides is ever refused."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.batch.building import Batch, build, restated
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.batch.wire import Bundle, SignedBundle, bundle_leaves, payouts_tree
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, JobId, to_address
from orchestrator.domain.batch import posting as p
from orchestrator.domain.batch.history import (
    BatchPosted,
    BatchVoided,
    BondLost,
    BundleStruck,
    History,
    PayoutsRestated,
)
from orchestrator.domain.errors import Broken
from tests.model.ledger import Ledger, Refused, Times
from tests.model.people import Plan, account_of

ORC, MALLORY, EVE, WATCH, REQUESTER = map(account_of, ("orc", "mallory", "eve", "watch", "requester"))
WORKERS = ("ann", "bob", "cem", "dia")
PRICES = Prices(price=100, fee=3, slots=3)
DOMAIN = Domain(chain_id=31337, verifying_contract=to_address(b"\x0b" * 20))
TIMES = Times()
LIMITS = p.LaneLimits(
    window=TIMES.window,
    answer=TIMES.answer,
    claim=TIMES.claim,
    grace=TIMES.grace,
    ring=TIMES.ring,
    least_bond=TIMES.least_bond,
    bond_bps=TIMES.bond_bps,
)
TASKS = 60
STAKE = 20_000


class Company:
    """An orchestrator that does what `next_act` says, on a lane where others act too."""

    def __init__(self, *, stake: int = STAKE, most_bond: int = STAKE, lifetime: int = 400_000) -> None:
        wallets = dict.fromkeys((ORC, MALLORY, EVE, WATCH, REQUESTER), 10_000_000)
        self.ledger = Ledger(DOMAIN, TIMES, wallets)
        self.ledger.stake(ORC, stake)
        self.ledger.stake(EVE, 20_000, bond=10_000)
        self.ledger.stake(WATCH, 90_000, bond=80_000)
        self.ledger.stake(MALLORY, 50_000, bond=50_000)
        deadline = self.ledger.now + lifetime
        self.jobs = [self.ledger.post_job(REQUESTER, o, PRICES, TASKS, deadline) for o in (ORC, ORC, MALLORY)]
        self.sealed: dict[tuple[int, int], tuple[int, tuple[SignedBundle, ...]]] = {}  # (job, first): (end, bundles)
        self.ends = dict.fromkeys(self.jobs, 0)
        self.rules = p.Rules(most_bond=most_bond)
        self.history = History(me=ORC, leaves_of=self.leaves_of, prices_of=lambda job: PRICES)
        self.mallorys: list[Batch] = []
        self.looked: dict[int, Case] = {}  # what the watchtower has found nothing in

    def bundles_of(self, job: JobId, first: int) -> tuple[SignedBundle, ...]:
        return self.sealed.get((job, first), (0, ()))[1]

    def leaves_of(self, job: JobId, first: int) -> tuple[Bundle, ...]:
        return bundle_leaves(self.bundles_of(job, first))

    # --- what the orchestrator sees ---

    @property
    def standing(self) -> p.Standing:
        ledger, book, stake = self.ledger, self.ledger.books[ORC], self.ledger.stakes[ORC]
        held = tuple(
            p.Held(
                number=number,
                posted_at=slot.posted_at,
                stated_at=slot.stated_at,
                bond=slot.bond,
                restated_bond=slot.restated_bond,
                restated_by_me=slot.restater == ORC,
                aside=slot.aside,
            )
            for number, slot in sorted(book.slots.items())
        )
        return p.Standing(
            now=ledger.now,
            head=ledger.now,
            next=book.next,
            stated=book.stated,
            bonded=ledger.bonded[ORC],
            allotted=stake.allotted,
            free_stake=stake.free,
            postable_at=self.postable_at(),
            held=held,
            bonds_lost=self.history.bonds_lost,
            misstated=bool(self.history.batches) and not self.history.batches[-1].is_right,
        )

    def postable_at(self) -> int:
        book = self.ledger.books[ORC]
        old, beside = (book.slots.get(book.next - TIMES.ring + i) for i in (0, 1))
        if old is None or beside is None:
            return 0
        if old.aside:
            return p.NEVER
        at = max(old.posted_at + TIMES.liability, old.stated_at + TIMES.window + TIMES.claim)
        return max(at, beside.stated_at + TIMES.window)

    @property
    def ready(self) -> list[p.Ready]:
        found = []
        for (number, first), (_, bundles) in self.sealed.items():
            job = self.ledger.jobs[number]
            receipts = sum(len(bundle.receipts) for bundle in bundles)
            batch = p.Ready(
                job=JobId(number),
                first=first,
                total=receipts * PRICES.cost,
                in_cid=first % 2 == 0,
                next_task=job.next_task,
                closes=job.deadline + TIMES.grace,
            )
            if (number, first) not in self.history.posted:
                found.append(batch)
        return found

    # --- what it does ---

    def act(self, seconds_until_mined: int = 0) -> p.Act:
        """Decides, and some time later the chain takes it: never a refusal."""
        act = p.next_act(self.standing, self.ready, self.rules, LIMITS)
        self.ledger.now += seconds_until_mined
        match act:
            case p.Post():
                self.ledger.post(ORC, self.batch(act.job, act.first))
                self.history.take(
                    BatchPosted(header=self.ledger.books[ORC].slots[len(self.history.batches)].batch.header)
                )
            case p.PutUp():
                stake = self.ledger.stakes[ORC]
                assert act.amount <= stake.free
                stake.free -= act.amount
                stake.allotted += act.amount
                assert stake.allotted <= self.rules.most_bond
            case p.Release():
                self.ledger.release_bond(ORC, act.number)
            case p.Restate():
                self.restate(ORC, act.number)
            case p.GiveBack():
                self.ledger.give_back(ORC, act.number)
        return act

    def batch(self, job: int, first: int) -> Batch:
        end, bundles = self.sealed[job, first]
        number = len(self.history.batches)
        return build(
            orchestrator=ORC,
            number=number,
            job=job,
            tasks=(first, end),
            bundles=bundles,
            prices=PRICES,
            payouts=self.history.payouts_before(number),
            previous=self.history.previous,
            data_digest=b"\xcd" * 32 if first % 2 == 0 else bytes(32),
        )

    def restate(self, by: Address, number: int, *, wrongly: int = 0) -> None:
        """By the history alone: the header that it says is right is the one that the model's own rules give."""
        slot, before = self.ledger.books[ORC].slots[number], self.ledger.books[ORC].slots.get(number - 1)
        right = restated(
            slot.batch,
            prices=PRICES,
            payouts=self.history.payouts_before(number),
            previous=before.batch.header.hash if before else self.history.restated(number).previous,
            struck=slot.struck,
            voided=slot.voided,
        )
        assert right.header == self.history.restated(number)
        if wrongly:
            payouts = list(right.payouts)
            payouts[-1] = replace(payouts[-1], cumulative=payouts[-1].cumulative + wrongly)
            right = replace(
                right,
                payouts=tuple(payouts),
                header=replace(right.header, payouts_root=payouts_tree(payouts).root),
            )
        self.ledger.restate(by, ORC, number, right)
        header = right.header
        self.history.take(
            PayoutsRestated(
                number=number,
                payout_count=header.payout_count,
                payouts_root=header.payouts_root,
                previous=header.previous,
            )
        )

    # --- what others do ---

    def seal(self, chance: Random, job: int) -> None:
        """The next batch of a job can get no further receipt."""
        first = self.ends[job]
        if first == TASKS or (job, first) in self.sealed:
            return
        end = min(TASKS, first + chance.randint(1, 6))
        plan = Plan(
            domain=DOMAIN,
            orchestrator=ORC,
            number=0,
            job=job,
            tasks=(first, end),
            prices=PRICES,
            payouts=(),
            previous=bytes(32),
            bundles=(),
        )
        work: dict[str, list[tuple[int, int]]] = {name: [] for name in WORKERS}
        for task in range(first, end):
            for slot, name in enumerate(chance.sample(WORKERS, chance.randint(0 if task > first else 1, PRICES.slots))):
                work[name].append((task, slot))
        indices = {name: i + 1 for i, name in enumerate(WORKERS)}
        self.sealed[job, first] = (end, plan.with_bundles(work, indices).bundles)
        self.ends[job] = end

    def somebody_does_something(self, chance: Random) -> None:
        ledger, book = self.ledger, self.ledger.books[ORC]
        number = chance.choice(sorted(book.slots)) if book.slots else None
        match chance.choice(["time", "time", "job", "job", "silence", "strangers", "operator", "mallory", "stop"]):
            case "time":
                ledger.now += chance.choice([1, 99, 500, 999, 1_000, 1_001, 2_000])
            case "job":
                self.seal(chance, chance.choice(self.jobs[:2]))
            case "silence" if number is not None and chance.random() < 0.4:
                self.leave_unanswered(number, of_payouts=chance.random() < 0.6)
            case "strangers" if book.stated < book.next:
                by, wrongly = chance.choice([(WATCH, 0), (EVE, chance.randint(1, 999))])
                if ledger.stakes[by].allotted - ledger.bonded[by] >= TIMES.least_bond:
                    self.restate(by, book.stated, wrongly=wrongly)
            case "strangers":
                self.watchtower_looks()
            case "operator" if chance.random() < 0.5:
                self.rules = replace(self.rules, lost_known=self.history.bonds_lost)
            case "mallory":
                self.mallory_posts()
            case "stop" if chance.random() < 0.05:
                job = chance.choice(self.jobs[:2])
                if not ledger.jobs[job].stopped and ledger.jobs[job].next_task < TASKS:
                    ledger.stop(job)

    def leave_unanswered(self, number: int, *, of_payouts: bool) -> None:
        """The network between this orchestrator and the chain is down for an answer time, and eve knows."""
        ledger, slot = self.ledger, self.ledger.books[ORC].slots[number]
        bond = slot.bond if not of_payouts or slot.restater is None else 0
        try:
            demand = ledger.demand(EVE, ORC, number, of_payouts=of_payouts)
        except Refused:
            return
        stated = ledger.books[ORC].stated
        ledger.now += TIMES.answer
        ledger.enforce(demand)
        if slot.voided and not self.history.batches[number].voided:
            self.history.take(BatchVoided(number=number))
        if ledger.books[ORC].stated < stated and bond and slot.bond == 0:
            self.history.take(BondLost())

    def watchtower_looks(self) -> None:
        """Whoever restated wrongly is shown to have done so, in time."""
        for number in sorted(self.ledger.books[ORC].slots):
            slot = self.ledger.books[ORC].slots[number]
            if number >= self.ledger.books[ORC].stated or self.ledger.now >= slot.stated_at + TIMES.window:
                continue
            case = self.ledger.case(ORC, number)
            if self.looked.get(number) == case:
                continue
            self.looked[number] = case
            fault = next(iter(find_faults(case, slot.batch)), None)
            if fault is not None:
                assert slot.restater == EVE, "the orchestrator itself did something that can be punished"
                self.ledger.prove(WATCH, ORC, number, fault)

    def mallory_posts(self) -> None:
        """Another orchestrator's batches come in between: they are nothing to ours."""
        job, number = self.jobs[2], len(self.mallorys)
        first = self.ledger.jobs[job].next_task
        if first == TASKS:
            return
        plan = Plan(
            domain=DOMAIN,
            orchestrator=MALLORY,
            number=number,
            job=job,
            tasks=(first, first + 1),
            prices=PRICES,
            payouts=self.mallorys[-1].payouts if self.mallorys else (),
            previous=self.mallorys[-1].header.hash if self.mallorys else bytes(32),
            bundles=(),
        ).with_bundles({"ann": [(first, 0)]}, {"ann": 1})
        try:
            self.ledger.post(MALLORY, plan.built())
        except Refused:
            return
        self.mallorys.append(plan.built())

    def check(self) -> None:
        ledger = self.ledger
        assert 0 <= ledger.bonded[ORC] <= ledger.stakes[ORC].allotted + ledger.stakes[ORC].ending
        assert [b.header.number for b in self.history.batches] == list(range(ledger.books[ORC].next))
        for job in self.jobs[:2]:
            spans = [b.header for b in self.history.batches if b.header.job == job]
            assert [h.first_task for h in spans] == [0, *(h.end_task for h in spans)][: len(spans)]


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_next_act__whatever_others_do__the_chain_takes_it_and_everything_is_posted_once(seed: int) -> None:
    company, chance = Company(), Random(seed)
    for _ in range(40):
        company.somebody_does_something(chance)
        company.watchtower_looks()
        company.act(chance.choice([0, 0, 1, 60]))
        company.check()
    company.rules = replace(company.rules, lost_known=1 << 20)
    for _ in range(300):
        company.watchtower_looks()
        if isinstance(company.act(), p.Wait | p.Stop):
            company.ledger.now += 500
        company.check()
    closed = {job for job in company.jobs if company.ledger.jobs[job].stopped}
    if company.ledger.stakes[ORC].allotted + company.ledger.stakes[ORC].free >= 6 * PRICES.slots * PRICES.cost * 2:
        assert {key for key in company.sealed if key[0] not in closed} <= company.history.posted
        assert company.ledger.bonded[ORC] == 0


def standing(**changes: object) -> p.Standing:
    base: dict[str, object] = {"now": 10_000, "head": 10_000, "next": 0, "stated": 0, "bonded": 0, "allotted": 5_000}
    return p.Standing(**(base | {"free_stake": 0, "postable_at": 0, "held": ()} | changes))  # type: ignore[arg-type]


def ready(**changes: object) -> p.Ready:
    base: dict[str, object] = {
        "job": JobId(7),
        "first": 0,
        "total": 1_000,
        "in_cid": True,
        "next_task": 0,
        "closes": 20_000,
    }
    return p.Ready(**(base | changes))  # type: ignore[arg-type]


def held(number: int = 0, **changes: object) -> p.Held:
    base: dict[str, object] = {"posted_at": 9_500, "stated_at": 9_500, "bond": 2_000, "restated_bond": 0, "aside": 0}
    return p.Held(number=number, **(base | {"restated_by_me": False} | changes))  # type: ignore[arg-type]


RULES = p.Rules(most_bond=100_000)


def decide(now: p.Standing, *batches: p.Ready, rules: p.Rules = RULES) -> p.Act:
    return p.next_act(now, batches, rules, LIMITS)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("total", "in_cid", "bond"),
    [(0, False, 1_000), (1, False, 1_001), (10_000, False, 3_000), (10_000, True, 10_000), (1_000, True, 1_200)],
)
def test_bond__as_the_lane_asks_for_it(total: int, in_cid: bool, bond: int) -> None:
    assert LIMITS.bond_for(total, in_cid=in_cid) == bond


@pytest.mark.unit
def test_post__the_earlier_batch_of_its_job_is_missing__waits() -> None:
    assert decide(standing(), ready(first=4)) == p.Wait()
    assert decide(standing(), ready(first=4), ready(first=0)) == p.Post(job=JobId(7), first=0)


@pytest.mark.unit
def test_post__of_two_jobs__the_one_that_closes_first() -> None:
    act = decide(standing(), ready(job=JobId(1)), ready(job=JobId(2), closes=15_000))
    assert act == p.Post(job=JobId(2), first=0)


@pytest.mark.unit
@pytest.mark.parametrize(("head", "posted"), [(19_999, True), (20_000, False)])
def test_post__at_the_edge_of_the_grace__in_time_or_not_at_all(head: int, posted: bool) -> None:
    now = standing(head=head)
    assert isinstance(decide(now, ready()), p.Post) is posted
    assert bool(p.lost([ready()], now)) is not posted


@pytest.mark.unit
@pytest.mark.parametrize(("postable_at", "posted"), [(10_000, True), (10_001, False), (p.NEVER, False)])
def test_post__no_place_in_the_ring__waits(postable_at: int, posted: bool) -> None:
    act = decide(standing(postable_at=postable_at), ready())
    assert isinstance(act, p.Post) if posted else isinstance(act, p.Wait) and "ring" in act.reason


@pytest.mark.unit
def test_post__bond_lacking__what_is_over_is_released_before_stake_is_put_up() -> None:
    short = standing(bonded=4_500, next=2, stated=2, free_stake=9_000)
    over, running = held(0, posted_at=8_000), held(1)
    assert decide(replace(short, held=(over, running)), ready()) == p.Release(number=0)
    assert decide(replace(short, held=(running,)), ready()) == p.PutUp(amount=700)
    assert decide(replace(short, held=(running,), free_stake=700), ready()) == p.PutUp(amount=700)
    poor = decide(replace(short, held=(running,), free_stake=699), ready())
    assert isinstance(poor, p.Wait)
    assert "the operator stakes more" in poor.reason
    capped = decide(replace(short, held=(running,)), ready(), rules=p.Rules(most_bond=5_699))
    assert isinstance(capped, p.Wait)
    assert "batch_most_bond" in capped.reason


@pytest.mark.unit
def test_post__too_large_for_the_bond__keeps_no_smaller_one_waiting() -> None:
    act = decide(standing(), ready(job=JobId(1), total=9_000, closes=11_000), ready(job=JobId(2)))
    assert act == p.Post(job=JobId(2), first=0)


@pytest.mark.unit
def test_post__into_a_used_place__its_bond_counts() -> None:
    full = standing(bonded=5_000, next=4, stated=4, held=(held(0, bond=1_200, posted_at=9_100),))
    assert decide(full, ready()) == p.Post(job=JobId(7), first=0)
    assert isinstance(decide(full, ready(total=1_300)), p.Wait)


@pytest.mark.unit
def test_rewound__restated_before_anything_is_posted() -> None:
    rewound = standing(next=3, stated=1, bonds_lost=1)
    assert decide(rewound, ready()) == p.Restate(number=1)
    assert decide(replace(rewound, bonded=4_500, free_stake=500), ready()) == p.PutUp(amount=500)


@pytest.mark.unit
def test_bond_lost__nothing_is_posted_until_the_operator_has_looked() -> None:
    punished = standing(next=3, stated=3, bonds_lost=1)
    stopped = decide(punished, ready())
    assert isinstance(stopped, p.Stop)
    assert "1 bonds were lost" in stopped.reason
    assert isinstance(decide(punished, ready(), rules=replace(RULES, lost_known=1)), p.Post)


@pytest.mark.unit
def test_misstated__nothing_is_built_on_what_a_stranger_made_up() -> None:
    assert isinstance(decide(standing(next=3, stated=3, misstated=True), ready()), p.Stop)


@pytest.mark.unit
def test_aside__given_back_once_its_workers_had_their_time() -> None:
    punished = standing(next=1, stated=1, held=(held(bond=0, posted_at=8_500, aside=5),))
    assert decide(punished, ready()) == p.GiveBack(number=0)
    early = replace(punished, now=9_999)
    assert isinstance(decide(early, ready()), p.Post)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("batch", "free"),
    [
        (held(posted_at=9_000), True),
        (held(posted_at=9_001), False),
        (held(bond=0, posted_at=8_000, restated_bond=9, stated_at=9_000, restated_by_me=True), True),
        (held(bond=0, posted_at=8_000, restated_bond=9, stated_at=9_001, restated_by_me=True), False),
        (held(bond=0, posted_at=8_000, restated_bond=9, stated_at=9_000), False),
    ],
    ids=["over", "running", "restated, over", "restated, running", "a stranger's"],
)
def test_release__only_what_is_ours_and_over(batch: p.Held, free: bool) -> None:
    act = decide(standing(next=1, stated=1, held=(batch,)))
    assert act == (p.Release(number=0) if free else p.Wait())


@pytest.mark.unit
def test_history__a_batch_that_the_book_does_not_have__stops() -> None:
    """An older copy of the database gives other payout indices: the next batch would lose its bond."""
    company = Company()
    company.seal(Random(1), company.jobs[0])
    while not isinstance(company.act(), p.Post):
        pass
    header = company.history.batches[0].header
    fresh = History(me=ORC, leaves_of=lambda job, first: (), prices_of=lambda job: PRICES)
    with pytest.raises(Broken, match="older copy of the database"):
        fresh.take(BatchPosted(header=header))
    with pytest.raises(Broken, match="left out events"):
        fresh.take(BatchPosted(header=replace(header, number=1)))


@pytest.mark.unit
def test_history__a_struck_bundle__is_unpaid_in_its_batch_and_all_after() -> None:
    company = Company()
    for job in company.jobs[:2]:
        company.seal(Random(3), job)
    while len(company.history.batches) < 2:
        company.act()
    first, second = company.history.batches
    before = second.payouts
    gone = first.leaves[0]
    company.history.take(BundleStruck(number=0, position=0))
    after = company.history.batches[1].payouts
    index = gone.payout_index
    assert before[index].cumulative - after[index].cumulative == gone.count * PRICES.price
    assert before[0].cumulative - after[0].cumulative == gone.count * PRICES.fee
    assert [b for i, b in enumerate(before) if i not in (0, index)] == [
        a for i, a in enumerate(after) if i not in (0, index)
    ]
