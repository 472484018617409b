"""`python -m orchestrator`: reads the settings, builds the adapters, starts the loops, stops in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from aiohttp import web

from edgebounty.chain.accounts import load_account
from edgebounty.chain.deployment import Deployment
from edgebounty.chain.errors import ChainError
from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.content.kubo import KuboStore
from edgebounty.content.permission import Authorise, UploadRefused, origin_of, who_uploads
from edgebounty.content.permit import is_permit, who_permits
from edgebounty.content.store import ContentError, LocalStore
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, to_address
from orchestrator import config, logs
from orchestrator.adapters.chain.batch import BatchLaneReader
from orchestrator.adapters.chain.funds import Funds
from orchestrator.adapters.chain.permits import Permits
from orchestrator.adapters.chain.reader import Web3Reader
from orchestrator.adapters.chain.translate import ask
from orchestrator.adapters.chain.witness import WitnessedReader
from orchestrator.adapters.chain.writer import Web3Writer
from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.content.keeper import StoreKeeper
from orchestrator.adapters.http.batch_explore import BatchExplorer
from orchestrator.adapters.http.connections import Connections
from orchestrator.adapters.http.limits import RateLimit, UploadQuota
from orchestrator.adapters.http.pages import BUILT, Pages
from orchestrator.adapters.http.server import Service, make_application
from orchestrator.adapters.sql.store import SqlStore
from orchestrator.app.act import Actor, SendingRules
from orchestrator.app.books import Books
from orchestrator.app.contents import Contents
from orchestrator.app.failpoint import check_failpoint
from orchestrator.app.health import Health
from orchestrator.app.loops import run_loop
from orchestrator.app.offers import Offering
from orchestrator.app.room import UploadRoom
from orchestrator.app.watch import Watcher
from orchestrator.batch import build_batch_lane
from orchestrator.domain.errors import Broken, OrchestratorError, Unavailable
from orchestrator.domain.values import Policy

_log = logging.getLogger("orchestrator")
ENDPOINT_FILE = "orchestrator.json"
KEEP_ALIVE_SECONDS = 75.0
MOST_CONNECTIONS = 512  # half of the file descriptors that most systems give a process
MOST_OF_ONE_ADDRESS = 64
_EXPECTED = (ChainError, OrchestratorError, ContentError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 stopped on request, 1 stopped by itself to lose nothing, 2 wrong settings."""
    logs.set_up()
    try:
        settings = config.load(arguments)
    except config.SettingsProblem as problem:
        print(f"orchestrator: {problem}", file=sys.stderr)
        return 2
    try:
        serve(settings)
    except KeyboardInterrupt:
        return 0
    except _EXPECTED as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return 1
    return 0


def serve(settings: config.Settings, announce: Callable[[str], None] = lambda url: None) -> None:
    """Runs the service until SIGINT or SIGTERM; `announce` is told its address once it answers there.

    Raises what made it stop by itself: `OrchestratorError`, `ChainError`, `ContentError` or `OSError`.
    """
    try:
        asyncio.run(_run(settings, announce))
    except (*_EXPECTED, BaseExceptionGroup) as error:
        leaves = _leaves(error)
        for each in leaves:
            if not isinstance(each, _EXPECTED):
                raise
            _log.critical("stopped", extra={"reason": str(each), "kind": type(each).__name__})
        raise leaves[0] from None


async def _run(settings: config.Settings, announce: Callable[[str], None]) -> None:
    check_failpoint()
    async with contextlib.AsyncExitStack() as stack:
        service, loops = await _build(settings, stack)
        for loop in loops:
            stack.callback(loop.close)  # those that a failure below keeps from ever starting
        url = await _listen(settings, service, stack)
        _log.info("ready", extra={"url": url, "account": service.books.policy.me})
        announce(url)
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(loop) for loop in loops]
            stopping = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                stopping.add_signal_handler(number, lambda: [task.cancel() for task in running])
        _log.info("stopped on request")


async def _build(
    settings: config.Settings, stack: contextlib.AsyncExitStack
) -> tuple[Service, tuple[Coroutine[None, None, None], ...]]:
    deployment = Deployment.load(settings.deployment)
    account = load_account(key_file=settings.key_file, keystore=settings.keystore, password_file=settings.password_file)
    me = to_address(account.address)
    web3 = connect(settings.rpc_url, deployment.chain_id)
    market = MarketContracts(web3, deployment)
    identity = {
        "chain_id": str(deployment.chain_id),
        "escrow": deployment.escrow,
        "lane": deployment.direct_lane,
        "batch_lane": deployment.batch_lane,
        "account": me,
    }
    store = SqlStore(settings.data_dir / "orchestrator.sqlite", identity=identity)
    stack.callback(store.close)

    clock = SystemClock()
    policy = Policy(
        me=me,
        lane=deployment.direct_lane,
        epoch_blocks=int(market.read(market.seeds.functions.EPOCH_BLOCKS())),
        draw_time=int(market.read(market.lane.functions.DRAW_TIME())),
        ramp_time=int(market.read(market.lane.functions.RAMP_TIME())),
        max_reopens=int(market.read(market.lane.functions.MAX_REOPENS())),
        keep_seconds=int(settings.keep_days * 86_400),
        batch_lane=deployment.batch_lane,
        batch_grace=BatchLaneReader(market).grace(),
    )
    reader = _reader(settings, market, deployment)
    origin = await reader.block(max(0, deployment.block - 1))
    if origin is None:
        raise Unavailable(what="the chain", reason=f"the node does not know block {deployment.block - 1} yet")
    books = Books(policy=policy, origin=origin, snapshot=store.load())
    watcher = Watcher(reader=reader, store=store, books=books)
    rules = SendingRules(max_fee_wei=int(settings.max_fee_gwei * 10**9), bump_after_blocks=settings.bump_after_blocks)
    writer = Web3Writer(market, Sender(web3, account))
    actor = Actor(writer=writer, outbox=store, books=books, rules=rules)
    content = LocalStore(settings.data_dir / "content")
    kubo = KuboStore(settings.kubo_url) if settings.kubo_url else None
    keeper = StoreKeeper(content, mirror=kubo, most_bytes=int(settings.content_gb * 1e9))
    domain = Domain(chain_id=deployment.chain_id, verifying_contract=deployment.escrow)
    health = Health()
    per_second = settings.requests_per_second
    by_account = RateLimit(rate=max(1.0, per_second / 10), burst=per_second, clock=clock)
    batch = build_batch_lane(
        settings,
        market=market,
        me=me,
        key=bytes(account.key),
        books=books,
        journal=store,
        outbox=store,
        writer=writer,
        keeper=keeper,
        content=content,
        blocks=reader,
        take=by_account.take,
    )
    contents = Contents(
        keeper=keeper,
        store=store,
        outbox=store,
        books=books,
        recompute_after_blocks=settings.recompute_after_blocks,
        batch_results=batch.desk.results,
    )
    service = Service(
        books=books,
        watcher=watcher,
        actor=actor,
        contents=contents,
        offering=Offering(books=books, stakes=reader, clock=clock),
        outbox=store,
        health=health,
        clock=clock,
        domain=domain,
        market={
            "chain_id": deployment.chain_id,
            "rpc_url": settings.public_rpc_url or settings.rpc_url,
            "block": deployment.block,
            "contracts": {
                "token": deployment.token,
                "vault": deployment.vault,
                "escrow": deployment.escrow,
                "seeds": deployment.seeds,
                "direct_lane": deployment.direct_lane,
                "batch_lane": deployment.batch_lane,
                "batch_challenges": deployment.batch_challenges,
                "batch_payouts": deployment.batch_payouts,
                "batch_court": deployment.batch_court,
            },
            "deployer": deployment.deployer,
            "orchestrator": me,
            "fee_bps": settings.fee_bps,
            "lanes": ["direct", "batch"] if settings.batch_most_bond else ["direct"],
        },
        content=content,
        authorise=_authorise(
            domain, books, clock, Funds(market, clock), Permits(market, clock), batch.room, content, settings
        ),
        by_ip=RateLimit(rate=per_second, burst=per_second * 10, clock=clock),
        behind_proxy=settings.behind_proxy,
        connections=Connections(
            most=MOST_CONNECTIONS, most_of_one=MOST_CONNECTIONS if settings.behind_proxy else MOST_OF_ONE_ADDRESS
        ),
        by_account=by_account,
        read_ledger=lambda block: ask("the chain", lambda: read_ledger(market, block_number=block)),
        batch=batch.api,
        batch_outputs=batch.outputs,
        batch_explorer=BatchExplorer(desk=batch.desk, follower=batch.follower),
        pages=Pages(settings.web_dir or BUILT, chain_urls=[settings.public_rpc_url or settings.rpc_url]),
    )

    async def act() -> None:
        head = watcher.head
        if watcher.disagreement:
            return
        if head is not None and books.tip.ref.number >= books.final_header.ref.number:
            await actor.step(head.ref.number)

    pause = settings.poll_seconds
    loops = (
        run_loop("watch", watcher.step, pause_seconds=pause, health=health, clock=clock),
        run_loop("act", act, pause_seconds=pause, health=health, clock=clock),
        run_loop("content", contents.load_step, pause_seconds=pause, health=health, clock=clock),
        run_loop("outputs", contents.output_step, pause_seconds=max(pause, 0.5), health=health, clock=clock),
        run_loop("batch-history", batch.follower.step, pause_seconds=max(pause, 0.5), health=health, clock=clock),
    )
    if not settings.batch_most_bond:
        return service, loops  # no job of the batch lane is taken, so nobody works for what could not be posted
    batch_loops = (
        run_loop("batch-recovery", batch.recovery.step, pause_seconds=pause, health=health, clock=clock),
        run_loop("batch-results", batch.recovery.find, pause_seconds=max(pause, 1.0), health=health, clock=clock),
        run_loop("batch-jobs", batch.jobs.step, pause_seconds=pause, health=health, clock=clock),
        run_loop("batch", batch.desk.tick, pause_seconds=pause, health=health, clock=clock),
        run_loop("batch-answers", batch.answers.step, pause_seconds=pause, health=health, clock=clock),
        run_loop("withdrawals", batch.withdrawals.step, pause_seconds=max(pause, 0.5), health=health, clock=clock),
        run_loop("batch-post", batch.poster.step, pause_seconds=max(pause, 0.5), health=health, clock=clock),
        run_loop("batch-outputs", batch.outputs.step, pause_seconds=pause, health=health, clock=clock),
        run_loop("batch-checks", batch.checks.step, pause_seconds=pause, health=health, clock=clock),
    )
    return service, (*loops, *batch_loops)


def _reader(settings: config.Settings, market: MarketContracts, deployment: Deployment) -> Web3Reader | WitnessedReader:
    """The node alone, or the node and its witness."""
    node = Web3Reader(market, depth=settings.final_depth)
    if not settings.witness_rpc_url:
        return node
    elsewhere = MarketContracts(connect(settings.witness_rpc_url, deployment.chain_id), deployment)
    return WitnessedReader(node, Web3Reader(elsewhere, depth=settings.final_depth), stakes=node)


async def _listen(settings: config.Settings, service: Service, stack: contextlib.AsyncExitStack) -> str:
    """Start the server and say where it is, in DATA_DIR/orchestrator.json and in `/v1/market`."""
    runner = web.AppRunner(
        make_application(service), access_log=None, shutdown_timeout=1.0, keepalive_timeout=KEEP_ALIVE_SECONDS
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    assert runner.server is not None
    try:
        server = await asyncio.get_running_loop().create_server(
            service.connections.wrap(runner.server), settings.host, settings.port, backlog=128
        )
    except OSError as error:
        raise Broken(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): another program may listen there; "
            "choose another port, or 0 for a free one"
        ) from error
    stack.callback(server.close)
    port = server.sockets[0].getsockname()[1]
    url = settings.public_url.rstrip("/") or f"http://{settings.host}:{port}"
    service.market["gateway"] = service.market["gateway_url"] = service.market["api_url"] = url
    path = settings.data_dir / ENDPOINT_FILE
    _write_whole(path, json.dumps({"url": url, "port": port, "pid": os.getpid()}))
    stack.callback(lambda: path.unlink(missing_ok=True))
    return url


def _authorise(
    domain: Domain,
    books: Books,
    clock: SystemClock,
    funds: Funds,
    permits: Permits,
    room: UploadRoom,
    content: LocalStore,
    settings: config.Settings,
) -> Authorise:
    """Uploads are for accounts with something at stake here, and for outputs of batch-lane tasks by whoever has them in
    hand; each within its quota of the day."""
    names = (settings.public_url, f"http://{settings.host}:{settings.port}" if settings.port else "")
    known_as = tuple(origin_of(name) for name in names if name)
    quota = UploadQuota(
        bytes_a_day=settings.upload_quota_mb << 20, of_all=int(settings.upload_total_gb * 1e9), clock=clock
    )

    def who(header: str | None, origins: tuple[str, ...], now: float) -> Address:
        if header is not None and is_permit(header):
            return who_permits(header, permits.rules, now)
        return who_uploads(header, domain, origins, now)

    def authorise(header: str | None, cid: Cid, size: int, arrived_at: tuple[str, ...]) -> None:
        origins = (*known_as, *arrived_at)
        try:
            try:
                account = who(header, origins, books.soft.block.time)
            except UploadRefused:
                account = who(header, origins, clock.now())  # the chain's time and the machine's may differ
            may_upload = room.take(account, 0 if content.has(cid) else size) or funds.has_any(account)
        except Unavailable as error:
            raise UploadRefused(503, f"uploads wait: {error.reason}") from error
        if not may_upload:
            raise UploadRefused(
                403,
                f"{account} has no tokens, stake or credit in this market, and no batch-lane task in hand whose output "
                f"would have room for {size} bytes more, so it may not upload",
            )
        if not quota.take(account, size):
            limits = f"{settings.upload_quota_mb} MB for one account, {settings.upload_total_gb:g} GB for all"
            raise UploadRefused(403, f"{account}: today's uploads are used up ({limits})")

    return authorise


def _write_whole(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text + "\n")
    os.replace(fresh, path)


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]


if __name__ == "__main__":
    sys.exit(main())
