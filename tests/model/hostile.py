"""Proofs that must prove nothing: openings and headers that stand elsewhere, shown by somebody after the bond.

Each is an attempt to have an honest orchestrator, or whoever restated rightly, lose its bond.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.calls import NO_HEADER, header_abi
from edgebounty.protocol.batch.openings import open_bundle, open_payout
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.batch.wire import payouts_tree
from tests.model.edges import Bench
from tests.model.machine import EVE, MALLORY, NAMES, ORC, WATCH, Market
from tests.model.people import CORRUPTIONS

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
