"""What a watchtower must not forget: how far it read, which tasks it drew and looked at, what it found.

SQLite. Settled tasks and the cursor that passed them are one transaction, and so are a look and its findings:
killed at any moment, it goes on where it was.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from edgebounty.protocol.types import Digest
from edgebounty.watchtower.rules import Finding, Kind, Settled

_SCHEMA: Final = """
CREATE TABLE market (
    chain_id INTEGER NOT NULL, escrow TEXT NOT NULL, secret BLOB NOT NULL, next_block INTEGER NOT NULL
) STRICT;
CREATE TABLE tasks (
    job_id INTEGER NOT NULL, task INTEGER NOT NULL, digest BLOB NOT NULL, tx_hash BLOB NOT NULL, block INTEGER NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0, missing TEXT,
    PRIMARY KEY (job_id, task)
) STRICT;
CREATE TABLE findings (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, finding TEXT NOT NULL, is_told INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
_LANE_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS lane (next_block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS lane_events (
    block INTEGER NOT NULL, log_index INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (block, log_index)
) STRICT;
CREATE TABLE IF NOT EXISTS lane_leaves (bundles_root BLOB PRIMARY KEY, leaves BLOB NOT NULL) STRICT;
"""
WAITING: Final = "waiting"
SKIPPED: Final = "skipped"
RIGHT: Final = "right"
WRONG: Final = "wrong"
UNRUNNABLE: Final = "unrunnable"


class StateError(Exception):
    """The state file cannot be used: another watchtower has it, it is of another market, or the disk refuses."""


class Journal:
    """One watchtower's memory. Raises `StateError` when the file is in use or belongs to another market."""

    def __init__(self, path: Path, *, chain_id: int, escrow: str, first_block: int) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = path.with_name(path.name + ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateError(f"another watchtower is using {path}") from error
        except OSError as error:
            raise StateError(f"the state file {path} cannot be used: {error.strerror}") from error
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA synchronous = FULL")
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                self._db.executescript("BEGIN;" + _SCHEMA + "COMMIT;")
            row = self._db.execute("SELECT chain_id, escrow, secret FROM market").fetchone()
            if row is None:
                row = (chain_id, escrow, secrets.token_bytes(32))
                self._db.execute("INSERT INTO market VALUES (?, ?, ?, ?)", (*row, first_block))
            self._db.executescript(_LANE_SCHEMA)
        except sqlite3.Error as error:
            raise StateError(f"the state file {path} cannot be used: {error}") from error
        if (row[0], row[1]) != (chain_id, escrow):
            raise StateError(f"{path} is of the market {row[1]} on chain {row[0]}, not of {escrow} on {chain_id}")
        self.secret: bytes = row[2]

    @property
    def next_block(self) -> int:
        return int(self._db.execute("SELECT next_block FROM market").fetchone()[0])

    def passed(self, next_block: int, settled: Iterable[tuple[Settled, bool]], findings: Iterable[Finding]) -> None:
        """Everything before `next_block` was read: these tasks were settled (and drawn, or not)."""
        with self._transaction():
            self._paid(settled)
            self._note(findings)
            self._db.execute("UPDATE market SET next_block = ?", (next_block,))

    def paid(self, paid: Iterable[tuple[Settled, bool]]) -> None:
        """These tasks are paid by a batch (and drawn, or not). Twice is once."""
        with self._transaction():
            self._paid(paid)

    def waiting(self, now: float | None) -> list[tuple[Settled, int, str | None]]:
        """Drawn tasks to look at, with vain tries and the CID that was missing; all of them without `now`."""
        rows = self._db.execute(
            "SELECT job_id, task, digest, tx_hash, block, tries, missing FROM tasks"
            " WHERE state = ? AND next_try <= ? ORDER BY block, job_id, task",
            (WAITING, float("inf") if now is None else now),
        ).fetchall()
        return [
            (Settled(job_id=r[0], task=r[1], digest=Digest(r[2]), tx_hash=r[3], block=r[4]), r[5], r[6]) for r in rows
        ]

    def looked(self, settled: Settled, state: str, findings: Sequence[Finding]) -> None:
        """A task was judged: `state` is final."""
        with self._transaction():
            self._db.execute(
                "UPDATE tasks SET state = ?, tries = tries + 1, missing = NULL WHERE job_id = ? AND task = ?",
                (state, settled.job_id, settled.task),
            )
            self._note(findings)

    def in_vain(self, settled: Settled, cid: str | None, next_try: float, findings: Sequence[Finding]) -> None:
        """It could not be judged: the content `cid` was not to be had, or (None) this machine could not run it."""
        with self._transaction():
            self._db.execute(
                "UPDATE tasks SET tries = tries + 1, next_try = ?, missing = ? WHERE job_id = ? AND task = ?",
                (next_try, cid, settled.job_id, settled.task),
            )
            self._note(findings)

    def note(self, findings: Sequence[Finding]) -> None:
        with self._transaction():
            self._note(findings)

    def untold(self) -> list[tuple[int, Finding]]:
        rows = self._db.execute("SELECT number, finding FROM findings WHERE NOT is_told ORDER BY number").fetchall()
        return [(number, _finding(text)) for number, text in rows]

    def told(self, number: int) -> None:
        self._db.execute("UPDATE findings SET is_told = 1 WHERE number = ?", (number,))

    def count(self, kind: Kind) -> int:
        """Findings of this kind ever."""
        return sum(_finding(text).kind == kind for (text,) in self._db.execute("SELECT finding FROM findings"))

    def alarms(self) -> int:
        """How many findings ever said that something is wrong."""
        return sum(_finding(text).is_alarm for (text,) in self._db.execute("SELECT finding FROM findings"))

    def counts(self) -> dict[str, int]:
        """Tasks by state; `missing` are those of `waiting` that lack content."""
        found: dict[str, int] = dict.fromkeys((WAITING, SKIPPED, RIGHT, WRONG, UNRUNNABLE), 0)
        found |= dict(self._db.execute("SELECT state, count(*) FROM tasks GROUP BY state").fetchall())
        query = "SELECT count(*) FROM tasks WHERE state = ? AND missing IS NOT NULL"
        found["missing"] = int(self._db.execute(query, (WAITING,)).fetchone()[0])
        return found

    # --- the batch lane ---

    def lane_next_block(self, first: int) -> int:
        """Where to go on reading the batch lane: at `first` in a new journal."""
        row = self._db.execute("SELECT next_block FROM lane").fetchone()
        return first if row is None else int(row[0])

    def lane_events(self) -> Iterator[dict[str, Any]]:
        """All that was stored, in chain order."""
        for (text,) in self._db.execute("SELECT event FROM lane_events ORDER BY block, log_index"):
            yield json.loads(text)

    def lane_passed(self, next_block: int, events: Sequence[dict[str, Any]]) -> None:
        """Everything of the batch lane before `next_block` was read, and this was in it."""
        with self._transaction():
            for event in events:
                row = (event["block"], event["log_index"], json.dumps(event))
                self._db.execute("INSERT OR IGNORE INTO lane_events VALUES (?, ?, ?)", row)
            self._db.execute("DELETE FROM lane")
            self._db.execute("INSERT INTO lane VALUES (?)", (next_block,))

    def keep_leaves(self, bundles_root: bytes, leaves: bytes) -> None:
        """What a batch pays by: its data may be gone when the payouts of a later one are to be judged."""
        self._db.execute("INSERT OR IGNORE INTO lane_leaves VALUES (?, ?)", (bundles_root, leaves))

    def leaves(self, bundles_root: bytes) -> bytes | None:
        query = "SELECT leaves FROM lane_leaves WHERE bundles_root = ?"
        row = self._db.execute(query, (bundles_root,)).fetchone()
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    def _paid(self, paid: Iterable[tuple[Settled, bool]]) -> None:
        query = "INSERT OR IGNORE INTO tasks (job_id, task, digest, tx_hash, block, state) VALUES (?, ?, ?, ?, ?, ?)"
        for one, drawn in paid:
            row = (one.job_id, one.task, one.digest, one.tx_hash, one.block, WAITING if drawn else SKIPPED)
            self._db.execute(query, row)

    def _note(self, findings: Iterable[Finding]) -> None:
        for one in findings:
            text = json.dumps(
                {"kind": one.kind, "text": one.text, "job_id": one.job_id, "task": one.task, "evidence": one.evidence}
                | {"key": one.key}
            )
            self._db.execute("INSERT OR IGNORE INTO findings (key, finding) VALUES (?, ?)", (one.key, text))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE to COMMIT, or ROLLBACK when something is raised."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _finding(text: str) -> Finding:
    told = json.loads(text)
    return Finding(**(told | {"kind": Kind(told["kind"])}))
