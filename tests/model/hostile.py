"""Proofs that must prove nothing: openings and headers that stand elsewhere, shown by somebody after the bond.

Each is an attempt to have an honest orchestrator, or whoever restated rightly, lose its bond.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.calls import (
    BUNDLES,
    COMMIT_SETS,
    LEVELS_PER_ANSWER,
    NO_HEADER,
    PAYOUTS,
    bundle_words,
    header_abi,
)
from edgebounty.protocol.batch.openings import open_bundle, open_payout
from edgebounty.protocol.batch.tree import PositionTree, height_of
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.batch.wire import payouts_tree
from edgebounty.protocol.hashing import keccak256
from tests.model.edges import Bench
from tests.model.ledger import Refused
from tests.model.machine import EVE, MALLORY, NAMES, ORC, WATCH, Market
from tests.model.people import CORRUPTIONS
from tests.model.recorder import call, root_of

FEW, ALL = 1, 0  # seeds: a plan that leaves a worker out, and one with somebody who was not in it


def false_owner(market: Market) -> None:
    """Eve restates payouts in which an index is hers, and shows them against the honest bundle that comes after."""
    bench, ledger = Bench(market), market.ledger
    job = market.jobs[2]
    wrong = CORRUPTIONS["payout_too_large"][1](market.plan(MALLORY, job, Random(0)), NAMES)
    assert market.attempt(lambda: ledger.post(MALLORY, wrong), post_by=MALLORY)
    assert market.attempt(lambda: ledger.post(MALLORY, market.plan(MALLORY, job, Random(3)).built()), post_by=MALLORY)
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), wrong))))
    right = market.right(MALLORY, 0)
    batch = market.history[MALLORY][1].batch
    at = next(i for i, leaf in enumerate(batch.leaves) if leaf.payout_index < len(right.payouts))
    index = batch.leaves[at].payout_index
    payouts = tuple(
        replace(payout, account=EVE) if number == index else payout for number, payout in enumerate(right.payouts)
    )
    header = replace(right.header, payouts_root=payouts_tree(payouts).root)
    ledger.restate(EVE, MALLORY, 0, replace(right, payouts=payouts, header=header))
    ledger.restate(EVE, MALLORY, 1, market.right(MALLORY, 1))
    before = market.history[MALLORY][0].batch
    bench.refused(
        "NotProven",
        "BatchChallenges",
        "strikeOwner",
        header_abi(market.history[MALLORY][1].batch.header),
        header_abi(before.header),
        open_bundle(batch.leaves, batch.tree, at).as_abi(),
        open_payout(before.payouts, before.payouts_tree, index).as_abi(),
    )
    ledger.prove(WATCH, MALLORY, 0, next(iter(find_faults(ledger.case(MALLORY, 0), before))))
    market.watchtower_looks()
    market.check()
    market.get_out()


def borrowed(market: Market) -> None:
    """Openings of another batch, made-up ones, and headers that the batch does not build on."""
    bench, ledger = Bench(market), market.ledger

    def post(orchestrator: Any, job: int, seed: int) -> Batch:
        batch = market.plan(orchestrator, market.jobs[job], Random(seed)).built()
        assert market.attempt(lambda: ledger.post(orchestrator, batch), post_by=orchestrator)
        return batch

    def refused(rule: str, *args: Any) -> None:
        bench.refused("NotProven", "BatchChallenges", rule, *args)

    def opened(batch: Batch, at: int, **changes: Any) -> tuple[Any, ...]:
        opening = open_bundle(batch.leaves, batch.tree, at)
        return replace(opening, bundle=replace(opening.bundle, **changes)).as_abi()

    before, batch, other = post(ORC, 0, 2), post(ORC, 0, 4), post(MALLORY, 2, 11)
    header, last = header_abi(batch.header), len(batch.leaves) - 1
    at = next(
        i
        for i, leaf in enumerate(batch.leaves)
        if leaf.payout_index < len(other.payouts) and other.payouts[leaf.payout_index].account != leaf.account
    )
    index = batch.leaves[at].payout_index
    elsewhere = open_payout(other.payouts, other.payouts_tree, index).as_abi()
    refused("strikeOwner", header, header_abi(other.header), opened(batch, at), elsewhere)
    refused("voidOrder", header, opened(before, 0), opened(batch, 1))
    refused("voidOrder", header, opened(batch, 0), opened(batch, 1, start=7))
    refused("voidOrder", header, opened(batch, 0, start=7), opened(batch, 1))
    refused("voidEdge", header, opened(batch, last, count=0))
    refused("rewindCount", header, header_abi(before.header), opened(batch, last, payout_index=99))
    refused("rewindCount", header, header_abi(replace(before.header, payout_count=99)), opened(batch, last))
    paid = open_payout(batch.payouts, batch.payouts_tree, index).as_abi()
    shown = (index, paid, [], [opened(batch, at)])
    refused("rewindPayout", header, NO_HEADER, shown)
    refused("rewindPayout", header, header_abi(replace(before.header, payout_count=0)), shown)
    market.check()
    market.get_out()


def nobodys_index(market: Market) -> None:
    """An index that nobody had yet is not another's."""
    bench, ledger, indices = Bench(market), market.ledger, market.indices[MALLORY]
    indices["nobody"] = 1  # so index 1 stays free in the first batch
    first = market.plan(MALLORY, market.jobs[2], Random(FEW)).built()
    assert market.attempt(lambda: ledger.post(MALLORY, first), post_by=MALLORY)
    known = set(indices)
    plan = market.plan(MALLORY, market.jobs[2], Random(ALL))
    newcomer = next(name for name in indices if name not in known)
    bundles = tuple(
        plan.sign(newcomer, 1, bundle.receipts) if NAMES[bundle.account] == newcomer else bundle
        for bundle in plan.bundles
    )
    indices[newcomer] = indices.pop("nobody")
    batch = plan.built(bundles)
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    free = open_payout(first.payouts, first.payouts_tree, 1)
    assert not free.payout.owned
    opening = open_bundle(batch.leaves, batch.tree, 0)
    assert opening.bundle.payout_index == 1
    headers = header_abi(batch.header), header_abi(first.header)
    bench.refused("NotProven", "BatchChallenges", "strikeOwner", *headers, opening.as_abi(), free.as_abi())
    market.watchtower_looks()
    market.check()


def void_and_restated(market: Market) -> None:
    """Nothing of a void batch is paid: whoever restates so is right, whatever its bundles say."""
    bench, ledger = Bench(market), market.ledger

    def post(batch: Batch) -> None:
        assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)

    post(market.plan(MALLORY, market.jobs[2], Random(FEW)).built())
    wrong = CORRUPTIONS["total_too_small"][1](market.plan(MALLORY, market.jobs[2], Random(ALL)), NAMES)
    post(wrong)
    fault = next(f for f in find_faults(ledger.case(MALLORY, 1), wrong) if f.rule == "voidEdge")
    ledger.prove(WATCH, MALLORY, 1, fault)
    right, before = market.right(MALLORY, 1), market.history[MALLORY][0].batch
    ledger.restate(WATCH, MALLORY, 1, right)
    headers = header_abi(right.header), header_abi(before.header)
    last = open_bundle(wrong.leaves, wrong.tree, len(wrong.leaves) - 1)
    assert last.bundle.payout_index >= right.header.payout_count
    bench.refused("NotProven", "BatchChallenges", "rewindCount", *headers, last.as_abi())
    known = open_bundle(wrong.leaves, wrong.tree, 0)
    for index, near in ((0, []), (known.bundle.payout_index, [known.as_abi()])):
        shown = open_payout(right.payouts, right.payouts_tree, index).as_abi()
        old = open_payout(before.payouts, before.payouts_tree, index).as_abi()
        bench.refused("NotProven", "BatchChallenges", "rewindPayout", *headers, (index, shown, [old], near))
    market.check()
    market.get_out()


def tall(market: Market) -> None:
    """A tree of more levels than one answer shows: the nodes in between answer it, fewer than 32 at its edge."""
    bench, ledger, indices = Bench(market), market.ledger, market.indices[MALLORY]
    gone = {f"gone {number}": number for number in range(1, 40)}
    indices.update(gone)
    batch = market.plan(MALLORY, market.jobs[2], Random(ALL)).built()
    tree = batch.payouts_tree
    assert height_of(tree.count) == LEVELS_PER_ANSWER + 1
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    ledger.answer(MALLORY, ledger.demand(EVE, MALLORY, 0, of_payouts=True))

    def asked() -> None:
        ledger._lock(EVE, ledger.times.deposit)

    def answered() -> None:
        ledger.stakes[EVE].locked -= ledger.times.deposit
        ledger.credits[MALLORY] += ledger.times.deposit

    level, right = LEVELS_PER_ANSWER, tree.levels[0][32:]
    node = (PAYOUTS, level, 1, tree.levels[level][1], tree.proof(1, level))
    bench.taken("BatchChallenges", "demand", header_abi(batch.header), [], node, act=asked)
    others = (right[:-1], [*right, bytes(32)], [*right[:-1], bytes(32)], [*right[:-2], right[-1], right[-2]], [])
    for nodes in others:
        bench.refused("AnswerWrong", "BatchChallenges", "answerNodes", 1, nodes, by=MALLORY)
    inner = tree.levels[level - 1][2] + bytes(32)
    assert keccak256(inner) == tree.levels[level][1]
    bench.refused("AnswerWrong", "BatchChallenges", "answerLeaf", 1, inner, by=MALLORY)
    bench.taken("BatchChallenges", "answerNodes", 1, right, by=MALLORY, act=answered)
    for name in gone:
        del indices[name]
    market.check()
    market.get_out()


def last_moment(market: Market) -> None:
    """Two answer times before the end of the window data can be demanded, a second later no more."""
    bench, ledger = Bench(market), market.ledger
    batch = market.plan(MALLORY, market.jobs[2], Random(ALL)).built()
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    market.move_time(ledger.now + ledger.times.window - 2 * ledger.times.answer)
    ledger.answer(MALLORY, ledger.demand(EVE, MALLORY, 0, of_payouts=True))
    silent = ledger.demand(EVE, MALLORY, 0, of_payouts=False)
    market.move_time(ledger.now + 1)
    after = market.plan(MALLORY, market.jobs[2], Random(FEW)).built()
    assert market.attempt(lambda: ledger.post(MALLORY, after), post_by=MALLORY)
    asked = root_of(batch, of_payouts=True)
    bench.refused("DemandTooLate", "BatchChallenges", "demand", header_abi(batch.header), [], asked)
    market.move_time(ledger.now - 1 + 2 * ledger.times.answer)
    ledger.enforce(silent)  # the window is over: the deposit goes home, nobody is punished
    bench.refused("DemandUnknown", "BatchChallenges", "enforce", silent, header_abi(batch.header))
    market.check()
    market.get_out()


def no_payout(market: Market) -> None:
    """A leaf of the payouts over bytes that are none: its preimage is known, and shows nothing."""
    words = b"\1" * 31
    demand = _leaf_demanded(market, PAYOUTS, words)
    for wrong in (words, bytes(32), b""):
        Bench(market).refused("AnswerWrong", "BatchChallenges", "answerLeaf", demand, wrong, by=MALLORY)


def no_bundle(market: Market) -> None:
    """A leaf over words that no bundle has, an index above 32 bits: nobody can open it, so it is not shown."""
    plan = market.plan(MALLORY, market.jobs[2], Random(ALL))
    words = b"\1" + bundle_words(plan.built().leaves[0])[1:]
    demand = _leaf_demanded(market, BUNDLES, words)
    answer = call("BatchChallenges", "answerLeaf", demand, words)

    def refuse() -> None:
        raise Refused("not strictly encoded")

    assert not market.attempt(lambda: market.ledger.send(MALLORY, "BatchChallenges", answer, refuse))  # type: ignore[attr-defined]
    Bench(market).refused("AnswerWrong", "BatchChallenges", "answerLeaf", demand, words[:-1] + b"\0", by=MALLORY)


def _leaf_demanded(market: Market, kind: int, preimage: bytes) -> int:
    """A batch whose first leaf of that tree is over these bytes; Eve demands it."""
    bench, ledger = Bench(market), market.ledger
    batch = market.plan(MALLORY, market.jobs[2], Random(ALL)).built()
    right = batch.tree if kind == BUNDLES else batch.payouts_tree
    tree = PositionTree([keccak256(preimage), *right.levels[0][1:]])
    root = {"bundles_root": tree.root} if kind == BUNDLES else {"payouts_root": tree.root}
    batch = replace(batch, header=replace(batch.header, **root))
    ledger.post(MALLORY, batch)

    def asked() -> None:
        ledger._lock(EVE, ledger.times.deposit)

    node = (kind, 0, 0, tree.levels[0][0], tree.proof(0))
    bench.taken("BatchChallenges", "demand", header_abi(batch.header), [], node, act=asked)
    return 0


def made_up(market: Market) -> None:
    """Receipts and commit sets of a bundle that is in no batch: nobody could show them. Those of one that is can be
    demanded, of calldata the commit sets too."""
    bench, ledger = Bench(market), market.ledger
    batch = bench.honest(calldata=True)
    bench.post(batch)
    header, root = header_abi(batch.header), keccak256(b"known to nobody")
    real = open_bundle(batch.leaves, batch.tree, 0)
    bundle = replace(real.bundle, count=1, receipts_root=root, sets_root=root)
    false = replace(real, bundle=bundle).as_abi()
    bench.refused("BundleMissing", "BatchChallenges", "demand", header, [false], (COMMIT_SETS, 0, 0, root, []))
    sets = batch.bundles[0].sets_tree

    def asked() -> None:
        ledger._lock(EVE, ledger.times.deposit)

    def answered() -> None:
        ledger.stakes[EVE].locked -= ledger.times.deposit
        ledger.credits[ORC] += ledger.times.deposit

    node = (COMMIT_SETS, 0, 0, sets.levels[0][0], sets.proof(0))
    bench.taken("BatchChallenges", "demand", header, [real.as_abi()], node, act=asked)
    word = batch.bundles[0].commit_sets[0]
    bench.taken("BatchChallenges", "answerLeaf", 0, word, by=ORC, act=answered)
    market.check()


def overtaken(market: Market) -> None:
    """Demands that nobody answered, of what is no longer there when they are enforced: they cost nobody a bond."""
    bench, ledger = Bench(market), market.ledger
    cases = (("payout_too_large", True), ("order_swapped", False), ("fee_too_high", True))
    for number, (wrong, of_payouts) in enumerate(cases):
        batch = CORRUPTIONS[wrong][1](market.plan(MALLORY, market.jobs[2], Random(FEW)), NAMES)
        assert market.attempt(lambda batch=batch: ledger.post(MALLORY, batch), post_by=MALLORY)
        demand = ledger.demand(EVE, MALLORY, number, of_payouts=of_payouts)
        ledger.prove(WATCH, MALLORY, number, next(iter(find_faults(ledger.case(MALLORY, number), batch))))
        restated = wrong != "fee_too_high"  # else they are still rewound when the demand is enforced
        if restated:
            ledger.restate(WATCH, MALLORY, number, market.right(MALLORY, number))
        market.move_time(ledger.now + ledger.times.answer)
        ledger.enforce(demand)
        header = header_abi(ledger.books[MALLORY].slots[number].batch.header)
        bench.refused("DemandUnknown", "BatchChallenges", "enforce", demand, header)
    market.watchtower_looks()
    market.check()
    market.get_out()


def wrong_target(market: Market) -> None:
    """Silence about one batch is shown against another's: nothing happens to it."""
    bench, ledger = Bench(market), market.ledger
    honest = bench.honest()
    bench.post(honest)
    batch = market.plan(MALLORY, market.jobs[2], Random(FEW)).built()
    assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)
    shown = market.plan(MALLORY, market.jobs[2], Random(ALL)).built()
    assert market.attempt(lambda: ledger.post(MALLORY, shown), post_by=MALLORY)
    demand = ledger.demand(EVE, MALLORY, 0, of_payouts=False)
    bench.refused("DemandUnknown", "BatchChallenges", "answerLeaf", demand + 1, b"")
    market.move_time(ledger.now + ledger.times.answer)
    for other in (honest, shown):
        bench.refused("BatchUnknown", "BatchChallenges", "enforce", demand, header_abi(other.header))
    ledger.enforce(demand)
    assert ledger.books[MALLORY].slots[0].voided
    market.watchtower_looks()
    market.check()
    market.get_out()
