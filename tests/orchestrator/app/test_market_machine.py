"""Random lives of a market, honest and hostile, with forks, restarts and faults: the books always match the chain."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.app.books import Books, fold_block, in_order
from orchestrator.domain.decide import decide
from orchestrator.domain.errors import Rejected
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.market import Market
from orchestrator.domain.values import ClaimStatus, TaskStatus
from tests.orchestrator.model import POLICY, ModelLane, address, digest, make_terms
from tests.orchestrator.rig import Rig

DEPTH = 6
WORKERS = [address(number) for number in range(1, 6)]
PAIRS = {"filling": TaskStatus.FILLING, "revealing": TaskStatus.REVEALING}
PAIRS |= {"settled": TaskStatus.SETTLED, "refunded": TaskStatus.REFUNDED}


class MarketMachine(RuleBasedStateMachine):
    """Actions that the lane refuses are tried too, and change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(depth=DEPTH)
        self.rng = random.Random(1)
        self.mangle = False
        chain = self.rig.chain
        told = chain.facts_of

        async def facts_of(block: Any) -> tuple[ChainFact, ...]:
            facts = list(await told(block))
            if self.mangle:  # doubled and shuffled
                facts = facts + facts[: len(facts) // 2 + 1]
                self.rng.shuffle(facts)
            return tuple(facts)

        chain.facts_of = facts_of  # type: ignore[method-assign]

    def _try(self, action: Any, *arguments: Any) -> None:
        try:
            self.rig.do(action, *arguments)
        except Rejected:
            self.rig.run(1)

    @initialize(reduce_tasks=st.sampled_from([0, 1]), quorum=st.sampled_from([1, 2, 3]))
    def first_job(self, reduce_tasks: int, quorum: int) -> None:
        self.rig.post(reduce_tasks=reduce_tasks, quorum=quorum, work_slots=4, rounds=1, deadline=1_000_120)

    @rule(quorum=st.sampled_from([1, 2]))
    def post(self, quorum: int) -> None:
        if len(self.rig.lane.jobs) < 3:
            deadline = self.rig.chain.tip.time + 60
            self._try(ModelLane.post, make_terms(quorum=quorum, map_tasks=1, deadline=deadline))

    @rule(job=st.integers(1, 3))
    def stop(self, job: int) -> None:
        if job in self.rig.lane.jobs and self.rng.random() < 0.2:
            self._try(ModelLane.stop, job)

    @rule(job=st.integers(1, 3), index=st.integers(0, 2), who=st.sampled_from(WORKERS))
    def claim(self, job: int, index: int, who: Any) -> None:
        self._try(ModelLane.claim, job, index, who)

    @rule(
        job=st.integers(1, 3),
        index=st.integers(0, 2),
        who=st.sampled_from(WORKERS),
        result=st.sampled_from(["right", "right", "right", "lie"]),
    )
    def commit(self, job: int, index: int, who: Any, result: str) -> None:
        self._try(ModelLane.commit, job, index, who, digest(result))

    @rule(job=st.integers(1, 3), index=st.integers(0, 2), who=st.sampled_from(WORKERS))
    def reveal(self, job: int, index: int, who: Any) -> None:
        self._try(ModelLane.reveal, job, index, who)

    @rule(job=st.integers(1, 3), index=st.integers(0, 2), who=st.sampled_from(WORKERS))
    def leave(self, job: int, index: int, who: Any) -> None:
        self._try(ModelLane.leave, job, index, who)

    @rule(job=st.integers(1, 3), index=st.integers(0, 2), liars=st.integers(0, 2))
    def whole_task(self, job: int, index: int, liars: int) -> None:
        """Without this, random steps seldom finish a task."""
        for step in (ModelLane.claim, ModelLane.commit, ModelLane.reveal):
            for number, who in enumerate(WORKERS):
                result = "lie" if number < liars else "right"
                self._try(step, job, index, who, *([digest(result)] if step is ModelLane.commit else []))

    @rule(job=st.integers(1, 3), index=st.integers(0, 2))
    def somebody_else_settles(self, job: int, index: int) -> None:
        self._try(ModelLane.settle, job, index)

    @rule(blocks=st.integers(1, 8), seconds=st.integers(1, 6))
    def time_passes(self, blocks: int, seconds: int) -> None:
        self.rig.run(blocks, seconds=seconds)

    @rule(depth=st.integers(1, DEPTH), lose=st.booleans())
    def reorganisation(self, depth: int, lose: bool) -> None:
        chain = self.rig.chain
        if len(chain._blocks) > depth + 1:
            chain.reorg(depth)
            if lose:
                chain.mempool.clear()
            for _ in range(depth + 1):
                chain.mine()
            asyncio.run(self.rig.settle_down())

    @rule()
    def restart(self) -> None:
        self.rig.restart()

    @rule(blocks=st.integers(1, 10))
    def away_for_a_while(self, blocks: int) -> None:
        for _ in range(blocks):
            self.rig.chain.mine()
        asyncio.run(self.rig.settle_down())

    @rule()
    def node_garbles(self) -> None:
        self.mangle = not self.mangle

    @rule()
    def foreign_transaction(self) -> None:
        self.rig.chain.send_foreign(self.rig.chain._blocks[-1].nonce)
        self.rig.run(1)

    @invariant()
    def final_state_is_the_chains(self) -> None:
        books = self.rig.books
        block = self.rig.chain._blocks[books.final.block.number]
        assert block.header.ref.hash == books.final_header.ref.hash
        compare(books.final, block.world)  # type: ignore[arg-type]

    @invariant()
    def soft_state_is_the_chains(self) -> None:
        books = self.rig.books
        block = self.rig.chain._blocks[books.tip.ref.number]
        if block.header.ref.hash == books.tip.ref.hash:
            compare(books.soft, block.world)  # type: ignore[arg-type]

    @invariant()
    def money_moves_once(self) -> None:
        lane = self.rig.lane
        assert all(count == 1 for count in lane.paid.values())
        assert all(count == 1 for count in lane.slashed.values())
        assert not lane.paid.keys() & lane.slashed.keys()

    @invariant()
    def stored_digest_is_the_replayed_one(self) -> None:
        assert replay(self.rig.store, self.rig.books).state_digest == self.rig.books.final.state_digest

    def teardown(self) -> None:
        """After the last deadline nobody's stake is held, and each task of a claimed job has an outcome."""
        rig = self.rig
        self.mangle = False
        rig.run(90, seconds=5)
        rig.run(10)
        for task in rig.books.final.tasks.values():
            held = [c for c in task.claims if c.status in (ClaimStatus.CLAIMED, ClaimStatus.COMMITTED)]
            assert not held, task
            assert task.is_done or not task.claims
        assert all(job["refunded"] for job in rig.lane.jobs.values())


def compare(market: Market, lane: ModelLane) -> None:
    """Everything that the model knows, the books know alike."""
    assert {int(job) for job in market.jobs} == set(lane.jobs)
    assert {(t.job_id, t.index) for t in market.tasks} == set(lane.tasks)
    for key, task in market.tasks.items():
        theirs = lane.tasks[(key.job_id, key.index)]
        assert task.status is PAIRS[theirs["status"]]
        assert (task.slots, task.draw_epoch, task.reopens) == (theirs["slots"], theirs["epoch"], theirs["reopens"])
        assert {claim.worker for claim in task.claims} == set(theirs["claims"])
        if task.status is TaskStatus.SETTLED:
            assert task.result == theirs["result"]
        for claim in task.claims:
            paid = lane.paid[(key.job_id, key.index, claim.worker)]
            slashed = lane.slashed[(key.job_id, key.index, claim.worker)]
            assert paid == (claim.status is ClaimStatus.PAID)
            assert slashed == (claim.status in (ClaimStatus.SLASHED_WRONG, ClaimStatus.SLASHED_SILENT))


def replay(store: MemoryStore, books: Books) -> Market:
    """The final state from the stored facts alone."""
    market = Market(policy=POLICY, block=books.origin.ref)
    for fact in store.final_facts():
        market.apply(decide(market, fact))
    return market


MarketMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMarketMachine = pytest.mark.property(MarketMachine.TestCase)


@pytest.mark.property
def test_fold__thousand_permutations_and_doubles__same_digest() -> None:
    rig = Rig()
    rig.post(quorum=2)
    rig.work(1, 0, *WORKERS[:2])
    rig.work(1, 1, WORKERS[2], WORKERS[3])
    rig.run(10)
    expected = rig.books.final.state_digest
    facts = list(rig.store.final_facts())
    rng = random.Random(7)
    for _ in range(1000):
        told = facts + rng.sample(facts, rng.randrange(len(facts)))
        rng.shuffle(told)
        market = Market(policy=POLICY, block=rig.origin.ref)
        fold_block(market, in_order(told), rig.books.final_header.ref)
        assert market.state_digest == expected
