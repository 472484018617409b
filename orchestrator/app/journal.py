"""Writes what several callers want kept in one transaction, and lets nobody be answered before it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from orchestrator.ports.journal import Entry, Journal


class GroupWriter:
    """Entries go in at once and in order; `kept` waits until everything up to here is on disk.

    While one transaction is written, the next gathers. A failure is every later caller's too: the state in memory is
    ahead of the disk then, and nothing may be answered from it any more.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[Entry] = []
        self._writing: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def add(self, entry: Entry) -> None:
        self._waiting.append(entry)

    async def kept(self) -> None:
        """Raises what the journal raised, now or before."""
        while self._waiting or self._writing is not None:
            if self._failure is not None:
                raise self._failure
            if self._writing is None:
                entries, self._waiting = self._waiting, []
                self._writing = asyncio.create_task(self._write(entries))
            # Whoever is cancelled while it waits must not end the writing that others wait for.
            await asyncio.shield(self._writing)
        if self._failure is not None:
            raise self._failure

    async def _write(self, entries: Sequence[Entry]) -> None:
        try:
            await asyncio.to_thread(self._journal.append, entries)
        except BaseException as error:
            self._failure = error
        finally:
            self._writing = None
