"""`Local()`: the requester's calls answered by this machine, with the result CIDs that a market would give."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

from edgebounty.client.errors import Rejected
from edgebounty.client.estimate import Estimate
from edgebounty.client.jobs import Cost, Job, Progress
from edgebounty.client.kinds import Kinds, Terms
from edgebounty.client.local import LocalJob, run_here
from edgebounty.client.plans import Plan
from edgebounty.client.results import JobResult, Part, decode_parts
from edgebounty.client.verification import Check, Verification, rerun
from edgebounty.execution import JobFailed, fetcher
from edgebounty.jobs.shape import TaskSpec
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.protocol.types import JobId


class Local(Kinds):
    """This machine in place of a market: no chain, no bounty, one task after the other."""

    def __init__(self, *, cache: Path | None = None) -> None:
        """`cache`: a folder for compiled programs."""
        self._cache = cache

    def start(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> HereJob:
        """Runs the plan in a thread; bounty and terms do not matter here."""
        return HereJob(plan, cache=self._cache)

    def estimate(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> Estimate:
        return Estimate(tasks=plan.total_tasks, content_bytes=plan.content_bytes)

    def weights(self, name: str) -> bytes:
        raise Rejected(f"{name!r} is no file: this machine has no market to fetch it from", remedy="name a file")


class _Stopped(Exception):
    """The owner has stopped the job."""


class HereJob(Job):
    """A job of `Local`."""

    def __init__(self, plan: Plan, *, cache: Path | None = None) -> None:
        super().__init__(plan)
        self._cache = cache
        self._done: list[LocalJob] = []
        self._finished = 0
        self._work_units = 0
        self._seconds = 0.0
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._states: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="edgebounty-local-job", daemon=True)
        self._thread.start()

    def progress(self) -> Progress:
        ended = not self._thread.is_alive()  # asked first: what is counted after it is final
        state = "open" if not ended else "finished" if self._error is None else f"ended: {self._error or 'stopped'}"
        return Progress(finished=self._finished, tasks=self.plan.total_tasks, state=state)

    def result(self) -> JobResult:
        self._thread.join()
        if isinstance(self._error, JobFailed):
            raise Rejected(
                f"the job failed: {self._error}", whose="the job author's (program or data)", remedy="change the job"
            ) from self._error
        if self._error is not None:
            raise (
                self._error
                if not isinstance(self._error, _Stopped)
                else Rejected("the job was stopped: it has no result", remedy="start it again")
            )
        parts = [
            Part(
                manifest=done.planned.manifest,
                cid=done.run.result_cid,
                content=done.run.result,
                fetch=fetcher(done.store, done.planned.manifest),
            )
            for done in self._done
        ]
        return decode_parts(parts)

    def cost(self) -> Cost:
        return Cost(work_units=self._work_units, seconds=self._seconds)

    def verify(self, *, sample: int | None = None) -> Verification:
        self.result()
        checks: list[Check] = []
        for done in self._done:
            manifest = done.planned.manifest
            runtime = Runtime(memory_bytes=manifest.limits.memory_bytes)
            digests = dict(enumerate(done.run.outputs))
            checks += rerun(manifest, digests, fetcher(done.store, manifest), runtime, sample=sample)
        return Verification(
            job_id=JobId(0),
            total_tasks=self.plan.total_tasks,
            checks=tuple(checks),
            unpaid=(),
            result_cid=self.result().cid,
        )

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def rounds(self) -> Iterator[tuple[int, bytes]]:
        while (found := self._states.get()) is not None:
            yield found

    def _run(self) -> None:
        try:
            for part in self.plan.parts:
                self._done.append(run_here(part, cache=self._cache, on_progress=self._progressed))
        except Exception as error:  # told by progress() and result()
            self._error = error
        finally:
            self._states.put(None)

    def _progressed(self, spec: TaskSpec, done: Execution) -> None:
        self._finished += 1
        self._work_units += done.work_units
        self._seconds += done.seconds
        if spec.is_last:
            self._states.put((spec.round + 1, done.output))
        if self._stop.is_set() and self._finished < self.plan.total_tasks:
            raise _Stopped
