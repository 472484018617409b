"""A market of the batch lane in which everybody acts at random, and half of them in bad faith.

The cast: `orc` keeps the rules, `mallory` orchestrates and breaks them; four workers; `eve` challenges, demands and
restates in bad faith, also for mallory; `watch` is the one honest bystander the lane needs. What is checked after
every step and at the end stands in docs/invariants.md, "Batch lane".
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, ClassVar

from edgebounty.chain.deployment import created_address
from edgebounty.protocol.batch.building import Batch, next_payouts, restated
from edgebounty.protocol.batch.openings import open_bundle, open_payout
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.watching import Fault, all_openings, find_faults
from edgebounty.protocol.batch.wire import Payout, payouts_tree
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, to_address
from tests.model.ledger import Ledger, Refused, Slot, Times
from tests.model.people import CORRUPTIONS, Plan, account_of, names_by_account

WORKERS = ("ann", "bob", "cem", "dia")
NAMES = names_by_account(WORKERS)
ORC, MALLORY, EVE, WATCH, REQUESTER = map(account_of, ("orc", "mallory", "eve", "watch", "requester"))
ORCHESTRATORS = (ORC, MALLORY)
PRICES = Prices(price=100, fee=3, slots=3)
START = 1_000_000
BOND = 80_000
TEST_CONTRACT = to_address("0x7FA9385bE102ac3EAc297483Dd6233D62b3e1496")
"""Where forge puts a test contract; the lane is the sixth that BatchReplay.t.sol creates."""
LANE = created_address(TEST_CONTRACT, 6)
DOMAIN = Domain(chain_id=31337, verifying_contract=LANE)


class Market:
    """One run. `step` acts by name, deterministically by seed, and then checks everything."""

    ACTS: ClassVar[tuple[str, ...]] = (
        *("orc_posts", "mallory_posts", "mallory_posts", "mallory_takes_bond_away"),
        *("eve_challenges_what_is_right", "eve_exposes_mallory", "eve_demands", "eve_restates_wrongly"),
        *("somebody_withdraws", "somebody_tidies_up", "worker_claims_from_a_void_batch", "requester_stops"),
        *("some_time_passes", "some_time_passes"),
    )

    TASKS: ClassVar[int] = 30  # of each job
    TIME: ClassVar[int] = 20_000  # seconds until the jobs' deadline

    def __init__(self) -> None:
        people = (*ORCHESTRATORS, EVE, WATCH, REQUESTER, *map(account_of, WORKERS))
        self.ledger = self.new_ledger(dict.fromkeys(people, START))
        self.money = self.ledger.total()
        for person in (*ORCHESTRATORS, EVE, WATCH):
            self.ledger.stake(person, BOND + 2_000, bond=BOND)
        deadline = self.ledger.now + self.TIME
        self.jobs = [self.ledger.post_job(REQUESTER, o, PRICES, self.TASKS, deadline) for o in (ORC, ORC, MALLORY)]
        self.indices: dict[Address, dict[str, int]] = {o: {} for o in ORCHESTRATORS}
        self.history: dict[Address, list[Slot]] = {o: [] for o in ORCHESTRATORS}
        self.hidden: set[int] = set()  # mallory's batches of which nobody has the data
        self.seen: dict[tuple[Address, int], Case] = {}  # what the watchtower has checked already
        self.demanded: dict[int, Address | None] = {}  # open demands, and who will answer

    def step(self, act: str, seed: int) -> None:
        getattr(self, act)(Random(seed))
        self.check()

    def check(self) -> None:
        """What must hold after every act, whoever it was."""
        self.money_is_conserved()
        self.usable_payouts_are_right()
        self.the_honest_lose_no_stake()
        self.pools_cover_what_is_owed()
        self.bonds_are_covered()
        self.escrow_covers_open_tasks()

    def new_ledger(self, wallets: dict[Address, int]) -> Ledger:
        return Ledger(DOMAIN, Times(), wallets)

    # --- the orchestrators ---

    def orc_posts(self, chance: Random) -> None:
        plan = self.plan(ORC, chance.choice(self.jobs[:2]), chance)
        if chance.random() < 0.5:
            plan = replace(plan, data_digest=bytes(32))
        self.attempt(lambda: self.ledger.post(ORC, plan.built()), post_by=ORC)

    def mallory_posts(self, chance: Random) -> None:
        plan = self.plan(MALLORY, self.jobs[2], chance)
        wrong = chance.choice(["nothing", *CORRUPTIONS])
        batch = CORRUPTIONS[wrong][1](plan, NAMES) if wrong in CORRUPTIONS else plan.built()
        if self.attempt(lambda: self.ledger.post(MALLORY, batch), post_by=MALLORY) and chance.random() < 0.15:
            self.hidden.add(batch.header.number)

    def mallory_takes_bond_away(self, chance: Random) -> None:
        self.attempt(lambda: self.ledger.unallot(MALLORY, chance.randint(1, BOND // 4)))

    # --- bad faith ---

    def eve_challenges_what_is_right(self, chance: Random) -> None:
        """Any openings of any batch of `orc`, shown for any rule: nothing is ever proven."""
        number = self.kept(ORC, chance)
        if number is None:
            return
        case = self.ledger.case(ORC, number)
        shown = list(all_openings(case, self.history[ORC][number].batch))
        fault, other = chance.choice(shown), chance.choice(shown)
        if len(other.openings) == len(fault.openings):
            fault = Fault(rule=fault.rule, openings=(*fault.openings[:-1], *other.openings[-1:]))
        try:
            self.ledger.prove(EVE, ORC, number, fault)
        except (Refused, TypeError, AttributeError):
            return
        raise AssertionError(f"an honest batch was punished: {fault.rule}")

    def eve_exposes_mallory(self, chance: Random) -> None:
        """Mallory's friend is quicker than the watchtower: half of the bond is lost all the same."""
        number = self.kept(MALLORY, chance)
        if number is None:
            return
        faults = list(find_faults(self.ledger.case(MALLORY, number), self.history[MALLORY][number].batch))
        if faults:
            fault = chance.choice(faults)
            self.attempt(lambda: self.ledger.prove(EVE, MALLORY, number, fault))

    def eve_demands(self, chance: Random) -> None:
        orchestrator = chance.choice(ORCHESTRATORS)
        number = self.kept(orchestrator, chance)
        if number is not None:
            self.demand(EVE, orchestrator, number, chance.random() < 0.5)

    def eve_restates_wrongly(self, chance: Random) -> None:
        orchestrator = chance.choice(ORCHESTRATORS)
        book = self.ledger.books[orchestrator]
        if book.stated == book.next:
            return
        batch = self.right(orchestrator, book.stated)
        payouts = list(batch.payouts)
        payouts[-1] = replace(payouts[-1], cumulative=payouts[-1].cumulative + chance.randint(1, 5_000))
        header = replace(batch.header, payouts_root=payouts_tree(payouts).root)
        wrong = replace(batch, payouts=tuple(payouts), header=header)
        self.attempt(lambda: self.ledger.restate(EVE, orchestrator, book.stated, wrong))

    # --- anybody ---

    def somebody_withdraws(self, chance: Random) -> None:
        orchestrator = chance.choice(ORCHESTRATORS)
        number = self.kept(orchestrator, chance)
        if number is not None:
            index = chance.randrange(len(self.history[orchestrator][number].batch.payouts))
            self.attempt(lambda: self.ledger.withdraw(orchestrator, number, index))

    def somebody_tidies_up(self, chance: Random) -> None:
        orchestrator = chance.choice(ORCHESTRATORS)
        number = self.kept(orchestrator, chance) or 0
        ledger = self.ledger
        acts = [
            lambda: ledger.release_bond(orchestrator, number),
            lambda: ledger.give_back(orchestrator, number),
            lambda: ledger.release_allotment(orchestrator),
            lambda: ledger.withdraw_credit(orchestrator),
            lambda: ledger.refund(chance.choice(self.jobs)),
        ]
        self.attempt(chance.choice(acts))

    def worker_claims_from_a_void_batch(self, chance: Random) -> None:
        for number, slot in self.ledger.books[MALLORY].slots.items():
            at = chance.randrange(len(slot.batch.leaves))
            opening = open_bundle(slot.batch.leaves, slot.batch.tree, at)
            self.attempt(lambda number=number, opening=opening: self.ledger.claim_voided(MALLORY, number, opening))

    def requester_stops(self, chance: Random) -> None:
        if chance.random() < 0.2:
            self.attempt(lambda: self.ledger.stop(chance.choice(self.jobs)))

    def some_time_passes(self, chance: Random) -> None:
        self.time_passes(chance.choice([1, 99, 100, 101, 450, 999, 1_000, 1_001, 2_000]))

    def time_passes(self, seconds: int) -> None:
        """Never past a deadline of the watchtower's before it has acted: it looks at least every half answer time."""
        end = self.ledger.now + seconds
        while self.ledger.now < end:
            self.watchtower_looks()
            self.move_time(min(end, self.ledger.now + self.ledger.times.answer // 2))
        self.watchtower_looks()

    def move_time(self, to: int) -> None:
        self.ledger.now = to

    # --- the honest bystander ---

    def watchtower_looks(self) -> None:
        for index, answerer in list(self.demanded.items()):
            demand = self.ledger.demands[index]
            if demand is not None and answerer is not None:
                self.attempt(lambda index=index, answerer=answerer: self.ledger.answer(answerer, index))
            elif demand is not None and self.ledger.now >= demand.deadline:
                self.attempt(lambda index=index: self.ledger.enforce(index))
            if self.ledger.demands[index] is None:
                del self.demanded[index]
        for orchestrator in ORCHESTRATORS:
            for number in sorted(self.ledger.books[orchestrator].slots):
                self.watch(orchestrator, number)
            self.restate(orchestrator)
            for number in sorted(self.ledger.books[orchestrator].slots):
                self.pay_misplaced(orchestrator, number)

    def pay_misplaced(self, orchestrator: Address, number: int) -> None:
        """What mallory put at another's index, and a friend then restated, so that nobody could strike it."""
        batch = self.ledger.books[orchestrator].slots[number].batch
        for at, leaf in enumerate(batch.leaves):
            if leaf.payout_index >= len(batch.payouts) or batch.payouts[leaf.payout_index].account == leaf.account:
                continue
            bundle = open_bundle(batch.leaves, batch.tree, at)
            owner = open_payout(batch.payouts, batch.payouts_tree, leaf.payout_index)
            self.attempt(
                lambda bundle=bundle, owner=owner: self.ledger.claim_misplaced(orchestrator, number, bundle, owner)
            )

    def watch(self, orchestrator: Address, number: int) -> None:
        slot = self.ledger.books[orchestrator].slots[number]
        if orchestrator == MALLORY and number in self.hidden:
            # Of a void batch the right payouts are known without its bundles: others have to be shown.
            wrong = slot.batch.header.payouts_root != self.right(orchestrator, number).header.payouts_root
            if wrong or not slot.voided:
                self.demand(WATCH, orchestrator, number, slot.voided)
            return
        while True:
            case = self.ledger.case(orchestrator, number)
            if self.seen.get((orchestrator, number)) == case:
                return
            self.seen[orchestrator, number] = case
            fault = next(iter(find_faults(case, slot.batch)), None)
            if fault is None or not self.attempt(
                lambda fault=fault: self.ledger.prove(WATCH, orchestrator, number, fault)
            ):
                return

    def restate(self, orchestrator: Address) -> None:
        book = self.ledger.books[orchestrator]
        while book.stated < book.next:
            slot = book.slots[book.stated]
            if not slot.voided and orchestrator == MALLORY and book.stated in self.hidden:
                return  # nobody can
            if not self.attempt(
                lambda: self.ledger.restate(WATCH, orchestrator, book.stated, self.right(orchestrator, book.stated))
            ):
                return

    # --- what is right ---

    def right(self, orchestrator: Address, number: int) -> Batch:
        """The batch with the payouts that follow from those before it."""
        slot = self.history[orchestrator][number]
        before = self.history[orchestrator][number - 1].batch if number else None
        return restated(
            slot.batch,
            prices=PRICES,
            payouts=before.payouts if before else (),
            previous=before.header.hash if before else bytes(32),
            struck=slot.struck,
            voided=slot.voided,
        )

    def truth(self, orchestrator: Address) -> list[tuple[Payout, ...]]:
        """The payouts after each batch, computed from the first one on."""
        payouts: tuple[Payout, ...] = ()
        found = []
        for slot in self.history[orchestrator]:
            payouts = next_payouts(
                payouts,
                slot.batch.leaves,
                orchestrator=orchestrator,
                prices=PRICES,
                struck=slot.struck,
                voided=slot.voided,
            )
            found.append(payouts)
        return found

    def money_is_conserved(self) -> None:
        assert self.ledger.total() == self.money

    def usable_payouts_are_right(self) -> None:
        for orchestrator in ORCHESTRATORS:
            book, truth = self.ledger.books[orchestrator], self.truth(orchestrator)
            for number, slot in book.slots.items():
                if number < book.stated and self.ledger.now >= slot.stated_at + self.ledger.times.window:
                    right = [p for p in truth[number] if p.owned]
                    assert [p for p in slot.batch.payouts if p.owned] == right, f"batch {number}"

    def the_honest_lose_no_stake(self) -> None:
        for person in (ORC, WATCH):
            stake = self.ledger.stakes[person]
            assert stake.free + stake.locked + stake.allotted + stake.ending == BOND + 2_000, person

    def pools_cover_what_is_owed(self) -> None:
        book = self.ledger.books[ORC]
        if book.slots and book.stated == book.next:
            owed = sum(p.cumulative for p in self.truth(ORC)[-1])
            taken = sum(amount for (o, _), amount in self.ledger.withdrawn.items() if o == ORC)
            assert self.ledger.pools[ORC] == owed - taken

    def bonds_are_covered(self) -> None:
        for person, bonded in self.ledger.bonded.items():
            stake = self.ledger.stakes[person]
            assert 0 <= bonded <= stake.allotted + stake.ending

    def escrow_covers_open_tasks(self) -> None:
        for job in self.jobs:
            assert self.ledger.refundable(job) >= 0

    def get_out(self) -> None:
        """Everybody gets out, in calls that anyone may make or that are about one's own money."""
        self.time_passes(3_000)
        self.move_time(max(self.ledger.now, max(job.deadline for job in self.ledger.jobs.values())) + 5_000)
        self.watchtower_looks()
        self.time_passes(3_000)
        for index, demand in enumerate(self.ledger.demands):
            if demand is not None:
                self.attempt(lambda index=index: self.ledger.enforce(index))
        for orchestrator in ORCHESTRATORS:
            self.everybody_withdraws(orchestrator)
        for job in self.jobs:
            self.attempt(lambda job=job: self.ledger.refund(job))
            assert self.ledger.jobs[job].escrow == 0
        for person in list(self.ledger.credits):
            self.attempt(lambda person=person: self.ledger.withdraw_credit(person))
        for person in (*ORCHESTRATORS, EVE, WATCH):
            stake = self.ledger.stakes[person]
            assert stake.locked == 0
            assert self.ledger.bonded[person] == 0
            self.attempt(lambda person=person, stake=stake: self.ledger.unallot(person, stake.allotted))
        self.move_time(self.ledger.now + self.ledger.times.unbonding)
        for person in (*ORCHESTRATORS, EVE, WATCH):
            self.attempt(lambda person=person: self.ledger.release_allotment(person))
        rest = sum(stake.free for stake in self.ledger.stakes.values()) + sum(self.ledger.wallets.values())
        assert rest + self.ledger.burned == self.money
        self.workers_were_paid()

    def everybody_withdraws(self, orchestrator: Address) -> None:
        book = self.ledger.books[orchestrator]
        for number, slot in list(book.slots.items()):
            self.attempt(lambda number=number: self.ledger.release_bond(orchestrator, number))
            if slot.aside:
                self.attempt(lambda number=number: self.ledger.give_back(orchestrator, number))
        if not book.slots:
            return
        last = book.next - 1
        assert book.stated == book.next, "nobody could restate"
        for index in range(len(book.slots[last].batch.payouts)):
            self.attempt(lambda index=index: self.ledger.withdraw(orchestrator, last, index))
        assert self.ledger.pools[orchestrator] == 0, f"{self.ledger.pools[orchestrator]} are left in a pool"

    def workers_were_paid(self) -> None:
        """By the honest orchestrator to the unit: price x receipts, whatever everybody else did."""
        receipts = dict.fromkeys(WORKERS, 0)
        for slot in self.history[ORC]:
            for leaf in slot.batch.leaves:
                receipts[NAMES[leaf.account]] += leaf.count
        for name, count in receipts.items():
            index = self.indices[ORC].get(name, 0)
            assert self.ledger.withdrawn[ORC, index] == count * PRICES.price or not count

    # --- help ---

    def kept(self, orchestrator: Address, chance: Random) -> int | None:
        """The number of a batch whose header is still in the ring, if there is one."""
        numbers = sorted(self.ledger.books[orchestrator].slots)
        return chance.choice(numbers) if numbers else None

    def attempt(self, act: Any, *, post_by: Address | None = None) -> bool:
        try:
            act()
        except Refused:
            return False
        if post_by is not None:
            book = self.ledger.books[post_by]
            self.history[post_by].append(book.slots[book.next - 1])
        return True

    def demand(self, by: Address, orchestrator: Address, number: int, of_payouts: bool) -> None:
        found: list[int] = []
        if self.attempt(lambda: found.append(self.ledger.demand(by, orchestrator, number, of_payouts=of_payouts))):
            self.demanded[found[0]] = self.who_answers(orchestrator, number, of_payouts)

    def who_answers(self, orchestrator: Address, number: int, of_payouts: bool) -> Address | None:
        """Whoever stated the payouts has them, also those of a batch whose bundles nobody ever saw."""
        if of_payouts and self.ledger.books[orchestrator].slots[number].restater == WATCH:
            return WATCH
        return orchestrator if orchestrator == ORC or number not in self.hidden else None

    def plan(self, orchestrator: Address, job: int, chance: Random) -> Plan:
        """Some workers' honest work on the next one to three tasks of a job: two or three slots of each task."""
        tasks = chance.randint(1, 3)
        first = self.ledger.jobs[job].next_task
        end = min(first + tasks, self.ledger.jobs[job].tasks)
        work: dict[str, list[tuple[int, int]]] = {name: [] for name in WORKERS}
        for task in range(first, max(end, first + 1)):
            who = chance.sample(WORKERS, chance.randint(2, PRICES.slots))
            for slot, name in enumerate(who):
                work[name].append((task, slot))
        indices = self.indices[orchestrator]
        last = self.history[orchestrator][-1].batch if self.history[orchestrator] else None
        for name in work:
            if work[name] and name not in indices:
                indices[name] = len(indices) + 1
        plan = Plan(
            domain=DOMAIN,
            orchestrator=orchestrator,
            number=last.header.number + 1 if last else 0,
            job=job,
            tasks=(first, max(end, first + 1)),
            prices=PRICES,
            payouts=last.payouts if last else (),
            previous=last.header.hash if last else bytes(32),
            bundles=(),
        )
        return plan.with_bundles(work, indices)
