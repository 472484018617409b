"""The worker's side of the batch lane (docs/batch-api.md). Whatever the orchestrator signs is checked here, so what
these calls return holds: its own commitment stands once in a closed set, and an acceptance names all its receipts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from edgebounty.protocol.batch.messages import (
    Acceptance,
    Assignment,
    Claim,
    CommitSet,
    Join,
    Receipts,
    Withdrawal,
    sign_compact,
)
from edgebounty.protocol.batch.running import RunningRoot
from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain, Signable, address_of_key, is_signed, sign, signing_digest
from edgebounty.protocol.types import Address, Digest, JobId, to_address, to_digest
from edgebounty.worker.batch.ask import Caller, Forged, OrchestratorRefuses
from edgebounty.worker.link import OrchestratorUnreachable

__all__ = ["BatchLink", "BatchOffer", "Market", "OrchestratorRefuses", "Owed", "TaskNow", "read_market"]

MESSAGE_SECONDS = 600
WITHDRAWAL_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Whom a worker signs for, and when it is there. `now`: Unix seconds of the chain."""

    orchestrator: Address
    lane: Domain
    escrow: Domain
    now: float | None


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
    evidence: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Owed:
    """A worker's receipts of one batch, and the orchestrator's newest signed word that it owes them."""

    count: int = 0
    receipts: RunningRoot = field(default_factory=RunningRoot)
    sets: RunningRoot = field(default_factory=RunningRoot)
    acceptance: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBooks:
    """What the orchestrator says of this worker, in token base units; `bundles`: what it signed that it owes."""

    payout_index: int | None
    accepted: int
    earned: int
    withdrawn: int
    bundles: tuple[tuple[Acceptance, bytes], ...]


def read_market(url: str, *, timeout_seconds: float = 10) -> Market:
    """What an orchestrator says of itself. Raises `OrchestratorUnreachable`; `OrchestratorRefuses` without a lane."""
    told = Caller(url, timeout_seconds=timeout_seconds).ask("market")
    with _as_documented(url):
        chain_id, contracts = int(told["chain_id"]), told["contracts"]
        if contracts.get("batch_lane") is None:
            raise OrchestratorRefuses(f"the orchestrator at {url} serves no batch lane", json.dumps(told))
        return Market(
            orchestrator=to_address(told["orchestrator"]),
            lane=Domain(chain_id=chain_id, verifying_contract=to_address(contracts["batch_lane"])),
            escrow=Domain(chain_id=chain_id, verifying_contract=to_address(contracts["escrow"])),
            now=float(told["now"]) if "now" in told else None,
        )


class BatchLink:
    """One orchestrator, one worker. Raises `OrchestratorUnreachable` (ask again) and `OrchestratorRefuses`."""

    def __init__(
        self, url: str, *, key: bytes, orchestrator: Address, domain: Domain, timeout_seconds: float = 10
    ) -> None:
        self.url = url.rstrip("/")
        self.worker = address_of_key(key)
        self.idle_reason = ""
        self.idle_seconds = 0.0
        self._key = key
        self._orchestrator = orchestrator
        self._domain = domain
        self._ticket = ""
        self._caller = Caller(url, timeout_seconds=timeout_seconds)
        self._ahead = 0.0

    def chain_now(self) -> float:
        """The chain's time, as the orchestrator told it last: deadlines are by that, this machine's clock may lie."""
        return time.monotonic() + self._ahead if self._ahead else time.time()

    def heed(self, now: object) -> None:
        """Takes the chain's time from an answer."""
        if isinstance(now, int | float) and not isinstance(now, bool) and 0 < now < 1 << 40:
            self._ahead = now - time.monotonic()

    def join(self, *, payout: Address, now: float) -> None:
        """Anybody may. `now` is the chain's time."""
        message = Join(
            worker=self.worker, orchestrator=self._orchestrator, payout=payout, until=int(now) + MESSAGE_SECONDS
        )
        told = self._ask("join", self._signed("join", message))
        with self._as_documented():
            self._ticket = str(told["ticket"])[:100]

    def work(self) -> list[BatchOffer]:
        """The tasks on offer; if there are none, `idle_reason` says why and `idle_seconds` when to ask again."""
        told = self._ask("work", params={"worker": self.worker, "ticket": self._ticket})
        with self._as_documented():
            self.idle_reason = str(told.get("reason") or "")[:500]
            self.idle_seconds = min(60.0, max(0.0, float(told.get("wait_seconds") or 0)))
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
        with self._as_documented():
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
            signature = str(told["signature"])
        self._require_signed(assignment, signature)
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
        with self._as_documented():
            newest, given = self._acceptance(told["acceptance"]), str(told["signature"])
        if newest.count > message.count:  # this receipt was accepted long ago, and others after it
            self._require_signed(newest, given)
            raise OrchestratorRefuses(f"{newest.count} receipts are accepted by now: see what is owed")
        return Owed(message.count, receipts, sets, self._require_signed(accepted, given))

    def books(self) -> WorkerBooks:
        """What it says that it owes; each acceptance in it is signed by it, or `Forged` is raised."""
        told = self._ask(f"workers/{self.worker}")
        with self._as_documented():
            index = told["payout_index"]
            signed = [(self._acceptance(one), str(one["signature"])) for one in told["bundles"][:100_000]]
            amounts = [int(str(told[name])) for name in ("accepted", "earned", "withdrawn")]
            payout_index = None if index is None else int(index)
        return WorkerBooks(
            payout_index=payout_index,
            accepted=amounts[0],
            earned=amounts[1],
            withdrawn=amounts[2],
            bundles=tuple((one, self._require_signed(one, signature)) for one, signature in signed),
        )

    def withdraw(self, *, payout_index: int, cumulative: int, receiver: Address) -> None:
        """Asks it to send all of `cumulative` that was not withdrawn yet. Good for that sum, once, and an hour."""
        message = Withdrawal(
            account=self.worker,
            orchestrator=self._orchestrator,
            payout_index=payout_index,
            cumulative=cumulative,
            receiver=receiver,
            until=int(self.chain_now()) + WITHDRAWAL_SECONDS,
        )
        fields = asdict(message) | {"cumulative": str(cumulative)}
        self._ask("withdrawals", {"withdrawal": fields, "signature": _hex(sign(self._domain, message, self._key))})

    # --- internals ---

    def _task(self, offer: BatchOffer, commitment: bytes, told: dict[str, Any]) -> TaskNow:
        commit_set = None
        with self._as_documented():
            evidence = json.dumps(told)
            closed = told["commitments"]
            commitments = None if closed is None else tuple(bytes.fromhex(str(one)[2:]) for one in closed)
            signature = str(told["signature"])
        if commitments is not None:
            message = CommitSet(
                orchestrator=self._orchestrator, job=offer.job, task=offer.task, commitments=commitments
            )
            self._require_signed(message, signature)
            if commitments.count(commitment) != 1:
                raise Forged(
                    f"the closed set of task {offer.task} does not hold this worker's commitment exactly once", evidence
                )
            commit_set = signing_digest(self._domain, message)
        with self._as_documented():
            return TaskNow(
                stage=str(told["stage"]),
                until=int(told["until"]),
                slot=None if told["slot"] is None else int(told["slot"]),
                wait_seconds=min(60.0, max(0.0, float(told["wait_seconds"]))),
                commit_set=commit_set,
                digest=None if told["digest"] is None else to_digest(bytes.fromhex(told["digest"][2:])),
                evidence=evidence,
            )

    def _offer(self, told: dict[str, Any]) -> BatchOffer:
        job, task, first, price = (int(told[name]) for name in ("job", "task", "first_task", "price"))
        if not (1 <= job < 1 << 64 and 0 <= first <= task < 1 << 32 and 0 <= price < 1 << 96):
            raise ValueError("job, task or price out of range")
        return BatchOffer(
            job=JobId(job),
            task=task,
            first_task=first,
            price=price,
            manifest=Cid.parse(told["manifest"]),
            inputs={int(i): to_digest(bytes.fromhex(digest[2:])) for i, digest in told["inputs"].items()},
        )

    def _acceptance(self, told: dict[str, Any]) -> Acceptance:
        return Acceptance(
            orchestrator=self._orchestrator,
            worker=self.worker,
            job=int(told["job"]),
            first_task=int(told["first_task"]),
            count=int(told["count"]),
            receipts=bytes.fromhex(told["receipts"][2:]),
            commit_sets=bytes.fromhex(told["commit_sets"][2:]),
        )

    def _ours(self, offer: BatchOffer) -> dict[str, Any]:
        return {"worker": self.worker, "ticket": self._ticket, "job": str(offer.job), "task": offer.task}

    def _signed(self, name: str, message: Join | Claim) -> dict[str, Any]:
        return {name: asdict(message), "signature": _hex(sign(self._domain, message, self._key))}

    def _require_signed(self, message: Signable, signature: str) -> bytes:
        try:
            given = bytes.fromhex(signature.removeprefix("0x"))
            signed = is_signed(self._domain, message, given)
        except ValueError:  # no hex, or a number that does not fit its type: signed by nobody
            signed = False
        if not signed:
            evidence = json.dumps({"message": repr(message), "signature": signature[:500]})
            raise Forged(f"{type(message).__name__} is not signed by {self._orchestrator}", evidence)
        return given

    def _ask(self, path: str, body: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
        told = self._caller.ask(f"batch/{path}", body, **parts)
        self.heed(told.get("now"))
        return told

    def _as_documented(self) -> Any:
        return _as_documented(self.url)


@contextmanager
def _as_documented(url: str) -> Iterator[None]:
    """An answer that cannot be read is as good as none: it is asked again, and nothing rests on it."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise OrchestratorUnreachable(
            f"the orchestrator at {url} answers otherwise than documented ({type(error).__name__}: {str(error)[:100]})"
        ) from error


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
