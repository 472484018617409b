"""The two states that everything reads: `final` moves money, `soft` (unfinal facts on top) only shows and prepares."""

from __future__ import annotations

from collections.abc import Iterable

from edgebounty.protocol.types import Address, Digest, JobId
from orchestrator.domain.decide import decide
from orchestrator.domain.effects import Effect
from orchestrator.domain.errors import DatabaseDamaged
from orchestrator.domain.facts import BlockAdvanced, ChainFact, Fact
from orchestrator.domain.market import Decision, Market
from orchestrator.domain.values import BlockRef, Job, Manifest, Policy, Seed, Task, TaskId, Worker
from orchestrator.ports.chain import Header
from orchestrator.ports.store import SeenBlock, Snapshot


class Books:
    """Both states, and the blocks between them. Changed by the watch loop alone, read by all."""

    def __init__(self, *, policy: Policy, origin: Header, snapshot: Snapshot) -> None:
        self.policy = policy
        self.origin = origin
        self.final_header = origin
        self.seen: list[SeenBlock] = []
        self.local_changes = 0  # of what no block tells: manifests
        self.final = Market(policy=policy, block=origin.ref)
        self.soft = self.final.fork()
        self.restore(snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Take the stored state; what was in memory is forgotten."""
        header = snapshot.final or self.origin
        market = Market(policy=self.policy, block=header.ref)
        market.apply(
            Decision(
                jobs=snapshot.jobs,
                tasks=snapshot.tasks,
                workers=snapshot.workers,
                seeds=snapshot.seeds,
                manifests=snapshot.manifests,
            )
        )
        if snapshot.final is not None and market.state_digest != snapshot.digest:
            raise DatabaseDamaged(block=header.ref.number, stored=snapshot.digest, found=market.state_digest)
        self.final, self.final_header = market, header
        self.seen = [block for block in snapshot.seen if block.header.ref.number > header.ref.number]
        self.rebuild_soft()

    @property
    def tip(self) -> Header:
        """The newest block taken in: the `seen` cursor."""
        return self.seen[-1].header if self.seen else self.final_header

    def rebuild_soft(self) -> None:
        """Fold the unfinal facts again. Raises `Rejected` if one cannot follow."""
        soft = self.final.fork()
        self.soft = soft
        for block in self.seen:
            fold_block(soft, block.facts, block.header.ref, look_for_due=False)

    def extend_soft(self, blocks: Iterable[SeenBlock]) -> None:
        """Fold further unfinal blocks. Raises `Rejected` if a fact cannot follow."""
        for block in blocks:
            self.seen.append(block)
            fold_block(self.soft, block.facts, block.header.ref, look_for_due=False)


def fold_block(
    market: Market, facts: Iterable[ChainFact], block: BlockRef, *, look_for_due: bool = True
) -> list[Decision]:
    """Tell a block's facts in log order, then that the block is over.

    Without `look_for_due` nobody asks what the block's time makes due: of unfinal blocks, and of all but the last of
    several final ones, nobody needs to know.
    """
    told: list[Fact] = list(in_order(facts))
    if look_for_due:
        told.append(BlockAdvanced(block=block))
    decisions: list[Decision] = []
    for fact in told:
        decision = decide(market, fact)
        market.apply(decision)
        decisions.append(decision)
    market.apply(Decision(block=block))
    return decisions


def in_order(facts: Iterable[ChainFact]) -> list[ChainFact]:
    """Chain order, each fact once: nodes may shuffle and double their answers."""
    return sorted({fact.ref.key: fact for fact in facts}.values(), key=_place)


def _place(fact: ChainFact) -> tuple[int, int]:
    return (fact.ref.block.number, fact.ref.log_index)


def merged(decisions: Iterable[Decision]) -> Decision:
    """One decision for one database transaction: of each entity the newest, of the orders all."""
    jobs: dict[JobId, Job] = {}
    tasks: dict[TaskId, Task] = {}
    workers: dict[Address, Worker] = {}
    seeds: dict[int, Seed] = {}
    manifests: dict[Digest, Manifest] = {}
    effects: dict[str, Effect] = {}
    for decision in decisions:
        jobs |= {job.id: job for job in decision.jobs}
        tasks |= {task.id: task for task in decision.tasks}
        workers |= {worker.address: worker for worker in decision.workers}
        seeds |= {seed.epoch: seed for seed in decision.seeds}
        manifests |= {manifest.digest: manifest for manifest in decision.manifests}
        effects |= {effect.key: effect for effect in decision.effects}
    return Decision(
        jobs=tuple(jobs.values()),
        tasks=tuple(tasks.values()),
        workers=tuple(workers.values()),
        seeds=tuple(seeds.values()),
        manifests=tuple(manifests.values()),
        effects=tuple(effects.values()),
    )
