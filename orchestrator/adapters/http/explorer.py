"""The documents that anybody may read: jobs, workers, batches, books. Each is made once and sent to many."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from aiohttp import web

from edgebounty.chain.ledger import Ledger
from edgebounty.protocol.types import JobId
from orchestrator.adapters.http import answers, explore
from orchestrator.adapters.http.answers import address_of, problem
from orchestrator.adapters.http.batch_explore import BatchExplorer
from orchestrator.adapters.http.documents import Documents, Paced, answer
from orchestrator.app.books import Books
from orchestrator.app.offers import Offering
from orchestrator.app.watch import Watcher
from orchestrator.domain.errors import Rejected
from orchestrator.domain.values import Worker
from orchestrator.ports.clock import Clock

ReadLedger = Callable[[int], Awaitable[Ledger]]
"""The books of the whole market at a block, from the chain. Raises `Unavailable`."""
INDEX_SHARE = 0.01
"""Of the time, for the index that searches look into."""
_NUMBER_DIGITS = 19
_MOST_JOBS = 500


class Explorer:
    """Without `batch` there is no batch lane here."""

    def __init__(
        self,
        *,
        books: Books,
        watcher: Watcher,
        offering: Offering,
        clock: Clock,
        read_ledger: ReadLedger | None,
        batch: BatchExplorer | None,
    ) -> None:
        self._books = books
        self._watcher = watcher
        self._offering = offering
        self._clock = clock
        self._read_ledger = read_ledger
        self._batch = batch
        self._documents = Documents(clock)
        self._index = Paced(clock, self._make_index, share=INDEX_SHARE)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/jobs", self.jobs),
            web.get("/v1/jobs/{id}", self.job),
            web.get("/v1/batch/jobs/{id}/grid", self.grid),
            web.get("/v1/overview", self.overview),
            web.get("/v1/workers", self.workers),
            web.get("/v1/workers/{address}", self.worker),
            web.get("/v1/batches", self.batches),
            web.get("/v1/batches/{orchestrator}/{number}", self.one_batch),
            web.get("/v1/disputes", self.disputes),
            web.get("/v1/ledger", self.ledger),
            web.get("/v1/find", self.find),
        ]

    async def jobs(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            soft, batch = self._books.soft, self._batch
            newest = sorted(soft.jobs.values(), key=lambda job: -job.id)[:_MOST_JOBS]
            lines = [
                answers.job_line(soft, job) | (batch.job_line(job.id) if batch is not None else {}) for job in newest
            ]
            return {"jobs": lines, "block": self._freshness()}

        return answer(await self._documents.of_version("jobs", self._version(), make), request)

    async def job(self, request: web.Request) -> web.Response:
        number = _number(request.match_info["id"])
        job = self._books.soft.jobs.get(JobId(number)) if number is not None else None
        if job is None:
            told = request.match_info["id"][:20]
            return problem(404, f"job {told} is not known here (yet)", who="the caller")

        async def make() -> dict[str, Any]:
            final = self._books.final.jobs.get(job.id)
            page = answers.job_page(self._books.soft, job)
            page["final"] = {"known": final is not None, "settled": final.settled if final is not None else 0}
            page["block"] = self._freshness()
            return page | (self._batch.job_page(job.id) if self._batch is not None else {})

        return answer(await self._documents.of_version(f"jobs/{job.id}", self._version(), make), request)

    async def grid(self, request: web.Request) -> web.Response:
        number, batch = _number(request.match_info["id"]), self._batch
        if batch is None or number is None or not batch.serves(JobId(number)):
            return problem(
                404, f"job {request.match_info['id'][:20]} is not served in the batch lane here", who="the caller"
            )

        async def make() -> dict[str, Any]:
            return batch.grid(JobId(number))

        return answer(await self._documents.paced(f"grid/{number}", make), request)

    async def overview(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            page = explore.overview(self._books.soft, self._offering, now=self._clock.now())
            lane = self._batch.totals() if self._batch is not None else None
            return page | {"batch_lane": lane, "block": self._freshness()}

        return answer(await self._documents.paced("overview", make), request)

    async def workers(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            in_batches = self._batch.workers() if self._batch is not None else {}
            return {"workers": explore.worker_lines(self._books.soft, in_batches), "block": self._freshness()}

        return answer(await self._documents.paced("workers", make), request)

    async def worker(self, request: web.Request) -> web.Response:
        address = address_of(request.match_info["address"], "the address")
        known = self._offering.workers.get(address)
        page = answers.worker_page(self._books.soft.workers.get(address) or Worker(address=address))
        page["capabilities"] = json.loads(known.said) if known is not None else None
        page["batch_lane"] = self._batch.worker_page(address) if self._batch is not None else None
        return web.json_response(page)

    async def batches(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            found = self._batch.batches() if self._batch is not None else []
            return {"batches": found, "block": self._freshness()}

        return answer(await self._documents.paced("batches", make), request)

    async def one_batch(self, request: web.Request) -> web.Response:
        orchestrator = address_of(request.match_info["orchestrator"], "the orchestrator")
        batch, number = self._batch, _number(request.match_info["number"])
        if batch is None or number is None or (orchestrator, number) not in batch.record.batches:
            return problem(404, "this batch is not known here (yet)", who="the caller")

        async def make() -> dict[str, Any]:
            return (batch.batch((orchestrator, number)) or {}) | {"block": self._freshness()}

        return answer(await self._documents.paced(f"batches/{orchestrator}/{number}", make), request)

    async def disputes(self, request: web.Request) -> web.Response:
        async def make() -> dict[str, Any]:
            found = self._batch.disputes() if self._batch is not None else []
            return {"disputes": found, "block": self._freshness()}

        return answer(await self._documents.paced("disputes", make), request)

    async def ledger(self, request: web.Request) -> web.Response:
        read = self._read_ledger
        if read is None:
            return problem(404, "this service does not keep the market's books", who="nobody")

        async def make() -> dict[str, Any]:
            page = explore.ledger_page(await read(self._books.final_header.ref.number))
            return page | {"block": self._freshness()}

        return answer(await self._documents.paced("ledger", make, asks_others=True), request)

    async def find(self, request: web.Request) -> web.Response:
        text = request.query.get("q", "")
        if not 0 < len(text) <= 100:
            raise Rejected(by="the caller", reason="q is missing: a job number, an address, a CID or a digest")
        found = explore.find(self._index.get(), self._books.soft.jobs, text)
        return web.json_response({"found": found, "block": self._freshness()})

    def _make_index(self) -> explore.Index:
        index = explore.index_of(self._books.soft)
        if self._batch is not None:
            self._batch.add_to(index)
        return index

    def _freshness(self) -> dict[str, Any]:
        return explore.freshness(self._books, self._watcher.head)

    def _version(self) -> Hashable:
        books = self._books
        lane = self._batch.version if self._batch is not None else None
        return books.tip.ref.hash, books.final_header.ref.number, books.local_changes, lane


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _NUMBER_DIGITS else None
