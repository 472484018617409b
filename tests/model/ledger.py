"""The batch lane's money and time as a small executable model: DESIGN 5 without hashes in storage, gas or Solidity.

Every act either changes the books or raises `Refused` with the name of the contract's error. What is a fault is decided
by `edgebounty.protocol.batch.rules`, the same code a watchtower runs. Times are Unix seconds, amounts base units.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.messages import recover_compact
from edgebounty.protocol.batch.openings import BundleOpening, NotProven, PayoutOpening
from edgebounty.protocol.batch.rules import Case, Prices, receipts_message
from edgebounty.protocol.batch.watching import Fault
from edgebounty.protocol.batch.wire import Bundle, Header
from edgebounty.protocol.messages import Domain, SignatureError
from edgebounty.protocol.types import Address


class Refused(Exception):
    """The contract would revert with this error; nothing moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What the constructor fixes. Windows are far apart in the tests' figures too, so that edges do not coincide."""

    window: int = 1_000  # in which a fault can be proven
    answer: int = 100  # to answer a demand, and again for whoever asked to act on the silence
    claim: int = 500  # after the window: workers of a void batch come for their pay
    liability: int = 2_000  # a header slot is needed that long
    unbonding: int = 3_000
    notice: int = 300
    grace: int = 600
    ring: int = 4
    least_bond: int = 1_000
    bond_bps: int = 2_000
    deposit: int = 50


@dataclass(slots=True, kw_only=True)
class Job:
    orchestrator: Address
    requester: Address
    prices: Prices
    tasks: int
    escrow: int
    deadline: int
    next_task: int = 0
    stopped: bool = False


@dataclass(slots=True, kw_only=True)
class Stake:
    free: int = 0
    locked: int = 0  # deposits
    allotted: int = 0  # to itself: the bond
    ending: int = 0
    ending_at: int = 0


@dataclass(slots=True, kw_only=True)
class Slot:
    """What is kept of a posted batch."""

    batch: Batch
    previous: Header | None
    posted_at: int
    stated_at: int
    bond: int
    struck: frozenset[int] = frozenset()
    struck_receipts: int = 0
    voided: bool = False
    restater: Address | None = None
    restated_bond: int = 0
    aside: int = 0
    claimed: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Demand:
    by: Address
    orchestrator: Address
    number: int
    of_payouts: bool
    batch: Batch
    deadline: int
    until: int


@dataclass(slots=True, kw_only=True)
class Book:
    """One orchestrator's batches."""

    slots: dict[int, Slot] = field(default_factory=dict)
    next: int = 0
    stated: int = 0  # batches [0, stated) have payouts that nobody rewound


class Ledger:
    """All money is in `wallets`, `jobs`, `pools`, `credits`, `stakes` or `burned`."""

    def __init__(self, domain: Domain, times: Times, wallets: dict[Address, int]) -> None:
        self.domain, self.times, self.now = domain, times, 1_000_000
        self.wallets = dict(wallets)
        self.jobs: dict[int, Job] = {}
        self.books: dict[Address, Book] = defaultdict(Book)
        self.pools: dict[Address, int] = defaultdict(int)
        self.credits: dict[Address, int] = defaultdict(int)
        self.stakes: dict[Address, Stake] = defaultdict(Stake)
        self.bonded: dict[Address, int] = defaultdict(int)  # part of `allotted` that pending batches hold
        self.withdrawn: dict[tuple[Address, int], int] = defaultdict(int)
        self.demands: list[Demand | None] = []
        self.asked: set[tuple[Address, int, bytes, int]] = set()
        self.burned = 0

    def total(self) -> int:
        stakes = sum(s.free + s.locked + s.allotted + s.ending for s in self.stakes.values())
        escrows = sum(job.escrow for job in self.jobs.values())
        held = sum(self.wallets.values()) + sum(self.pools.values()) + sum(self.credits.values())
        return stakes + escrows + held + self.burned

    # --- stake and jobs, as vault and escrow do it ---

    def stake(self, account: Address, amount: int, *, bond: int = 0) -> None:
        self.wallets[account] -= amount
        self.stakes[account].free += amount - bond
        self.stakes[account].allotted += bond

    def unallot(self, account: Address, amount: int) -> None:
        stake = self.stakes[account]
        if amount == 0 or amount > stake.allotted:
            raise Refused("AllotmentTooSmall")
        stake.allotted -= amount
        stake.ending += amount
        stake.ending_at = self.now + self.times.unbonding

    def release_allotment(self, account: Address) -> None:
        stake = self.stakes[account]
        if stake.ending == 0 or self.now < stake.ending_at:
            raise Refused("StillUnbonding")
        stake.free += stake.ending
        stake.ending = 0

    def post_job(self, requester: Address, orchestrator: Address, prices: Prices, tasks: int, deadline: int) -> int:
        bounty = tasks * prices.slots * prices.cost
        self.wallets[requester] -= bounty
        number = len(self.jobs) + 1
        self.jobs[number] = Job(
            orchestrator=orchestrator,
            requester=requester,
            prices=prices,
            tasks=tasks,
            escrow=bounty,
            deadline=deadline,
        )
        return number

    def stop(self, number: int) -> None:
        job = self.jobs[number]
        if job.stopped or self.now >= job.deadline or job.next_task == job.tasks:
            raise Refused("JobAlreadyEnded")
        job.stopped = True
        job.deadline = min(job.deadline, self.now + self.times.notice)

    def refundable(self, number: int) -> int:
        """What no batch can take any more."""
        job = self.jobs[number]
        open_tasks = job.tasks - job.next_task if self.now < job.deadline + self.times.grace else 0
        return job.escrow - open_tasks * job.prices.slots * job.prices.cost

    def refund(self, number: int) -> None:
        amount = self.refundable(number)
        if amount == 0:
            raise Refused("NothingToRefund")
        self.jobs[number].escrow -= amount
        self.credits[self.jobs[number].requester] += amount

    # --- batches ---

    def post(self, sender: Address, batch: Batch) -> None:
        header, book = batch.header, self.books[sender]
        job = self.jobs[header.job]
        if job.orchestrator != sender:
            raise Refused("NotTheOrchestrator")
        if self.now >= job.deadline + self.times.grace:
            raise Refused("PostTooLate")
        if book.stated != book.next:
            raise Refused("RestateFirst")
        if not job.next_task < header.end_task <= job.tasks:
            raise Refused("RangeWrong")
        tasks = header.end_task - job.next_task
        if not 1 <= header.bundle_count <= header.receipt_count <= tasks * job.prices.slots:
            raise Refused("CountsWrong")
        before = book.slots.get(book.next - 1)
        if header.previous != (before.batch.header.hash if before else bytes(32)):
            raise Refused("PreviousWrong")
        old = self._reusable(book)
        total = header.receipt_count * job.prices.cost
        bond = self.times.least_bond + -(-total * self.times.bond_bps // 10_000)
        if any(header.data_digest):  # not on chain: then the bond covers all that could be taken
            bond = max(bond, total)
        mine = old is not None and old.restater == sender
        freed = (old.bond if old else 0) + (old.restated_bond if old and mine else 0)
        if self.bonded[sender] - freed + bond > self.stakes[sender].allotted:
            raise Refused("BondTooSmall")

        self.bonded[sender] += bond - freed
        if old is not None:
            if old.restater is not None and not mine:
                self.bonded[old.restater] -= old.restated_bond
            del book.slots[book.next - self.times.ring]
        job.escrow -= total
        self.pools[sender] += total
        job.next_task = header.end_task
        book.slots[book.next] = Slot(
            batch=batch,
            previous=before.batch.header if before else None,
            posted_at=self.now,
            stated_at=self.now,
            bond=bond,
        )
        book.next += 1
        book.stated = book.next

    def case(self, orchestrator: Address, number: int) -> Case:
        slot = self._slot(orchestrator, number)
        return Case(
            domain=self.domain,
            prices=self.jobs[slot.batch.header.job].prices,
            header=slot.batch.header,
            previous=slot.previous,
            struck=slot.struck,
            struck_receipts=slot.struck_receipts,
            voided=slot.voided,
            restated=slot.restater is not None,
        )

    def prove(self, challenger: Address, orchestrator: Address, number: int, fault: Fault) -> None:
        slot = self._slot(orchestrator, number)
        if challenger == orchestrator:
            raise Refused("ChallengerIsOperator")
        if fault.rule.startswith("rewind"):
            self._require_stated(orchestrator, number)
        else:
            self._require_open(slot)
        try:
            position = fault.check(self.case(orchestrator, number))
        except NotProven as error:
            raise Refused("NotProven") from error
        if fault.rule.startswith("rewind"):
            self._rewind(challenger, orchestrator, number)
        elif position is None:
            self._void(challenger, orchestrator, number)
        else:
            receipts = slot.batch.leaves[position].count
            slot.struck |= {position}
            slot.struck_receipts += receipts
            # A bundle may claim more receipts than the whole batch was paid for; then the rest of it is set aside.
            slot.aside += self._aside(slot, receipts)
            self._punish(challenger, orchestrator, slot)
            self.books[orchestrator].stated = min(self.books[orchestrator].stated, number)

    def restate(self, sender: Address, orchestrator: Address, number: int, batch: Batch) -> None:
        book, slot = self.books[orchestrator], self._slot(orchestrator, number)
        if number != book.stated:
            raise Refused("NotNextToRestate")
        before = book.slots.get(number - 1)
        header, was = batch.header, slot.batch.header
        same = replace(
            was, payouts_root=header.payouts_root, payout_count=header.payout_count, previous=header.previous
        )
        if header != same:
            raise Refused("BatchUnknown")
        if header.previous != (before.batch.header.hash if before else bytes(32)):
            raise Refused("PreviousWrong")
        self._hold(sender, self.times.least_bond)
        if slot.restater is not None:
            self.bonded[slot.restater] -= slot.restated_bond
        slot.batch = batch
        slot.previous = before.batch.header if before else None
        slot.restater, slot.restated_bond = sender, self.times.least_bond
        slot.stated_at = self.now
        book.stated = number + 1

    def release_bond(self, orchestrator: Address, number: int) -> None:
        """Frees the bonds of a batch that can no longer be challenged."""
        slot = self._slot(orchestrator, number)
        freed = 0
        if slot.bond and self.now >= max(slot.posted_at, 0) + self.times.window:
            freed, slot.bond = slot.bond, 0
            self.bonded[orchestrator] -= freed
        if slot.restater is not None and slot.restated_bond and self.now >= slot.stated_at + self.times.window:
            freed += slot.restated_bond
            self.bonded[slot.restater] -= slot.restated_bond
            slot.restated_bond = 0
        if freed == 0:
            raise Refused("NothingToRelease")

    # --- data ---

    def demand(self, challenger: Address, orchestrator: Address, number: int, *, of_payouts: bool) -> int:
        slot = self._slot(orchestrator, number)
        if of_payouts:
            self._require_stated(orchestrator, number)
        elif slot.voided:
            raise Refused("BatchVoid")
        elif not any(slot.batch.header.data_digest):
            raise Refused("DataOnChain")
        until = (slot.stated_at if of_payouts else slot.posted_at) + self.times.window
        if self.now + 2 * self.times.answer > until:
            raise Refused("DemandTooLate")
        root = slot.batch.header.payouts_root if of_payouts else slot.batch.header.bundles_root
        if (orchestrator, number, root, until) in self.asked:
            raise Refused("DemandRepeated")
        self._lock(challenger, self.times.deposit)
        self.asked.add((orchestrator, number, root, until))
        self.demands.append(
            Demand(
                by=challenger,
                orchestrator=orchestrator,
                number=number,
                of_payouts=of_payouts,
                batch=slot.batch,
                deadline=self.now + self.times.answer,
                until=until,
            )
        )
        return len(self.demands) - 1

    def answer(self, sender: Address, index: int) -> None:
        demand = self._demand(index)
        if self.now >= demand.deadline:
            raise Refused("AnswerTooLate")
        self.stakes[demand.by].locked -= self.times.deposit
        self.credits[sender] += self.times.deposit
        self.demands[index] = None

    def enforce(self, index: int) -> None:
        """The demand was not answered: the batch is void, or its payouts are rewound."""
        demand = self._demand(index)
        if self.now < demand.deadline:
            raise Refused("TooEarly")
        self._unlock(demand.by, self.times.deposit)
        self.demands[index] = None
        slot = self.books[demand.orchestrator].slots.get(demand.number)
        # Overwritten or past its window: nothing to punish, the deposit goes home.
        if self.now >= demand.until or slot is None:
            return
        if demand.of_payouts:
            # Restating changes the payouts that were asked for, never the bundles: no demand for those is dodged so.
            if slot.batch.header == demand.batch.header and demand.number < self.books[demand.orchestrator].stated:
                self._rewind(demand.by, demand.orchestrator, demand.number)
        elif not slot.voided:
            self._void(demand.by, demand.orchestrator, demand.number)

    # --- pay ---

    def withdraw(self, orchestrator: Address, number: int, index: int) -> int:
        """Pays what payout `index` has earned and not taken, to its account. Anyone may call."""
        slot, book = self._slot(orchestrator, number), self.books[orchestrator]
        if number >= book.stated or self.now < slot.stated_at + self.times.window:
            raise Refused("PayoutsNotUsable")
        payout = slot.batch.payouts[index]
        amount = payout.cumulative - self.withdrawn[orchestrator, index]
        if amount <= 0:
            raise Refused("NothingToWithdraw")
        if amount > self.pools[orchestrator]:
            raise Refused("PoolTooSmall")
        self.withdrawn[orchestrator, index] += amount
        self.pools[orchestrator] -= amount
        self.wallets[payout.account] += amount
        return amount

    def claim_voided(self, orchestrator: Address, number: int, opening: BundleOpening) -> int:
        """A worker whose honest bundle went down with a void batch is paid all the same, from what that batch held."""
        slot = self._slot(orchestrator, number)
        bundle = opening.check(slot.batch.header)
        if not slot.voided:
            raise Refused("BatchNotVoid")
        if self.now >= slot.posted_at + self.times.window + self.times.claim:
            raise Refused("ClaimTooLate")
        self._require_unclaimed(slot, opening)
        self._require_signed(orchestrator, number, bundle)
        amount = min(bundle.count * self.jobs[slot.batch.header.job].prices.price, slot.aside)
        if amount == 0:
            raise Refused("NothingToClaim")
        slot.claimed.add(opening.position)
        slot.aside -= amount
        self.pools[orchestrator] -= amount
        self.credits[bundle.account] += amount
        return amount

    def claim_misplaced(self, orchestrator: Address, number: int, opening: BundleOpening, owned: PayoutOpening) -> int:
        """A worker whose bundle stands at another's index is paid apart, once the payouts can no longer change."""
        slot, book = self._slot(orchestrator, number), self.books[orchestrator]
        if number >= book.stated or self.now < slot.stated_at + self.times.window:
            raise Refused("PayoutsNotUsable")
        bundle = opening.check(slot.batch.header)
        if slot.voided:
            raise Refused("BatchVoid")
        self._require_unclaimed(slot, opening)
        if owned.check(slot.batch.header, bundle.payout_index).account == bundle.account:
            raise Refused("NotMisplaced")
        self._require_signed(orchestrator, number, bundle)
        amount = bundle.count * self.jobs[slot.batch.header.job].prices.price
        if amount > self.pools[orchestrator]:
            raise Refused("PoolTooSmall")
        slot.claimed.add(opening.position)
        self.pools[orchestrator] -= amount
        self.credits[bundle.account] += amount
        return amount

    def give_back(self, orchestrator: Address, number: int) -> None:
        """What was set aside and nobody claimed returns to the job."""
        slot = self._slot(orchestrator, number)
        if slot.aside == 0:
            raise Refused("NothingAside")
        if self.now < slot.posted_at + self.times.window + self.times.claim:
            raise Refused("TooEarly")
        self.pools[orchestrator] -= slot.aside
        self.jobs[slot.batch.header.job].escrow += slot.aside
        slot.aside = 0

    def withdraw_credit(self, account: Address) -> None:
        if self.credits[account] == 0:
            raise Refused("NothingToWithdraw")
        self.wallets[account] += self.credits[account]
        self.credits[account] = 0

    # --- internals ---

    def _slot(self, orchestrator: Address, number: int) -> Slot:
        slot = self.books[orchestrator].slots.get(number)
        if slot is None:
            raise Refused("BatchUnknown")
        return slot

    def _demand(self, index: int) -> Demand:
        demand = self.demands[index]
        if demand is None:
            raise Refused("DemandUnknown")
        return demand

    def _require_unclaimed(self, slot: Slot, opening: BundleOpening) -> None:
        if opening.position in slot.claimed or opening.position in slot.struck:
            raise Refused("AlreadyClaimed")

    def _require_signed(self, orchestrator: Address, number: int, bundle: Bundle) -> None:
        message = receipts_message(self.case(orchestrator, number), bundle)
        try:
            signer = recover_compact(self.domain, message, bundle.signature)
        except SignatureError as error:
            raise Refused("SignatureWrong") from error
        if signer != bundle.account:
            raise Refused("SignatureWrong")

    def _require_open(self, slot: Slot) -> None:
        if self.now >= slot.posted_at + self.times.window:
            raise Refused("ChallengeTooLate")

    def _require_stated(self, orchestrator: Address, number: int) -> None:
        slot = self._slot(orchestrator, number)
        if number >= self.books[orchestrator].stated:
            raise Refused("AlreadyRewound")
        if self.now >= slot.stated_at + self.times.window:
            raise Refused("ChallengeTooLate")

    def _reusable(self, book: Book) -> Slot | None:
        """The header that the next one overwrites, if any."""
        old = book.slots.get(book.next - self.times.ring)
        if old is None:
            return None
        beside = book.slots[book.next - self.times.ring + 1]
        if self.now < old.posted_at + self.times.liability or old.aside:
            raise Refused("SlotStillNeeded")
        if self.now < beside.stated_at + self.times.window:
            raise Refused("SlotStillNeeded")  # else there would be no payouts to withdraw from for a while
        if self.now < old.stated_at + self.times.window + self.times.claim:
            raise Refused("SlotStillNeeded")  # whose bundle stands at another's index comes for its pay
        return old

    def _hold(self, account: Address, bond: int) -> None:
        if self.bonded[account] + bond > self.stakes[account].allotted:
            raise Refused("BondTooSmall")
        self.bonded[account] += bond

    def _aside(self, slot: Slot, receipts: int) -> int:
        cost = self.jobs[slot.batch.header.job].prices.cost
        return min(receipts * cost, slot.batch.header.receipt_count * cost - slot.aside)

    def _void(self, challenger: Address, orchestrator: Address, number: int) -> None:
        slot = self._slot(orchestrator, number)
        slot.voided = True
        slot.aside += self._aside(slot, slot.batch.header.receipt_count)
        self._punish(challenger, orchestrator, slot)
        self.books[orchestrator].stated = min(self.books[orchestrator].stated, number)

    def _rewind(self, challenger: Address, orchestrator: Address, number: int) -> None:
        slot = self._slot(orchestrator, number)
        self.books[orchestrator].stated = number
        if slot.restater is None:
            self._punish(challenger, orchestrator, slot)
            return
        bond, slot.restated_bond = slot.restated_bond, 0
        self._slash(challenger, slot.restater, bond)

    def _punish(self, challenger: Address, orchestrator: Address, slot: Slot) -> None:
        bond, slot.bond = slot.bond, 0
        self._slash(challenger, orchestrator, bond)

    def _slash(self, challenger: Address, guilty: Address, bond: int) -> None:
        stake = self.stakes[guilty]
        from_ending = min(bond, stake.ending)
        stake.ending -= from_ending
        stake.allotted -= bond - from_ending
        self.bonded[guilty] -= bond
        reward = bond // 2
        self.credits[challenger] += reward
        self.burned += bond - reward

    def _lock(self, account: Address, amount: int) -> None:
        stake = self.stakes[account]
        if amount > stake.free:
            raise Refused("StakeNotFree")
        stake.free -= amount
        stake.locked += amount

    def _unlock(self, account: Address, amount: int) -> None:
        self.stakes[account].locked -= amount
        self.stakes[account].free += amount


def with_header(batch: Batch, **changes: object) -> Batch:
    """The batch under another header; what it holds stays."""
    return replace(batch, header=replace(batch.header, **changes))  # type: ignore[arg-type]
