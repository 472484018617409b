"""Takes out of the batch lane's journal what led to batches to which nothing can happen any more.

Of such a batch one entry is left: who earned how much, and the results. Everything else stays, in its order, and so do
the places at which somebody got a payout index, passed a check or was caught: what came after was decided on that.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence

from edgebounty.protocol.types import JobId
from orchestrator.domain.batch import facts as f
from orchestrator.domain.batch.batches import JobBatches
from orchestrator.domain.batch.book import BatchBook
from orchestrator.ports.journal import Entry, JobEnding, JobOpened, Journal, OutputKept

_log = logging.getLogger(__name__)
Batch = tuple[JobId, int]


def shorten(journal: Journal) -> int:
    """How many entries are fewer now. Done at a start, before anybody reads the journal. Raises `StorageFailed`."""
    entries = journal.entries()
    if not any(isinstance(entry, f.BatchSettled) for entry in entries):
        return 0
    short = shortened(entries)
    settled = {(entry.job, entry.first) for entry in entries if isinstance(entry, f.BatchSettled)}
    if gist(replayed(entries), settled) != gist(replayed(short), settled):
        _log.error("the journal stays as long as it is: shortened it would tell something else")
        return 0
    journal.replace(short)
    return len(entries) - len(short)


def shortened(entries: Sequence[Entry]) -> list[Entry]:
    """The journal without what led to the batches that it says are settled."""
    settled = {(entry.job, entry.first) for entry in entries if isinstance(entry, f.BatchSettled)}
    asked = {entry.payout_index: entry for entry in entries if isinstance(entry, f.WithdrawalAsked)}
    ended = {(entry.payout_index, entry.signature) for entry in entries if isinstance(entry, f.WithdrawalEnded)}
    outputs = {(entry.job, entry.task) for entry in entries if isinstance(entry, OutputKept)}
    outputs |= {(entry.job, task) for entry in entries if isinstance(entry, f.BatchKept) for task in entry.outputs}
    whole, book = replayed(entries), BatchBook()
    short: list[Entry] = []
    for entry in entries:
        match entry:
            case f.BatchFact() if (entry.job, whole.batch_of(entry.job, entry.task)[0]) in settled:
                short += _what_remains(book, entry)
                continue  # the book has it
            case f.BatchCut() if (entry.job, book.batches[entry.job].open_first) in settled:
                short.append(_kept(whole, outputs, (entry.job, book.batches[entry.job].open_first)))
            case f.BatchSealed() if (entry.job, entry.first) in settled:
                if whole.batch_of(entry.job, entry.first)[1] == whole.terms[entry.job].tasks:  # it was never cut
                    short.append(_kept(whole, outputs, (entry.job, entry.first)))
            case f.BatchKept() if (entry.job, entry.first) in settled:
                short.append(_kept(whole, outputs, (entry.job, entry.first)))
            case f.ResultFound() | OutputKept() if (
                entry.job,
                whole.batch_of(entry.job, entry.task)[0],
            ) in settled:
                pass
            case f.BatchSettled() | f.WithdrawalEnded():
                pass
            case f.WithdrawalAsked():
                if asked[entry.payout_index] is entry and (entry.payout_index, entry.signature) not in ended:
                    short.append(entry)
            case _:
                short.append(entry)
        replay(book, entry)
    return short


def replayed(entries: Sequence[Entry]) -> BatchBook:
    book = BatchBook()
    for entry in entries:
        replay(book, entry)
    return book


def replay(book: BatchBook, entry: Entry) -> None:
    """As the desk does it, for what the book is made of."""
    match entry:
        case JobOpened():
            book.open_job(entry.terms)
        case JobEnding():
            book.end_job(entry.job, entry.deadline, entry.closes)
        case f.BatchCut() | f.BatchSealed():
            book.close(entry)
        case f.BatchKept():
            book.keep(entry)
        case f.PayeeKept():
            book.keep_payee(entry.index, entry.account)
        case f.ChecksKept():
            book.checked((entry.job, entry.task), entry.passed, entry.caught)
        case f.ResultFound():
            book.found(entry)
        case f.BatchFact():
            book.apply(entry, book.decide(entry))
        case _:
            pass


def gist(book: BatchBook, settled: Collection[Batch]) -> tuple[object, ...]:
    """All that may be asked of a book later. Of tasks of `settled` batches, that is the result."""
    done = {(job, index) for job, first in settled for index in range(*book.batch_of(job, first))}
    pay = Counter(book.kept_pay)
    for bundle in book.bundles.values():
        pay[bundle.worker] += len(bundle.receipts) * book.terms[bundle.job].price
    return (
        book.terms,
        {job: _ends(batches) for job, batches in book.batches.items()},
        {(job, first): book.leaves_of(job, first) for job, each in book.batches.items() for first in each.sealed},
        {place: task for place, task in book.tasks.items() if place not in done},
        {place: task.digest for place, task in book.tasks.items() if task.digest is not None},
        {key: bundle for key, bundle in book.bundles.items() if key[:2] not in settled},
        (book.payees, pay, book.standing, book.unknown, list(book.to_run)),
    )


def _ends(batches: JobBatches) -> tuple[object, ...]:
    """Where batches begin, and what decides when the open one ends."""
    is_open = batches.open_first not in batches.sealed
    open_one = (batches.paid_since, max(batches.last_taken, batches.open_first - 1)) if is_open else None
    return (batches.tasks, batches.starts, batches.sealed, open_one)


def _what_remains(book: BatchBook, fact: f.BatchFact) -> list[Entry]:
    """Takes the fact into the book, and says what of it others depend on."""
    decision, payees = book.decide(fact), len(book.payees)
    book.apply(fact, decision)
    found: list[Entry] = []
    if decision.passed or decision.caught:
        found.append(f.ChecksKept(job=fact.job, task=fact.task, passed=decision.passed, caught=decision.caught))
    if len(book.payees) > payees:
        index, account = list(book.payees.items())[-1]
        found.append(f.PayeeKept(index=index, account=account))
    return found


def _kept(whole: BatchBook, outputs: set[tuple[JobId, int]], batch: Batch) -> f.BatchKept:
    job, first = batch
    _, end = whole.batch_of(job, first)
    tasks = [whole.task(job, index) for index in range(first, end)]
    known = whole.kept.get(batch)
    half_known = any((job, index) in whole.unknown for index in range(first, end))
    return f.BatchKept(
        job=job,
        first=first,
        end=end,
        leaves=whole.leaves_of(job, first),
        words=known.words if known is not None and half_known else (),
        results=tuple(f.KeptResult(task=task.index, digest=task.digest) for task in tasks if task.digest is not None),
        outputs=tuple(index for index in range(first, end) if (job, index) in outputs),
    )
