"""The loops on the in-memory adapters, with a model of the lane behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from orchestrator.adapters.memory.chain import MemoryChain
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.app.act import Actor, SendingRules
from orchestrator.app.books import Books
from orchestrator.app.watch import Watcher
from orchestrator.domain.values import Address, JobTerms
from tests.orchestrator.model import EPOCH_BLOCKS, POLICY, ModelLane, digest, make_terms

WORKERS = 2


class Rig:
    """One orchestrator beside one chain. `restart` forgets all that is not in the store."""

    def __init__(self, *, depth: int = 2, store: Any = None) -> None:
        self.chain = MemoryChain(ModelLane(), depth=depth)
        self.origin = self.chain._blocks[0].header
        self.store = store if store is not None else MemoryStore()
        self.restart()

    def restart(self, *, store: Any = None) -> None:
        self.store = store if store is not None else self.store
        self.books = Books(policy=POLICY, origin=self.origin, snapshot=self.store.load())
        self.watcher = Watcher(reader=self.chain, store=self.store, books=self.books)
        rules = SendingRules(bump_after_blocks=3, resend_after_blocks=2)
        self.actor = Actor(writer=self.chain, outbox=self.store, books=self.books, rules=rules)

    @property
    def lane(self) -> ModelLane:
        lane = self.chain.world
        assert isinstance(lane, ModelLane)
        return lane

    async def settle_down(self) -> None:
        """Watch and act until nothing moves, without mining."""
        while await self.watcher.step():
            pass
        await self.actor.step(self.chain.tip.number)

    def run(self, blocks: int = 1, *, seconds: int = 1) -> None:
        """Mine, watching and acting after each block."""
        for _ in range(blocks):
            self.chain.mine(seconds=seconds)
            asyncio.run(self.settle_down())

    def do(self, action: Callable[..., Any], *arguments: Any) -> None:
        """One block in which somebody does this."""
        name = action.__name__
        self.chain.mine(lambda lane, block: getattr(lane, name)(block, *arguments))
        asyncio.run(self.settle_down())

    def post(self, **terms: Any) -> JobTerms:
        """Post a job and wait until its first draw can be claimed."""
        made = make_terms(**terms)
        self.do(ModelLane.post, made)
        self.run(EPOCH_BLOCKS * 2 + 4)
        return made

    def work(self, job_id: int, index: int, *workers: Address, result: str = "right") -> None:
        """Claim once the draw's seed is known, commit and reveal."""
        while self.lane.tasks[(job_id, index)]["epoch"] not in self.lane.seeds:
            self.run(1)
        for worker in workers:
            self.do(ModelLane.claim, job_id, index, worker)
        for worker in workers:
            self.do(ModelLane.commit, job_id, index, worker, digest(result))
        for worker in workers:
            self.do(ModelLane.reveal, job_id, index, worker)
