"""The process itself: bad settings, a node that goes away, signals."""

from __future__ import annotations

import json
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.deployment import Deployment
from orchestrator.adapters.chain.translate import to_fact
from orchestrator.domain import facts as f
from orchestrator.domain.decide import decide
from orchestrator.domain.market import Market
from orchestrator.domain.matching import Board, Capabilities, Stake, make_board, match
from orchestrator.domain.values import BlockRef, Policy, Task
from tests.orchestrator.devnet import Devnet, Process, digest_of, small_job, wait

pytestmark = pytest.mark.integration


def dies_saying(process: Process, words: str, status: int = 1) -> None:
    assert process.wait_dead() == status
    assert words in process.log(), process.log()


def test_start__node_not_reachable__said(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir), rpc_url="http://127.0.0.1:1") as process:
        dies_saying(process, "no Ethereum node answers at http://127.0.0.1:1")


def test_start__wrong_chain__said(net: Devnet, data_dir: Path) -> None:
    path = net.folder / "elsewhere.json"
    replace(Deployment.load(net.deployment_file), chain_id=5).save(path)
    with net.orchestrator(str(data_dir), deployment=str(path)) as process:
        dies_saying(process, "serves chain id 31337, but the contracts live on chain id 5")


def test_start__no_contracts_there__said(net: Devnet, data_dir: Path) -> None:
    path = net.folder / "nowhere.json"
    deployment = Deployment.load(net.deployment_file)
    replace(deployment, seeds=net.requester.address).save(path)
    with net.orchestrator(str(data_dir), deployment=str(path)) as process:
        dies_saying(process, "is not the contract that the deployment file names")


def test_start__port_taken__said(net: Devnet, data_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with net.orchestrator(str(data_dir), port=other.getsockname()[1]) as process:
            dies_saying(process, "another program may listen there; choose another port")


def test_start__key_file_missing_or_open_to_others__said(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir), key_file="/nowhere/key") as process:
        dies_saying(process, "the key file /nowhere/key does not exist")
    path = net.folder / "open.key"
    path.write_text("11" * 32)
    path.chmod(0o644)
    with net.orchestrator(str(data_dir) + "-open", key_file=str(path)) as process:
        dies_saying(process, "chmod 600")


def test_start__wrong_password__said(net: Devnet, data_dir: Path) -> None:
    keystore, password = net.folder / "keystore.json", net.folder / "password"
    keystore.write_text(json.dumps(Account.encrypt(bytes(net.operator.key), "right", kdf="pbkdf2", iterations=10)))
    password.write_text("wrong\n")
    for path in (keystore, password):
        path.chmod(0o600)
    options = {"keystore": str(keystore), "password_file": str(password)}
    with Process(net, net.folder / data_dir, without=("key_file",), **options) as process:
        dies_saying(process, "does not open the keystore")
    password.write_text("right\n")
    with Process(net, net.folder / data_dir, without=("key_file",), **options) as process:
        assert process.get("/v1/market")["orchestrator"] == net.operator.address


def test_start__settings_missing__status_2_and_all_named(net: Devnet, data_dir: Path) -> None:
    with Process(net, net.folder / data_dir, without=("rpc_url", "deployment")) as process:
        assert process.wait_dead() == 2
        assert "rpc_url is missing" in process.log()
        assert "deployment is missing" in process.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop__on_request__status_0_at_once_and_endpoint_file_gone(
    net: Devnet, data_dir: Path, number: signal.Signals
) -> None:
    with net.orchestrator(str(data_dir)) as process:
        told, deployment = process.get("/v1/market"), net.market.deployment
        assert told["chain_id"] == 31337
        assert told["contracts"]["batch_lane"] == deployment.batch_lane
        assert told["contracts"]["batch_challenges"] == deployment.batch_challenges
        assert told["contracts"]["batch_payouts"] == deployment.batch_payouts
        wait(lambda: process.get("/v1/market")["now"] >= net.market.block().time - 5, 15, "the chain's time is told")
        process.popen.send_signal(number)
        assert process.popen.wait(60) == 0
        assert not (process.data_dir / "orchestrator.json").exists()


def test_node__killed_and_back__says_so_then_catches_up(tmp_path: Path) -> None:
    state = tmp_path / "chain.state"
    with Anvil.start(state=state) as anvil:
        net = Devnet(tmp_path, anvil)
        with net.orchestrator() as process:
            planned = small_job()
            net.upload(planned, process.url)
            job_id = net.post(planned)
            net.wait_drawn(job_id, 0, net.workers[0])
            anvil.stop()
            wait(lambda: not process.get("/healthz")["ok"], 15, "it says that the node is gone")
            assert "no Ethereum node answers" in str(process.get("/healthz")["problems"])
            with Anvil.start(state=state, port=anvil.port):
                for person in net.workers:
                    person.sender.resync()
                net.work(job_id, 0, digest_of("right"), net.workers[0], net.workers[1])
                net.wait_settled(job_id, 0)
                wait(lambda: process.get("/healthz")["ok"], 15, "well again")
            assert process.popen.poll() is None


def test_draws__as_the_contract_tells_them(net: Devnet, data_dir: Path) -> None:
    """The offers' own computation of who may claim when, beside `DirectLane.drawnFrom`."""
    market, lane = net.market, net.market.lane.functions
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(rows=400, shards=24, seed=77)
        net.upload(planned, process.url)
        poor = net.workers[3]
        poor.send(market.unbond(market.balances(poor.address).free_stake - 12 * 10**17))  # a share of 4 %
        net.mine(8)
        job_id = net.post(planned, quorum=1, work_slots=1)
        net.wait_drawn(job_id, 0, net.workers[0])

    head = market.block()
    ref = BlockRef(number=head.number, hash=head.hash, time=head.time)
    policy = Policy(
        me=net.market.terms(job_id).orchestrator,
        lane=market.deployment.direct_lane,
        epoch_blocks=4,
        draw_time=market.read(lane.DRAW_TIME()),
        ramp_time=market.read(lane.RAMP_TIME()),
    )
    books = Market(policy=policy, block=ref)
    for event in market.events.fetch(market.web3, from_block=0, to_block=head.number):
        block = market.block(event.ref.block_number)
        fact = to_fact(event, BlockRef(number=block.number, hash=block.hash, time=block.time))
        if fact is not None:
            books.apply(decide(books, fact))
    manifest = planned.manifest
    loaded = f.ManifestLoaded(
        digest=manifest.digest,
        kind=manifest.kind,
        map_tasks=manifest.map_tasks,
        reduce_tasks=manifest.reduce_tasks,
        rounds=manifest.rounds,
        memory_bytes=1,
        simd=False,
        shard_cids=(),
    )
    books.apply(decide(books, loaded))
    board = make_board(books)
    assert len(board.tasks) >= manifest.map_tasks
    for task in board.tasks:
        told_task = market.task(task.id.job_id, task.id.index, head.number)
        assert told_task.fill_deadline == max(
            task.fill_deadline, board.seeds[task.draw_epoch].recorded_at + policy.ramp_time
        )
        assert told_task.closes_at == policy.closes_at(books.jobs[task.id.job_id].terms, task.wave)
    seen: set[bool] = set()
    for worker in (net.workers[0], poor):
        stakes = {}
        for epoch in board.epochs:
            at = max(0, epoch - 1) * 4
            mine, total = market.read(net.market.vault.functions.stakeShareAt(worker.address, at))
            stakes[epoch] = Stake(mine=mine, total=total)
        for task in board.tasks:
            told = market.read(lane.drawnFrom(task.id.job_id, task.id.index, worker.address))
            one = only(board, task)
            for now in (told - 1, told) if told else (10**11,):
                offered = bool(match(replace(one, now=now), worker.address, Capabilities(), stakes, {}).tasks)
                assert offered is (told != 0 and now >= told)
                seen.add(offered)
    assert seen == {True, False}


def only(board: Board, task: Task) -> Board:
    """The board with this task alone."""
    columns = ("job_ids", "indexes", "prices", "memory_bytes", "simd")
    place = board.tasks.index(task)
    return replace(
        board,
        tasks=(task,),
        shards=("",),
        **{name: getattr(board, name)[place : place + 1] for name in columns},
    )
