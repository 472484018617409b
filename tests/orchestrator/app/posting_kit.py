"""A real chain with the contracts, workers with keys, and an orchestrator of the batch lane in parts.

Blocks come only when the test mines them, so that it can stop between any two steps; `restart` forgets everything
that is neither on chain nor on disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import BatchSettings, DeploymentSettings, deploy
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.chain.views import JobTerms
from edgebounty.content.store import LocalStore
from edgebounty.protocol.batch.messages import Claim, Join, Receipts, Withdrawal, sign_compact
from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain, Signable, address_of_key, sign
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address
from orchestrator.adapters.chain.batch_calls import contract
from orchestrator.adapters.chain.batch_reader import BatchChainReader
from orchestrator.adapters.chain.reader import Web3Reader
from orchestrator.adapters.chain.writer import Web3Writer
from orchestrator.adapters.content.keeper import StoreKeeper
from orchestrator.adapters.posted import PostedBatches
from orchestrator.adapters.sql.store import SqlStore
from orchestrator.app.act import Actor, SendingRules
from orchestrator.app.answers import Answers
from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.app.poster import Poster, PostingSettings
from orchestrator.app.recovery import Recovery
from orchestrator.app.shortening import shorten
from orchestrator.app.watch import Watcher
from orchestrator.app.withdrawals import Withdrawals
from orchestrator.domain.batch import posting
from orchestrator.domain.batch.relaying import RelayRules
from orchestrator.domain.batch.values import BatchTerms
from orchestrator.domain.values import Policy
from tests.orchestrator.devnet import Person, small_job

UNIT = 10**18
PRICE = UNIT // 100
FEE_BPS = 200
WINDOW = 6_000  # passed by moving the chain's clock, so that a slow machine is never late for it
ANSWER = 600
TASK_SECONDS = 60
DEPTH = 1  # blocks until one is final
SLOTS = 3


class Hand:
    """A worker that has nothing but a key."""

    def __init__(self, name: str, domain: Domain) -> None:
        self.key = hashlib.sha256(name.encode()).digest()
        self.address = address_of_key(self.key)
        self.payout = to_address(hashlib.sha256(f"wallet of {name}".encode()).digest()[:20])
        self.domain = domain

    def sealed(self, job: int, task: int, digest: Digest) -> tuple[bytes, bytes]:
        salt = hashlib.sha256(f"{self.address} {job} {task}".encode()).digest()
        return salt, commitment(
            chain_id=self.domain.chain_id,
            lane=self.domain.verifying_contract,
            job_id=JobId(job),
            task_index=TaskIndex(task),
            worker=self.address,
            digest=digest,
            salt=salt,
        )


def result_of(job: int, task: int) -> Digest:
    """What all of these workers compute."""
    return Digest(hashlib.sha256(f"result {job} {task}".encode()).digest())


class FakeRuns(StoreKeeper):
    """Runs nothing: the digests of these workers belong to no program."""

    job = 0

    async def compute(self, manifest: Any, task: int, results: dict[int, Digest]) -> Digest:
        return result_of(self.job, task)


class World:
    """One market, one orchestrator, its requester."""

    def __init__(self, folder: Path, anvil: Anvil, settings: BatchSettings) -> None:
        self.folder = folder
        web3 = connect(anvil.url)
        deployment = deploy(
            web3, dev_account(0), DeploymentSettings(batch=settings, court=None, unbonding_seconds=WINDOW + 100)
        )
        self.market = MarketContracts(web3, deployment)
        self.lane = contract(self.market, "BatchLane", deployment.batch_lane)
        self.challenges = contract(self.market, "BatchChallenges", deployment.batch_challenges)
        self.payouts = contract(self.market, "BatchPayouts", deployment.batch_payouts)
        self.domain = Domain(chain_id=deployment.chain_id, verifying_contract=deployment.batch_lane)
        self.account = dev_account(1)
        self.me = to_address(self.account.address)
        self.requester, self.operator = Person(self.market, dev_account(2)), Person(self.market, self.account)
        self.stranger = Person(self.market, dev_account(3))
        for person in (self.requester, self.operator, self.stranger):
            person.send(self.market.token.functions.faucet())
        self.planned = small_job(shards=5)
        self.manifest = self.planned.manifest
        self.hands = [Hand(f"{folder.name} {i}", self.domain) for i in range(SLOTS)]
        self.runs = 0

    # --- the orchestrator ---

    def begin(self, **settings: Any) -> None:
        """A new orchestrator: empty database, the same account."""
        self.runs += 1
        self.data = self.folder / f"data-{self.runs}"
        base = {"most_age": 0, "calldata_receipts": 0, "most_bond": 1_000 * UNIT, "token_wei": 0, "gather_seconds": 0}
        self.settings = base | {"lost_known": 0} | settings
        self.store: SqlStore | None = None
        self.terms: dict[int, BatchTerms] = {}
        self.restart()

    def restart(self) -> None:
        if self.store is not None:
            self.store.close()
        self.store = SqlStore(self.data / "orchestrator.sqlite", identity={"account": self.me})
        policy = Policy(
            me=self.me,
            lane=self.market.deployment.direct_lane,
            epoch_blocks=4,
            draw_time=5,
            ramp_time=5,
            max_reopens=3,
        )
        reader = Web3Reader(self.market, depth=DEPTH)
        origin = run(reader.block(self.market.deployment.block - 1))
        self.books = Books(policy=policy, origin=origin, snapshot=self.store.load())
        self.watcher = Watcher(reader=reader, store=self.store, books=self.books)
        writer = Web3Writer(self.market, Sender(self.market.web3, self.account))
        rules = SendingRules(bump_after_blocks=1_000)
        self.actor = Actor(writer=writer, outbox=self.store, books=self.books, rules=rules)
        self.dropped = shorten(self.store)
        self.desk = BatchDesk(
            me=self.me,
            domain=self.domain,
            journal=self.store,
            sign=self.sign,
            now=lambda: self.market.block().time,
            secret=b"s" * 32,
        )
        for terms in self.terms.values():
            if terms.job in self.desk.book.terms:
                run(self.desk.open_job(terms, self.manifest))
        self.chain = BatchChainReader(self.market, self.me)
        self.content = LocalStore(self.data / "content")
        self.recovery = Recovery(
            desk=self.desk,
            books=self.books,
            chain=self.chain,
            blocks=reader,
            data=PostedBatches(self.market, self.content),
            keeper=FakeRuns(self.content),
            terms_of=self.terms_of,
            since=self.market.deployment.block,
        )
        rules_of_posting = posting.Rules(
            most_bond=int(self.settings["most_bond"]), lost_known=int(self.settings["lost_known"])
        )
        self.poster = Poster(
            desk=self.desk,
            chain=self.chain,
            outbox=self.store,
            books=self.books,
            content=StoreKeeper(self.content),
            limits=self.chain.limits(),
            settings=PostingSettings(
                most_age=int(self.settings["most_age"]),
                calldata_receipts=int(self.settings["calldata_receipts"]),
                rules=rules_of_posting,
            ),
            since=self.market.deployment.block,
            is_whole=lambda: self.recovery.is_whole,
        )

        self.withdrawals = Withdrawals(
            desk=self.desk,
            poster=self.poster,
            chain=self.chain,
            writer=writer,
            outbox=self.store,
            books=self.books,
            rules=RelayRules(
                most_share_bps=500,
                token_wei=int(self.settings["token_wei"]),
                gather_seconds=int(self.settings["gather_seconds"]),
            ),
        )

        self.answers = Answers(
            desk=self.desk,
            poster=self.poster,
            chain=self.chain,
            outbox=self.store,
            books=self.books,
            since=self.market.deployment.block,
        )

    def sign(self, message: Signable) -> bytes:
        return sign(self.domain, message, bytes(self.account.key))

    async def watch(self) -> None:
        while await self.watcher.step():
            pass

    async def recover(self) -> None:
        """And then every job is taken on, as the service does it."""
        while await self.recovery.step():
            pass
        for terms in self.terms.values() if self.recovery.is_whole else ():
            await self.desk.open_job(terms, self.manifest)

    async def terms_of(self, job: JobId) -> BatchTerms:
        return self.terms[job]

    def lose_the_database(self) -> None:
        assert self.store is not None
        self.store.close()
        for file in self.data.glob("orchestrator.sqlite*"):
            file.unlink()
        self.store = None
        self.restart()

    async def look(self) -> None:
        await self.recover()
        while await self.poster.step():
            pass

    async def answer(self) -> None:
        while await self.answers.step():
            pass

    async def act(self) -> None:
        await self.actor.step(self.books.tip.ref.number)

    def turn(self) -> None:
        """What the loops do between two blocks, then a block."""
        for step in self.steps:
            run(step())
        self.mine()

    @property
    def steps(self) -> tuple[Callable[[], Any], ...]:
        return (self.watch, self.look, self.answer, self.withdrawals.step, self.act)

    def until_posted(self, number: int) -> None:
        """Turns until the chain has so many batches."""
        for _ in range(30):
            if len(self.headers()) >= number:
                return
            self.turn()
        raise AssertionError(f"{self.headers()} after 30 blocks; waiting: {self.poster.waiting!r}")

    def turns(self, number: int = 8) -> None:
        for _ in range(number):
            self.turn()

    # --- the chain ---

    def mine(self, *, seconds: int = 0) -> None:
        if seconds:
            self.rpc("evm_increaseTime", seconds)
        self.rpc("evm_mine")

    def rpc(self, method: str, *params: Any) -> Any:
        answer = self.market.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    @contextmanager
    def mining_at_once(self) -> Iterator[None]:
        """While people send, each transaction has a block of its own."""
        self.rpc("evm_setAutomine", True)
        try:
            yield
        finally:
            self.rpc("evm_setAutomine", False)

    def headers(self) -> list[tuple[int, int, int]]:
        """(number, job, first task) of each batch that the chain has of this orchestrator."""
        events = self.lane.events.BatchPosted().get_logs(from_block=0, argument_filters={"orchestrator": self.me})
        told = [event["args"]["header"] for event in events]
        return [(int(header.number), int(header.job), int(header.firstTask)) for header in told]

    def post_job(self, *, deadline: int = 100_000, **changes: Any) -> int:
        manifest = self.manifest
        terms = JobTerms(
            **{
                "lane": self.market.deployment.batch_lane,
                "orchestrator": self.me,
                "deadline": self.market.block().time + deadline,
                "task_time": TASK_SECONDS,
                "map_tasks": manifest.map_tasks,
                "reduce_tasks": manifest.reduce_tasks,
                "rounds": manifest.rounds,
                "quorum": 2,
                "work_slots": SLOTS,
                "audit_slots": 0,
                "fee_bps": FEE_BPS,
                "slot_price": PRICE,
                "stake_per_claim": PRICE,
                "manifest_digest": manifest.digest,
            }
            | changes
        )
        with self.mining_at_once():
            self.requester.send(self.market.approve(self.market.deployment.escrow, terms.bounty))
            self.requester.send(self.market.post_job(terms))
        job = self.market.job_count()
        told = self.lane.functions.jobOf(job).call()
        self.terms[job] = BatchTerms(
            job=JobId(job),
            orchestrator=self.me,
            domain=self.domain,
            tasks=manifest.total_tasks,
            slots=SLOTS,
            copies=SLOTS,
            quorum=2,
            waves=2,
            price=PRICE,
            fee=int(told[-1]),
            deadline=terms.deadline,
            task_seconds=TASK_SECONDS,
            span=3,
        )
        for _ in range(DEPTH + 1):
            self.mine()  # only what is final is taken on
        run(self.desk.open_job(self.terms[job], self.manifest))
        return job

    def stake(self, amount: int) -> None:
        with self.mining_at_once():
            self.operator.stake(amount)

    # --- workers ---

    def work(self, job: int, tasks: Sequence[int], hands: Sequence[Hand] | None = None) -> None:
        """These workers agree on each task, and sign."""
        for task in tasks:
            run(self._work(job, task, self.hands if hands is None else hands))

    async def _work(self, job: int, task: int, hands: Sequence[Hand]) -> None:
        until = self.desk.now() + 10_000
        digest = result_of(job, task)
        salts = {}
        for hand in hands:
            await self.desk.join(Join(worker=hand.address, orchestrator=self.me, payout=hand.address, until=until))
            claim = Claim(worker=hand.address, orchestrator=self.me, job=job, task=task, until=until)
            await self.desk.claim(claim)
        for hand in hands:
            salts[hand.address], made = hand.sealed(job, task, digest)
            await self.desk.commit(hand.address, JobId(job), task, made)
        for hand in hands:
            await self.desk.show(hand.address, JobId(job), task, digest, salts[hand.address])
        for hand in hands:
            state = self.desk.book.task(JobId(job), task)
            slot, before = state.slot_of(hand.address), self.desk.book.bundle(JobId(job), task, hand.address)
            assert slot is not None
            assert state.commit_set is not None
            word = Receipt(task=task, slot=slot, digest=digest[:27])
            grown = before.with_receipt(word, state.commit_set, keccak256(state.commit_set), b"")
            message = Receipts(
                worker=hand.address,
                job=job,
                first_task=before.first_task,
                count=len(grown.receipts),
                receipts=grown.receipts_root.root,
                commit_sets=grown.sets_root.root,
            )
            await self.desk.accept(message, task, sign_compact(self.domain, message, hand.key))

    def request(self, hand: Hand, cumulative: int, **changes: Any) -> tuple[Withdrawal, bytes]:
        """What a worker signs to have its pay sent to its wallet."""
        index = self.desk.book.payout_index(hand.address)
        assert index is not None
        message = Withdrawal(
            **{
                "account": hand.address,
                "orchestrator": self.me,
                "payout_index": index,
                "cumulative": cumulative,
                "receiver": hand.payout,
                "until": self.desk.now() + 3600,
            }
            | changes
        )
        return message, sign(self.domain, message, hand.key)

    def tokens(self, account: Address) -> int:
        return int(self.market.read(self.market.token.functions.balanceOf(account)))


_LOOP = asyncio.new_event_loop()


def run(step: Any) -> Any:
    """On one event loop for all, as the desk's writer stays with the one that it began on."""
    return _LOOP.run_until_complete(step)


@contextmanager
def world(folder: Path, **settings: Any) -> Iterator[World]:
    times = {"window": WINDOW, "answer": ANSWER, "claim": 20, "liability": WINDOW + 40, "grace": 600}
    made = BatchSettings(**(times | settings))
    with Anvil.start(block_time=None) as anvil:
        here = World(folder, anvil, made)
        here.rpc("evm_setAutomine", False)
        here.mine()
        try:
            yield here
        finally:
            if getattr(here, "store", None) is not None:
                here.store.close()
            shutil.rmtree(folder, ignore_errors=True)
