"""The slow half of a task in the batch lane: fetched, checked, run. One thread beside the loop, one task in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from edgebounty.programs.runtime import Execution
from edgebounty.protocol.commitment import new_salt
from edgebounty.worker.batch import facts as f
from edgebounty.worker.batch.machine import RETRY_SECONDS
from edgebounty.worker.batch.values import Result, Task, TaskKey
from edgebounty.worker.content import TaskContent
from edgebounty.worker.explain import Refused
from edgebounty.worker.failpoint import Step, failpoint
from edgebounty.worker.journal import JournalError
from edgebounty.worker.sandbox import SandboxError, SandboxStopped, SandboxTask

LOGGER = logging.getLogger(__name__)
_MOST_NOTED = 10_000

Check = Callable[[Task], SandboxTask]
"""Brings a task's bytes and looks whether it may be run. Raises `Refused`."""


@dataclass(slots=True, kw_only=True)
class BatchPipeline:
    """All methods are for the worker's loop; `execute` and `refuse` are called in the pipeline's thread."""

    content: TaskContent
    execute: Callable[[SandboxTask, float], Execution]
    refuse: Callable[[str, str], None]
    wake: Callable[[], None]
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="task"))
    _finding: Future[Task | None] | None = None
    _running: tuple[Task, Future[Execution]] | None = None
    _not_before: dict[TaskKey, float] = field(default_factory=dict)

    @property
    def is_free(self) -> bool:
        return self._finding is None and self._running is None

    @property
    def doing(self) -> str:
        if self._running is not None:
            return "running job {} task {}".format(*self._running[0].key)
        return "idle" if self._finding is None else "fetching a task"

    def is_left_alone(self, key: TaskKey) -> bool:
        """Whether a task was refused here, and is not to be looked at again yet."""
        return self._not_before.get(key, 0.0) > time.monotonic()

    def find(self, check: Check, tasks: list[Task]) -> None:
        """Begin to bring the bytes of the first of these that may be run."""
        self._finding = self._thread.submit(self._prepare_one, check, tasks)
        self._finding.add_done_callback(self._woken)

    def run(self, check: Check, task: Task, seconds: float) -> None:
        future = self._thread.submit(self._compute, check, task, seconds)
        self._running = task, future
        future.add_done_callback(self._woken)

    def done(self, now: float) -> f.Fact | None:
        """What has come of it, if it has come to an end. `now`: the chain's time. Raises `JournalError`."""
        if self._finding is not None and self._finding.done():
            finding, self._finding = self._finding, None
            return self._found(finding, now)
        if self._running is not None and self._running[1].done():
            (task, future), self._running = self._running, None
            return self._ran(task, future, now)
        return None

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _prepare_one(self, check: Check, tasks: list[Task]) -> Task | None:
        for task in tasks:
            try:
                check(task)
            except Refused as refusal:
                LOGGER.info("job %s task %s: %s", *task.key, refusal.text)
                self._leave_alone(task.key, refusal)
                continue
            return task
        return None

    def _compute(self, check: Check, task: Task, seconds: float) -> Execution:
        prepared = check(task)
        LOGGER.info("job %s task %s: running", *task.key)
        return self.execute(prepared, seconds)

    def _leave_alone(self, key: TaskKey, refusal: Refused) -> None:
        self.refuse(refusal.code, refusal.text)
        pause = refusal.for_seconds
        if len(self._not_before) > _MOST_NOTED:
            self._not_before.clear()
        self._not_before[key] = float("inf") if pause is None else time.monotonic() + pause

    def _found(self, finding: Future[Task | None], now: float) -> f.Fact | None:
        try:
            task = finding.result()
        except SandboxStopped:
            return None
        return f.NothingFree(now=now, wait_seconds=RETRY_SECONDS) if task is None else f.Wanted(task=task)

    def _ran(self, task: Task, future: Future[Execution], now: float) -> f.Fact | None:
        try:
            done = future.result()
        except SandboxStopped:
            return None
        except (SandboxError, Refused) as error:
            LOGGER.warning("job %s task %s: %s", *task.key, error)
            self.refuse("task_failed_here", f"job {task.job} task {task.index}: {error}")
            return f.CouldNotRun(key=task.key, now=now, why=str(error))
        failpoint(Step.RUN_DONE)
        try:
            cid = self.content.keep_output(done.output)
        except OSError as error:
            raise JournalError(
                f"the result cannot be written to {self.content.folder} ({error.strerror}); nothing was committed: "
                "free the disk and start again"
            ) from error
        LOGGER.info("job %s task %s: result %s in %.2f s", *task.key, cid, done.seconds)
        result = Result(
            digest=cid.digest,
            salt=new_salt(),
            output_cid=str(cid),
            work_units=done.work_units,
            seconds=done.seconds,
        )
        return f.Computed(key=task.key, result=result)

    def _woken(self, _: object) -> None:
        self.wake()
