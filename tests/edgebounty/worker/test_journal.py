from __future__ import annotations

import multiprocessing
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from edgebounty.protocol.types import Digest, JobId, TaskIndex
from edgebounty.worker.journal import Entry, Journal, JournalError, Outcome

pytestmark = pytest.mark.unit
LANE, WORKER = "0xLane", "0xWorker"


def make_entry(job_id: int = 1, index: int = 0, *, basis: bytes = b"b" * 32, price: int = 7) -> Entry:
    return Entry(
        job_id=JobId(job_id), task_index=TaskIndex(index), opened_at=1.0, basis=basis, stake=2**90, price=price
    )


def open_journal(folder: Path, worker: str = WORKER) -> Journal:
    return Journal(folder, chain_id=1, lane=LANE, worker=worker)


def seal(journal: Journal, entry: Entry, *, salt: bytes = b"s" * 32, digest: bytes = b"d" * 32) -> Entry:
    return journal.seal(
        entry, basis=entry.basis, digest=Digest(digest), salt=salt, output_cid="cid", work_units=3, seconds=0.5
    )


def test_seal__twice__the_first_salt_and_digest_stay(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    entry = journal.open_entry(make_entry())
    first = seal(journal, entry)
    second = seal(journal, entry, salt=b"t" * 32, digest=b"e" * 32)
    assert second == first
    assert second.salt == b"s" * 32


def test_entry__killed_after_the_call__is_on_disk(tmp_path: Path) -> None:
    def child() -> None:
        journal = open_journal(tmp_path)
        seal(journal, journal.open_entry(make_entry()))
        os._exit(9)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    (found,) = open_journal(tmp_path).open_entries()
    assert found.sealed
    assert found.stake == 2**90


def test_open_entry__there_already__kept(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    sealed = seal(journal, journal.open_entry(make_entry()))
    assert journal.open_entry(make_entry(price=1)) == sealed


def test_open_entry__gone_before_it_was_sealed__begun_anew(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.close_entry(journal.open_entry(make_entry()), Outcome.GONE)
    again = journal.open_entry(make_entry(price=9))
    assert again.price == 9
    assert again.outcome is None


def test_open_entry__gone_after_it_was_sealed__same_salt_for_the_same_basis(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    sealed = seal(journal, journal.open_entry(make_entry()))
    journal.close_entry(sealed, Outcome.GONE)
    again = journal.open_entry(make_entry())
    assert (again.salt, again.digest, again.outcome) == (sealed.salt, sealed.digest, None)
    journal.close_entry(again, Outcome.GONE)
    assert not journal.open_entry(make_entry(basis=b"c" * 32)).sealed


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.GONE])
def test_open_entry__closed_otherwise__stays_closed(tmp_path: Path, outcome: Outcome) -> None:
    journal = open_journal(tmp_path)
    journal.close_entry(journal.open_entry(make_entry()), outcome)
    assert journal.open_entry(make_entry()).outcome is outcome
    assert journal.open_entries() == []


def test_totals__several_outcomes__counted_and_summed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for index, outcome in enumerate([Outcome.PAID, Outcome.PAID, Outcome.WRONG]):
        journal.close_entry(journal.open_entry(make_entry(index=index, price=2**90)), outcome, "why")
    assert journal.totals() == {Outcome.PAID: 2, Outcome.WRONG: 1}
    assert journal.earned() == 2**91
    assert {entry.detail for entry in journal.closed_entries()} == {"why"}


def test_journal__second_process_in_the_folder__refused(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(JournalError, match="already running"):
        open_journal(tmp_path)
    journal.close()
    open_journal(tmp_path)


def test_journal__of_another_worker__refused_and_released(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    with pytest.raises(JournalError, match="belongs to worker 0xWorker"):
        open_journal(tmp_path, worker="0xOther")
    open_journal(tmp_path)


def test_journal__damaged_file__says_what_it_holds(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "journal.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError, match="salts of open commitments"):
        open_journal(tmp_path)


def test_journal__newer_release__refused(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match="newer release"):
        open_journal(tmp_path)


def test_journal__disk_refuses__error_and_nothing_changed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    entry = journal.open_entry(make_entry())
    journal._db.execute("PRAGMA query_only = 1")
    with pytest.raises(JournalError, match="nothing was sent"):
        seal(journal, entry)
    journal._db.execute("PRAGMA query_only = 0")
    assert journal.get(1, 0) == entry


def test_note_committed__seen_on_chain__remembered(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    entry = journal.open_entry(make_entry())
    assert journal.note_committed(entry) == replace(entry, committed=True) == journal.get(1, 0)
