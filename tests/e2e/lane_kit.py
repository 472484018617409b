"""A batch lane over HTTP for the phone page's tests: docs/batch-api.md, served by a real server with real content.

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
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from edgebounty.client.blocks import PlannedStore
from edgebounty.content.permission import UploadRefused, origin_of, who_uploads
from edgebounty.content.store import ContentMissing
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
)
from edgebounty.protocol.batch.wire import Receipt, receipts_tree, sets_tree
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.commitment import commitment, new_salt
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain, Signable, address_of_key, is_signed, sign, signing_digest
from edgebounty.protocol.types import Digest, JobId, TaskIndex, to_address
from orchestrator.adapters.http.pages import BUILT, Pages

KEY = keccak256(b"the orchestrator of the phone page's tests")
JOB = 7
ESCROW = to_address(b"\x33" * 20)
PRICE = 10**17
TASK_SECONDS = 60


@dataclass
class Faults:
    """What this orchestrator does wrong, changed while it runs."""

    corrupt: bool = False  # every block of its own gateway has one bit changed
    status: int = 0  # every answer of the lane is this status
    forged: bool = False  # it signs with another key
    forges: frozenset[str] = frozenset()  # the same for messages of these names alone
    strange_sets: bool = False  # the commit sets that it signs hold nobody's commitment
    deaf: frozenset[str] = frozenset()  # paths that take a request, do what it says, and never answer
    hold_sets: bool = False  # no commit set is closed
    other_quorum: bool = False  # the quorum has another result than the page
    wait_seconds: float = 0.2  # no fault: how long it asks to wait for others
    gives_up: frozenset[int] = frozenset()  # tasks in which whoever asks has lost its place
    reason: str = "every task is taken"  # no fault: why it offers none
    clock_ahead: int = 0  # seconds that the chain's clock is ahead of everybody's


@dataclass
class Bundle:
    """The receipts of one worker in one batch, and the digest of the commit set beside each."""

    receipts: list[Receipt] = field(default_factory=list)
    beside: list[bytes] = field(default_factory=list)


@dataclass
class Books:
    """What this orchestrator knows of its workers and their tasks."""

    tickets: dict[str, str] = field(default_factory=dict)  # ticket -> worker
    assigned: dict[int, str] = field(default_factory=dict)
    commitments: dict[int, bytes] = field(default_factory=dict)
    sets: dict[int, CommitSet] = field(default_factory=dict)
    shown: dict[int, bytes] = field(default_factory=dict)  # task -> digest, as it was opened
    accepted: dict[int, bytes] = field(default_factory=dict)  # task -> digest
    accepted_at: float = 0  # when the newest one was, by the monotonic clock
    bundles: dict[tuple[str, int], Bundle] = field(default_factory=dict)  # by worker and first task of the batch
    withdrawn: list[Withdrawal] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class Refused(Exception):
    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status


class LaneServer:
    """One job, its blocks, the phone page itself. `span`: tasks of one batch."""

    def __init__(self, planned: PlannedJob, span: int) -> None:
        self.planned = planned
        self.span = span
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
                web.put("/ipfs/{cid}", self._put_block),
                web.get("/v1/market", self._lane(self._market)),
                web.post(f"{lane}/join", self._lane(self._join)),
                web.get(f"{lane}/work", self._lane(self._work)),
                web.post(f"{lane}/claims", self._lane(self._claim)),
                web.post(f"{lane}/commitments", self._lane(self._commit)),
                web.get(f"{lane}/tasks/{{job}}/{{task}}", self._lane(self._task)),
                web.post(f"{lane}/results", self._lane(self._result)),
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
                said = {"now": self._now(), **answer(request, body)}
            except Refused as refused:
                return web.json_response({"error": str(refused), "who_acts": "worker"}, status=refused.status)
            if request.path in self.faults.deaf:
                assert request.transport is not None
                request.transport.abort()
            return web.json_response(said)

        return handle

    # --- content -----------------------------------------------------------------------------------------------------

    async def _block(self, request: web.Request) -> web.Response:
        try:
            block = self.store.get_block(Cid.parse(request.match_info["cid"]))
        except ContentMissing as missing:
            return web.Response(status=404, text=str(missing))
        if self.faults.corrupt:
            block = bytes([block[0] ^ 1]) + block[1:]
        return web.Response(body=block)

    async def _spare_block(self, request: web.Request) -> web.Response:
        self.books.requests.append("spare gateway")
        block = self.store.get_block(Cid.parse(request.match_info["cid"]))
        return web.Response(body=block, headers={"Cross-Origin-Resource-Policy": "cross-origin"})

    async def _put_block(self, request: web.Request) -> web.Response:
        escrow = Domain(chain_id=31337, verifying_contract=ESCROW)
        try:
            header = request.headers.get("Authorization")
            account = who_uploads(header, escrow, (origin_of(self.url),), self._now())
        except UploadRefused as refused:
            return web.Response(status=refused.status, text=refused.detail)
        if account not in self.books.assigned.values():
            return web.Response(status=403, text="nothing was assigned to this account")
        self.store.put_block(Cid.parse(request.match_info["cid"]), await request.read())
        return web.Response(status=204)

    # --- the lane ----------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return int(time.time()) + self.faults.clock_ahead

    def _market(self, request: web.Request, body: Any) -> Any:
        return {
            "chain_id": 31337,
            "orchestrator": self.me,
            "gateway_url": self.url,
            "gateways": [self.spare_url],
            "contracts": {"batch_lane": self.domain.verifying_contract, "escrow": ESCROW},
        }

    def _join(self, request: web.Request, body: Any) -> Any:
        join = Join(**body["join"])
        self._check(join, body["signature"], join.until)
        ticket = new_salt().hex()
        self.books.tickets[ticket] = join.worker
        return {"ticket": ticket, "payout_index": None}

    def _ticket(self, said: Any) -> str:
        if self.books.tickets.get(said["ticket"]) != said["worker"]:
            raise Refused("wrong ticket", 403)
        return str(said["worker"])

    def _work(self, request: web.Request, body: Any) -> Any:
        self._ticket(request.query)
        free = next(filter(self._is_free, range(self.planned.manifest.total_tasks)), None)
        offers = [] if free is None else [self._offer(free)]
        return {"tasks": offers, "reason": self.faults.reason, "wait_seconds": 2.5 * self.faults.wait_seconds}

    def _offer(self, task: int) -> Any:
        needed = needed_tasks(describe(self.planned.manifest, task))
        return {
            "job": str(JOB),
            "task": task,
            "first_task": self._first(task),
            "price": str(PRICE),
            "manifest": str(self.planned.cid),
            "inputs": {str(other): "0x" + self.books.accepted[other].hex() for other in needed},
        }

    def _first(self, task: int) -> int:
        return task - task % self.span

    def _is_free(self, task: int) -> bool:
        if task in self.books.assigned:
            return False
        return all(other in self.books.accepted for other in needed_tasks(describe(self.planned.manifest, task)))

    def _claim(self, request: web.Request, body: Any) -> Any:
        claim = Claim(**body["claim"])
        self._check(claim, body["signature"], claim.until)
        asked_again = self.books.assigned.get(claim.task) == claim.worker
        if claim.worker not in self.books.tickets.values() or not (asked_again or self._is_free(claim.task)):
            raise Refused("not free")
        self.books.assigned[claim.task] = claim.worker
        given = Assignment(
            orchestrator=self.me,
            worker=claim.worker,
            job=JOB,
            first_task=self._first(claim.task),
            tasks=(claim.task,),
            slot=0,
            until=self._now() + TASK_SECONDS,
        )
        return {"assignment": asdict(given) | {"job": str(JOB)}, "signature": self._sign(given)}

    def _mine(self, said: Any, task: int) -> None:
        if self.books.assigned.get(task) != self._ticket(said):
            raise Refused("not yours")

    def _commit(self, request: web.Request, body: Any) -> Any:
        task, made = body["task"], _bytes(body["commitment"])
        self._mine(body, task)
        if self.books.commitments.setdefault(task, made) != made:
            raise Refused("another commitment was made before")
        return self._stage(task)

    def _task(self, request: web.Request, body: Any) -> Any:
        task = int(request.match_info["task"])
        self._mine(request.query, task)
        return self._stage(task)

    def _stage(self, task: int) -> Any:
        until = self._now() + TASK_SECONDS
        said: dict[str, Any] = {"stage": "open", "until": until, "slot": 0, "wait_seconds": self.faults.wait_seconds}
        said |= {"commitments": None, "commit_set": None, "signature": None, "digest": None}
        made = self.books.commitments.get(task)
        if task in self.faults.gives_up:
            return said | {"stage": "given_up", "until": 0, "slot": None}
        if made is None or self.faults.hold_sets:
            return said
        peer = keccak256(b"another worker's commitment")
        closed = CommitSet(orchestrator=self.me, job=JOB, task=task, commitments=(peer, made))
        if self.faults.strange_sets:
            closed = CommitSet(orchestrator=self.me, job=JOB, task=task, commitments=(peer,))
        self.books.sets[task] = closed
        said |= {"stage": "closed", "commitments": ["0x" + c.hex() for c in closed.commitments]}
        said |= {"commit_set": "0x" + signing_digest(self.domain, closed).hex(), "signature": self._sign(closed)}
        if task in self.books.shown:
            digest = bytes(32) if self.faults.other_quorum else self.books.shown[task]
            said |= {"stage": "agreed", "digest": "0x" + digest.hex()}
        return said

    def _result(self, request: web.Request, body: Any) -> Any:
        task, digest = body["task"], _bytes(body["digest"])
        self._mine(body, task)
        made = commitment(
            chain_id=31337,
            lane=self.domain.verifying_contract,
            job_id=JobId(JOB),
            task_index=TaskIndex(task),
            worker=to_address(_bytes(body["worker"])),
            digest=Digest(digest),
            salt=_bytes(body["salt"]),
        )
        if self.books.commitments.get(task) != made or task not in self.books.sets:
            raise Refused("another result than the one committed to")
        self.store.get_block(unixfs.cid_of_digest(digest, 1))  # these tasks have outputs of one block: it must be here
        self.books.shown[task] = digest
        return self._stage(task)

    def _receipts(self, request: web.Request, body: Any) -> Any:
        task, worker = body["task"], to_address(_bytes(body["worker"]))
        if task not in self.books.shown or self.faults.other_quorum:
            raise Refused("no quorum has this result")
        first = self._first(task)
        bundle = self.books.bundles.setdefault((worker, first), Bundle())
        if task not in self.books.accepted:
            digest = self.books.accepted[task] = self.books.shown[task]
            self.books.accepted_at = time.monotonic()
            bundle.receipts.append(Receipt(task=task, slot=0, digest=digest[:27]))
            bundle.beside.append(signing_digest(self.domain, self.books.sets[task]))
        acceptance = self._acceptance(worker, first, bundle)
        signed = Receipts(**{name: value for name, value in asdict(acceptance).items() if name != "orchestrator"})
        if recover_compact(self.domain, signed, _bytes(body["signature"])) != worker:
            raise Refused("the signature under Receipts is wrong")
        return self._owes(acceptance)

    def _acceptance(self, worker: str, first: int, bundle: Bundle) -> Acceptance:
        return Acceptance(
            orchestrator=self.me,
            worker=to_address(worker),
            job=JOB,
            first_task=first,
            count=len(bundle.receipts),
            receipts=receipts_tree(bundle.receipts).root,
            commit_sets=sets_tree(bundle.beside).root,
        )

    def _owes(self, acceptance: Acceptance) -> dict[str, Any]:
        roots = {"receipts": "0x" + acceptance.receipts.hex(), "commit_sets": "0x" + acceptance.commit_sets.hex()}
        said = asdict(acceptance) | {"job": str(JOB)} | roots
        return {"acceptance": said, "signature": self._sign(acceptance)}

    def _worker(self, request: web.Request, body: Any) -> Any:
        owed = [self._acceptance(*key, bundle) for key, bundle in self._bundles_of(request) if bundle.receipts]
        done = sum(acceptance.count for acceptance in owed)
        signed = [self._owes(acceptance) for acceptance in owed]
        return {
            "payout_index": 1 if done else None,
            "accepted": str(PRICE * done),
            "earned": str(PRICE * min(done, 2)),  # the first two are in a batch that is final
            "withdrawn": str(self.books.withdrawn[-1].cumulative if self.books.withdrawn else 0),
            "bundles": [one["acceptance"] | {"signature": one["signature"]} for one in signed],
        }

    def _bundles_of(self, request: web.Request) -> list[tuple[tuple[str, int], Bundle]]:
        return [item for item in self.books.bundles.items() if item[0][0] == request.match_info["worker"]]

    def _withdraw(self, request: web.Request, body: Any) -> Any:
        said = body["withdrawal"]
        asked = Withdrawal(**{**said, "cumulative": int(said["cumulative"])})
        self._check(asked, body["signature"], asked.until)
        self.books.withdrawn.append(asked)
        return {"queued": True, "reason": None}

    def _sign(self, message: Signable) -> str:
        forged = self.faults.forged or type(message).__name__ in self.faults.forges
        return "0x" + sign(self.domain, message, new_salt() if forged else KEY).hex()

    def _check(self, message: Any, signature: str, until: int) -> None:
        if message.orchestrator != self.me or not is_signed(self.domain, message, _bytes(signature)):
            raise Refused(f"{type(message).__name__} is not signed, or for another orchestrator")
        if not self._now() < until <= self._now() + 86_400:
            raise Refused(f"{type(message).__name__} ends at {until}, it is {self._now()}")


@contextmanager
def open_lane(planned: PlannedJob, span: int = 1 << 16) -> Iterator[LaneServer]:
    server = LaneServer(planned, span)
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
