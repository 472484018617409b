"""What does a receipt of the batch lane cost on chain, posting and withdrawing together? Read from real transactions.

A batch of N receipts is built by the code that orchestrators run, and posted into a place of the ring that was used
before, with its data under a CID and again as calldata. Its part of a receipt's cost is the post over N. The other part
is a withdrawal, relayed with 49 others out of a payout tree of 2^20 payees to accounts that have withdrawn before, over
the receipts that a worker lets come together before it asks: as many as a batch has, in the figures, and 10, 100 and
1,000 in the table beside them, with PoCo and Boost as FACTS of this project has them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.batch_lane.market import RING, BatchMarket, account_at
from bench.figure import RESULTS, Figure
from edgebounty.chain.anvil import Anvil
from edgebounty.chain.rpc import connect
from edgebounty.protocol.batch.building import Batch, build
from edgebounty.protocol.batch.calls import NO_ADDRESS, header_abi
from edgebounty.protocol.batch.messages import Receipts, sign_compact
from edgebounty.protocol.batch.openings import open_payout
from edgebounty.protocol.batch.wire import Payout, Receipt, SignedBundle, encode_bundles, receipts_tree, sets_tree
from edgebounty.protocol.messages import address_of_key
from edgebounty.protocol.types import Address

SIZES: Final = {1: 1, 10: 5, 100: 10, 1_000: 20, 10_000: 100}
"""Receipts of a batch: workers that signed them, as many each."""
WITHDRAWN_EACH: Final = (10, 100, 1_000)
PAYEES: Final = 1 << 20
RELAYED: Final = 50
POCO_GAS: Final = {1: 1_596_749, 3: 2_359_529}
BOOST_GAS: Final = {1: 576_580, 10: 184_704}
TARGETS: Final = {(10_000, "cid"): 20, (10_000, "calldata"): 1_400, (100, "cid"): 1_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Gas of whole transactions by size and mode ("cid", "calldata"), and of one payee's part of a withdrawal."""

    fresh: dict[tuple[int, str], int]
    reused: dict[tuple[int, str], int]
    first_withdrawal: float  # of an account: its slots are empty
    withdrawal: float

    def per_receipt(self, size: int, mode: str, withdrawn_each: int | None = None) -> float:
        return self.reused[size, mode] / size + self.withdrawal / (withdrawn_each or size)


def run(payees: int = PAYEES) -> list[Figure]:
    spent = measure(payees)
    Console().print(table_of(spent))
    told = {
        "post_fresh": {f"{size} {mode}": gas for (size, mode), gas in spent.fresh.items()},
        "post_reused": {f"{size} {mode}": gas for (size, mode), gas in spent.reused.items()},
        "withdrawal_first": spent.first_withdrawal,
        "withdrawal": spent.withdrawal,
        "payees": payees,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "batch_gas_steps.txt").write_text(json.dumps(told, indent=2) + "\n")
    return [_figure(size, mode, spent, target) for (size, mode), target in TARGETS.items()]


def measure(payees: int = PAYEES) -> Spent:
    with Anvil.start(block_time=None) as anvil:
        poster = _Poster(BatchMarket(connect(anvil.url)))
        fresh = poster.post_all()
        while poster.number < RING:
            poster.post(1, "cid")
        poster.market.time_passes(100)  # their places are free
        reused = poster.post_all()
        first, later = (poster.withdraw(payees) for _ in range(2))
    return Spent(fresh=fresh, reused=reused, first_withdrawal=first, withdrawal=later)


def table_of(spent: Spent) -> Table:
    table = Table(title="Gas per receipt: the post alone, and with a worker's withdrawal once per …")
    for head in ("receipts", "data", "post", "batch-size", *(f"{count:,}" for count in WITHDRAWN_EACH)):
        table.add_column(head, justify="right")
    for mode in ("cid", "calldata"):
        for size in SIZES:
            gas = [spent.per_receipt(size, mode), *(spent.per_receipt(size, mode, n) for n in WITHDRAWN_EACH)]
            table.add_row(f"{size:,}", mode, *(f"{each:,.1f}" for each in (spent.reused[size, mode] / size, *gas)))
        table.add_section()
    poco = ", ".join(f"{gas:,} with {workers} workers" for workers, gas in POCO_GAS.items())
    boost = ", ".join(f"{gas:,} in bags of {bag}" for bag, gas in BOOST_GAS.items())
    table.caption = (
        f"Places in the ring reused. Withdrawal, one of {RELAYED} together: {spent.withdrawal:,.0f}, a first one "
        f"{spent.first_withdrawal:,.0f}.\nBeside it, a task (FACTS 4): iExec PoCo 6.2 {poco}; Boost, which checks no "
        f"result, {boost}."
    )
    return table


def _figure(size: int, mode: str, spent: Spent, target: int) -> Figure:
    value = spent.per_receipt(size, mode)
    return Figure(
        name=f"batch_gas_{size}_{mode}",
        value=value,
        unit="gas",
        peer="iExec Boost in bags of 10",
        peer_value=BOOST_GAS[10],
        ratio=value / BOOST_GAS[10],
        target=target,
        better="lower",
        bounds_value=True,
    ).save()


class _Poster:
    """One orchestrator that posts one batch after the other of one job."""

    def __init__(self, market: BatchMarket) -> None:
        self.market = market
        self.account, self.job, self.prices = market.orchestrator(2, slots=1)
        self.number, self.next_task = 0, 0
        self.payouts: tuple[Payout, ...] = ()
        self.previous = bytes(32)

    def post_all(self) -> dict[tuple[int, str], int]:
        # The first of an orchestrator's batches costs more: no size shall be that one.
        self.post(1, "cid")
        return {(size, mode): self.post(size, mode) for size in SIZES for mode in ("cid", "calldata")}

    def post(self, size: int, mode: str) -> int:
        return self._post(self._batch(size, range(1, SIZES[size] + 1), mode), mode)

    def withdraw(self, payees: int) -> float:
        """Fifty workers, far apart in the tree of payouts, withdraw what they have earned by a new batch."""
        indices = [payees * i // RELAYED - 1 for i in range(1, RELAYED + 1)]
        batch = self._batch(RELAYED, indices, "cid")
        self._post(batch, "cid")
        self.market.time_passes(25)
        asked = [
            (index, open_payout(batch.payouts, batch.payouts_tree, index).as_abi(), NO_ADDRESS, 0, bytes(32), bytes(32))
            for index in indices
        ]
        call = self.market.payouts.functions.withdrawMany(header_abi(batch.header), asked)
        gas = self.market.send(call, account_at(9))
        if self._balance(_key(indices[0])) != batch.payouts[indices[0]].cumulative:
            raise RuntimeError("the withdrawal paid something else; its gas means nothing")
        return gas / RELAYED

    def _post(self, batch: Batch, mode: str) -> int:
        lane = self.market.lane.functions
        header = header_abi(batch.header)
        call = lane.post(header) if mode == "cid" else lane.postWithData(header, encode_bundles(batch.bundles))
        gas = self.market.send(call, self.account)
        self.number, self.next_task = self.number + 1, batch.header.end_task
        self.payouts, self.previous = batch.payouts, batch.header.hash
        return gas

    def _batch(self, size: int, indices: range | list[int], mode: str) -> Batch:
        """`size` receipts by as many workers as there are payout indices, as many each."""
        first, each = self.next_task, size // len(indices)
        bundles = [self._bundle(index, first, first + at * each, each) for at, index in enumerate(indices)]
        return build(
            orchestrator=self.account,
            number=self.number,
            job=self.job,
            tasks=(first, first + size),
            bundles=bundles,
            prices=self.prices,
            payouts=self.payouts,
            previous=self.previous,
            data_digest=hashlib.sha256(b"data").digest() if mode == "cid" else bytes(32),
        )

    def _bundle(self, index: int, batch_first: int, first: int, count: int) -> SignedBundle:
        key = _key(index)
        receipts = tuple(
            Receipt(task=task, slot=0, digest=hashlib.sha256(b"result %d" % task).digest()[:27])
            for task in range(first, first + count)
        )
        sets = tuple(hashlib.sha256(b"commit set %d" % receipt.task).digest() for receipt in receipts)
        message = Receipts(
            worker=address_of_key(key),
            job=self.job,
            first_task=batch_first,
            count=count,
            receipts=receipts_tree(receipts).root,
            commit_sets=sets_tree(sets).root,
        )
        return SignedBundle(
            payout_index=index,
            account=message.worker,
            receipts=receipts,
            commit_sets=sets,
            signature=sign_compact(self.market.domain, message, key),
        )

    def _balance(self, key: bytes) -> int:
        token = self.market.contract("EdgeToken", self.market.deployment.token)
        owner: Address = address_of_key(key)
        return int(token.functions.balanceOf(self.market.web3.to_checksum_address(owner)).call())


def _key(index: int) -> bytes:
    return hashlib.sha256(b"worker %d" % index).digest()
