"""The database is deleted: what was posted is read back from chain and published data, and the orchestrator goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from edgebounty.protocol.types import JobId
from orchestrator.app.poster import Poster
from orchestrator.domain.batch.values import Stage
from orchestrator.domain.errors import Broken, Unavailable
from tests.orchestrator.app.posting_kit import PRICE, UNIT, FakeRuns, World, result_of, run, world

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("lost")) as made:
        made.begin()
        made.stake(50 * UNIT)
        yield made


async def all_steps(poster: Poster) -> None:
    while await poster.step():
        pass


@pytest.mark.parametrize("calldata", [0, 1_000])
def test_lost_journal__is_rebuilt_from_what_was_posted__and_the_next_batch_builds_on_it(
    here: World, calldata: int
) -> None:
    before = len(here.headers())
    here.settings["calldata_receipts"] = calldata
    here.restart()
    first, second = here.post_job(), here.post_job()
    here.work(first, [0, 1, 2])
    here.work(second, [0])
    here.until_posted(before + 2)
    here.turns(3)  # until the posts are final
    payouts, indices = here.poster.history.batches[-1].payouts, dict(here.desk.book.payees)
    here.work(first, [3])  # accepted, and not posted

    here.lose_the_database()
    here.poster._is_whole = lambda: True  # what came of it without reading back
    run(here.watch())
    with pytest.raises(Broken, match="is not what this database holds of it"):
        run(all_steps(here.poster))
    here.restart()
    here.turns(2)

    book = here.desk.book
    assert here.poster.history.batches[-1].payouts == payouts
    assert dict(book.payees) == indices
    assert [book.task(JobId(first), i).stage for i in range(4)] == [Stage.AGREED] * 3 + [Stage.OPEN]
    assert here.desk.results(JobId(first)) == {}, "a receipt has 27 bytes of a digest"
    offered = {offer.task for offer in run(here.desk.offers(here.hands[0].address)) if offer.terms.job == first}
    assert offered
    assert not offered & {0, 1, 2}
    here.work(first, [3, 4])  # nobody here knows of its receipts: it is given out again
    here.until_posted(before + 3)
    here.restart()  # from the new journal
    here.turns(2)
    assert here.headers()[-1] == (before + 2, first, 3)
    assert here.poster.history.batches[-1].is_right
    here.mine(seconds=7_000)
    here.turns(3)
    index = here.desk.book.payout_index(here.hands[0].address)
    assert index is not None
    earned = here.poster.earned(index)
    assert earned == here.poster.history.batches[-1].payouts[index].cumulative
    assert earned >= 5 * PRICE


def test_found_results__are_those_that_were_accepted__and_are_kept(here: World) -> None:
    job = here.headers()[0][1]
    here.lose_the_database()
    here.turns(2)
    FakeRuns.job = job + 1  # another program's
    assert run(here.recovery.find())
    assert here.desk.results(JobId(job)) == {}
    FakeRuns.job = job
    here.restart()
    here.turns(1)
    while len(here.desk.results(JobId(job))) < 5:
        assert run(here.recovery.find())
    assert here.desk.results(JobId(job)) == {task: result_of(job, task) for task in range(5)}
    assert (JobId(job), 0) in here.desk.offered.awaited
    here.restart()
    assert here.desk.results(JobId(job))[2] == result_of(job, 2)


def test_lost_data__nothing_is_posted_or_given_out_until_it_is_back(here: World) -> None:
    kept = here.data / "kept"
    shutil.move(here.data / "content", kept)
    here.lose_the_database()
    run(here.watch())
    with pytest.raises(Unavailable, match="the data of batch 0, of job"):
        run(here.recover())
    assert not here.recovery.is_whole
    assert not run(here.poster.step())
    assert not here.desk.book.terms
    shutil.rmtree(here.data / "content")
    shutil.move(kept, here.data / "content")
    here.restart()
    here.turns(2)
    assert here.recovery.is_whole
    assert len(here.poster.history.batches) == len(here.headers())


def test_settled_batches__a_restart__has_a_short_journal_and_the_same_pay(here: World) -> None:
    assert here.store is not None
    worked = here.post_job()
    here.work(worked, [0, 1, 2])
    here.until_posted(len(here.headers()) + 1)
    here.turns(3)
    here.mine(seconds=7_000)
    here.turns(12)  # the bonds come home one after the other
    long, earned = len(here.store.entries()), [here.poster.earned(index) for index in here.desk.book.payees]
    results = here.desk.results(JobId(worked))
    assert len(results) == 3

    here.restart()
    here.turns(2)

    assert here.dropped > 10
    assert len(here.store.entries()) == long - here.dropped
    assert [here.poster.earned(index) for index in here.desk.book.payees] == earned
    assert here.desk.results(JobId(worked)) == results
    assert len(here.poster.history.batches) == len(here.headers())
    here.restart()
    assert here.dropped == 0
    job = here.post_job()
    here.work(job, [0])
    here.until_posted(len(here.headers()) + 1)
    here.turns(3)
    assert here.poster.history.batches[-1].is_right
