"""The batch lane's calls, as docs/batch-api.md has them: read strictly, check who signed, ask the desk, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web

from edgebounty.protocol.batch.messages import Claim, Join, Receipts, Withdrawal, is_signed_by
from edgebounty.protocol.messages import Signable, is_signed
from edgebounty.protocol.types import Address, JobId, to_address, to_digest
from orchestrator.adapters.http.hello import read_json
from orchestrator.app.desk import BatchDesk
from orchestrator.app.withdrawals import Withdrawals
from orchestrator.domain.batch.decide import ResignNeeded
from orchestrator.domain.batch.values import BatchTask, Stage
from orchestrator.domain.codec import to_plain
from orchestrator.domain.errors import Rejected

BODY_SECONDS = 10
WAIT_SECONDS = 1
HELD_WAIT_SECONDS = 10
IDLE_SECONDS = 5
UNDECIDED = (Stage.SHOWN, Stage.HELD)
MOST_RESULTS = 1000  # in one answer
_LOST: dict[str, Any] = {
    "stage": Stage.GIVEN_UP.value,
    "until": 0,
    "slot": None,
    "wait_seconds": 0,
    "commitments": None,
    "commit_set": None,
    "signature": None,
    "digest": None,
}
"""What a worker is told whose place is gone, even if others try the task again."""
_T = TypeVar("_T")
Take = Callable[[Address], float]
"""Seconds that an account has to wait before it may ask again; 0 if it may."""


class BatchApi:
    """`take` limits the rate of each account; addresses are limited by the server around it."""

    def __init__(self, desk: BatchDesk, take: Take, withdrawals: Withdrawals | None = None) -> None:
        """Without `withdrawals` nothing is posted, so nothing was earned."""
        self._desk = desk
        self._take = take
        self._withdrawals = withdrawals

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/batch/join", self.join),
            web.get("/v1/batch/work", self.work),
            web.post("/v1/batch/claims", self.claims),
            web.post("/v1/batch/commitments", self.commitments),
            web.get("/v1/batch/tasks/{job}/{task}", self.task),
            web.post("/v1/batch/results", self.results),
            web.post("/v1/batch/receipts", self.receipts),
            web.get("/v1/batch/workers/{address}", self.worker),
            web.get("/v1/batch/jobs/{job}", self.job),
            web.post("/v1/batch/withdrawals", self.withdraw),
        ]

    def standing(self) -> dict[str, Any] | None:
        """How posting goes, for who operates this service. None if nothing is posted."""
        if self._withdrawals is None:
            return None
        poster = self._withdrawals.poster
        return {
            "posted": len(poster.history.batches),
            "bonds_lost": poster.history.bonds_lost,
            "too_late": len(poster.lost),
            "waiting": poster.waiting or None,
            "withdrawals": len(self._desk.withdrawals),
        }

    async def join(self, request: web.Request) -> web.Response:
        body = await _body(request)
        message = self._signed(body, "join", Join)
        ticket = await self._desk.join(message)
        return self._answer({"ticket": ticket, "payout_index": self._desk.book.payout_index(message.worker)})

    async def work(self, request: web.Request) -> web.Response:
        worker = self._known(request.query)
        offers = await self._desk.offers(worker)
        tasks = [
            {
                "job": str(offer.terms.job),
                "task": offer.task,
                "first_task": self._desk.book.batch_of(offer.terms.job, offer.task)[0],
                "price": str(offer.terms.price),
                "manifest": offer.manifest,
                "inputs": {str(index): "0x" + digest.hex() for index, digest in offer.inputs.items()},
            }
            for offer in offers
        ]
        reason = None if tasks else self._desk.why_none(worker) or "no task is free for this worker now"
        return self._answer({"tasks": tasks, "reason": reason, "wait_seconds": 0 if tasks else IDLE_SECONDS})

    async def claims(self, request: web.Request) -> web.Response:
        message = self._signed(await _body(request), "claim", Claim)
        assignment, signature = await self._desk.claim(message)
        return self._answer({"assignment": _shown(assignment), "signature": "0x" + signature.hex()})

    async def commitments(self, request: web.Request) -> web.Response:
        body = await _body(request)
        worker, job, index = self._known(body), *_which(body)
        task = await self._desk.commit(worker, job, index, _bytes(body, "commitment", 32))
        return self._answer(self._task(worker, job, task))

    async def task(self, request: web.Request) -> web.Response:
        worker, job, index = self._known(request.query), *_which(request.match_info)
        return self._answer(self._task(worker, job, await self._desk.task(job, index)))

    async def results(self, request: web.Request) -> web.Response:
        body = await _body(request)
        worker, job, index = self._known(body), *_which(body)
        digest, salt = to_digest(_bytes(body, "digest", 32)), _bytes(body, "salt", 32)
        return self._answer(self._task(worker, job, await self._desk.show(worker, job, index, digest, salt)))

    async def receipts(self, request: web.Request) -> web.Response:
        body = await _body(request)
        worker, job, index = _field(body, "worker", to_address), *_which(body)
        message = Receipts(
            worker=worker,
            job=job,
            first_task=_number(body, "first_task"),
            count=_number(body, "count"),
            receipts=_bytes(body, "receipts", 32),
            commit_sets=_bytes(body, "commit_sets", 32),
        )
        signature = _bytes(body, "signature", 64)
        if not is_signed_by(self._desk.domain, message, signature):
            raise Rejected(by="the worker", reason=f"the receipt is not signed by {worker} for this lane")
        self._limit(worker)
        try:
            acceptance, ours = await self._desk.accept(message, index, signature)
        except ResignNeeded as error:
            return web.json_response({"error": error.reason, "who_acts": error.by}, status=409)
        return self._answer({"acceptance": _shown(acceptance), "signature": "0x" + ours.hex()})

    async def worker(self, request: web.Request) -> web.Response:
        address = _field(request.match_info, "address", to_address)
        await self._desk.kept()
        book = self._desk.book
        bundles = book.bundles_of(address)
        accepted = sum(len(bundle.receipts) * book.terms[bundle.job].price for bundle in bundles)
        accepted += book.kept_pay[address]
        signed = [self._desk.acceptance(bundle) for bundle in bundles]
        earned, withdrawn = await self._withdrawals.earnings(address) if self._withdrawals is not None else (0, 0)
        return self._answer(
            {
                "payout_index": book.payout_index(address),
                "accepted": str(accepted),
                "earned": str(earned),
                "withdrawn": str(withdrawn),
                "bundles": [_shown(acceptance) | {"signature": "0x" + ours.hex()} for acceptance, ours in signed],
            }
        )

    async def job(self, request: web.Request) -> web.Response:
        """How far a job is, and the accepted results of so many tasks from a number on."""
        job = JobId(_number(request.match_info, "job"))
        first = _number({"from": request.query.get("from", "0")}, "from")
        await self._desk.kept()
        book = self._desk.book
        if job not in book.terms:
            why = self._desk.waiting.get(job)
            error = f"job {job} is not served here" + (f" yet: {why}" if why else "")
            return web.json_response(
                {"error": error, "who_acts": "the operator" if why else "the caller"}, status=503 if why else 404
            )
        terms, end = book.terms[job], min(first + MOST_RESULTS, book.terms[job].tasks)
        shown = {index: book.task(job, index).digest for index in range(first, end)}
        return self._answer(
            {
                "tasks": terms.tasks,
                "deadline": terms.deadline,
                "closes": terms.closes,
                "stages": {stage.value: book.counts[job][stage] for stage in Stage},
                "results": {str(index): "0x" + digest.hex() for index, digest in shown.items() if digest is not None},
                "next": end if end < terms.tasks else None,
            }
        )

    async def withdraw(self, request: web.Request) -> web.Response:
        body = await _body(request)
        message = self._signed(body, "withdrawal", Withdrawal)
        if self._withdrawals is None:
            raise Rejected(by="the operator", reason="this orchestrator posts no batches")
        await self._withdrawals.ask(message, _bytes(body, "signature", 65))
        return self._answer({"queued": True, "reason": None})

    # --- internals ---

    def _task(self, worker: Address, job: JobId, task: BatchTask) -> dict[str, Any]:
        number = task.slot_of(worker)
        if number is None and (task.stage is Stage.GIVEN_UP or worker in task.barred | task.released):
            return _LOST
        if number is None:
            raise Rejected(by="the worker", reason=f"{worker} has no place in task {task.index}")
        slot = task.slots[number]
        is_set = task.commit_set is not None
        wait = WAIT_SECONDS if task.stage in (Stage.OPEN, Stage.CLOSED, Stage.SHOWN) else 0
        if task.stage is Stage.HELD:
            wait = max(WAIT_SECONDS, min(HELD_WAIT_SECONDS, task.until - self._desk.now()))
        until = slot.until if task.stage is Stage.OPEN and slot is not None else task.until
        if task.stage in UNDECIDED:  # nobody has to do anything by then: it only says when to have asked again
            terms = self._desk.book.terms[job]
            until = min(terms.closes, self._desk.now() + terms.task_seconds)
        return {
            # A worker need not know how the result is decided: for it the set is closed until there is one.
            "stage": (Stage.CLOSED if task.stage in UNDECIDED else task.stage).value,
            "until": until,
            "slot": number,
            "wait_seconds": wait,
            "commitments": ["0x" + one.hex() for one in task.commitments] if is_set else None,
            "commit_set": "0x" + task.commit_set.hex() if task.commit_set is not None else None,
            "signature": "0x" + self._desk.commit_set(job, task).hex() if is_set else None,
            "digest": "0x" + task.digest.hex() if task.digest is not None else None,
        }

    def _answer(self, body: dict[str, Any]) -> web.Response:
        return web.json_response(body | {"now": self._desk.now()})

    def _known(self, fields: Any) -> Address:
        """Who asks, by its ticket. A wrong one is 403: join again."""
        worker = _field(fields, "worker", to_address)
        if not self._desk.members.is_ticket(worker, str(fields.get("ticket", ""))):
            raise web.HTTPForbidden(reason=f"this is not the ticket of {worker}: join again")
        self._limit(worker)
        return worker

    def _signed(self, body: Any, name: str, kind: type[_T]) -> _T:
        """The message under `name`, if the account that it names has signed it."""
        fields = body.get(name)
        if not isinstance(fields, dict):
            raise Rejected(by="the worker", reason=f"{name} is missing")
        message = _read(fields, kind)
        assert isinstance(message, Signable)
        if not is_signed(self._desk.domain, message, _bytes(body, "signature", 65)):
            raise Rejected(by="the worker", reason=f"{name} is not signed by {message.signer} for this lane")
        self._limit(message.signer)
        return message

    def _limit(self, account: Address) -> None:
        """Only once the account is proven: else anybody could use up another's rate by naming it."""
        wait = self._take(account)
        if wait:
            headers = {"Retry-After": str(max(1, round(wait)))}
            raise web.HTTPTooManyRequests(reason=f"too many requests of worker {account}", headers=headers)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = read_json(await request.text())
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason=f"the body must arrive within {BODY_SECONDS} s") from None
    except ValueError as error:
        raise Rejected(by="the worker", reason=f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Rejected(by="the worker", reason="the body must be a JSON object")
    return body


def _read(fields: dict[str, Any], kind: type[_T]) -> _T:
    """A message from its fields, each by the kind of its word."""
    hints = kind.__annotations__
    values: dict[str, Any] = {}
    for name in (name for name in hints if name not in ("TYPE", "SIGNER")):
        values[name] = _number(fields, name) if "int" in str(hints[name]) else _field(fields, name, to_address)
    return kind(**values)


def _which(fields: Any) -> tuple[JobId, int]:
    return JobId(_number(fields, "job")), _number(fields, "task")


def _number(fields: Any, name: str) -> int:
    value = fields.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 40:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Rejected(by="the worker", reason=f"{name} must be a whole number of at least 0")
    return value


def _bytes(fields: Any, name: str, length: int) -> bytes:
    def read(text: str) -> bytes:
        value = bytes.fromhex(text.removeprefix("0x"))
        if len(value) != length:
            raise ValueError(f"{length} bytes are wanted, these are {len(value)}")
        return value

    return _field(fields, name, read)


def _field(fields: Any, name: str, read: Callable[[str], _T]) -> _T:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Rejected(by="the worker", reason=f"{name} is missing, or no text")
    try:
        return read(value)
    except ValueError as error:
        raise Rejected(by="the worker", reason=f"{name}: {error}") from error


def _shown(message: Signable) -> dict[str, Any]:
    plain = to_plain(message)
    assert isinstance(plain, dict)
    return {name: str(value) if name == "job" else value for name, value in plain.items()}
