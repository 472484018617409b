"""Openings that must prove nothing of bundles and payouts that are right, and posts at the edges of a job.

Written against the faults that `make mutate` puts into the rules: each would have an honest bond lost, or pay taken.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.calls import BUNDLES, header_abi
from edgebounty.protocol.batch.openings import BundleOpening, ReceiptOpening, SetOpening, open_bundle, open_payout
from edgebounty.protocol.batch.rules import Case
from edgebounty.protocol.batch.watching import all_openings, find_faults
from edgebounty.protocol.batch.wire import encode_bundles, payouts_tree
from tests.model.edges import Bench
from tests.model.machine import DOMAIN, MALLORY, NAMES, ORC, PRICES, WATCH, Market
from tests.model.people import CORRUPTIONS
from tests.model.recorder import NOBODY

MOST_SEEDS = 400


def opened(batch: Batch, at: int, **changes: Any) -> BundleOpening:
    opening = open_bundle(batch.leaves, batch.tree, at)
    return replace(opening, bundle=replace(opening.bundle, **changes))


def receipt(batch: Batch, at: int, i: int) -> ReceiptOpening:
    signed = batch.bundles[at]
    return ReceiptOpening(position=i, word=signed.receipts[i].word, proof=signed.receipts_tree.proof(i))


def commit_set(batch: Batch, at: int, i: int) -> SetOpening:
    signed = batch.bundles[at]
    return SetOpening(commit_set=signed.commit_sets[i], proof=signed.sets_tree.proof(i))


def together(batch: Batch) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two receipts for one task, of different bundles: (bundle, receipt) twice."""
    seen: dict[int, tuple[int, int]] = {}
    for at, signed in enumerate(batch.bundles):
        for i, one in enumerate(signed.receipts):
            if one.task in seen:
                return seen[one.task], (at, i)
            seen[one.task] = (at, i)
    raise AssertionError("a task has two receipts in every plan")


def receipts(market: Market) -> None:
    """Receipts and bundles that are made up, shown twice, in the wrong order, or for two tasks."""
    bench = Bench(market)
    batches = (bench.honest(seed=seed) for seed in range(MOST_SEEDS))
    batch = next(one for one in batches if len({r.task for bundle in one.bundles for r in bundle.receipts}) > 1)
    bench.post(batch)
    header = header_abi(batch.header)
    (a, i), (b, j) = together(batch)
    first, of_first, second, of_second = opened(batch, a), receipt(batch, a, i), opened(batch, b), receipt(batch, b, j)

    def refused(rule: str, *openings: Any) -> None:
        shown = (each.as_abi() for each in openings)
        bench.refused("NotProven", "BatchChallenges", rule, header, *shown)

    wrong_digest = replace(of_second, word=of_second.word[:5] + bytes(27))
    too_high = replace(of_first, word=of_first.word[:4] + b"\xff" + of_first.word[5:])
    refused("strikeReceipt", first, too_high)
    refused("strikePair", first, of_first, second, wrong_digest)
    refused("strikePair", first, replace(of_first, word=of_first.word[:5] + bytes(27)), second, of_second)
    refused("strikePair", first, of_first, first, of_first)
    refused("strikePair", second, of_second, first, of_first)
    c, k = next(
        (at, n)
        for at, signed in enumerate(batch.bundles)
        for n, one in enumerate(signed.receipts)
        if one.task != batch.bundles[0].receipts[0].task and at > 0
    )
    refused("strikePair", opened(batch, 0), receipt(batch, 0, 0), opened(batch, c), receipt(batch, c, k))
    sets = commit_set(batch, a, i), commit_set(batch, b, j)
    made_up = SetOpening(commit_set=b"\x09" * 32, proof=sets[1].proof)
    refused("strikeSets", first, of_first, sets[0], second, of_second, made_up)
    refused("strikeSignature", opened(batch, 0, signature=bytes(64)))
    market.check()
    market.get_out()


def struck_first(market: Market) -> None:
    """Beside a bundle that was struck, or in a batch that is void, the others stay as they are."""
    bench, ledger = Bench(market), market.ledger
    job = market.jobs[2]

    for seed in range(MOST_SEEDS):
        plan = market.plan(MALLORY, job, Random(seed))
        tasks = [each.task for bundle in plan.bundles for each in bundle.receipts]
        often = next((task for task in tasks if tasks.count(task) == PRICES.slots), None)
        if often is not None:
            break
    else:
        raise AssertionError("no plan has three receipts of one task")
    _, middle, last = (at for at, b in enumerate(plan.bundles) if often in [each.task for each in b.receipts])
    old = plan.bundles[middle]
    lie = [replace(each, digest=bytes(27)) if each.task == often else each for each in old.receipts]
    bundles = list(plan.bundles)
    bundles[middle] = plan.sign(NAMES[old.account], old.payout_index, lie, old.commit_sets)
    batch = plan.built(bundles)
    pairs = [f for f in all_openings_of(batch, market) if f.rule == "strikePair"]
    wrong = [f for f in pairs if f.openings[1].word[5:] != f.openings[3].word[5:]]
    first_wrong = next(f for f in wrong if f.openings[2].position == middle)
    beside = next(f for f in wrong if (f.openings[0].position, f.openings[2].position) == (middle, last))
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    ledger.prove(WATCH, MALLORY, 0, first_wrong)
    shown = (each.as_abi() for each in beside.openings)
    bench.refused("NotProven", "BatchChallenges", "strikePair", header_abi(batch.header), *shown)
    ledger.restate(WATCH, MALLORY, 0, market.right(MALLORY, 0))
    restated = ledger.books[MALLORY].slots[0].batch
    for fault in all_openings(ledger.case(MALLORY, 0), restated):
        if fault.rule.startswith("rewind"):
            market.attempt(lambda fault=fault: ledger.prove(WATCH, MALLORY, 0, fault))
    assert ledger.books[MALLORY].stated == 1, "what is right stays"
    market.check()
    market.get_out()


def all_openings_of(batch: Batch, market: Market) -> list[Any]:
    """As of a batch that is not posted yet."""
    case = Case(domain=DOMAIN, prices=PRICES, header=batch.header, previous=None)
    return list(all_openings(case, batch))


def void_signature(market: Market) -> None:
    """No bundle of a void batch is struck any more, whatever its signature."""
    bench, ledger = Bench(market), market.ledger
    batch = CORRUPTIONS["signature_flipped"][1](market.plan(MALLORY, market.jobs[2], Random(0)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    silent = ledger.demand(WATCH, MALLORY, 0, of_payouts=False)
    market.move_time(ledger.now + ledger.times.answer)
    ledger.enforce(silent)
    last = opened(batch, len(batch.leaves) - 1).as_abi()
    bench.refused("NotProven", "BatchChallenges", "strikeSignature", header_abi(batch.header), last)
    market.watchtower_looks()
    market.check()
    market.get_out()


def neighbours(market: Market) -> None:
    """That an index has no bundle is shown by the two around it, or the one at the edge: by nothing else."""
    bench, ledger = Bench(market), market.ledger
    job = market.jobs[2]

    def planned(fits: Any) -> Any:
        """Tried without giving an index to anybody who is not in the plan that fits."""
        known = dict(market.indices[MALLORY])
        for seed in range(MOST_SEEDS):
            plan = market.plan(MALLORY, job, Random(seed))
            if fits([bundle.payout_index for bundle in plan.bundles]):
                return plan
            market.indices[MALLORY].clear()
            market.indices[MALLORY].update(known)
        raise AssertionError("no such plan")

    before = planned(lambda indices: indices == [1, 2, 3, 4]).built()
    assert market.attempt(lambda: ledger.post(MALLORY, before), post_by=MALLORY)
    honest = planned(lambda indices: indices == [1, 2, 3, 4]).built()
    assert market.attempt(lambda: ledger.post(MALLORY, honest), post_by=MALLORY)
    headers = header_abi(honest.header), header_abi(before.header)

    def refused(index: int, *near: BundleOpening, old: bool = True) -> None:
        shown = open_payout(honest.payouts, honest.payouts_tree, index).as_abi()
        was = [open_payout(before.payouts, before.payouts_tree, index).as_abi()] if old else []
        opening = (index, shown, was, [each.as_abi() for each in near])
        bench.refused("NotProven", "BatchChallenges", "rewindPayout", *headers, opening)

    one, two, three, four = (opened(honest, at) for at in range(4))
    refused(2, one, three)
    refused(2, one, two)
    refused(3, one, two)
    refused(1, two, three)
    refused(2, two)
    refused(2, one)
    refused(2, three)
    refused(2, four)
    refused(2, one, replace(two, bundle=replace(two.bundle, payout_index=3)))
    refused(2, replace(one, bundle=replace(one.bundle, payout_index=3)))
    refused(2, replace(four, bundle=replace(four.bundle, payout_index=1)))
    refused(2, one, two, three)
    refused(2)
    refused(2, two, old=False)

    for gap, around in (([1, 3], 2), ([2, 3], 1), ([1, 2], 3)):
        plan = planned(lambda indices, gap=gap, around=around: around not in indices and set(gap) <= set(indices))
        batch = plan.built()
        payouts = list(batch.payouts)
        payouts[around] = replace(payouts[around], cumulative=payouts[around].cumulative + 5)
        header = replace(batch.header, payouts_root=payouts_tree(payouts).root)
        wrong = replace(batch, payouts=tuple(payouts), header=header)
        assert market.attempt(lambda wrong=wrong: ledger.post(MALLORY, wrong), post_by=MALLORY)
        number = wrong.header.number
        fault = next(f for f in find_faults(ledger.case(MALLORY, number), wrong) if f.rule == "rewindPayout")
        ledger.prove(WATCH, MALLORY, number, fault)
        ledger.restate(WATCH, MALLORY, number, market.right(MALLORY, number))
        market.move_time(ledger.now + 2 * ledger.times.liability)
    market.check()
    market.get_out()


def last_tasks(market: Market) -> None:
    """The last batch of a job, in its grace; and posts that claim more than their data or their tasks hold."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    job = ledger.jobs[market.jobs[0]]
    plain = bench.honest(calldata=True)
    data, header = encode_bundles(plain.bundles), plain.header
    wrong: list[dict[str, int]] = [{"receipt_count": header.receipt_count + 1, "end_task": header.end_task + 1}]
    wrong += [{"receipt_count": header.receipt_count - 1}, {"bundle_count": header.bundle_count - 1}]
    for changes in wrong:
        words = header_abi(replace(header, **changes))
        bench.refused("DataMismatch", "BatchLane", "postWithData", words, data, by=ORC)
    bench.post(plain)
    second = bench.honest()
    most = (second.header.end_task - second.header.first_task) * PRICES.slots
    many = replace(second.header, receipt_count=most + 1)
    bench.refused("CountsWrong", "BatchLane", "post", header_abi(many), by=ORC)
    market.move_time(job.deadline + times.grace - 1)
    plan = replace(market.plan(ORC, market.jobs[0], Random(1)), tasks=(job.next_task, job.tasks))
    plan = plan.with_bundles({"ann": [(job.tasks - 1, 0)]}, market.indices[ORC] | {"ann": index_of(market, "ann")})
    batch = plan.built()
    bench.refused("RangeWrong", "BatchLane", "post", header_abi(replace(batch.header, end_task=job.tasks + 1)), by=ORC)
    bench.post(batch)
    assert job.next_task == job.tasks
    market.check()
    market.get_out()


def index_of(market: Market, name: str) -> int:
    return market.indices[ORC].setdefault(name, len(market.indices[ORC]) + 1)


def nodes(market: Market) -> None:
    """Nodes that no tree has: one of a higher level as a leaf, and one beyond the last. Nobody could show them."""
    bench = Bench(market)
    batch = next(one for seed in range(MOST_SEEDS) if len((one := bench.honest(seed=seed)).leaves) == 3)
    bench.post(batch)
    header, tree = header_abi(batch.header), batch.tree

    def refused(level: int, position: int, node: bytes, proof: Any) -> None:
        asked = (BUNDLES, level, position, node, proof)
        bench.refused("NodeUnknown", "BatchChallenges", "demand", header, [], asked)

    bench.refused("DemandUnknown", "BatchChallenges", "demandOf", 0)
    refused(0, 0, tree.root, [])
    refused(0, 0, tree.levels[1][0], tree.proof(0, 1))
    refused(1, 0, tree.root, [])
    refused(0, 3, bytes(32), [tree.levels[0][2], *tree.proof(2)[1:]])
    market.check()
    market.get_out()


def used_again(market: Market) -> None:
    """A place in the ring keeps nothing of the batch before: void, struck, restated and set aside are its own."""
    bench, ledger, times = Bench(market), market.ledger, market.ledger.times
    job = market.jobs[2]

    def post(batch: Batch) -> None:
        assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)

    batch = CORRUPTIONS["slot_twice"][1](market.plan(MALLORY, job, Random(5)), NAMES)
    post(batch)
    silent = ledger.demand(WATCH, MALLORY, 0, of_payouts=False)
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), batch))))
    market.move_time(ledger.now + times.answer)
    ledger.enforce(silent)
    ledger.restate(WATCH, MALLORY, 0, market.right(MALLORY, 0))
    for seed in (0, 1, 2):
        post(market.plan(MALLORY, job, Random(seed)).built())
    market.move_time(ledger.now + 2 * times.liability)
    ledger.give_back(MALLORY, 0)
    post(market.plan(MALLORY, job, Random(3)).built())
    slot = ledger.books[MALLORY].slots[4]
    state = (slot.batch.header.hash, ledger.now, ledger.now, slot.bond, False, NOBODY, 0, 0, 0)
    bench.shows("BatchLane", "batchOf", MALLORY, 4, answer=(state,))
    market.check()
    market.get_out()


WALKS = (receipts, struck_first, void_signature, neighbours, last_tasks, nodes, used_again)
