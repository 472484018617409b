"""Uploads of workers that have nothing in the market: room for the outputs of the tasks that they have in hand."""

from __future__ import annotations

import threading

from edgebounty.protocol.types import Address
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch.due import Place

_TRIES = 2  # an upload that broke off is made good once


def room_of(output_bytes: int) -> int:
    """Bytes that may be brought for an output: its blocks, those of the tree above them, and all of it once more.

    A node of the tree has under 64 bytes for each block of 256 KiB below it.
    """
    return _TRIES * (output_bytes + output_bytes // 1024 + 256)


class UploadRoom:
    """Counts what each worker has brought for each place. Safe for several threads; a restart forgives."""

    def __init__(self, desk: BatchDesk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._used: dict[Address, dict[Place, int]] = {}

    def take(self, worker: Address, size: int) -> bool:
        """Whether the worker may bring a block of that size, counting it if so."""
        with self._lock:
            places = self._desk.in_hand(worker)
            if not places:
                self._used.pop(worker, None)
                return False
            before = self._used.get(worker, {})
            used = self._used[worker] = {place: before.get(place, 0) for place in places}
            for place in places:
                if used[place] + size <= room_of(self._desk.output_bytes(place)):
                    used[place] += size
                    return True
            return False
