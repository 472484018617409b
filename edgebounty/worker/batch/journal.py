"""What a worker of the batch lane must not forget: results with their salts, and what it is owed.

A step is on disk before the next is begun, so a worker that is killed anywhere goes on with the same salt, and never
commits to one task twice. The newest acceptance of each batch stays for good: with it the chain pays.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from edgebounty.protocol.types import Digest, JobId
from edgebounty.worker.batch.machine import Step
from edgebounty.worker.batch.values import Bundle, Closed, Outcome, Result, Stage, State, Task, TaskKey
from edgebounty.worker.journal import JournalError, Writing, take_lock

FILE_NAME = "batch.sqlite"
KEPT_EVIDENCE_CHARS = 20_000
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE tasks (
    job TEXT NOT NULL,
    task INTEGER NOT NULL,
    first_task INTEGER NOT NULL,
    price TEXT NOT NULL,
    manifest TEXT NOT NULL,
    inputs TEXT NOT NULL,
    stage TEXT NOT NULL,
    slot INTEGER NOT NULL,
    until INTEGER NOT NULL,
    digest BLOB,
    salt BLOB,
    output_cid TEXT,
    work_units INTEGER,
    seconds REAL,
    commit_set BLOB,
    outcome TEXT,
    detail TEXT NOT NULL DEFAULT '',
    evidence TEXT NOT NULL DEFAULT '',
    opened_at REAL NOT NULL,
    closed_at REAL,
    PRIMARY KEY (job, task)
) STRICT;
CREATE TABLE bundles (
    job TEXT NOT NULL,
    first_task INTEGER NOT NULL,
    count INTEGER NOT NULL,
    receipts_root BLOB NOT NULL,
    sets_root BLOB NOT NULL,
    acceptance BLOB NOT NULL,
    PRIMARY KEY (job, first_task)
) STRICT;
CREATE TABLE receipts (
    job TEXT NOT NULL,
    first_task INTEGER NOT NULL,
    position INTEGER NOT NULL,
    word BLOB NOT NULL,
    commit_set BLOB NOT NULL,
    PRIMARY KEY (job, first_task, position)
) STRICT;
CREATE TABLE identity (chain_id INTEGER NOT NULL, lane TEXT NOT NULL, orchestrator TEXT NOT NULL, worker TEXT NOT NULL)
STRICT;
"""


class Identity(NamedTuple):
    """Whose journal it is: receipts of one lane, one orchestrator and one worker are no other's."""

    chain_id: int
    lane: str
    orchestrator: str
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTask:
    """A line of what is over."""

    job: JobId
    task: int
    price: int
    outcome: Outcome
    detail: str
    evidence: str


class BatchJournal:
    """Open in one process at a time. Every change is on disk when its call returns. All may raise `JournalError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = take_lock(folder)
        try:
            self._db = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._prepare()
        except BaseException as error:
            self._lock.close()
            if isinstance(error, sqlite3.Error):
                raise JournalError(
                    f"the journal in {folder} cannot be opened ({error}); nothing was sent. Free disk space, or "
                    "restore the file: it holds the salts of open commitments and what is owed to this worker"
                ) from error
            raise

    def belong_to(self, identity: Identity) -> None:
        """Makes it the journal of this worker at this orchestrator, or raises `JournalError` if it is another's."""
        with self._writing() as db:
            row = db.execute("SELECT chain_id, lane, orchestrator, worker FROM identity").fetchone()
            if row is None:
                db.execute("INSERT INTO identity VALUES (?,?,?,?)", tuple(identity))
                return
        found = Identity(*tuple(row))
        if found != identity:
            raise JournalError(
                f"the folder {self._folder} belongs to worker {found.worker} at orchestrator {found.orchestrator} on "
                f"chain id {found.chain_id} (batch lane {found.lane}), not to {identity.worker} at "
                f"{identity.orchestrator} on {identity.chain_id} ({identity.lane}); give each its own data folder"
            )

    def load(self) -> State:
        """The state as it was last saved; waits are over after a restart."""
        rows = self._db.execute("SELECT * FROM tasks WHERE outcome IS NULL ORDER BY opened_at, job, task")
        return State(tasks=tuple(map(_task, rows)), bundles=read_bundles_of(self._db))

    def save(self, before: State, step: Step) -> State:
        """Writes what `step` changed, all or nothing, and returns its state."""
        after, closed = step.state, step.closed
        known = {task.key: task for task in before.tasks}
        changed = [task for task in after.tasks if _durable(known.get(task.key)) != _durable(task)]
        bundles = [bundle for bundle in after.bundles if before.bundle(bundle.key) != bundle]
        if changed or bundles or closed:
            with self._writing() as db:
                for task in changed:
                    self._write(db, task)
                for bundle in bundles:
                    _write_bundle(db, bundle, before.bundle(bundle.key))
                if closed is not None:
                    self._close(db, closed)
        return after

    def has_result(self, key: TaskKey) -> bool:
        """Whether this worker has fixed a result of that task before: then it takes it not again."""
        found = self._db.execute(
            "SELECT 1 FROM tasks WHERE job=? AND task=? AND digest IS NOT NULL", (str(key[0]), key[1])
        )
        return found.fetchone() is not None

    def closed_tasks(self, limit: int = 1000) -> list[ClosedTask]:
        """What is over, the latest first."""
        rows = self._db.execute(
            "SELECT job, task, price, outcome, detail, evidence FROM tasks WHERE outcome IS NOT NULL AND outcome<>? "
            "ORDER BY closed_at DESC, job DESC, task DESC LIMIT ?",
            (Outcome.GONE.value, limit),
        )
        return [
            ClosedTask(
                job=JobId(int(row["job"])),
                task=row["task"],
                price=int(row["price"]),
                outcome=Outcome(row["outcome"]),
                detail=row["detail"],
                evidence=row["evidence"],
            )
            for row in rows
        ]

    def totals(self) -> dict[Outcome, int]:
        """How many tasks ended how."""
        rows = self._db.execute("SELECT outcome, COUNT(*) FROM tasks WHERE outcome IS NOT NULL GROUP BY outcome")
        return {Outcome(name): int(count) for name, count in rows}

    def accepted(self) -> int:
        """Token base units of all accepted receipts, as far as this journal knows the tasks."""
        rows = self._db.execute("SELECT price FROM tasks WHERE outcome=?", (Outcome.ACCEPTED.value,))
        return sum(int(row[0]) for row in rows)

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    # --- internals ---

    def _write(self, db: sqlite3.Connection, task: Task) -> None:
        """A sealed result is never written over: what was committed to stays."""
        row = db.execute("SELECT digest, salt, outcome FROM tasks WHERE job=? AND task=?", _key(task)).fetchone()
        if row is not None and row["digest"] is not None:
            kept = task.result is not None and (bytes(row["digest"]), bytes(row["salt"])) == (
                task.result.digest,
                task.result.salt,
            )
            if not kept or row["outcome"] is not None:
                raise JournalError(f"job {task.job} task {task.index} has a result in the journal: not another one")
        result = task.result
        values = (
            *(*_key(task), task.first_task, str(task.price), task.manifest),
            json.dumps({str(i): digest.hex() for i, digest in task.inputs.items()}),
            *(task.stage.value, task.slot, task.until),
            *((None,) * 5 if result is None else (result.digest, result.salt, result.output_cid)),
            *(() if result is None else (result.work_units, result.seconds)),
            *(task.commit_set, time.time()),
        )
        db.execute(
            "INSERT INTO tasks (job, task, first_task, price, manifest, inputs, stage, slot, until, digest, salt, "
            "output_cid, work_units, seconds, commit_set, opened_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
            "ON CONFLICT DO UPDATE SET first_task=excluded.first_task, price=excluded.price, "
            "manifest=excluded.manifest, inputs=excluded.inputs, stage=excluded.stage, "
            "slot=excluded.slot, until=excluded.until, "
            "digest=excluded.digest, salt=excluded.salt, output_cid=excluded.output_cid, "
            "work_units=excluded.work_units, seconds=excluded.seconds, commit_set=excluded.commit_set, "
            "outcome=NULL, detail='', evidence='', closed_at=NULL",
            values,
        )

    def _close(self, db: sqlite3.Connection, closed: Closed) -> None:
        db.execute(
            "UPDATE tasks SET outcome=?, detail=?, evidence=?, closed_at=? WHERE job=? AND task=?",
            (
                *(closed.outcome.value, closed.detail, closed.evidence[:KEPT_EVIDENCE_CHARS], time.time()),
                *_key(closed.task),
            ),
        )

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise JournalError(f"the journal in {self._folder} was written by a newer release; upgrade this one")
        if version == 0:
            with self._writing() as db:
                for statement in _SCHEMA.strip().split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _writing(self) -> Writing:
        return Writing(self._db, self._folder)


def read_bundles(folder: Path) -> tuple[Identity, tuple[Bundle, ...]]:
    """What a worker is owed, read beside it while it runs. Raises `JournalError` where there is no journal."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise JournalError(f"no worker of the batch lane ever ran in {folder}; name its --data-dir")
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        try:
            row = db.execute("SELECT chain_id, lane, orchestrator, worker FROM identity").fetchone()
            bundles = read_bundles_of(db)
        finally:
            db.close()
    except sqlite3.Error as error:
        raise JournalError(f"the journal in {folder} cannot be read ({error})") from error
    if row is None:
        raise JournalError(f"the worker in {folder} has not reached an orchestrator yet")
    return Identity(*tuple(row)), bundles


def read_bundles_of(db: sqlite3.Connection) -> tuple[Bundle, ...]:
    found = []
    for row in db.execute("SELECT * FROM bundles ORDER BY job, first_task").fetchall():
        behind = db.execute(
            "SELECT word, commit_set FROM receipts WHERE job=? AND first_task=? ORDER BY position",
            (row["job"], row["first_task"]),
        ).fetchall()
        found.append(
            Bundle(
                job=JobId(int(row["job"])),
                first_task=row["first_task"],
                count=row["count"],
                receipts_root=bytes(row["receipts_root"]),
                sets_root=bytes(row["sets_root"]),
                acceptance=bytes(row["acceptance"]),
                words=tuple(bytes(one["word"]) for one in behind),
                commit_sets=tuple(bytes(one["commit_set"]) for one in behind),
            )
        )
    return tuple(found)


def _write_bundle(db: sqlite3.Connection, bundle: Bundle, before: Bundle | None) -> None:
    """The new signed word, and only the receipts that are new in it."""
    db.execute(
        "INSERT OR REPLACE INTO bundles VALUES (?,?,?,?,?,?)",
        (
            *(str(bundle.job), bundle.first_task, bundle.count),
            *(bundle.receipts_root, bundle.sets_root, bundle.acceptance),
        ),
    )
    first = 0 if before is None else len(before.words)
    pairs = list(zip(bundle.words, bundle.commit_sets, strict=True))[first:]
    db.executemany(
        "INSERT INTO receipts VALUES (?,?,?,?,?)",
        [(str(bundle.job), bundle.first_task, first + i, word, beside) for i, (word, beside) in enumerate(pairs)],
    )


def _durable(task: Task | None) -> Task | None:
    return None if task is None else replace(task, after=0.0, tries=0)


def _key(task: Task) -> tuple[str, int]:
    return str(task.job), task.index


def _task(row: sqlite3.Row) -> Task:
    result = None
    if row["digest"] is not None:
        result = Result(
            digest=Digest(bytes(row["digest"])),
            salt=bytes(row["salt"]),
            output_cid=row["output_cid"],
            work_units=row["work_units"],
            seconds=row["seconds"],
        )
    inputs: dict[str, str] = json.loads(row["inputs"])
    return Task(
        job=JobId(int(row["job"])),
        index=row["task"],
        first_task=row["first_task"],
        price=int(row["price"]),
        manifest=row["manifest"],
        inputs={int(i): Digest(bytes.fromhex(digest)) for i, digest in inputs.items()},
        stage=Stage(row["stage"]),
        slot=row["slot"],
        until=row["until"],
        result=result,
        commit_set=None if row["commit_set"] is None else bytes(row["commit_set"]),
    )
