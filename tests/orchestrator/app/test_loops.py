"""Watch and act together, on the in-memory adapters."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from orchestrator.domain.effects import ChainEffect, RecordSeed
from orchestrator.domain.errors import DeepReorganisation, FactRefused, Unavailable
from orchestrator.domain.values import ClaimStatus, JobStatus, TaskId, TaskStatus
from orchestrator.ports.store import OrderStatus
from tests.orchestrator.model import ModelLane, address, digest, make_terms
from tests.orchestrator.rig import Rig

pytestmark = pytest.mark.unit

ANN, BOB, EVE = address(1), address(2), address(3)
FIRST = TaskId(job_id=1, index=0)


def test_loops__two_honest_workers__task_settled_by_us() -> None:
    rig = Rig()
    rig.post()

    rig.work(1, 0, ANN, BOB)
    rig.run(6)

    task = rig.books.final.tasks[FIRST]
    assert task.status is TaskStatus.SETTLED
    assert task.result == digest("right")
    assert rig.books.final.workers[ANN].earned_wei == 1000
    assert rig.lane.paid[(1, 0, ANN)] == 1


def test_loops__one_liar_of_three__slashed_with_evidence() -> None:
    rig = Rig()
    rig.post(quorum=2)
    rig.do(ModelLane.claim, 1, 0, ANN)
    rig.do(ModelLane.claim, 1, 0, EVE)
    rig.do(ModelLane.commit, 1, 0, ANN, digest("right"))
    rig.do(ModelLane.commit, 1, 0, EVE, digest("lie"))
    rig.do(ModelLane.reveal, 1, 0, ANN)
    rig.do(ModelLane.reveal, 1, 0, EVE)
    rig.run(10)
    rig.work(1, 0, BOB)
    rig.run(6)

    task = rig.books.final.tasks[FIRST]
    assert (task.status, task.result) == (TaskStatus.SETTLED, digest("right"))
    (reason,) = rig.books.final.workers[EVE].reasons
    assert (reason.kind, reason.revealed, reason.accepted) == ("wrong result", digest("lie"), digest("right"))
    assert rig.books.final.workers[ANN].slashed_wei == 0


def test_loops__worker_claims_and_vanishes__expired_and_slot_free_again() -> None:
    rig = Rig()
    rig.post()
    rig.do(ModelLane.claim, 1, 0, ANN)
    rig.run(20)

    claim = rig.books.final.tasks[FIRST].claim_of(ANN)
    assert claim is not None
    assert claim.status is ClaimStatus.EXPIRED
    assert rig.books.final.workers[ANN].reasons[0].kind == "no commit"
    rig.work(1, 0, BOB, EVE)
    rig.run(6)
    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED


def test_loops__commits_and_stays_silent__slashed_and_settled_by_others() -> None:
    rig = Rig()
    rig.post(quorum=2)
    for worker in (ANN, EVE):
        rig.do(ModelLane.claim, 1, 0, worker)
    for worker in (ANN, EVE):
        rig.do(ModelLane.commit, 1, 0, worker, digest("right"))
    rig.do(ModelLane.reveal, 1, 0, ANN)
    rig.run(24)
    rig.work(1, 0, BOB)
    rig.run(6)

    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED
    assert rig.books.final.workers[EVE].reasons[0].kind == "no reveal"
    assert rig.lane.slashed == {(1, 0, EVE): 1}


def test_loops__nobody_comes__reopened_then_refunded_after_the_deadline() -> None:
    rig = Rig()
    rig.post()
    rig.run(30)
    assert rig.books.final.tasks[FIRST].reopens >= 1

    rig.run(40, seconds=10)
    assert rig.lane.jobs[1]["refunded"]
    assert rig.books.final.jobs[1].refunded_wei == 7


def test_loops__rounds_with_a_reduce__stages_open_in_order() -> None:
    rig = Rig()
    rig.post(map_tasks=1, reduce_tasks=1, rounds=2, quorum=1, deadline=1_002_000)
    for index in range(4):
        rig.work(1, index, ANN)
        rig.run(14)

    job = rig.books.final.jobs[1]
    assert job.status is JobStatus.FINISHED
    assert job.paid_wei == 4000


def test_watch__job_taken_back__dropped_and_reincluded_settles_once() -> None:
    rig = Rig(depth=8)
    terms = make_terms()
    rig.do(ModelLane.post, terms)
    assert 1 in rig.books.soft.jobs
    rig.chain.reorg(1)
    rig.run(1)
    assert 1 not in rig.books.soft.jobs
    assert rig.watcher.reorganisations == 1

    rig.do(ModelLane.post, terms)
    rig.run(20)
    rig.work(1, 0, ANN, BOB)
    rig.run(20)
    assert rig.lane.paid == {(1, 0, ANN): 1, (1, 0, BOB): 1}


@pytest.mark.parametrize("depth", [1, 7, 64])
def test_watch__reorganisation_within_finality__same_state_as_the_chain(depth: int) -> None:
    rig = Rig(depth=70)
    rig.run(80)
    rig.do(ModelLane.post, make_terms())
    rig.run(depth - 1)
    rig.chain.reorg(depth)
    rig.do(ModelLane.post, make_terms(quorum=3))
    rig.run(3)

    assert rig.books.soft.jobs[1].terms.quorum == 3
    assert not rig.chain.sent


def test_watch__deeper_than_finality__stops_and_sends_nothing() -> None:
    rig = Rig(depth=2)
    rig.do(ModelLane.post, make_terms())
    rig.run(6)
    sent = len(rig.chain.sent)
    rig.chain.reorg(6)
    for _ in range(8):
        rig.chain.mine()

    with pytest.raises(DeepReorganisation, match="deeper than the finality"):
        asyncio.run(rig.settle_down())
    assert len(rig.chain.sent) == sent


def test_watch__node_falls_behind__cursor_stays() -> None:
    rig = Rig(depth=2)
    rig.run(10)
    tip, blocks = rig.books.tip, list(rig.chain._blocks)
    del rig.chain._blocks[5:]
    asyncio.run(rig.settle_down())
    assert rig.books.tip == tip

    rig.chain._blocks[:] = blocks
    rig.run(1)
    assert rig.books.tip.ref.number == tip.ref.number + 1


def test_watch__node_wants_small_ranges__halves_without_a_gap() -> None:
    slow, fast = Rig(), Rig()
    for rig in (slow, fast):
        rig.chain.mine(lambda lane, block: lane.post(block, make_terms()))
        for _ in range(60):
            rig.chain.mine()
    slow.chain.widest = 5
    asyncio.run(slow.settle_down())
    asyncio.run(fast.settle_down())

    assert slow.books.final.state_digest == fast.books.final.state_digest
    assert 1 in slow.books.final.jobs


def test_watch__node_leaves_out_logs__asks_again_then_stops() -> None:
    rig = Rig()
    rig.chain.mine(lambda lane, block: lane.post(block, make_terms()))
    rig.chain._blocks[1].facts.pop(0)
    for _ in range(4):
        rig.chain.mine()

    for _ in range(4):
        with pytest.raises(Unavailable):
            asyncio.run(rig.settle_down())
    with pytest.raises(FactRefused, match="left out logs"):
        asyncio.run(rig.settle_down())
    assert rig.store.load().final is None


def test_act__node_down__catches_up_afterwards() -> None:
    rig = Rig()
    rig.post()
    rig.chain.down = True
    with pytest.raises(Unavailable):
        asyncio.run(rig.settle_down())
    for _ in range(5):
        rig.chain.mine()
    rig.chain.down = False
    rig.work(1, 0, ANN, BOB)
    rig.run(6)
    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED


def test_act__gas_price_rises__same_nonce_dearer_once_included() -> None:
    rig = Rig()
    rig.post()
    rig.chain.least_price_wei = 2 * 10**9
    rig.work(1, 0, ANN, BOB)
    rig.run(40)
    assert rig.actor.bumped >= 3

    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED
    prices = [int(raw.split(b"|")[2]) for raw in rig.chain.sent if raw.startswith(b"settle:1/0")]
    assert prices == sorted(prices)
    assert len({raw.split(b"|")[1] for raw in rig.chain.sent if raw.startswith(b"settle:1/0")}) == 1


def test_act__gas_above_the_cap__held_not_sent() -> None:
    rig = Rig()
    rig.chain.price_wei = 10**12
    rig.do(ModelLane.post, make_terms())
    rig.run(20)
    assert "above the cap" in rig.actor.held
    assert not rig.chain.sent


def test_act__one_order_cannot_be_prepared__others_are_not_held_up() -> None:
    rig = Rig()
    rig.post()
    prepare = rig.chain.prepare

    async def without_headers(effect: ChainEffect) -> int:
        if isinstance(effect, RecordSeed):
            raise Unavailable(what="a header", reason="of a fork that this version does not know")
        return await prepare(effect)

    for worker in (ANN, BOB):
        rig.do(ModelLane.claim, 1, 0, worker)
    for worker in (ANN, BOB):
        rig.do(ModelLane.commit, 1, 0, worker, digest("right"))
    rig.chain.prepare = without_headers  # type: ignore[method-assign]
    rig.chain.mine(lambda lane, block: lane.post(block, make_terms()))
    for worker in (ANN, BOB):
        rig.chain.mine(lambda lane, block, who=worker: lane.reveal(block, 1, 0, who))
    for _ in range(14):
        rig.chain.mine()
        with contextlib.suppress(Unavailable):
            asyncio.run(rig.settle_down())
    with pytest.raises(Unavailable, match="does not know"):
        asyncio.run(rig.settle_down())
    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED


def test_act__foreign_transaction_takes_the_nonce__order_sent_once_with_the_next() -> None:
    rig = Rig()
    rig.post(map_tasks=1)
    nonce = rig.chain._blocks[-1].nonce
    for worker in (ANN, BOB):
        rig.do(ModelLane.claim, 1, 0, worker)
    for worker in (ANN, BOB):
        rig.do(ModelLane.commit, 1, 0, worker, digest("right"))
    for worker in (ANN, BOB):
        rig.do(ModelLane.reveal, 1, 0, worker)
    rig.chain.least_price_wei = 10**12
    rig.run(3)
    assert [t.order_key for t in rig.store.open_transactions()] == ["settle:1/0:0"]
    rig.chain.send_foreign(nonce)
    rig.run(2)
    rig.chain.least_price_wei = 0
    rig.run(10)

    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED
    assert rig.lane.paid[(1, 0, ANN)] == 1


def test_act__foreign_transaction_taken_back_for_good__its_nonce_is_filled_and_ours_get_through() -> None:
    """Found by the market machine: our transaction waited for ever behind a nonce that nobody had any more."""
    rig = Rig(depth=3)
    rig.post(map_tasks=1, quorum=1)
    for action, *more in ((ModelLane.claim,), (ModelLane.commit, digest("right")), (ModelLane.reveal,)):
        rig.do(action, 1, 0, ANN, *more)
    nonce = rig.chain._blocks[-1].nonce
    rig.chain.mine(include=False)
    rig.chain.mine(include=False)
    rig.chain.send_foreign(nonce)
    rig.chain.mine()  # the foreign one is in a block when the settlement is ordered
    asyncio.run(rig.settle_down())
    assert [t.nonce for t in rig.store.open_transactions()] == [nonce + 1]

    rig.chain.reorg(1)
    rig.chain.mempool.clear()
    rig.chain.mine()
    rig.run(20)

    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED
    assert rig.store.order(f"fill:{nonce}").status is OrderStatus.DONE
    assert [raw for raw in rig.chain.sent if raw.startswith(b"fill:")]
    assert not rig.store.open_transactions()
    assert rig.lane.paid[(1, 0, ANN)] == 1


def test_act__foreign_transaction_taken_back_and_back_again__nothing_is_filled() -> None:
    rig = Rig(depth=3)
    rig.post(map_tasks=1, quorum=1)
    for action, *more in ((ModelLane.claim,), (ModelLane.commit, digest("right")), (ModelLane.reveal,)):
        rig.do(action, 1, 0, ANN, *more)
    rig.chain.mine(include=False)
    rig.chain.mine(include=False)
    rig.chain.send_foreign(rig.chain._blocks[-1].nonce)
    rig.chain.mine()
    asyncio.run(rig.settle_down())

    rig.chain.reorg(1)  # its transactions are in the mempool again
    rig.chain.mine()
    rig.run(20)

    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED
    assert not [raw for raw in rig.chain.sent if raw.startswith(b"fill:")]


def test_act__mined_transaction_taken_back__same_bytes_sent_again() -> None:
    rig = Rig(depth=4)
    rig.post()
    rig.work(1, 0, ANN, BOB)
    while not any(raw.startswith(b"settle:1/0") for raw in rig.chain.sent):
        rig.run(1)
    rig.run(1)
    assert rig.lane.tasks[(1, 0)]["status"] == "settled"
    rig.chain.reorg(1)
    rig.chain.mempool.clear()
    rig.chain.mine()
    rig.run(12)

    assert rig.books.final.tasks[FIRST].status is TaskStatus.SETTLED
    raws = {raw for raw in rig.chain.sent if raw.startswith(b"settle:1/0")}
    assert len(raws) == 1
    assert rig.lane.paid[(1, 0, ANN)] == 1


def test_restart__at_any_block__same_digest_and_one_payment() -> None:
    rig, calm = Rig(), Rig()
    for each, restless in ((rig, True), (calm, False)):
        each.post()
        for worker in (ANN, BOB):
            each.do(ModelLane.claim, 1, 0, worker)
        for step in (ModelLane.commit, ModelLane.reveal):
            for worker in (ANN, BOB):
                each.do(step, 1, 0, worker, *([digest("right")] if step is ModelLane.commit else []))
                if restless:
                    each.restart()
        for _ in range(8):
            each.run(1)
            if restless:
                each.restart()
    assert rig.books.final.state_digest == calm.books.final.state_digest
    assert rig.lane.paid == calm.lane.paid == {(1, 0, ANN): 1, (1, 0, BOB): 1}
