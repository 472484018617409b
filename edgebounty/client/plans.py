"""What a notebook asks for, as planned jobs: the same for a market and for this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgebounty.client.blocks import DiskBlocks
from edgebounty.client.errors import Rejected
from edgebounty.client.inputs import InputData, load_inputs
from edgebounty.client.models import Forward, open_forward
from edgebounty.client.tables import TableData, open_rows
from edgebounty.jobs.analyses.base import Analysis, Cutting
from edgebounty.jobs.analyses.describe import Describe
from edgebounty.jobs.check import JobError
from edgebounty.jobs.infer import plan_forward, plan_infer, row_shape
from edgebounty.jobs.model import Model
from edgebounty.jobs.own import ShardData, plan_own
from edgebounty.jobs.plan import WORK_UNITS, PlannedJob, ProgramPair
from edgebounty.programs import builtin, library
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.extend import with_state
from edgebounty.programs.validator import validate
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.layout import Layout, LayoutError
from edgebounty.protocol.manifest import ManifestError

if TYPE_CHECKING:
    from edgebounty.programs.compiler.api import Built

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


def plan_inference(
    model: str | Path | Built | Forward, data: InputData, *, state: bytes | None = None, shards: int | None = None
) -> Plan:
    """The job that runs a model over rows. `state`: other weights than those the model brings. Raises `Rejected`."""
    with refusals():
        forward = open_forward(model)
        if forward is None:
            network = Model.parse(str(model))
            if state is None:
                raise Rejected(f"{network} brings no weights", remedy="name what a train job made")
            pair = ProgramPair(library.load(network.infer_program))
            rows = load_inputs(data, (network.inputs,))
            if isinstance(rows, dict):
                raise Rejected(f"{network} takes one array of rows", remedy="give it x alone")
            return Plan((plan_infer(rows, pair, model=str(network), state=state, shards=shards),))
        pair = ProgramPair(forward.program)
        planned = plan_forward(
            load_inputs(data, row_shape(pair.layout)),
            pair,
            model=forward.name,
            state=forward.state if state is None else state,
            shards=shards,
            params=forward.params,
        )
        return Plan((planned,))


def plan_map(
    program: bytes | Path | Built,
    shards: Iterable[ShardData],
    *,
    reducer: bytes | Path | Built | None = None,
    combiner: bytes | Path | Built | None = None,
    fan_in: int | None = None,
    state: bytes | None = None,
    params: Mapping[str, float] | None = None,
    rounds: int = 1,
    work_units: int = WORK_UNITS,
) -> Plan:
    """The job that runs an own program on every shard. Raises `Rejected`."""
    with refusals():
        modules = [None if module is None else _module(module) for module in (program, reducer, combiner)]
        for module in modules:
            if module is not None:
                validate(module)
        pair = _with_equal_state(modules)
        if state is None and not isinstance(program, bytes | Path) and program.state:
            state = program.state
        planned = plan_own(
            shards, pair, state=state, params=params, rounds=rounds, work_units=work_units, fan_in=fan_in
        )
        return Plan((planned,))


def _with_equal_state(modules: list[bytes | None]) -> ProgramPair:
    """A reducer's output is the next state: modules that read no state get one of that length, unseen by their code."""
    program, reducer, combiner = modules
    assert program is not None
    if reducer is not None:
        made = [(f"state.{b.name}", b.dtype, b.shape) for b in Layout.of_module(reducer).role("output")]
        program, reducer, combiner = (
            module if module is None or Layout.of_module(module).role_bytes("state") else with_state(module, made)
            for module in (program, reducer, combiner)
        )
        assert program is not None
    return ProgramPair(program, reducer, combiner)


def _module(program: bytes | Path | Built) -> bytes:
    if isinstance(program, bytes):
        return program
    if not isinstance(program, Path):
        return program.module
    try:
        return program.read_bytes()
    except OSError as error:
        raise Rejected(f"cannot read {program}: {error.strerror}", remedy="check the path") from error


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
