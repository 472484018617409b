"""From accepted receipts to posted batches on a real chain, with everything forgotten between any two steps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgebounty.content.store import get_file
from edgebounty.protocol.batch.building import Batch, next_payouts
from edgebounty.protocol.batch.publishing import data_cid, parse_data
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.batch.wire import Payout
from tests.orchestrator.app.posting_kit import PRICE, SLOTS, UNIT, WINDOW, World, run, world

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("lane")) as made:
        yield made


def test_posting__everything_forgotten_between_any_two_steps__each_batch_once(here: World) -> None:
    here.begin()
    here.stake(50 * UNIT)
    first, second = here.post_job(), here.post_job()
    here.work(first, [0, 1, 2])
    here.work(second, [0, 1])
    for _ in range(12):
        for step in (here.watch, here.look, here.act):
            run(step())
            here.restart()  # also between sending and the block
        here.mine()
        if len(here.headers()) == 2:
            break
    here.work(first, [3, 4])
    while len(here.headers()) < 3:
        here.turn()
    here.rpc("anvil_reorg", 1, [])
    here.rpc("anvil_dropAllTransactions")  # the block with it is taken back, and no node puts it into another
    assert len(here.headers()) == 2
    here.turns(12)
    assert here.headers() == [(0, first, 0), (1, second, 0), (2, first, 3)]
    assert here.lane.functions.bookOf(here.me).call()[:2] == [3, 3]


def test_posted__from_chain_and_content_alone__nobody_finds_a_fault(here: World) -> None:
    """Payouts too: whoever follows all batches has the tree by which workers withdraw."""
    payouts: tuple[Payout, ...] = ()
    previous = None
    for posted in here.poster.history.batches:
        header = posted.header
        cid = data_cid(header)
        leaves, bundles = parse_data(header, get_file(here.content, cid, 1 << 20))
        whole = tuple(bundle for bundle in bundles if bundle is not None)
        assert len(whole) == len(leaves) == SLOTS
        terms = here.terms[header.job]
        prices = Prices(price=terms.price, fee=terms.fee, slots=terms.slots)
        after = next_payouts(payouts, leaves, orchestrator=here.me, prices=prices)
        batch = Batch(header=header, leaves=leaves, bundles=whole, payouts_before=payouts, payouts=after)
        assert header.payouts_root == batch.payouts_tree.root
        case = Case(domain=here.domain, prices=prices, header=header, previous=previous)
        assert list(find_faults(case, batch)) == []
        payouts, previous = after, header
    receipts = 7  # of each worker: the tasks of both jobs
    assert [payout.cumulative for payout in payouts[1:]] == [receipts * PRICE] * SLOTS
    assert payouts[0].cumulative == sum(p.cumulative for p in payouts[1:]) // PRICE * here.terms[1].fee


def test_window_over__bonds_come_home(here: World) -> None:
    bonded = here.lane.functions.bookOf(here.me).call()[2]
    assert bonded >= 3 * UNIT
    here.mine(seconds=WINDOW)
    here.turns(12)
    assert here.lane.functions.bookOf(here.me).call()[2] == 0
    assert here.poster.waiting == ""
