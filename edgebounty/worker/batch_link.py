"""The worker's side of the batch lane (docs/batch-api.md). Whatever the orchestrator signs is checked here, so what
these calls return holds: its own commitment stands once in a closed set, and an acceptance names all its receipts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import requests

from edgebounty.protocol.batch.messages import Acceptance, Assignment, Claim, CommitSet, Join, Receipts, sign_compact
from edgebounty.protocol.batch.running import RunningRoot
from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain, Signable, address_of_key, is_signed, sign, signing_digest
from edgebounty.protocol.types import Address, Digest, JobId, to_digest
from edgebounty.worker.link import OrchestratorUnreachable

MESSAGE_SECONDS = 600
_MAX_ANSWER_BYTES = 4 << 20


class OrchestratorRefuses(Exception):
    """It says no, and would again; or what it signed is not what was asked for. The text is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOffer:
    """A task that this worker may claim. `price` in token base units; `inputs`: the accepted results that it reads."""

    job: JobId
    task: int
    first_task: int
    price: int
    manifest: Cid
    inputs: dict[int, Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNow:
    """How far a task is: see docs/batch-api.md. `commit_set` is None until the set is closed, `slot` if given up."""

    stage: str
    until: int
    slot: int | None
    wait_seconds: float
    commit_set: bytes | None
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class Owed:
    """A worker's receipts of one batch, and the orchestrator's newest signed word that it owes them."""

    count: int = 0
    receipts: RunningRoot = field(default_factory=RunningRoot)
    sets: RunningRoot = field(default_factory=RunningRoot)
    acceptance: bytes = b""


class BatchLink:
    """One orchestrator, one worker. Raises `OrchestratorUnreachable` (ask again) and `OrchestratorRefuses`."""

    def __init__(
        self, url: str, *, key: bytes, orchestrator: Address, domain: Domain, timeout_seconds: float = 10
    ) -> None:
        self.url = url.rstrip("/")
        self.worker = address_of_key(key)
        self._key = key
        self._orchestrator = orchestrator
        self._domain = domain
        self._timeout = timeout_seconds
        self._ticket = ""
        self._session = requests.Session()
        self._session.trust_env = not self.url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))

    def join(self, *, payout: Address, now: float) -> None:
        """Anybody may. `now` is the chain's time."""
        message = Join(
            worker=self.worker, orchestrator=self._orchestrator, payout=payout, until=int(now) + MESSAGE_SECONDS
        )
        self._ticket = str(self._ask("join", self._signed("join", message))["ticket"])[:100]

    def work(self) -> list[BatchOffer]:
        told = self._ask("work", params={"worker": self.worker, "ticket": self._ticket})
        return [self._offer(one) for one in told["tasks"][:100]]

    def claim(self, offer: BatchOffer, *, now: float) -> Assignment:
        """The place that the orchestrator signed for. Asked again, the same one."""
        message = Claim(
            worker=self.worker,
            orchestrator=self._orchestrator,
            job=offer.job,
            task=offer.task,
            until=int(now) + MESSAGE_SECONDS,
        )
        told = self._ask("claims", self._signed("claim", message))
        given = told["assignment"]
        assignment = Assignment(
            orchestrator=self._orchestrator,
            worker=self.worker,
            job=offer.job,
            first_task=offer.first_task,
            tasks=(offer.task,),
            slot=int(given["slot"]),
            until=int(given["until"]),
        )
        self._require_signed(assignment, told["signature"])
        return assignment

    def commit(self, offer: BatchOffer, commitment: bytes) -> TaskNow:
        body = self._ours(offer) | {"commitment": _hex(commitment)}
        return self._task(offer, commitment, self._ask("commitments", body))

    def task(self, offer: BatchOffer, commitment: bytes) -> TaskNow:
        told = self._ask(f"tasks/{offer.job}/{offer.task}", params={"worker": self.worker, "ticket": self._ticket})
        return self._task(offer, commitment, told)

    def show(self, offer: BatchOffer, commitment: bytes, digest: Digest, salt: bytes) -> TaskNow:
        body = self._ours(offer) | {"digest": _hex(digest), "salt": _hex(salt)}
        return self._task(offer, commitment, self._ask("results", body))

    def hand_in(self, offer: BatchOffer, slot: int, digest: Digest, commit_set: bytes, before: Owed) -> Owed:
        """Signs the receipt at the end of all before it. Returns what is owed now, with the acceptance of it."""
        receipt = Receipt(task=offer.task, slot=slot, digest=digest[:27])
        receipts, sets = before.receipts.appended(receipt.leaf), before.sets.appended(keccak256(commit_set))
        message = Receipts(
            worker=self.worker,
            job=offer.job,
            first_task=offer.first_task,
            count=before.count + 1,
            receipts=receipts.root,
            commit_sets=sets.root,
        )
        body = {
            "worker": self.worker,
            "job": str(offer.job),
            "first_task": offer.first_task,
            "task": offer.task,
            "count": message.count,
            "receipts": _hex(message.receipts),
            "commit_sets": _hex(message.commit_sets),
            "signature": _hex(sign_compact(self._domain, message, self._key)),
        }
        told = self._ask("receipts", body)
        accepted = Acceptance(
            orchestrator=self._orchestrator,
            worker=self.worker,
            job=offer.job,
            first_task=offer.first_task,
            count=message.count,
            receipts=message.receipts,
            commit_sets=message.commit_sets,
        )
        signature = self._require_signed(accepted, told["signature"])
        return Owed(message.count, receipts, sets, signature)

    # --- internals ---

    def _task(self, offer: BatchOffer, commitment: bytes, told: dict[str, Any]) -> TaskNow:
        commit_set = None
        if told["commitments"] is not None:
            commitments = tuple(bytes.fromhex(str(one)[2:]) for one in told["commitments"])
            message = CommitSet(
                orchestrator=self._orchestrator, job=offer.job, task=offer.task, commitments=commitments
            )
            self._require_signed(message, told["signature"])
            if commitments.count(commitment) != 1:
                raise OrchestratorRefuses(
                    f"the closed set of task {offer.task} does not hold this worker's commitment exactly once"
                )
            commit_set = signing_digest(self._domain, message)
        return TaskNow(
            stage=str(told["stage"]),
            until=int(told["until"]),
            slot=None if told["slot"] is None else int(told["slot"]),
            wait_seconds=min(60.0, max(0.0, float(told["wait_seconds"]))),
            commit_set=commit_set,
            digest=None if told["digest"] is None else to_digest(bytes.fromhex(told["digest"][2:])),
        )

    def _offer(self, told: dict[str, Any]) -> BatchOffer:
        return BatchOffer(
            job=JobId(int(told["job"])),
            task=int(told["task"]),
            first_task=int(told["first_task"]),
            price=int(told["price"]),
            manifest=Cid.parse(told["manifest"]),
            inputs={int(i): to_digest(bytes.fromhex(digest[2:])) for i, digest in told["inputs"].items()},
        )

    def _ours(self, offer: BatchOffer) -> dict[str, Any]:
        return {"worker": self.worker, "ticket": self._ticket, "job": str(offer.job), "task": offer.task}

    def _signed(self, name: str, message: Join | Claim) -> dict[str, Any]:
        return {name: asdict(message), "signature": _hex(sign(self._domain, message, self._key))}

    def _require_signed(self, message: Signable, signature: str) -> bytes:
        given = bytes.fromhex(str(signature).removeprefix("0x"))
        if not is_signed(self._domain, message, given):
            raise OrchestratorRefuses(f"{type(message).__name__} is not signed by {self._orchestrator}")
        return given

    def _ask(self, path: str, body: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
        where = f"the orchestrator at {self.url}"
        method = "GET" if body is None else "POST"
        try:
            with self._session.request(
                method,
                f"{self.url}/v1/batch/{path}",
                json=body,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                **parts,
            ) as answer:
                text = answer.raw.read(_MAX_ANSWER_BYTES + 1, decode_content=True)
                status = answer.status_code
        except Exception as error:  # requests and urllib3 raise many kinds
            raise OrchestratorUnreachable(f"{where} does not answer ({type(error).__name__})") from error
        try:
            told = json.loads(text) if len(text) <= _MAX_ANSWER_BYTES else None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or status in (429, 503) or status >= 500:
            raise OrchestratorUnreachable(f"{where} is busy or answers nonsense: {status}")
        if status >= 400:
            raise OrchestratorRefuses(str(told.get("error"))[:500])
        return told


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
