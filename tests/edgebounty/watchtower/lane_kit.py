"""A batch lane on a real chain, an orchestrator that breaks one rule at a time, and a watchtower with an account."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.batch_lane.market import RING, STAKE, BatchMarket, account_at
from edgebounty.chain.anvil import dev_account
from edgebounty.chain.batches import BatchContracts
from edgebounty.chain.deployment import BatchSettings
from edgebounty.chain.following import Followed, Lane
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.sender import Sender
from edgebounty.content.store import MemoryStore, put_file
from edgebounty.protocol.batch.building import Batch, next_payouts
from edgebounty.protocol.batch.calls import (
    BUNDLES,
    COMMIT_SETS,
    LEVELS_PER_ANSWER,
    NO_ADDRESS,
    PAYOUTS,
    RECEIPTS,
    bundle_words,
    header_abi,
    node_abi,
    root_abi,
)
from edgebounty.protocol.batch.openings import open_bundle, open_payout
from edgebounty.protocol.batch.publishing import encode_data
from edgebounty.protocol.batch.rules import Case
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.batch.wire import Header, encode_bundles, payouts_tree
from edgebounty.protocol.types import Address
from edgebounty.protocol.unixfs import root_cid
from edgebounty.watchtower.batch.tower import BatchTower
from edgebounty.watchtower.journal import Journal
from edgebounty.watchtower.rules import Finding, Kind
from tests.model.machine import NAMES, WORKERS
from tests.model.people import CORRUPTIONS, Plan

MALLORY: Final = 2
WATCH: Final = 9
TIMES: Final = BatchSettings(window=300, answer=30, claim=5, liability=400, ring=RING)


class LaneRig:
    """One orchestrator with a job, its batches so far, and what it publishes."""

    def __init__(self, web3: Any) -> None:
        self.market = BatchMarket(web3, TIMES)
        self.account, self.job, self.prices = self.market.orchestrator(MALLORY, slots=3)
        self.watch: Address = account_at(WATCH)
        self._stake_of_watch()
        self.contracts = MarketContracts(web3, self.market.deployment)
        self.batches = BatchContracts(self.contracts)
        self.start = self.market.snapshot()
        self.fresh()

    def fresh(self) -> None:
        """As after deployment: nothing was posted."""
        self.market.revert(self.start)
        self.start = self.market.snapshot()
        self.content = MemoryStore()
        self.posted: list[Batch] = []
        self.indices: dict[str, int] = {}
        self.told: list[Finding] = []
        self.journal: Journal | None = None

    # --- the orchestrator ---

    def plan(self, seed: int) -> Plan:
        """Honest work on the next one to three tasks, two or three slots of each."""
        chance = Random(seed)
        last = self.posted[-1] if self.posted else None
        first = last.header.end_task if last else 0
        end = first + chance.randint(1, 3)
        work: dict[str, list[tuple[int, int]]] = {name: [] for name in WORKERS}
        for task in range(first, end):
            for slot, name in enumerate(chance.sample(WORKERS, chance.randint(2, 3))):
                work[name].append((task, slot))
        for name, done in work.items():
            if done:
                self.indices.setdefault(name, len(self.indices) + 1)
        return Plan(
            domain=self.market.domain,
            orchestrator=self.account,
            number=len(self.posted),
            job=self.job,
            tasks=(first, end),
            prices=self.prices,
            payouts=last.payouts if last else (),
            previous=last.header.hash if last else bytes(32),
            bundles=(),
        ).with_bundles(work, self.indices)

    def corrupt(self, wrong: str, *, hidden: bool = False) -> None:
        """Posts honest batches and then one that breaks just that rule."""
        rule, corruption = CORRUPTIONS[wrong]
        for before, seed in product((2, 1, 0), range(5, 80)):
            self.posted, self.indices = [], {}
            honest = []
            for number in range(before):
                honest.append(self.plan(number).built())
                self.posted.append(honest[-1])
            batch = corruption(self.plan(seed), NAMES)
            case = self.case(batch.header, honest[-1].header if honest else None)
            faults = list(find_faults(case, batch))
            if {fault.rule for fault in faults} == {rule}:
                self.posted = []
                for each in honest:
                    self.post(each)
                self.post(batch, hidden=hidden)
                return
        raise AssertionError(f"no batch is {wrong}")

    def case(self, header: Header, previous: Header | None) -> Case:
        return Case(domain=self.market.domain, prices=self.prices, header=header, previous=previous)

    def post(self, batch: Batch, *, hidden: bool = False, damaged: bool = False) -> Batch:
        """Under a CID, and published unless `hidden`; as calldata where the plan has no data digest."""
        batch = self._built_on(batch)
        if any(batch.header.data_digest):
            file = encode_data(batch.leaves, batch.bundles)
            if damaged:  # its last commit set is another
                file = file[:-1] + bytes([file[-1] ^ 1])
            batch = replace(batch, header=replace(batch.header, data_digest=bytes(root_cid(file).digest)))
            if not hidden:
                put_file(self.content, file)
            call = self.market.lane.functions.post(header_abi(batch.header))
        else:
            bundles = encode_bundles(batch.bundles)
            call = self.market.lane.functions.postWithData(header_abi(batch.header), bundles)
        self.market.send(call, self.account)
        self.posted.append(batch)
        return batch

    def withdraw(self, batch: Batch, index: int) -> None:
        opening = open_payout(batch.payouts, batch.payouts_tree, index).as_abi()
        asked = (index, opening, NO_ADDRESS, 0, bytes(32), bytes(32))
        self.market.send(self.market.payouts.functions.withdraw(header_abi(batch.header), asked), account_at(1))

    def answer_all(self) -> int:
        """Shows whatever is demanded of what it has posted. Returns how many demands there were."""
        lane = Lane()
        for event in self.batches.events(0, self.contracts.block().number):
            lane.take(event)
        for number, asked in lane.demands.items():
            batch = self.posted[asked.batch[1]]
            kind, at, _ = asked.tree
            tree = {
                BUNDLES: lambda batch=batch: batch.tree,
                PAYOUTS: lambda batch=batch: batch.payouts_tree,
                RECEIPTS: lambda batch=batch, at=at: batch.bundles[at].receipts_tree,
                COMMIT_SETS: lambda batch=batch, at=at: batch.bundles[at].sets_tree,
            }[kind]()
            challenges = self.market.challenges.functions
            if asked.level:
                below = max(asked.level - LEVELS_PER_ANSWER, 0)
                first = asked.position << (asked.level - below)
                nodes = tree.levels[below][first : first + (1 << (asked.level - below))]
                self.market.send(challenges.answerNodes(number, nodes), self.account)
                continue
            preimage = {
                BUNDLES: lambda batch=batch, i=asked.position: bundle_words(batch.leaves[i]),
                PAYOUTS: lambda batch=batch, i=asked.position: batch.payouts[i].word,
                RECEIPTS: lambda batch=batch, at=at, i=asked.position: batch.bundles[at].receipts[i].word,
                COMMIT_SETS: lambda batch=batch, at=at, i=asked.position: batch.bundles[at].commit_sets[i],
            }[kind]()
            self.market.send(challenges.answerLeaf(number, preimage), self.account)
        return len(lane.demands)

    def demand_payouts(self) -> None:
        """Whoever hopes for silence demands the newest payouts, as they are stated now."""
        header = self.followed()[-1].header
        self._demand(header, [], root_abi(PAYOUTS, header.payouts_root, header.payout_count))

    def demand_everything(self) -> int:
        """Of the newest batch the root and the first leaf of each of its trees."""
        batch = self.posted[-1]
        bundle, leaf = batch.bundles[0], batch.leaves[0]
        opening = [open_bundle(batch.leaves, batch.tree, 0).as_abi()]
        trees = [
            (BUNDLES, batch.tree, []),
            (PAYOUTS, batch.payouts_tree, []),
            (RECEIPTS, bundle.receipts_tree, opening),
            (COMMIT_SETS, bundle.sets_tree, opening),
        ]
        assert leaf.count > 1, "else root and leaf are one node"
        for kind, tree, of_bundle in trees:
            self._demand(batch.header, of_bundle, root_abi(kind, tree.root, tree.count))
            self._demand(batch.header, of_bundle, node_abi(kind, 0, 0, tree.levels[0][0], tree.proof(0)))
        return 2 * len(trees)

    def _demand(self, header: Header, of_bundle: list[Any], node: tuple[Any, ...]) -> None:
        call = self.market.challenges.functions.demand(header_abi(header), of_bundle, node)
        self.market.send(call, self.account)

    def followed(self) -> list[Followed]:
        lane = Lane()
        for event in self.batches.events(0, self.contracts.block().number):
            lane.take(event)
        return lane.books[self.account].batches

    def stated_rightly(self) -> bool:
        """Whether every batch has the payouts that follow from what was struck and voided."""
        lane, payouts = Lane(), ()
        for event in self.batches.events(0, self.contracts.block().number):
            lane.take(event)
        book = lane.books[self.account]
        for batch, mine in zip(book.batches, self.posted, strict=True):
            payouts = next_payouts(
                payouts,
                mine.leaves,
                orchestrator=self.account,
                prices=self.prices,
                struck=batch.struck,
                voided=batch.voided,
            )
            if batch.header.payouts_root != payouts_tree(payouts).root:
                return False
        return book.stated == len(self.posted)

    def _built_on(self, batch: Batch) -> Batch:
        """The header before has another hash once its data digest is known."""
        previous = self.posted[-1].header.hash if self.posted else bytes(32)
        return replace(batch, header=replace(batch.header, previous=previous))

    def wait_half_an_answer(self) -> None:
        self.market.time_passes(self.batches.answer_time // 2 + 1)

    # --- the watchtower ---

    def tower(self, folder: Path, *, challenges: bool = True) -> BatchTower:
        if self.journal is not None:
            self.journal.close()
        self.journal = journal = Journal(folder / "journal", chain_id=31337, escrow="0x1", first_block=0)
        sender = Sender(self.market.web3, dev_account(WATCH), poll_seconds=0.01) if challenges else None

        def tell() -> None:
            for number, finding in journal.untold():
                self.told.append(finding)
                journal.told(number)

        return BatchTower(self.batches, self.content, journal, sender=sender, tell=tell)

    def found(self, kind: Kind) -> list[Finding]:
        return [finding for finding in self.told if finding.kind == kind]

    def nonce(self) -> int:
        """How many transactions the watchtower has sent."""
        return int(self.market.web3.eth.get_transaction_count(self.market.web3.to_checksum_address(self.watch)))

    def tokens(self) -> int:
        return self.contracts.balances(self.watch).tokens

    def _stake_of_watch(self) -> None:
        market = self.market
        market.fund(self.watch, market.deployment.vault, STAKE)
        vault = market.contract("StakeVault", market.deployment.vault).functions
        market.send(vault.stake(STAKE), self.watch)
        market.send(vault.allot(self.watch, STAKE // 2), self.watch)
