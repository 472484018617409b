"""The HTTP server on one port: API for workers and requesters, content gateway, health and metrics."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from edgebounty.content.gateway import routes as gateway_routes
from edgebounty.content.permission import Authorise
from edgebounty.content.store import ContentStore
from edgebounty.protocol.messages import Domain
from orchestrator.adapters.http import metrics
from orchestrator.adapters.http.answers import address_of, problem
from orchestrator.adapters.http.batch import BatchApi
from orchestrator.adapters.http.batch_explore import BatchExplorer
from orchestrator.adapters.http.connections import Connections
from orchestrator.adapters.http.explorer import Explorer, ReadLedger
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
from orchestrator.ports.clock import Clock
from orchestrator.ports.store import OrderStatus, Outbox

_log = logging.getLogger(__name__)
MOST_BODY_BYTES = 256 << 10
BODY_SECONDS = 10
STALE_SECONDS = 60
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
    batch_explorer: BatchExplorer | None = None


def make_application(service: Service) -> web.Application:
    """The application, ready for a runner."""
    api = _Api(service)
    explorer = Explorer(
        books=service.books,
        watcher=service.watcher,
        offering=service.offering,
        clock=service.clock,
        read_ledger=service.read_ledger,
        batch=service.batch_explorer,
    )
    application = web.Application(client_max_size=MOST_BODY_BYTES, middlewares=[api.guard])
    application.add_routes(
        [
            web.get("/v1/market", api.market),
            web.get("/v1/work", api.work),
            web.post("/v1/workers", api.hello),
            *explorer.routes(),
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
            response = problem(400, error.reason, who=error.by)
        except Unavailable as error:
            response = problem(503, str(error), who="the operator; asking again in a moment may do")
        except web.HTTPException as error:
            if request.path.startswith("/ipfs/"):
                raise
            response = problem(error.status, error.reason or "", who="the caller")
            if "Retry-After" in error.headers:
                response.headers["Retry-After"] = error.headers["Retry-After"]
        except ValueError as error:
            response = problem(400, str(error), who="the caller")
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
        worker = address_of(request.query.get("worker"), "worker")
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


def _too_many(wait_seconds: float, whose: str) -> web.Response:
    answer = problem(429, f"too many requests of {whose}: wait {wait_seconds:.1f} s", who="the caller")
    answer.headers["Retry-After"] = str(max(1, round(wait_seconds)))
    return answer
