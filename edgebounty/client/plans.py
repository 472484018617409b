"""What a notebook asks for, as planned jobs: the same for a market and for this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgebounty.client.blocks import DiskBlocks
from edgebounty.client.errors import Rejected
from edgebounty.client.tables import TableData, open_rows
from edgebounty.jobs.analyses.base import Analysis, Cutting
from edgebounty.jobs.analyses.describe import Describe
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import PlannedJob
from edgebounty.programs import builtin, library
from edgebounty.programs.errors import ProgramRejected
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.layout import LayoutError
from edgebounty.protocol.manifest import ManifestError

DISK_BYTES: Final = 64 << 20
"""Files larger than this are planned on disk."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing asked, as the jobs that answer it: nearly always one."""

    parts: tuple[PlannedJob, ...]

    @property
    def kind(self) -> str:
        return self.parts[0].manifest.kind

    @property
    def total_tasks(self) -> int:
        return sum(part.manifest.total_tasks for part in self.parts)

    @property
    def cids(self) -> tuple[Cid, ...]:
        """Of the manifests."""
        return tuple(part.cid for part in self.parts)

    @property
    def content_bytes(self) -> int:
        """What has to be uploaded, at most."""
        return sum(len(block) for part in self.parts for block in part.blocks.values())


@contextmanager
def refusals() -> Iterator[None]:
    """Errors of planning as `Rejected`."""
    try:
        yield
    except (JobError, ManifestError, LayoutError) as error:
        raise Rejected(
            str(error), whose="yours (the data or the settings)", remedy="change it and ask again; nothing was sent"
        ) from error
    except ProgramRejected as error:
        raise Rejected(str(error), whose="yours (the program)", remedy="build it again: nothing was sent") from error
    except builtin.UnknownProgram as error:
        what, _, hint = str(error).rpartition("; ")
        raise Rejected(what, whose="yours (the settings)", remedy=hint) from error


def plan_analysis(
    data: TableData, question: Analysis | None = None, *, shards: int | None = None, fan_in: int | None = None
) -> Plan:
    """The jobs that put `question` (without one: `Describe`) to a table. Raises `Rejected`."""
    with refusals():
        rows = open_rows(data)
        blocks = DiskBlocks() if isinstance(data, str | Path) and _size(Path(data)) > DISK_BYTES else None
        cutting = Cutting(load=library.load, shards=shards, fan_in=fan_in, blocks=blocks)
        return Plan((question or Describe()).plan(rows, cutting))


def _size(path: Path) -> int:
    try:
        return sum(p.stat().st_size for p in path.iterdir()) if path.is_dir() else path.stat().st_size
    except OSError:
        return 0


def only(parts: Sequence[PlannedJob]) -> PlannedJob:
    """The one job of a plan. Raises `Rejected` when there are several."""
    if len(parts) != 1:
        raise Rejected(f"this takes {len(parts)} jobs", remedy="ask about fewer columns at once")
    return parts[0]
