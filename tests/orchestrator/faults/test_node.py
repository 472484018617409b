"""Faults 3, 4, 5, 10, 18 and 19: a node that is down, behind, lying, narrow or dear, and a key that others use too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.views import TaskStatus
from tests.orchestrator import fault_proxy as faults
from tests.orchestrator.devnet import Devnet, Process, digest_of, small_job, wait
from tests.orchestrator.fault_proxy import FaultProxy, fault_proxy

pytestmark = pytest.mark.integration
RIGHT = digest_of("right")


@pytest.fixture
def proxy(net: Devnet) -> Iterator[FaultProxy]:
    with fault_proxy(net.anvil.url) as made:
        yield made


def books_are_right(net: Devnet) -> bool:
    ledger = read_ledger(net.market)
    return (ledger.difference, ledger.surplus) == (0, 0)


def caught_up(net: Devnet, process: Process) -> None:
    """The orchestrator's state is the chain's, at one and the same block."""
    with net.quiet():
        wait(lambda: process.get("/v1/status")["final"] == net.final_number(), 60, "caught up")
        status = process.get("/v1/status")
        assert status["state_digest"] == net.rebuilt(status["final"]).state_digest


def test_node__down_for_ten_minutes__catches_up_and_settles(net: Devnet, data_dir: Path, proxy: FaultProxy) -> None:
    with net.orchestrator(str(data_dir), rpc_url=proxy.url) as process:
        planned = small_job(seed=301)
        net.upload(planned, process.url)
        job_id = net.post(planned, task_time=1200)
        net.wait_drawn(job_id, 0, net.workers[0])
        proxy.rule = faults.down
        wait(lambda: not process.get("/healthz")["ok"], 30, "it says that the node is gone")
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        net.mine(600, seconds=1)
        assert net.market.task(job_id, 0).status is TaskStatus.REVEALING
        proxy.rule = faults.passing
        net.wait_settled(job_id, 0)
        wait(lambda: process.get("/healthz")["ok"], 30, "well again")
        caught_up(net, process)
    assert net.settlements(job_id) == [0]
    assert books_are_right(net)


def test_node__down_past_the_jobs_end__refunded_and_nobody_slashed(
    net: Devnet, data_dir: Path, proxy: FaultProxy
) -> None:
    ann, bob = net.workers[:2]
    with net.orchestrator(str(data_dir), rpc_url=proxy.url) as process:
        planned = small_job(seed=302)
        net.upload(planned, process.url)
        job_id = net.post(planned, deadline=net.market.block().time + 300)
        net.wait_drawn(job_id, 0, ann)
        stakes = [net.market.balances(worker.address).stake for worker in (ann, bob)]
        proxy.rule = faults.down
        ann.claim(job_id, 0)
        ann.commit(job_id, 0, RIGHT)
        net.mine(20, seconds=600)
        proxy.rule = faults.passing
        wait(lambda: net.market.job(job_id).escrow == 0 or bool(net.mine()), 60, "the escrow is refunded")
        caught_up(net, process)
    assert net.market.task(job_id, 0).status is TaskStatus.REFUNDED
    assert [net.market.balances(worker.address).stake for worker in (ann, bob)] == stakes
    assert books_are_right(net)


def test_node__twenty_blocks_behind__cursor_does_not_pass_it(net: Devnet, data_dir: Path, proxy: FaultProxy) -> None:
    with net.orchestrator(str(data_dir), rpc_url=proxy.url) as process:
        planned = small_job(seed=303)
        net.upload(planned, process.url)
        assert process.url
        net.mine(30)
        caught_up(net, process)
        proxy.rule = faults.behind(20)
        with net.quiet():
            cycles = asked(proxy) + 20
            wait(lambda: asked(proxy) > cycles, 60, "it has asked again")
            before = process.get("/v1/status")["seen"]
            job_id = net.post(planned)
            net.mine(5)
            cycles = asked(proxy) + 20
            wait(lambda: asked(proxy) > cycles, 60, "it has asked again")
            assert process.get("/v1/status")["seen"] == before
            assert process.get("/v1/status")["reorganisations"] == 0
        proxy.rule = faults.passing
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        net.wait_settled(job_id, 0)
        caught_up(net, process)
    assert net.settlements(job_id) == [0]


@pytest.mark.parametrize("while_catching_up", [False, True])
def test_node__tells_no_logs__cursor_does_not_pass_a_job(
    net: Devnet, data_dir: Path, proxy: FaultProxy, while_catching_up: bool
) -> None:
    with net.orchestrator(str(data_dir), rpc_url=proxy.url) as process:
        caught_up(net, process)
        if while_catching_up:
            process.stop()
        proxy.rule = faults.telling_no_logs
        job_id = net.post(small_job(seed=304 + while_catching_up))
        posted = net.market.block().number
        net.mine(10)
        if not while_catching_up:
            proves_it_waits(process, proxy, posted)
    if while_catching_up:
        with net.orchestrator(str(data_dir), rpc_url=proxy.url) as again:
            proves_it_waits(again, proxy, posted)
            proxy.rule = faults.passing
            wait(lambda: again.get("/healthz")["ok"], 30, "well again")
            assert again.get(f"/v1/jobs/{job_id}")["id"] == job_id


def proves_it_waits(process: Process, proxy: FaultProxy, posted: int) -> None:
    wait(lambda: not process.get("/healthz")["ok"], 30, "it says that logs are missing")
    seen = asked(proxy) + 20
    wait(lambda: asked(proxy) > seen, 60, "it has asked again")
    assert process.get("/v1/status")["final"] < posted


def one_in(parts: int, failure: Callable[[], Any]) -> Callable[[int], faults.Rule]:
    """Fails for more than that part of the whole chain."""
    return lambda height: faults.overloaded(height // parts, failure)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda height: faults.narrow(height // 10), id="range error"),
        pytest.param(one_in(4, faults.too_many_requests), id="429"),
        pytest.param(one_in(2, faults.stall(11)), id="time-out"),
    ],
)
def test_node__refuses_wide_ranges__asks_for_fewer_blocks_and_leaves_no_gap(
    net: Devnet, data_dir: Path, proxy: FaultProxy, fault: Callable[[int], faults.Rule]
) -> None:
    net.mine(100)
    net.post(small_job(seed=310))
    net.mine(10)
    proxy.rule = fault(net.market.block().number)
    with net.orchestrator(str(data_dir), rpc_url=proxy.url) as process:
        caught_up(net, process)
        assert "log range halved" in process.log()


# --- 5: two nodes ---


def forged(net: Devnet) -> faults.Rule:
    """A witness on a fork of its own: every block has another hash there."""

    def rule(ask: faults.Ask, forward: faults.Forward) -> Any:
        answer = forward(ask)
        if ask["method"] == "eth_getBlockByNumber" and answer.get("result"):
            answer["result"]["hash"] = "0x" + "66" * 32
        return answer

    return rule


def hiding(kind: str) -> faults.Rule:
    """A witness that leaves out the logs of one contract."""

    def rule(ask: faults.Ask, forward: faults.Forward) -> Any:
        answer = forward(ask)
        if ask["method"] == "eth_getLogs" and isinstance(answer.get("result"), list):
            answer["result"] = [log for log in answer["result"] if log["address"].lower() != kind.lower()]
        return answer

    return rule


@pytest.mark.parametrize("lie", ["another fork", "a hidden reveal"])
def test_two_nodes__disagree__nothing_is_sent_and_the_alarm_is_on(
    net: Devnet, data_dir: Path, proxy: FaultProxy, lie: str
) -> None:
    with net.orchestrator(str(data_dir), witness_rpc_url=proxy.url) as process:
        planned = small_job(seed=320 + (lie == "another fork"))
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.wait_drawn(job_id, 0, net.workers[0])
        caught_up(net, process)
        proxy.rule = forged(net) if lie == "another fork" else hiding(net.market.deployment.direct_lane)
        wait(lambda: bool(net.mine()) or proxy.asked.get("eth_getBlockByNumber", 0) > 0, 30, "the witness is asked")
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        net.mine(6)
        wait(lambda: "the two nodes disagree about" in str(process.get("/healthz")["problems"]), 60, "the alarm")
        look_again(net, proxy)  # what was being sent when the alarm went on is through
        sent = net.operator_nonce()
        look_again(net, proxy)
        assert net.operator_nonce() == sent
        assert net.settlements(job_id) == []
        assert "edgebounty_nodes_disagree 1" in process.text("/metrics")
        assert "alarm: the nodes disagree" in process.log()
        assert process.popen.poll() is None

        proxy.rule = faults.passing
        net.wait_settled(job_id, 0)
        wait(lambda: process.get("/healthz")["ok"], 30, "well again")
        assert "edgebounty_nodes_disagree 0" in process.text("/metrics")
        caught_up(net, process)
    assert net.settlements(job_id) == [0]
    assert books_are_right(net)


def test_two_nodes__witness_gone__nothing_new_is_believed_until_it_is_back(
    net: Devnet, data_dir: Path, proxy: FaultProxy
) -> None:
    with net.orchestrator(str(data_dir), witness_rpc_url=proxy.url) as process:
        caught_up(net, process)
        proxy.rule = faults.down
        wait(lambda: "the witness node" in str(process.get("/healthz")["problems"]), 30, "it says who is gone")
        final = process.get("/v1/status")["final"]
        net.mine(10)
        cycles = asked(proxy) + 3
        wait(lambda: asked(proxy) > cycles, 60, "it has asked again")
        assert process.get("/v1/status")["final"] == final
        proxy.rule = faults.passing
        caught_up(net, process)


# --- 18, 19: gas and nonces on a real node ---


def test_gas__a_hundred_times_dearer__held_at_the_cap_then_settled_once(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir), max_fee_gwei=20.0, bump_after_blocks=2) as process:
        planned = small_job(seed=330)
        net.upload(planned, process.url)
        job_id = net.post(planned, task_time=3600, deadline=net.market.block().time + 7200)
        net.wait_drawn(job_id, 0, net.workers[0])
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1], last_reveal=False)
        with net.quiet():
            net.workers[1].reveal(job_id, 0)
            wait(lambda: is_held(process) or bool(net.mine_at(100 * 10**9)), 60, "it is held back")
            sent = net.operator_nonce()
            for _ in range(10):
                net.mine_at(100 * 10**9)
            assert net.operator_nonce() == sent
            assert net.settlements(job_id) == []
            net.mine_at(10**9)
        net.wait_settled(job_id, 0)
        caught_up(net, process)
    assert net.settlements(job_id) == [0]
    assert books_are_right(net)


def test_nonce__taken_by_a_foreign_transaction__resynchronised_and_settled_once(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=340)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        for _ in range(3):
            net.operator_sends_foreign()
            net.mine(2)
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        for _ in range(3):
            net.operator_sends_foreign()
        net.wait_settled(job_id, 0)
        caught_up(net, process)
        assert process.popen.poll() is None
    assert net.settlements(job_id) == [0]


def look_again(net: Devnet, proxy: FaultProxy) -> None:
    """While blocks come, until the proxied node was asked many times more."""
    cycles = asked(proxy) + 20
    wait(lambda: asked(proxy) > cycles or bool(net.mine()), 60, "it has looked again")


def is_held(process: Process) -> bool:
    return "the cap" in process.get("/v1/status")["held"]


def asked(proxy: FaultProxy) -> int:
    return sum(proxy.asked.values())
