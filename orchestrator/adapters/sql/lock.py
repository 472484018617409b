"""One orchestrator per database: a lock that the kernel gives back when the process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from orchestrator.domain.errors import DatabaseInUse, StorageFailed


class FileLock:
    """Holds `<database>.lock`. Raises `DatabaseInUse`, naming the holder's process id, if somebody else does."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            self._file = path.open("a+")
        except OSError as error:
            raise StorageFailed(database=str(database), reason=str(error)) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise DatabaseInUse(database=str(database), holder=f"process {holder}") from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        self._file.close()
