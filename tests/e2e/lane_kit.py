"""A batch lane over HTTP for the phone page's tests: docs/phone-page.md, served by a real server with real content.

It stands in for the orchestrator so that a test can make it lie, stall, vanish or send other bytes, which a right
orchestrator never does. It believes nothing either: signatures, roots, commitments and digests are checked with the
library's own code, and what is wrong is refused.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from edgebounty.client.blocks import PlannedStore
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import describe, needed_tasks
from edgebounty.protocol import unixfs
from edgebounty.protocol.batch.messages import (
    Acceptance,
    Assignment,
    Claim,
    CommitSet,
    Join,
    Receipts,
    Withdrawal,
    recover_compact,
    sign_compact,
)
from edgebounty.protocol.batch.wire import Receipt, receipts_tree, sets_tree
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.commitment import commitment, new_salt
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain, address_of_key
from edgebounty.protocol.types import Digest, JobId, TaskIndex, to_address
from orchestrator.adapters.http.pages import BUILT, Pages

KEY = keccak256(b"the orchestrator of the phone page's tests")
JOB = 7
PRICE = 10**17
TASK_SECONDS = 60


@dataclass
class Faults:
    """What this orchestrator does wrong, changed while it runs."""

    corrupt: bool = False  # every block of its own gateway has one bit changed
    status: int = 0  # every answer of the lane is this status
    forged: bool = False  # it signs with another key
    deaf: frozenset[str] = frozenset()  # paths that take a request, do what it says, and never answer
    hold_sets: bool = False  # no commit set is closed


@dataclass
class Books:
    """What this orchestrator knows of one worker and its tasks."""

    joined: set[str] = field(default_factory=set)
    assigned: dict[int, str] = field(default_factory=dict)
    commitments: dict[int, bytes] = field(default_factory=dict)
    sets: dict[int, CommitSet] = field(default_factory=dict)
    accepted: dict[int, bytes] = field(default_factory=dict)  # task -> digest
    receipts: list[Receipt] = field(default_factory=list)
    beside: list[bytes] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class Refused(Exception):
    pass


class LaneServer:
    """One job, its blocks, the phone page itself. `first`: tasks below it were never there to take."""

    def __init__(self, planned: PlannedJob) -> None:
        self.planned = planned
        self.store = PlannedStore(planned.blocks)
        self.faults = Faults()
        self.books = Books()
        self.me = address_of_key(KEY)
        self.domain = Domain(chain_id=31337, verifying_contract=to_address(b"\x22" * 20))
        self.url = self.spare_url = ""
        self.lane_up = True
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(30)

    @property
    def page(self) -> str:
        return f"{self.url}/phone/"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        runners = self._loop.run_until_complete(self._start())
        ready.set()
        self._loop.run_forever()
        for runner in runners:
            self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _start(self) -> list[web.AppRunner]:
        spare = web.Application()
        spare.on_response_prepare.append(_open_to_all)
        spare.add_routes([web.get("/ipfs/{cid}", self._spare_block)])
        spare_runner, self.spare_url = await _listen(spare)
        app = web.Application(client_max_size=1 << 24)
        app.on_response_prepare.append(_open_to_all)  # as the orchestrator is: the runner's frame has no origin
        app.add_routes(Pages(BUILT, chain_urls=[self.spare_url]).routes())
        lane = "/v1/batch"
        app.add_routes(
            [
                web.get("/ipfs/{cid}", self._block),
                web.get(lane, self._lane(self._terms)),
                web.post(f"{lane}/join", self._lane(self._join)),
                web.get(f"{lane}/offers", self._lane(self._offers)),
                web.post(f"{lane}/claims", self._lane(self._claim)),
                web.post(f"{lane}/commits", self._lane(self._commit)),
                web.get(f"{lane}/commit-sets/{{job}}/{{task}}", self._lane(self._set)),
                web.post(f"{lane}/outputs/{{job}}/{{task}}", self._lane(self._output)),
                web.post(f"{lane}/receipts", self._lane(self._receipts)),
                web.get(f"{lane}/workers/{{worker}}", self._lane(self._worker)),
                web.post(f"{lane}/withdrawals", self._lane(self._withdraw)),
            ]
        )
        runner, self.url = await _listen(app)
        return [runner, spare_runner]

    def _lane(self, answer: Any) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.books.requests.append(f"{request.method} {request.path}")
            if self.faults.status:
                return web.json_response({"error": "told to fail"}, status=self.faults.status)
            is_json = request.content_type == "application/json"
            body = await (request.json() if is_json else request.read())
            try:
                said = answer(request, body)
            except Refused as refused:
                return web.json_response({"error": str(refused)}, status=409)
            if request.path in self.faults.deaf:
                assert request.transport is not None
                request.transport.abort()
            return web.json_response(said)

        return handle

    # --- content -----------------------------------------------------------------------------------------------------

    async def _block(self, request: web.Request) -> web.Response:
        block = self.store.get_block(Cid.parse(request.match_info["cid"]))
        if self.faults.corrupt:
            block = bytes([block[0] ^ 1]) + block[1:]
        return web.Response(body=block)

    async def _spare_block(self, request: web.Request) -> web.Response:
        self.books.requests.append("spare gateway")
        block = self.store.get_block(Cid.parse(request.match_info["cid"]))
        return web.Response(body=block, headers={"Cross-Origin-Resource-Policy": "cross-origin"})

    # --- the lane ----------------------------------------------------------------------------------------------------

    def _terms(self, request: web.Request, body: Any) -> Any:
        lane = self.domain.verifying_contract
        return {"chain_id": 31337, "lane": lane, "orchestrator": self.me, "gateways": [self.url, self.spare_url]}

    def _join(self, request: web.Request, body: Any) -> Any:
        said = body["message"]
        join = Join(worker=said["worker"], orchestrator=self.me, payout=said["payout"], until=said["until"])
        self._check(join, body["signature"], said["orchestrator"])
        self.books.joined.add(said["worker"])
        return {}

    def _offers(self, request: web.Request, body: Any) -> Any:
        tasks = [task for task in range(self.planned.manifest.total_tasks) if self._is_free(task)]
        offers = [{"job": str(JOB), "task": task} for task in tasks[:1]]
        return {"offers": offers, "reason": "every task is taken", "wait_seconds": 0.5}

    def _is_free(self, task: int) -> bool:
        needed = needed_tasks(describe(self.planned.manifest, task))
        return task not in self.books.assigned and all(other in self.books.accepted for other in needed)

    def _claim(self, request: web.Request, body: Any) -> Any:
        said = body["message"]
        task, worker = said["task"], said["worker"]
        claim = Claim(worker=worker, orchestrator=self.me, job=int(said["job"]), task=task, until=said["until"])
        self._check(claim, body["signature"], said["orchestrator"])
        if worker not in self.books.joined or not self._is_free(task):
            raise Refused("not free")
        self.books.assigned[task] = worker
        until = int(time.time()) + TASK_SECONDS
        given = Assignment(
            orchestrator=self.me, worker=worker, job=JOB, first_task=0, tasks=(task,), slot=0, until=until
        )
        needed = needed_tasks(describe(self.planned.manifest, task))
        return {
            "assignment": {"first_task": 0, "tasks": [task], "slot": 0, "until": until},
            "signature": self._sign(given),
            "manifest": str(self.planned.cid),
            "price": str(PRICE),
            "inputs": {str(other): "0x" + self.books.accepted[other].hex() for other in needed},
        }

    def _commit(self, request: web.Request, body: Any) -> Any:
        task, made = body["task"], _bytes(body["commitment"])
        if self.books.assigned.get(task) != body["worker"]:
            raise Refused("not yours")
        if self.books.commitments.setdefault(task, made) != made:
            raise Refused("another commitment was made before")
        return {}

    def _set(self, request: web.Request, body: Any) -> Any:
        task = int(request.match_info["task"])
        made = self.books.commitments.get(task)
        if made is None or self.faults.hold_sets:
            return {"commitments": None, "wait_seconds": 0.2}
        peer = keccak256(b"another worker's commitment")
        closed = CommitSet(orchestrator=self.me, job=JOB, task=task, commitments=(peer, made))
        self.books.sets[task] = closed
        return {"commitments": ["0x" + c.hex() for c in closed.commitments], "signature": self._sign(closed)}

    def _output(self, request: web.Request, body: bytes) -> Any:
        for cid, block in unixfs.build(body).blocks.items():
            self.store.put_block(cid, block)
        return {}

    def _receipts(self, request: web.Request, body: Any) -> Any:
        said, task, digest = body["message"], body["task"], _bytes(body["digest"])
        worker = to_address(_bytes(said["worker"]))
        made = commitment(
            chain_id=31337,
            lane=self.domain.verifying_contract,
            job_id=JobId(JOB),
            task_index=TaskIndex(task),
            worker=worker,
            digest=Digest(digest),
            salt=_bytes(body["salt"]),
        )
        if self.books.commitments.get(task) != made or task not in self.books.sets:
            raise Refused("another result than the one committed to")
        if task not in self.books.accepted:
            self.books.accepted[task] = digest
            self.books.receipts.append(Receipt(task=task, slot=body["slot"], digest=digest[:27]))
            self.books.beside.append(self.books.sets[task].struct_hash())
        roots = {
            "receipts": receipts_tree(self.books.receipts).root,
            "commit_sets": sets_tree(self.books.beside).root,
        }
        shared = {"worker": worker, "job": JOB, "first_task": 0, "count": len(self.books.receipts), **roots}
        self._check(Receipts(**shared), body["signature"])
        return {"signature": self._sign(Acceptance(orchestrator=self.me, **shared))}

    def _worker(self, request: web.Request, body: Any) -> Any:
        done = len(self.books.accepted)
        final = PRICE * min(done, 2)  # the first two are in a batch that is final
        withdrawn = self.books.withdrawn[-1].cumulative if self.books.withdrawn else 0
        return {
            "payout_index": 1 if done else None,
            "final": str(final),
            "withdrawn": str(withdrawn),
            "checking": str(PRICE * done - final),
            "refused": "0",
            "accepted": done,
            "refusals": [],
        }

    def _withdraw(self, request: web.Request, body: Any) -> Any:
        said = body["message"]
        asked = Withdrawal(
            account=said["account"],
            orchestrator=self.me,
            payout_index=said["payoutIndex"],
            cumulative=int(said["cumulative"]),
            receiver=said["receiver"],
            until=said["until"],
        )
        self._check(asked, body["signature"])
        self.books.withdrawn.append(asked)
        return {}

    def _sign(self, message: Any) -> str:
        key = new_salt() if self.faults.forged else KEY
        return "0x" + sign_compact(self.domain, message, key).hex()

    def _check(self, message: Any, signature: str, orchestrator: str | None = None) -> None:
        if orchestrator is not None and orchestrator.lower() != self.me.lower():
            raise Refused("signed for another orchestrator")
        if recover_compact(self.domain, message, _bytes(signature)) != message.signer:
            raise Refused(f"the signature under {type(message).__name__} is wrong")


@contextmanager
def open_lane(planned: PlannedJob) -> Iterator[LaneServer]:
    server = LaneServer(planned)
    try:
        yield server
    finally:
        server.stop()


async def _open_to_all(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Access-Control-Allow-Origin"] = "*"


async def _listen(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    return runner, f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def show(books: Books) -> str:
    """For the message of a failed assertion."""
    return json.dumps(books.requests[-20:], indent=1)
