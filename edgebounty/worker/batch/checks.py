"""Is this task of the batch lane worth starting? Looked up in verified content, and on chain where a node is named."""

from __future__ import annotations

from edgebounty.chain.errors import ChainError, ContractRejected
from edgebounty.chain.market import MarketContracts
from edgebounty.jobs.shape import NoSuchTask, TaskSpec, describe, needed_tasks
from edgebounty.protocol.cid import Cid, CidError, raw_cid
from edgebounty.protocol.failure import explain as explain_failure
from edgebounty.protocol.failure import failure_of_digest
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Address
from edgebounty.worker.batch.settings import BatchSettings
from edgebounty.worker.batch.values import Task
from edgebounty.worker.content import TaskContent
from edgebounty.worker.explain import Refused
from edgebounty.worker.sandbox import Sandbox, SandboxCrashed, SandboxTask, SandboxTimeout, TaskRefused

EXAMINE_SECONDS = 30.0
_FAILURE_BYTES = 64


class BatchChecker:
    """Checks tasks for one worker. Used from one thread at a time. `contracts`: None where no node is named."""

    def __init__(
        self,
        *,
        content: TaskContent,
        sandbox: Sandbox,
        settings: BatchSettings,
        contracts: MarketContracts | None = None,
    ) -> None:
        self._content = content
        self._sandbox = sandbox
        self._settings = settings
        self._contracts = contracts
        self._examined: set[Cid] = set()

    def prepared(self, task: Task, orchestrator: Address) -> SandboxTask:
        """The task with all its bytes here, each checked against its CID. Raises `Refused`, `SandboxStopped`."""
        name = f"job {task.job}"
        if task.price < self._settings.min_slot_price:
            text = f"{name} pays {task.price} a task, your minimum is {self._settings.min_slot_price}"
            raise Refused("price_low", text, for_seconds=None)
        try:
            cid = Cid.parse(task.manifest)
            manifest = self._content.manifest(cid.digest)
            if raw_cid(cid.digest) != cid:
                raise CidError("a manifest is one raw block")
            spec = describe(manifest, task.index)
        except (CidError, NoSuchTask) as error:
            raise Refused("manifest_bad", f"{name}: {error}; the orchestrator's mistake", for_seconds=None) from error
        self._check_limits(name, manifest)
        self._check_inputs(name, task, spec)
        if self._contracts is not None:
            self._check_escrow(name, task, manifest, self._contracts, orchestrator)
        results = {int(index): task.inputs[index] for index in needed_tasks(spec)}
        self._content.prefetch(manifest, spec, results)
        largest = max(manifest.limits.output_bytes, manifest.state_bytes, _FAILURE_BYTES)
        found = SandboxTask(manifest=cid, index=task.index, results=results, max_output_bytes=largest)
        self._examine(name, found)
        return found

    def _check_limits(self, name: str, manifest: Manifest) -> None:
        limits, settings = manifest.limits, self._settings
        if limits.memory_bytes > settings.max_memory_bytes:
            text = f"{name} needs {limits.memory_bytes} bytes of memory, your limit is {settings.max_memory_bytes}"
            raise Refused("over_limits", text, for_seconds=None)
        if settings.max_work_units is not None and limits.work_units > settings.max_work_units:
            text = f"{name} may take {limits.work_units} work units, your limit is {settings.max_work_units}"
            raise Refused("over_limits", text, for_seconds=None)

    def _check_inputs(self, name: str, task: Task, spec: TaskSpec) -> None:
        for needed in needed_tasks(spec):
            digest = task.inputs.get(needed)
            if digest is None:
                text = f"{name} task {task.index} reads the result of task {needed}, which was not told"
                raise Refused("stage_closed", text)
            code = failure_of_digest(digest)
            if code is not None:
                text = f"{name} cannot go on: {explain_failure(code)} (task {needed})"
                raise Refused("input_failed", text, for_seconds=None)

    def _check_escrow(self, name: str, task: Task, manifest: Manifest, contracts: MarketContracts, by: Address) -> None:
        """The chain names this orchestrator, this lane, this manifest and this price, and the job still has it."""
        try:
            job = contracts.job(task.job)
        except ContractRejected as error:
            raise Refused("job_unknown", f"{name} was offered and is not on chain: {error}", for_seconds=10) from error
        except ChainError as error:
            text = f"{name}: its bounty cannot be looked up: {error}"
            raise Refused("node_unreachable", text, for_seconds=2) from error
        terms = job.terms
        told = (terms.lane, terms.orchestrator, terms.slot_price, terms.manifest_digest)
        meant = (contracts.deployment.batch_lane, by, task.price, manifest.digest)
        if told != meant:
            text = (
                f"{name} was offered with other terms than the chain has (lane, orchestrator, price or manifest): the "
                "orchestrator's fault"
            )
            raise Refused("offer_false", text, for_seconds=None)
        if job.escrow < terms.slot_price + terms.slot_price * terms.fee_bps // 10_000:
            raise Refused("escrow_short", f"{name} has {job.escrow} left in escrow: not paid for")

    def _examine(self, name: str, task: SandboxTask) -> None:
        if task.manifest in self._examined:
            return
        try:
            self._sandbox.examine(task, seconds=EXAMINE_SECONDS)
        except TaskRefused as error:
            text = f"{name}: {error}; the requester has to change it"
            raise Refused("program_rejected", text, for_seconds=None) from error
        except (SandboxTimeout, SandboxCrashed) as error:
            text = f"{name}: its program could not be prepared: {error}"
            raise Refused("program_rejected", text, for_seconds=60.0) from error
        if len(self._examined) > 1_000:
            self._examined.clear()
        self._examined.add(task.manifest)
