"""Where the pay goes: second withdrawals, claims at their edges, jobs that end, places of the ring that are used again.

Written against the faults that `make mutate` puts into the money paths. What a view answers is compared too.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.calls import NO_HEADER, header_abi, proof_args
from edgebounty.protocol.batch.messages import Acceptance, Withdrawal, sign_compact
from edgebounty.protocol.batch.openings import open_bundle, open_payout
from edgebounty.protocol.batch.watching import Fault, find_faults, payout_fault
from edgebounty.protocol.batch.wire import payouts_tree
from edgebounty.protocol.types import Address
from tests.model.edges import STRANGER, Bench
from tests.model.ledger import Job, Ledger
from tests.model.machine import DOMAIN, EVE, MALLORY, NAMES, ORC, PRICES, REQUESTER, WATCH, Market
from tests.model.people import CORRUPTIONS, key_of
from tests.model.recorder import NOBODY, withdrawal_abi

TASKS = 30  # as the market's jobs have


def twice(market: Market) -> None:
    """Somebody withdraws by one batch and then by the next: the difference, and the calls say how many were paid."""
    bench, ledger = Bench(market), market.ledger
    first = bench.honest(calldata=True)
    bench.post(first)
    header = header_abi(first.header)

    def opened(batch: Batch, index: int, **more: Any) -> tuple[Any, ...]:
        return withdrawal_abi(index, open_payout(batch.payouts, batch.payouts_tree, index), **more)

    index = first.leaves[0].payout_index
    bench.refused("TooEarly", "BatchPayouts", "withdrawMany", header, [opened(first, index)])
    market.move_time(ledger.now + ledger.times.window - 1)
    bench.refused("TooEarly", "BatchPayouts", "withdraw", header, opened(first, index))
    market.move_time(ledger.now + 1)

    def pay(batch: Batch, to: Any = None) -> None:
        payout = batch.payouts[index]
        amount = payout.cumulative - ledger.withdrawn[ORC, index]
        ledger.withdrawn[ORC, index] += amount
        ledger.pools[ORC] -= amount
        ledger.wallets[to or payout.account] += amount

    account = first.payouts[index].account
    name, until = NAMES[account], ledger.now + 10
    asked = Withdrawal(
        account=account,
        orchestrator=ORC,
        payout_index=index,
        cumulative=first.payouts[index].cumulative,
        receiver=WATCH,
        until=until,
    )
    signed = opened(first, index, receiver=WATCH, until=until, signature=sign_compact(DOMAIN, asked, key_of(name)))
    market.move_time(until)
    bench.refused("WithdrawalRefused", "BatchPayouts", "withdraw", header, signed)
    market.move_time(until - 1)
    doubled = [signed, signed]
    bench.taken("BatchPayouts", "withdrawMany", header, doubled, act=lambda: pay(first, WATCH), answer=(1,))
    earned = first.payouts[index].cumulative
    bench.shows("BatchPayouts", "withdrawnOf", ORC, index, answer=(earned,))
    plans = (market.plan(ORC, market.jobs[0], Random(seed)) for seed in range(50))
    second = next(batch for plan in plans if (batch := plan.built()).payouts[index].cumulative > earned)
    bench.post(second)
    market.move_time(ledger.now + ledger.times.window)
    more = second.payouts[index].cumulative - earned
    again = (header_abi(second.header), opened(second, index))
    bench.taken("BatchPayouts", "withdraw", *again, act=lambda: pay(second), answer=(more,))
    bench.refused("WithdrawalRefused", "BatchPayouts", "withdraw", *again)
    market.check()
    market.get_out()


def rewound(market: Market) -> None:
    """Nobody is paid by payouts that were rewound, however long ago; those before them stay good."""
    bench, ledger = Bench(market), market.ledger
    job = market.jobs[2]
    good = market.plan(MALLORY, job, Random(0)).built()
    assert market.attempt(lambda: ledger.post(MALLORY, good), post_by=MALLORY)
    wrong = CORRUPTIONS["payout_too_large"][1](market.plan(MALLORY, job, Random(8)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, wrong), post_by=MALLORY)
    ledger.prove(WATCH, MALLORY, 1, next(iter(find_faults(ledger.case(MALLORY, 1), wrong))))
    market.move_time(ledger.now + ledger.times.window)
    index = good.leaves[0].payout_index
    by_wrong = withdrawal_abi(index, open_payout(wrong.payouts, wrong.payouts_tree, index))
    header = header_abi(wrong.header)
    bench.refused("PayoutsRewoundStill", "BatchPayouts", "withdraw", header, by_wrong)
    bench.refused("PayoutsRewoundStill", "BatchPayouts", "withdrawMany", header, [by_wrong])
    ledger.withdraw(MALLORY, 0, index)
    market.check()


class Claims:
    """Signed acceptances, and what a claim does to the books."""

    def __init__(self, market: Market, job: int) -> None:
        self.bench, self.ledger, self.job = Bench(market), market.ledger, job

    def accepted(self, worker: Address, first: int, count: int, *, by: str = "orc", job: int = 0) -> tuple[Any, ...]:
        orchestrator = {"orc": ORC, "mallory": MALLORY}[by]
        job = job or self.job
        words = (orchestrator, worker, job, first, count, b"\x01" * 32, b"\x02" * 32)
        message = Acceptance(
            orchestrator=orchestrator,
            worker=worker,
            job=job,
            first_task=first,
            count=count,
            receipts=words[5],
            commit_sets=words[6],
        )
        signature = sign_compact(DOMAIN, message, key_of(by))
        return words, signature[:32], signature[32:]

    def open(self, accepted: tuple[Any, ...], header: Any, number: int) -> None:
        act = lambda: self.ledger._lock(EVE, self.ledger.times.deposit)  # noqa: E731
        self.bench.taken("BatchPayouts", "claimBundle", *accepted, header, act=act, answer=(number,))

    def pay(self, number: int, amount: int, to: Address) -> None:
        def act() -> None:
            self.ledger._unlock(EVE, self.ledger.times.deposit)
            self.ledger.stakes[ORC].allotted -= amount
            self.ledger.credits[to] += amount

        self.bench.taken("BatchPayouts", "payClaim", number, act=act, answer=(amount,))


def claims(market: Market) -> None:
    """A claim is paid once, by the orchestrator that signed, and ended only by the very bundle that was left out."""
    bench, ledger, job = Bench(market), market.ledger, market.jobs[0]
    mine = Claims(market, job)
    batch, other = bench.honest(seed=2), None
    bench.post(batch)
    other = bench.honest(job=1, seed=2)
    bench.post(other)
    next_one = bench.honest(seed=2)
    bench.post(next_one)
    header, leaf = header_abi(batch.header), batch.leaves[0]
    assert other.header.first_task == batch.header.first_task
    foreign = mine.accepted(leaf.account, 0, 1, by="mallory")
    bench.refused("SignatureWrong", "BatchPayouts", "claimBundle", *foreign, header)
    elsewhere = mine.accepted(leaf.account, 0, 1, by="mallory", job=market.jobs[2])
    bench.refused("ClaimNotOpenYet", "BatchPayouts", "claimBundle", *elsewhere, header)

    end = batch.header.end_task
    assert next_one.header.first_task == end
    bench.refused("ClaimNotOpenYet", "BatchPayouts", "claimBundle", *mine.accepted(leaf.account, end, 1), header)
    later = header_abi(next_one.header)
    bench.refused("ClaimNotOpenYet", "BatchPayouts", "claimBundle", *mine.accepted(leaf.account, 0, 1), later)

    def opened(one: Batch, account: Address) -> Any:
        at = next(at for at, each in enumerate(one.leaves) if each.account == account)
        return open_bundle(one.leaves, one.tree, at)

    everywhere = {each.account for each in other.leaves} & {each.account for each in next_one.leaves}
    worker = next(each.account for each in batch.leaves if each.account in everywhere)
    count = opened(batch, worker).bundle.count
    bench.refused("ClaimUnknown", "BatchPayouts", "claimOf", 0)
    bench.refused("ClaimUnknown", "BatchPayouts", "payClaim", 0)
    mine.open(mine.accepted(worker, 0, 1), header, 0)
    bench.shows("BatchPayouts", "claimOf", 0, answer=(EVE, ledger.now + ledger.times.answer))
    bench.shows("BatchPayouts", "claimCount", answer=(1,))
    for wrong in (other, next_one):
        shown = opened(wrong, worker).as_abi()
        bench.refused("NotIncluded", "BatchPayouts", "showBundle", 0, header_abi(wrong.header), shown)
    unposted = replace(batch.header, data_digest=b"\x07" * 32)
    shown = opened(batch, worker).as_abi()
    bench.refused("BatchUnknown", "BatchPayouts", "showBundle", 0, header_abi(unposted), shown)

    def answered() -> None:
        ledger.stakes[EVE].locked -= ledger.times.deposit
        ledger.credits[WATCH] += ledger.times.deposit

    bench.taken("BatchPayouts", "showBundle", 0, header, shown, by=WATCH, act=answered)
    fewer = next(each for each in batch.leaves if each.account != worker)
    mine.open(mine.accepted(fewer.account, 0, fewer.count + 1), header, 1)
    bench.shows("BatchPayouts", "claimOf", 1, answer=(EVE, ledger.now + ledger.times.answer))
    too_few = opened(batch, fewer.account).as_abi()
    bench.refused("NotIncluded", "BatchPayouts", "showBundle", 1, header, too_few)
    market.move_time(ledger.now + ledger.times.answer)
    mine.pay(1, (fewer.count + 1) * PRICES.price, fewer.account)
    bench.refused("ClaimUnknown", "BatchPayouts", "payClaim", 1)
    bench.shows("BatchPayouts", "claimOf", 1, answer=(NOBODY, ledger.now))
    assert count >= 1


def claims_in_time(market: Market) -> None:
    """The last second in which a claim is taken: with a header, and for a job that is closed without one."""
    bench, ledger, job = Bench(market), market.ledger, market.jobs[0]
    mine, batch = Claims(market, job), bench.honest(seed=2)
    bench.post(batch)
    header, latest = header_abi(batch.header), ledger.now + ledger.times.liability - ledger.times.answer
    market.move_time(latest)
    mine.open(mine.accepted(STRANGER, 0, 1), header, 0)
    market.move_time(latest + 1)
    bench.refused("ClaimTooLate", "BatchPayouts", "claimBundle", *mine.accepted(WATCH, 0, 1), header)
    closed = ledger.jobs[job].deadline + ledger.times.grace
    left = batch.header.end_task
    for early in (closed - 1, ledger.jobs[job].deadline):
        market.move_time(early)
        bench.refused("ClaimNotOpenYet", "BatchPayouts", "claimBundle", *mine.accepted(WATCH, left, 1), NO_HEADER)
    market.move_time(closed)
    posted = mine.accepted(WATCH, left - 1, 1)  # of a task that a batch has covered: there is a header to show it by
    bench.refused("ClaimNotOpenYet", "BatchPayouts", "claimBundle", *posted, NO_HEADER)
    mine.open(mine.accepted(WATCH, left, 1), NO_HEADER, 1)
    latest = closed + ledger.times.liability - ledger.times.answer
    market.move_time(latest)
    mine.open(mine.accepted(STRANGER, left, 1), NO_HEADER, 2)
    market.move_time(latest + 1)
    bench.refused("ClaimTooLate", "BatchPayouts", "claimBundle", *mine.accepted(EVE, left, 1), NO_HEADER)


def apart(market: Market) -> None:
    """Bundles of a void batch are paid once each, wherever they stand, if their worker signed them and nobody struck
    them."""
    bench, ledger = Bench(market), market.ledger
    job = market.jobs[2]
    batch = CORRUPTIONS["signature_flipped"][1](market.plan(MALLORY, job, Random(0)), NAMES)
    assert len(batch.leaves) > 2, "a seed with at least three bundles"
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    silent = ledger.demand(EVE, MALLORY, 0, of_payouts=False)
    honest = open_bundle(batch.leaves, batch.tree, 1)
    bench.refused("BatchNotVoid", "BatchPayouts", "claimVoided", header_abi(batch.header), honest.as_abi())
    market.move_time(ledger.now + ledger.times.answer)
    ledger.enforce(silent)
    header = header_abi(batch.header)
    last = open_bundle(batch.leaves, batch.tree, len(batch.leaves) - 1)
    bench.refused("SignatureWrong", "BatchPayouts", "claimVoided", header, last.as_abi())
    for at in (1, 0):
        opening = open_bundle(batch.leaves, batch.tree, at)
        bench.shows("BatchPayouts", "isClaimed", MALLORY, 0, at, answer=(False,))
        ledger.claim_voided(MALLORY, 0, opening)
        bench.shows("BatchPayouts", "isClaimed", MALLORY, 0, at, answer=(True,))
        bench.refused("AlreadyClaimed", "BatchPayouts", "claimVoided", header, opening.as_abi(), by=WATCH)
    market.check()


def struck_and_void(market: Market) -> None:
    """A bundle that was struck stays unpaid when its batch becomes void, though its worker signed it."""
    bench, ledger = Bench(market), market.ledger
    batch = CORRUPTIONS["slot_twice"][1](market.plan(MALLORY, market.jobs[2], Random(5)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    silent = ledger.demand(EVE, MALLORY, 0, of_payouts=False)
    fault = next(iter(find_faults(ledger.case(MALLORY, 0), batch)))
    ledger.prove(WATCH, MALLORY, 0, fault)
    (position,) = ledger.books[MALLORY].slots[0].struck
    market.move_time(ledger.now + ledger.times.answer)
    ledger.enforce(silent)
    struck = open_bundle(batch.leaves, batch.tree, position).as_abi()
    bench.refused("AlreadyClaimed", "BatchPayouts", "claimVoided", header_abi(batch.header), struck)
    bench.shows("BatchLane", "isStruck", MALLORY, 0, position, answer=(True,))
    bench.shows("BatchLane", "isStruck", MALLORY, 0, position + 1, answer=(False,))
    market.check()


def endings(market: Market) -> None:
    """A job that is stopped ends with the notice, never later than before; what is left goes home after the grace."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    first, second, third = market.jobs
    terms = (
        DOMAIN.verifying_contract,
        ORC,
        ledger.now + market.TIME,
        100,
        6,
        2,
        1,
        1,
        2,
        1,
        300,
        100,
        100,
        b"\x01" * 32,
    )

    def reduced() -> None:  # of eight tasks: six and two that join them
        ledger.wallets[REQUESTER] -= 8 * PRICES.slots * PRICES.cost
        ledger.jobs[4] = Job(
            orchestrator=ORC, requester=REQUESTER, prices=PRICES, tasks=8, escrow=8 * PRICES.slots * PRICES.cost,
            deadline=ledger.now + market.TIME,
        )  # fmt: skip

    bench.taken("BountyEscrow", "postJob", terms, by=REQUESTER, act=reduced, answer=(4,))
    bench.shows("BatchLane", "progress", 4, answer=(0, 8, False))
    batch = bench.honest()
    bench.post(batch)

    def job_is(number: int, deadline: int) -> None:
        job = ledger.jobs[number]
        words = (job.orchestrator, deadline, job.next_task, job.tasks, PRICES.slots, PRICES.price, PRICES.fee)
        bench.shows("BatchLane", "jobOf", number, answer=(words,))

    deadline = ledger.jobs[first].deadline
    job_is(first, deadline)
    ledger.stop(first)
    ends = ledger.now + times.notice
    job_is(first, ends)
    done = ledger.jobs[first].next_task
    market.move_time(ends + times.grace - 1)
    bench.shows("BatchLane", "progress", first, answer=(done, TASKS - done, False))
    market.move_time(ends + times.grace)
    bench.shows("BatchLane", "progress", first, answer=(done, 0, False))
    late = bench.honest()
    bench.refused("TooLate", "BatchLane", "post", header_abi(late.header), by=ORC)
    ledger.refund(first)
    market.move_time(deadline - times.notice + 1)
    ledger.stop(second)
    job_is(second, deadline)
    market.move_time(deadline + times.grace - 1)
    assert not market.attempt(lambda: ledger.refund(third))
    market.move_time(deadline + times.grace)
    ledger.refund(third)
    ledger.refund(4)
    market.money_is_conserved()


def ring(market: Market) -> None:
    """A place of the ring is used again to the second: not before its liability, nor before what was restated in it
    or after it can be withdrawn and claimed, nor while anything is aside."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    job = market.jobs[2]

    def post(seed: int) -> Batch:
        batch = market.plan(MALLORY, job, Random(seed)).built()
        assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
        return batch

    def free_at(time: int) -> None:
        bench.shows("BatchLane", "postableAt", MALLORY, answer=(time,))

    free_at(0)
    wrong = CORRUPTIONS["payout_too_large"][1](market.plan(MALLORY, job, Random(8)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, wrong), post_by=MALLORY)
    begun = ledger.now
    market.move_time(begun + times.window - 1)
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), wrong))))
    market.move_time(begun + times.window + 700)
    ledger.restate(WATCH, MALLORY, 0, market.right(MALLORY, 0))
    restated = ledger.now
    for seed in (0, 1, 2):
        post(seed)
    usable = restated + times.window + times.claim
    assert usable > begun + times.liability
    free_at(usable)
    fifth = market.plan(MALLORY, job, Random(3)).built()
    market.move_time(usable - 1)
    bench.refused("TooEarly", "BatchLane", "post", header_abi(fifth.header), by=MALLORY)
    market.move_time(usable)
    bench.shows("BatchLane", "stateOf", header_abi(ledger.books[MALLORY].slots[0].batch.header))
    stale = replace(ledger.books[MALLORY].slots[1].batch.header, data_digest=b"\x03" * 32)
    bench.refused("BatchUnknown", "BatchLane", "stateOf", header_abi(stale))
    bench.shows("BatchLane", "batchOf", MALLORY, 0)
    assert market.attempt(lambda: ledger.post(MALLORY, fifth), post_by=MALLORY)
    bench.refused("BatchUnknown", "BatchLane", "batchOf", MALLORY, 0)
    bench.shows("BatchLane", "batchOf", MALLORY, 1)
    # Number 1 was posted when number 0 was restated: its liability counts.
    free_at(restated + times.liability)
    market.check()


def beside(market: Market) -> None:
    """The place before a batch whose payouts were restated late is kept until those can be withdrawn by."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    job = market.jobs[2]

    def post(batch: Batch) -> None:
        assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)

    post(market.plan(MALLORY, job, Random(0)).built())
    wrong = CORRUPTIONS["payout_too_large"][1](market.plan(MALLORY, job, Random(8)), NAMES)
    post(wrong)
    begun = ledger.now
    ledger.prove(WATCH, MALLORY, 1, next(iter(find_faults(ledger.case(MALLORY, 1), wrong))))
    market.move_time(begun + times.liability - times.window + 1)
    ledger.restate(WATCH, MALLORY, 1, market.right(MALLORY, 1))
    usable = ledger.now + times.window
    for seed in (1, 2):
        post(market.plan(MALLORY, job, Random(seed)).built())
    bench.shows("BatchLane", "postableAt", MALLORY, answer=(usable,))
    batch = market.plan(MALLORY, job, Random(3)).built()
    market.move_time(usable - 1)
    bench.refused("TooEarly", "BatchLane", "post", header_abi(batch.header), by=MALLORY)
    market.move_time(usable)
    post(batch)
    market.check()


def aside(market: Market) -> None:
    """What is aside keeps its place in the ring until somebody gives it back."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    job = market.jobs[2]
    batch = CORRUPTIONS["slot_twice"][1](market.plan(MALLORY, job, Random(5)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), batch))))
    ledger.restate(WATCH, MALLORY, 0, market.right(MALLORY, 0))
    for seed in (0, 1, 2):
        after = market.plan(MALLORY, job, Random(seed)).built()
        assert market.attempt(lambda after=after: ledger.post(MALLORY, after), post_by=MALLORY)
    bench.shows("BatchLane", "postableAt", MALLORY, answer=((1 << 256) - 1,))
    market.move_time(ledger.now + times.window + times.claim - 1)
    header = header_abi(ledger.books[MALLORY].slots[0].batch.header)
    bench.refused("TooEarly", "BatchLane", "giveBack", header)
    market.move_time(ledger.now + times.liability)
    late = market.plan(MALLORY, job, Random(3)).built()
    bench.refused("TooEarly", "BatchLane", "post", header_abi(late.header), by=MALLORY)
    ledger.give_back(MALLORY, 0)
    assert market.attempt(lambda: ledger.post(MALLORY, late), post_by=MALLORY)
    market.check()


def released(market: Market) -> None:
    """A bond comes free once, with the second in which its window ends."""
    bench, ledger = Bench(market), market.ledger
    batch = bench.honest()
    bench.post(batch)
    header = header_abi(batch.header)
    market.move_time(ledger.now + ledger.times.window - 1)
    bench.refused("NothingToRelease", "BatchLane", "releaseBond", header)
    market.move_time(ledger.now + 1)
    ledger.release_bond(ORC, 0)
    assert ledger.bonded[ORC] == 0
    after = bench.honest()
    bench.post(after)
    bench.refused("NothingToRelease", "BatchLane", "releaseBond", header)
    market.check()


def restaters_bond(market: Market) -> None:
    """Whoever restates answers for it a whole window of its own, and has its bond back once, whatever the
    orchestrator's bond of the same batch does meanwhile."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    job = market.jobs[2]
    wrong = CORRUPTIONS["payout_too_large"][1](market.plan(MALLORY, job, Random(8)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, wrong), post_by=MALLORY)
    for seed in (0, 1):
        after = market.plan(MALLORY, job, Random(seed)).built()
        assert market.attempt(lambda after=after: ledger.post(MALLORY, after), post_by=MALLORY)
    begun, slots = ledger.now, ledger.books[MALLORY].slots
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), wrong))))
    restated = begun + 300
    market.move_time(restated)
    for number in (0, 1, 2):
        ledger.restate(WATCH, MALLORY, number, market.right(MALLORY, number))
    assert ledger.bonded[WATCH] == 3 * times.least_bond
    bonds = [slots[number].bond for number in (0, 1, 2)]
    assert bonds[0] == 0 < min(bonds[1:]), "the first was lost, the others are held"

    def free(number: int, amount: int) -> None:
        header = header_abi(slots[number].batch.header)
        act = lambda: Ledger.release_bond(ledger, MALLORY, number)  # noqa: E731
        bench.taken("BatchLane", "releaseBond", header, act=act, answer=(amount,))

    def held(*numbers: int) -> None:
        for number in numbers:
            bench.refused("NothingToRelease", "BatchLane", "releaseBond", header_abi(slots[number].batch.header))

    market.move_time(begun + times.window - 1)
    held(0, 1, 2)
    market.move_time(begun + times.window)
    free(1, bonds[1])
    held(0, 1)
    market.move_time(restated + times.window - 1)
    held(0, 1)
    market.move_time(restated + times.window)
    free(0, times.least_bond)
    held(0)  # the restater has other bonds, from which it could be taken once more
    free(1, times.least_bond)
    held(0, 1)
    free(2, bonds[2] + times.least_bond)
    held(0, 1, 2)
    assert ledger.bonded[WATCH] == ledger.bonded[MALLORY] == 0
    market.check()


def _restated_by_two(market: Market) -> int:
    """Mallory's second batch has a bundle to strike and was rewound with the first; late, the watchtower restates the
    first and Eve the second, wrongly. Returns when the batches were posted; that is 300 seconds ago."""
    ledger, job = market.ledger, market.jobs[2]
    wrong = CORRUPTIONS["payout_too_large"][1](market.plan(MALLORY, job, Random(8)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, wrong), post_by=MALLORY)
    twice_paid = CORRUPTIONS["slot_twice"][1](market.plan(MALLORY, job, Random(5)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, twice_paid), post_by=MALLORY)
    begun = ledger.now
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), wrong))))
    market.move_time(begun + 300)
    ledger.restate(WATCH, MALLORY, 0, market.right(MALLORY, 0))
    right = market.right(MALLORY, 1)
    more = (*right.payouts[:-1], replace(right.payouts[-1], cumulative=right.payouts[-1].cumulative + 1))
    header = replace(right.header, payouts_root=payouts_tree(more).root)
    ledger.restate(EVE, MALLORY, 1, replace(right, payouts=more, header=header))
    return begun


def _faults_of_second(market: Market) -> tuple[Fault, Fault]:
    """What strikes its bundle, and what rewinds its payouts as Eve stated them."""
    case, batch = market.ledger.case(MALLORY, 1), market.ledger.books[MALLORY].slots[1].batch
    strike = next(iter(find_faults(case, batch)))
    last = len(batch.payouts) - 1
    rewind = payout_fault(case, batch, last, open_payout(batch.payouts, batch.payouts_tree, last))
    assert strike.rule == "strikePair"
    assert rewind is not None
    return strike, rewind


def window_over(market: Market) -> None:
    """With the second in which its window ends a bundle can be struck no more, whatever was restated since; nor can
    payouts be rewound with the end of theirs."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    begun = _restated_by_two(market)

    def late(fault: Fault) -> None:
        slot = ledger.books[MALLORY].slots[1]
        args = proof_args(fault, slot.batch.header, slot.previous)
        bench.refused("TooLate", "BatchChallenges", fault.rule, *args, by=WATCH)

    strike, rewind = _faults_of_second(market)
    market.move_time(begun + times.window)
    late(strike)
    market.move_time(begun + 300 + times.window)
    late(strike)
    late(rewind)


def window_of_restated(market: Market) -> None:
    """Payouts that were restated can be rewound to the last second of their own window: whoever stated them pays."""
    ledger, times = market.ledger, market.ledger.times
    begun = _restated_by_two(market)
    _, rewind = _faults_of_second(market)
    market.move_time(begun + 300 + times.window - 1)
    ledger.prove(WATCH, MALLORY, 1, rewind)
    assert ledger.bonded[EVE] == 0
    assert ledger.books[MALLORY].slots[1].bond > 0, "the orchestrator did not state them"


def apart_in_time(market: Market) -> None:
    """Bundles of a void batch are paid apart to the last second of their time, and from what it had set aside only:
    where its bundles claim more receipts than it was paid for, whoever comes last has what is left, or nothing."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times

    def claims_too_much(seed: int) -> Batch | None:
        batch = market.plan(MALLORY, market.jobs[2], Random(seed)).built()
        left = len(batch.leaves) * PRICES.cost - sum(leaf.count for leaf in batch.leaves[:-1]) * PRICES.price
        header = replace(batch.header, receipt_count=len(batch.leaves))
        return replace(batch, header=header) if left < 0 else None

    batch = next(found for seed in range(200) if (found := claims_too_much(seed)))
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), batch))))
    assert ledger.books[MALLORY].slots[0].voided
    openings = [open_bundle(batch.leaves, batch.tree, at) for at in range(len(batch.leaves))]
    until = ledger.now + times.window + times.claim
    header = header_abi(ledger.books[MALLORY].slots[0].batch.header)
    market.move_time(until - 1)
    paid = [ledger.claim_voided(MALLORY, 0, opening) for opening in openings[:-1]]
    assert sum(paid) == len(batch.leaves) * PRICES.cost
    assert 0 < paid[-1] < openings[-2].bundle.count * PRICES.price
    bench.refused("NothingToClaim", "BatchPayouts", "claimVoided", header, openings[-1].as_abi())


def apart_too_late(market: Market) -> None:
    """With the second in which that time ends nobody is paid apart any more, though it is still set aside."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    batch = CORRUPTIONS["gap_in_counts"][1](market.plan(MALLORY, market.jobs[2], Random(0)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), batch))))
    market.move_time(ledger.now + times.window + times.claim)
    assert ledger.books[MALLORY].slots[0].aside > 0
    header = header_abi(ledger.books[MALLORY].slots[0].batch.header)
    opening = open_bundle(batch.leaves, batch.tree, 0)
    bench.refused("TooLate", "BatchPayouts", "claimVoided", header, opening.as_abi())


def misplaced(market: Market) -> None:
    """A bundle at another's index that nobody struck is paid apart once its payouts can change no more, and once."""
    bench, ledger = Bench(market), market.ledger
    first = market.plan(MALLORY, market.jobs[2], Random(0)).built()
    assert market.attempt(lambda: ledger.post(MALLORY, first), post_by=MALLORY)

    def at_another_index(seed: int) -> tuple[Batch, int] | None:
        batch = CORRUPTIONS["index_of_another"][1](market.plan(MALLORY, market.jobs[2], Random(seed)), NAMES)
        wrong = (
            at
            for at, leaf in enumerate(batch.leaves)
            if leaf.payout_index < len(first.payouts) and first.payouts[leaf.payout_index].account != leaf.account
        )
        at = next(wrong, None)
        return None if at is None else (batch, at)

    batch, at = next(found for seed in range(200) if (found := at_another_index(seed)))
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    opening = open_bundle(batch.leaves, batch.tree, at)
    owned = open_payout(batch.payouts, batch.payouts_tree, opening.bundle.payout_index)
    args = (header_abi(batch.header), opening.as_abi(), owned.as_abi())
    market.move_time(ledger.now + ledger.times.window - 1)
    bench.refused("TooEarly", "BatchPayouts", "claimMisplaced", *args)
    market.move_time(ledger.now + 1)
    assert ledger.claim_misplaced(MALLORY, 1, opening, owned) == opening.bundle.count * PRICES.price
    bench.refused("AlreadyClaimed", "BatchPayouts", "claimMisplaced", *args)


def exact_bond(market: Market) -> None:
    """A bond may take the allotment to the last unit, and not one more."""
    ledger, bench = market.ledger, Bench(market)
    batch = market.plan(MALLORY, market.jobs[2], Random(0)).built()
    total = batch.header.receipt_count * PRICES.cost
    bond = max(ledger.times.least_bond + -(-total * ledger.times.bond_bps // 10_000), total)
    ledger.unallot(MALLORY, ledger.stakes[MALLORY].allotted - bond + 1)
    bench.refused("BondTooSmall", "BatchLane", "post", header_abi(batch.header), by=MALLORY)

    def one_more() -> None:
        ledger._allot(MALLORY, 1)  # type: ignore[attr-defined]

    bench.taken("StakeVault", "allot", MALLORY, 1, by=MALLORY, act=one_more)
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    assert ledger.bonded[MALLORY] == bond == ledger.stakes[MALLORY].allotted
    market.check()


WALKS = (
    twice,
    rewound,
    claims,
    claims_in_time,
    apart,
    struck_and_void,
    endings,
    ring,
    beside,
    aside,
    released,
    restaters_bond,
    window_over,
    window_of_restated,
    apart_in_time,
    apart_too_late,
    misplaced,
    exact_bond,
)
