"""What a worker must not forget: its claims, and above all the salt and digest of each commitment.

On disk before anything irreversible is sent: a worker that is killed after its commit still reveals, and one that is
killed before it never commits to the same task with another salt.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from edgebounty.protocol.types import Digest, JobId, TaskIndex

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE entries (
    job_id INTEGER NOT NULL,
    task_index INTEGER NOT NULL,
    opened_at REAL NOT NULL,
    basis BLOB NOT NULL,
    stake TEXT NOT NULL,
    price TEXT NOT NULL,
    output_cid TEXT,
    digest BLOB,
    salt BLOB,
    work_units INTEGER,
    seconds REAL,
    committed INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    detail TEXT NOT NULL DEFAULT '',
    closed_at REAL,
    PRIMARY KEY (job_id, task_index)
) STRICT;
CREATE TABLE identity (chain_id INTEGER NOT NULL, lane TEXT NOT NULL, worker TEXT NOT NULL) STRICT;
"""


class JournalError(Exception):
    """The journal cannot be used: another worker has it, it belongs to another account, or the disk refuses."""


class Outcome(StrEnum):
    """How a claim ended."""

    PAID = "paid"
    WRONG = "wrong"  # revealed another digest than the quorum: stake lost
    SILENT = "silent"  # committed and did not reveal in time: stake lost
    NO_SHOW = "no_show"  # claimed and did not commit in time: fee lost
    UNPAID = "unpaid"  # the task was refunded or expired: nothing lost, nothing earned
    GONE = "gone"  # the chain never took, or undid, the claim: nothing lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One claim of ours. `basis` is a hash of all that the result was computed from, as the chain had it."""

    job_id: JobId
    task_index: TaskIndex
    opened_at: float  # Unix seconds by this machine
    basis: bytes
    stake: int  # token base units that the claim locks
    price: int  # token base units that it may earn
    output_cid: str | None = None
    digest: Digest | None = None
    salt: bytes | None = None
    work_units: int | None = None
    seconds: float | None = None
    committed: bool = False  # seen on chain
    outcome: Outcome | None = None
    detail: str = ""
    closed_at: float | None = None

    @property
    def key(self) -> tuple[JobId, TaskIndex]:
        return self.job_id, self.task_index

    @property
    def sealed(self) -> bool:
        """Whether a result is fixed: from here on only this digest and salt are ever committed."""
        return self.digest is not None


class Journal:
    """The worker's file of entries; open in one process at a time. Every change is on disk when its call returns."""

    def __init__(self, folder: Path, *, chain_id: int, lane: str, worker: str) -> None:
        self._folder = folder
        self._lock = take_lock(folder)
        try:
            self._db = sqlite3.connect(folder / "journal.sqlite", isolation_level=None, check_same_thread=False)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._prepare(chain_id, lane, worker)
        except BaseException as error:
            self._lock.close()
            if isinstance(error, sqlite3.Error):
                raise JournalError(
                    f"the journal in {folder} cannot be opened ({error}); nothing was sent. Free disk space, or "
                    "restore the file: it holds the salts of open commitments"
                ) from error
            raise

    def open_entry(self, entry: Entry) -> Entry:
        """Note a claim that is about to be sent.

        An entry that is there already is kept. One that was closed as gone is opened again, with its sealed result if
        that rests on the same basis: an old commit of ours may still turn up, and must be one that we can reveal.
        """
        with self._writing() as db:
            gone = "WHERE job_id=? AND task_index=? AND outcome='gone'"
            db.execute(f"DELETE FROM entries {gone} AND (digest IS NULL OR basis<>?)", (*entry.key, entry.basis))
            db.execute(
                f"UPDATE entries SET outcome=NULL, detail='', closed_at=NULL, opened_at=? {gone}",
                (entry.opened_at, *entry.key),
            )
            db.execute(
                "INSERT INTO entries (job_id, task_index, opened_at, basis, stake, price) VALUES (?,?,?,?,?,?) "
                "ON CONFLICT DO NOTHING",
                (*entry.key, entry.opened_at, entry.basis, str(entry.stake), str(entry.price)),
            )
        found = self.get(*entry.key)
        assert found is not None
        return found

    def seal(
        self,
        entry: Entry,
        *,
        basis: bytes,
        digest: Digest,
        salt: bytes,
        output_cid: str,
        work_units: int,
        seconds: float,
    ) -> Entry:
        """Fix the result before it is committed. A sealed entry stays as it is: what comes back is what counts."""
        with self._writing() as db:
            db.execute(
                "UPDATE entries SET basis=?, digest=?, salt=?, output_cid=?, work_units=?, seconds=? "
                "WHERE job_id=? AND task_index=? AND digest IS NULL",
                (basis, digest, salt, output_cid, work_units, seconds, *entry.key),
            )
        found = self.get(*entry.key)
        if found is None:
            raise JournalError(f"job {entry.job_id} task {entry.task_index} is not in the journal")
        return found

    def note_committed(self, entry: Entry) -> Entry:
        """Remember that the chain has taken our commitment."""
        with self._writing() as db:
            db.execute("UPDATE entries SET committed=1 WHERE job_id=? AND task_index=?", entry.key)
        return replace(entry, committed=True)

    def close_entry(self, entry: Entry, outcome: Outcome, detail: str = "") -> Entry:
        """Note how a claim ended."""
        with self._writing() as db:
            db.execute(
                "UPDATE entries SET outcome=?, detail=?, closed_at=? WHERE job_id=? AND task_index=?",
                (outcome.value, detail, time.time(), *entry.key),
            )
        found = self.get(*entry.key)
        assert found is not None
        return found

    def get(self, job_id: int, task_index: int) -> Entry | None:
        row = self._db.execute("SELECT * FROM entries WHERE job_id=? AND task_index=?", (job_id, task_index)).fetchone()
        return None if row is None else _entry(row)

    def open_entries(self) -> list[Entry]:
        """Claims without an outcome, oldest first."""
        rows = self._db.execute("SELECT * FROM entries WHERE outcome IS NULL ORDER BY opened_at, job_id, task_index")
        return [_entry(row) for row in rows]

    def closed_entries(self, limit: int = 1000) -> list[Entry]:
        """Claims with an outcome, the latest first."""
        rows = self._db.execute(
            "SELECT * FROM entries WHERE outcome IS NOT NULL ORDER BY closed_at DESC, job_id DESC, task_index DESC "
            "LIMIT ?",
            (limit,),
        )
        return [_entry(row) for row in rows]

    def totals(self) -> dict[Outcome, int]:
        """How many claims ended how."""
        rows = self._db.execute("SELECT outcome, COUNT(*) FROM entries WHERE outcome IS NOT NULL GROUP BY outcome")
        return {Outcome(name): int(count) for name, count in rows}

    def earned(self) -> int:
        """Token base units of all paid claims. (Kept as text and summed here: SQLite's integers end at 2^63.)"""
        return sum(int(row[0]) for row in self._db.execute("SELECT price FROM entries WHERE outcome='paid'"))

    def close(self) -> None:
        """Let another process use the folder."""
        self._db.close()
        self._lock.close()

    def _prepare(self, chain_id: int, lane: str, worker: str) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise JournalError(f"the journal in {self._folder} was written by a newer release; upgrade this one")
        with self._writing() as db:
            if version == 0:
                for statement in _SCHEMA.strip().split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
                db.execute("INSERT INTO identity VALUES (?,?,?)", (chain_id, lane, worker))
            found = tuple(db.execute("SELECT chain_id, lane, worker FROM identity").fetchone())
        if found != (chain_id, lane, worker):
            raise JournalError(
                f"the folder {self._folder} belongs to worker {found[2]} on chain id {found[0]} (lane {found[1]}), not "
                f"to {worker} on {chain_id} ({lane}); give each worker and each deployment a folder of its own"
            )

    def _writing(self) -> Writing:
        return Writing(self._db, self._folder)


class Writing:
    """One transaction, on disk when it ends."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        self._db = db
        self._folder = folder

    def __enter__(self) -> sqlite3.Connection:
        self._run("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            self._run("COMMIT")
            return
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise self._refused(error) from error

    def _run(self, statement: str) -> None:
        try:
            self._db.execute(statement)
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def _refused(self, error: sqlite3.Error) -> JournalError:
        return JournalError(
            f"the journal in {self._folder} cannot be written ({error}); nothing was sent: free the disk"
        )


def take_lock(folder: Path) -> IO[bytes]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("ab")
    except OSError as error:
        raise JournalError(f"the worker's folder {folder} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise JournalError(
            f"another worker is already running in {folder}; stop it, or use another data folder"
        ) from error
    os.set_inheritable(lock.fileno(), False)
    return lock


def _entry(row: sqlite3.Row) -> Entry:
    values: dict[str, Any] = dict(row)
    for name in ("digest", "salt", "basis"):
        values[name] = None if values[name] is None else bytes(values[name])
    values["stake"], values["price"] = int(values["stake"]), int(values["price"])
    values["committed"] = bool(values["committed"])
    values["outcome"] = None if values["outcome"] is None else Outcome(values["outcome"])
    return Entry(**values)
