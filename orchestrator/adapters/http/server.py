"""The HTTP server on one port: API for workers and requesters, content gateway, health and metrics."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from edgebounty.chain.ledger import Ledger
from edgebounty.content.gateway import routes as gateway_routes
from edgebounty.content.permission import Authorise
from edgebounty.content.store import ContentStore
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, JobId, to_address
from orchestrator.adapters.http import answers, explore, metrics
from orchestrator.adapters.http.batch import BatchApi
from orchestrator.adapters.http.connections import Connections
from orchestrator.adapters.http.documents import Documents, Paced
from orchestrator.adapters.http.documents import answer as send
from orchestrator.adapters.http.hello import read_hello, read_json
from orchestrator.adapters.http.limits import RateLimit
from orchestrator.adapters.http.pages import Pages
from orchestrator.app.act import Actor
from orchestrator.app.batch_outputs import BatchOutputs
from orchestrator.app.books import Books
from orchestrator.app.contents import Contents
from orchestrator.app.health import Health
from orchestrator.app.offers import Offering
from orchestrator.app.watch import Watcher
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.values import Worker
from orchestrator.ports.clock import Clock
from orchestrator.ports.store import OrderStatus, Outbox

_log = logging.getLogger(__name__)
MOST_BODY_BYTES = 256 << 10
BODY_SECONDS = 10
STALE_SECONDS = 60
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ReadLedger = Callable[[int], Awaitable[Ledger]]
"""The books of the whole market at a block, from the chain. Raises `Unavailable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that the handlers show."""

    books: Books
    watcher: Watcher
    actor: Actor
    contents: Contents
    offering: Offering
    outbox: Outbox
    health: Health
    clock: Clock
    domain: Domain
    market: dict[str, Any]
    content: ContentStore
    authorise: Authorise
    by_ip: RateLimit
    by_account: RateLimit
    connections: Connections
    behind_proxy: bool = False
    read_ledger: ReadLedger | None = None
    pages: Pages | None = None
    batch: BatchApi | None = None
    batch_outputs: BatchOutputs | None = None


def make_application(service: Service) -> web.Application:
    """The application, ready for a runner."""
    api = _Api(service)
    application = web.Application(client_max_size=MOST_BODY_BYTES, middlewares=[api.guard])
    application.add_routes(
        [
            web.get("/v1/market", api.market),
            web.get("/v1/work", api.work),
            web.post("/v1/workers", api.hello),
            web.get("/v1/workers/{address}", api.worker),
            web.get("/v1/jobs", api.jobs),
            web.get("/v1/jobs/{id}", api.job),
            web.get("/v1/overview", api.overview),
            web.get("/v1/workers", api.workers),
            web.get("/v1/ledger", api.ledger),
            web.get("/v1/find", api.find),
            web.get("/v1/status", api.status),
            web.options("/v1/{path:.*}", api.preflight),
            web.get("/healthz", api.healthz),
            web.get("/metrics", api.metrics),
            *gateway_routes(service.content, service.authorise),
            *(service.batch.routes() if service.batch is not None else ()),
            *(service.pages.routes() if service.pages is not None else ()),
        ]
    )
    return application


class _Api:
    def __init__(self, service: Service) -> None:
        self._s = service
        self._requests: Counter[str] = Counter()
        self._documents = Documents(service.clock)
        self._index = Paced(service.clock, lambda: explore.index_of(service.books.soft))

    @web.middleware
    async def guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Rates first; then every error as JSON that says who has to act."""
        self._s.connections.served(request.transport)
        wait = self._s.by_ip.take(self._caller(request))
        if wait:
            return _too_many(wait, "this network address")
        try:
            response = await handler(request)
        except Rejected as error:
            response = _problem(400, error.reason, who=error.by)
        except Unavailable as error:
            response = _problem(503, str(error), who="the operator; asking again in a moment may do")
        except web.HTTPException as error:
            if request.path.startswith("/ipfs/"):
                raise
            response = _problem(error.status, error.reason or "", who="the caller")
            if "Retry-After" in error.headers:
                response.headers["Retry-After"] = error.headers["Retry-After"]
        except ValueError as error:
            response = _problem(400, str(error), who="the caller")
        self._requests[str(response.status)] += 1
        if request.method == "PUT" and response.status in (200, 201):
            self._s.contents.wake()
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
        return response

    def _caller(self, request: web.Request) -> str:
        """The network address to count. A proxy of ours appends the last entry; earlier ones may be invented."""
        if self._s.behind_proxy:
            told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            return told or (request.remote or "")
        return request.remote or ""

    async def preflight(self, request: web.Request) -> web.Response:
        """Pages of any origin may ask: nothing here depends on who is logged in anywhere."""
        allowed = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "Content-Type"}
        return web.Response(status=204, headers={**allowed, "Access-Control-Max-Age": "86400"})

    async def market(self, request: web.Request) -> web.Response:
        return web.json_response(self._s.market | {"now": self._s.books.soft.block.time})

    async def work(self, request: web.Request) -> web.Response:
        worker = _address(request.query.get("worker"), "worker")
        is_known = self._s.offering.is_ticket(worker, request.query.get("ticket", ""))
        # Anybody can name anybody's account: without its ticket a caller uses up only its own share, and holds nothing.
        wait = self._s.by_account.take(worker if is_known else f"{self._caller(request)} {worker}")
        if wait:
            return _too_many(wait, f"worker {worker}")
        offers = await self._s.offering.for_worker(worker, hold=is_known)
        listed = [
            {"job_id": task.id.job_id, "task_index": task.id.index, "draw_epoch": task.draw_epoch}
            for task in offers.tasks
        ]
        return web.json_response({"offers": listed, "reason": offers.reason or None})

    async def hello(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = read_json(await request.text())
        except TimeoutError:
            raise web.HTTPRequestTimeout(reason=f"the body must arrive within {BODY_SECONDS} s") from None
        except ValueError as error:
            raise Rejected(by="the worker", reason=f"the body is not JSON: {error}") from error
        hello, able = read_hello(body, self._s.domain, chain_now=self._s.books.soft.block.time)
        wait = self._s.by_account.take(hello.worker)
        if wait:
            return _too_many(wait, f"worker {hello.worker}")
        ticket = self._s.offering.introduce(hello.worker, able, until=hello.until, said=hello.capabilities)
        return web.json_response({"worker": hello.worker, "until": hello.until, "ticket": ticket})

    async def worker(self, request: web.Request) -> web.Response:
        address = _address(request.match_info["address"], "the address")
        known = self._s.offering.workers.get(address)
        record = self._s.books.soft.workers.get(address) or Worker(address=address)
        page = answers.worker_page(record)
        page["capabilities"] = json.loads(known.said) if known is not None else None
        return web.json_response(page)

    async def jobs(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            soft = self._s.books.soft
            newest = sorted(soft.jobs.values(), key=lambda job: -job.id)[:500]
            return {"jobs": [answers.job_line(soft, job) for job in newest], "block": self._freshness()}

        return send(await self._documents.of_version("jobs", self._version(), make), request)

    async def job(self, request: web.Request) -> web.Response:
        text = request.match_info["id"]
        job = self._s.books.soft.jobs.get(JobId(int(text))) if text.isdigit() and len(text) < 19 else None
        if job is None:
            return _problem(404, f"job {text[:20]} is not known here (yet)", who="the caller")

        async def make() -> dict[str, Any]:
            final = self._s.books.final.jobs.get(job.id)
            page = answers.job_page(self._s.books.soft, job)
            page["final"] = {"known": final is not None, "settled": final.settled if final is not None else 0}
            page["block"] = self._freshness()
            return page

        return send(await self._documents.of_version(f"jobs/{job.id}", self._version(), make), request)

    async def overview(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            now = self._s.clock.now()
            page = explore.overview(self._s.books.soft, self._s.offering, now=now)
            return page | {"block": self._freshness()}

        return send(await self._documents.paced("overview", make), request)

    async def workers(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            return {"workers": explore.worker_lines(self._s.books.soft), "block": self._freshness()}

        return send(await self._documents.paced("workers", make), request)

    async def ledger(self, request: web.Request) -> web.Response:
        read = self._s.read_ledger
        if read is None:
            return _problem(404, "this service does not keep the market's books", who="nobody")

        async def make() -> dict[str, Any]:
            page = explore.ledger_page(await read(self._s.books.final_header.ref.number))
            return page | {"block": self._freshness()}

        return send(await self._documents.paced("ledger", make), request)

    async def find(self, request: web.Request) -> web.Response:
        text = request.query.get("q", "")
        if not 0 < len(text) <= 100:
            raise Rejected(by="the caller", reason="q is missing: a job number, an address, a CID or a digest")
        found = explore.find(self._index.get(), self._s.books.soft.jobs, text)
        return web.json_response({"found": found, "block": self._freshness()})

    def _freshness(self) -> dict[str, Any]:
        return explore.freshness(self._s.books, self._s.watcher.head)

    def _version(self) -> tuple[bytes, int, int]:
        books = self._s.books
        return books.tip.ref.hash, books.final_header.ref.number, books.local_changes

    async def status(self, request: web.Request) -> web.Response:
        s, books = self._s, self._s.books
        head = s.watcher.head
        open_orders = await asyncio.to_thread(s.outbox.orders, OrderStatus.OPEN)
        on_their_way = await asyncio.to_thread(s.outbox.open_transactions)
        return web.json_response(
            {
                "orchestrator": books.policy.me,
                "head": head.ref.number if head is not None else None,
                "seen": books.tip.ref.number,
                "final": books.final_header.ref.number,
                "state_digest": books.final.state_digest,
                "jobs": len(books.soft.jobs),
                "workers": len(s.offering.workers),
                "orders_open": [order.key for order in open_orders[:50]],
                "transactions_open": len(on_their_way),
                "transactions_sent": s.actor.sent,
                "held": s.actor.held,
                "recomputed": s.contents.recomputed + (s.batch_outputs.recomputed if s.batch_outputs else 0),
                "disputed": [*s.contents.disputed, *(s.batch_outputs.disputed.values() if s.batch_outputs else ())],
                "reorganisations": s.watcher.reorganisations,
                "faults": s.health.faults,
                "stopped": s.health.stopped,
            }
        )

    async def healthz(self, request: web.Request) -> web.Response:
        """200 while the loops work; 503 with the reasons else. Lag is in blocks behind the node's head."""
        s, books = self._s, self._s.books
        head = s.watcher.head.ref if s.watcher.head is not None else None
        watched = s.health.last_worked.get("watch")
        silent = s.clock.now() - watched if watched is not None else None
        problems = dict(s.health.faults)
        if silent is None or silent > STALE_SECONDS:
            problems.setdefault("watch", "no cycle has ended yet" if silent is None else f"silent for {silent:.0f} s")
        body = {
            "ok": not problems,
            "problems": problems,
            "seen_lag_blocks": head.number - books.tip.ref.number if head is not None else None,
            "final_lag_blocks": head.number - books.final_header.ref.number if head is not None else None,
            "head_age_seconds": round(s.clock.now() - head.time, 1) if head is not None else None,
            "batches": s.batch.standing() if s.batch is not None else None,
        }
        return web.json_response(body, status=200 if not problems else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        s, books = self._s, self._s.books
        head = s.watcher.head.ref.number if s.watcher.head is not None else 0
        jobs = Counter(job.status.value for job in books.soft.jobs.values())
        tasks = Counter(task.status.value for task in books.soft.open_tasks())
        open_orders = await asyncio.to_thread(s.outbox.orders, OrderStatus.OPEN)
        page = metrics.render(
            [
                metrics.single("head_block", "gauge", "newest block of the node", head),
                metrics.single("seen_block", "gauge", "newest block taken in", books.tip.ref.number),
                metrics.single("final_block", "gauge", "newest final block taken in", books.final_header.ref.number),
                metrics.single("nodes_disagree", "gauge", "1: the node and its witness", bool(s.watcher.disagreement)),
                metrics.single("reorganisations_total", "counter", "forks left", s.watcher.reorganisations),
                metrics.single("transactions_sent_total", "counter", "sendings, repeated ones too", s.actor.sent),
                metrics.single("transactions_bumped_total", "counter", "replaced at a higher price", s.actor.bumped),
                metrics.single("orders_open", "gauge", "orders to carry out", len(open_orders)),
                metrics.single("outputs_recomputed_total", "counter", "withheld outputs", s.contents.recomputed),
                metrics.single("workers", "gauge", "workers that said hello", len(s.offering.workers)),
                metrics.counted("jobs", "gauge", "jobs by status", "status", jobs),
                metrics.counted("tasks_open", "gauge", "open tasks by status", "status", tasks),
                metrics.counted("requests_total", "counter", "answers by HTTP status", "status", self._requests),
                metrics.single("connections_open", "gauge", "connections of peers", s.connections.open),
                metrics.single("connections_refused_total", "counter", "too many or silent", s.connections.refused),
                metrics.single("faults", "gauge", "loops that complain", len(s.health.faults)),
            ]
        )
        return web.Response(text=page, content_type="text/plain", charset="utf-8")


def _address(text: str | None, what: str) -> Address:
    if not text:
        raise Rejected(by="the caller", reason=f"{what} is missing: give an account as 0x and 40 hex digits")
    try:
        return to_address(text)
    except ValueError as error:
        raise Rejected(by="the caller", reason=f"{what}: {error}") from error


def _problem(status: int, reason: str, *, who: str) -> web.Response:
    return web.json_response({"error": reason, "who_acts": who}, status=status)


def _too_many(wait_seconds: float, whose: str) -> web.Response:
    answer = _problem(429, f"too many requests of {whose}: wait {wait_seconds:.1f} s", who="the caller")
    answer.headers["Retry-After"] = str(max(1, round(wait_seconds)))
    return answer
