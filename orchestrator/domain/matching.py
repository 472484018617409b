"""Which tasks suit which worker. Columns are numpy arrays, so that ten thousand tasks are one comparison each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebounty.protocol.draw import wait_of
from edgebounty.protocol.types import Address
from orchestrator.domain.due import is_mine, may_fill
from orchestrator.domain.market import Market
from orchestrator.domain.values import Job, ManifestStatus, Policy, Seed, Task, TaskId

MOST_LOOKED_AT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a worker said about its device. Unknown is taken as able: the worker checks by itself before it claims."""

    memory_bytes: int = 1 << 62
    simd: bool = True
    least_price_wei: int = 0  # per task
    held: frozenset[str] = frozenset()  # CIDs of shards it has already


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """Stake as it counts for one draw, in base units."""

    mine: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Every task that somebody may claim at this block, as columns; and why others may not be claimed yet."""

    tasks: tuple[Task, ...]
    job_ids: NDArray[np.uint64]
    indexes: NDArray[np.uint64]
    prices: NDArray[np.float64]
    memory_bytes: NDArray[np.int64]
    simd: NDArray[np.bool_]
    shards: tuple[str, ...]  # "" where there is none
    seeds: Mapping[int, Seed]
    policy: Policy
    now: int  # the block's time, Unix seconds
    awaiting_seed: tuple[int, ...]  # epochs
    awaiting_content: tuple[str, ...]  # what is missing, a line a job
    unknown_jobs: int  # open jobs at other orchestrators or lanes

    @property
    def epochs(self) -> frozenset[int]:
        return frozenset(task.draw_epoch for task in self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Tasks for one worker, best first, or why there are none."""

    tasks: tuple[Task, ...] = ()
    reason: str = ""


def make_board(market: Market) -> Board:
    """The board as of the market's block."""
    open_tasks: list[tuple[Job, Task]] = []
    seeds_awaited: set[int] = set()
    lacking: dict[int, str] = {}
    foreign: set[int] = set()
    for task in market.open_tasks():
        job = market.jobs[task.id.job_id]
        if not is_mine(market, job):
            foreign.add(job.id)
        elif not _may_join(market, job, task):
            continue
        elif problem := content_problem(market, job):
            lacking[job.id] = f"job {job.id}: {problem}"
        elif task.draw_epoch not in market.seeds:
            seeds_awaited.add(task.draw_epoch)
        else:
            open_tasks.append((job, task))
    manifests = [market.manifests[job.terms.manifest_digest] for job, _ in open_tasks]
    return Board(
        tasks=tuple(task for _, task in open_tasks),
        job_ids=np.array([job.id for job, _ in open_tasks], dtype=np.uint64),
        indexes=np.array([task.id.index for _, task in open_tasks], dtype=np.uint64),
        prices=np.array([float(job.terms.slot_price_wei) for job, _ in open_tasks], dtype=np.float64),
        memory_bytes=np.array([manifest.memory_bytes for manifest in manifests], dtype=np.int64),
        simd=np.array([manifest.simd for manifest in manifests], dtype=np.bool_),
        shards=tuple(_shard_of(job, task, m.shard_cids) for (job, task), m in zip(open_tasks, manifests, strict=True)),
        seeds=dict(market.seeds),
        policy=market.policy,
        now=market.block.time,
        awaiting_seed=tuple(sorted(seeds_awaited)),
        awaiting_content=tuple(lacking.values()),
        unknown_jobs=len(foreign),
    )


def content_problem(market: Market, job: Job) -> str:
    """Why the job's tasks cannot be offered; empty if they can."""
    manifest = market.manifests.get(job.terms.manifest_digest)
    if manifest is None:
        return "its content was not looked at yet"
    if manifest.status is not ManifestStatus.READY:
        return manifest.detail
    if not manifest.agrees_with(job.terms):
        return (
            f"the requester's terms say {job.terms.map_tasks}+{job.terms.reduce_tasks} tasks in {job.terms.rounds} "
            f"rounds, its manifest {manifest.map_tasks}+{manifest.reduce_tasks} in {manifest.rounds}"
        )
    return ""


def match(
    board: Board,
    worker: Address,
    able: Capabilities,
    stakes: Mapping[int, Stake],
    reserved: Mapping[TaskId, int],
    *,
    limit: int = 4,
) -> Offers:
    """Tasks to offer: bytes it holds first, then the better paid, then an order of its own, so that two differ.

    `reserved` counts the slots that were just offered to others.
    """
    if not board.tasks:
        return Offers(reason=_why_nothing(board))
    fits = (board.memory_bytes <= able.memory_bytes) & (~board.simd | able.simd)
    if not fits.any():
        least = int(board.memory_bytes.min())
        return Offers(reason=f"no open task fits this device: the smallest needs {least} bytes of memory")
    fits &= board.prices >= able.least_price_wei
    if not fits.any():
        best = int(board.prices.max())
        return Offers(reason=f"no open task pays enough: the best pays {best} base units, below this worker's minimum")
    held = np.array([shard in able.held for shard in board.shards], dtype=np.bool_)
    order = np.lexsort((_own_order(worker, board), -board.prices, ~held, ~fits))
    found: list[Task] = []
    taken = full = undrawn = 0
    waits: list[int] = []
    for position in order[: min(int(fits.sum()), MOST_LOOKED_AT)]:
        task = board.tasks[position]
        if task.claim_of(worker) is not None:
            taken += 1
        elif (drawn_from := _drawn_from(board, task, worker, stakes)) is None:
            undrawn += 1
        elif drawn_from > board.now:
            waits.append(drawn_from - board.now)
        elif task.free_slots <= reserved.get(task.id, 0):
            full += 1
        else:
            found.append(task)
            if len(found) == limit:
                break
    return Offers(tasks=tuple(found)) if found else Offers(reason=_why_none(board, stakes, taken, full, undrawn, waits))


def _drawn_from(board: Board, task: Task, worker: Address, stakes: Mapping[int, Stake]) -> int | None:
    """From when on the worker may claim, Unix seconds; None if this draw never lets it. As `DirectLane.drawnFrom`."""
    stake = stakes.get(task.draw_epoch)
    if stake is None:
        return None
    seed = board.seeds[task.draw_epoch]
    wait = wait_of(
        seed=seed.value,
        job_id=task.id.job_id,
        task_index=task.id.index,
        worker=worker,
        stake=stake.mine,
        total_stake=stake.total,
        slots=task.wave_slots,
        reopens=task.reopens,
        ramp_time=board.policy.ramp_time,
    )
    return None if wait is None else seed.recorded_at + wait


def _own_order(worker: Address, board: Board) -> NDArray[np.uint64]:
    """An order of the tasks that differs from worker to worker; of very many tasks each block brings others first."""
    block = board.now if len(board.tasks) > MOST_LOOKED_AT else 0
    start = int.from_bytes(hashlib.sha256(f"{worker} {block}".encode()).digest()[:8], "big")
    keys = (board.job_ids << np.uint64(32)) + board.indexes
    mixed = (keys ^ np.uint64(start)) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29))


def _may_join(market: Market, job: Job, task: Task) -> bool:
    now = market.block.time
    in_time = now < market.policy.closes_at(job.terms, task.wave) and not task.has_late_claims(now)
    return in_time and task.free_slots > 0 and may_fill(job, task)


def _shard_of(job: Job, task: Task, shards: Sequence[str]) -> str:
    place = task.id.index % job.terms.tasks_per_round
    return shards[place] if place < len(shards) else ""


def _why_nothing(board: Board) -> str:
    if board.awaiting_seed:
        epochs = ", ".join(str(epoch) for epoch in board.awaiting_seed)
        return f"open tasks wait for their draw: the seed of epoch {epochs} comes with the next blocks"
    if board.awaiting_content:
        return "; ".join(board.awaiting_content)
    if board.unknown_jobs:
        return f"no open task here; {board.unknown_jobs} open jobs belong to other orchestrators"
    return "no open task: every posted job is done, or all its slots are taken"


def _why_none(
    board: Board, stakes: Mapping[int, Stake], taken: int, full: int, undrawn: int, waits: Sequence[int]
) -> str:
    parts: list[str] = []
    if waits:
        parts.append(f"{len(waits)} open tasks let this worker claim later, the first in {min(waits)} s")
    if undrawn and not waits and not any(stake.mine for stake in stakes.values()):
        return "this worker had no stake when the draws were made: add stake; it counts two epochs later"
    if undrawn:
        parts.append(f"not drawn for {undrawn} open tasks (more stake gives more chance; draws widen if nobody comes)")
    if full:
        parts.append(f"{full} open tasks are offered to other workers just now")
    if taken:
        parts.append(f"{taken} open tasks have this worker already, and want others")
    return "; ".join(parts) or _why_nothing(board)
