"""The books of a whole market, read from chain: what came in, and where each unit of it is now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from edgebounty.chain.events import (
    CreditWithdrawn,
    Event,
    JobPosted,
    Staked,
    StakeWithdrawn,
    TaskSettled,
)
from edgebounty.chain.logs import halving
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import guard
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, JobId

_PAYOUT_WITHDRAWN = keccak256(b"PayoutWithdrawn(address,uint32,address,uint256)")
LOG_SPAN_BLOCKS = 5_000
"""Blocks per log query; public nodes refuse much wider ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Token base units as at `block_number`. deposited = escrow + stake + credits + withdrawn + fees + burned.

    `fees` is all that orchestrators ever earned in the direct lane, so `credits` and `withdrawn` are without it.
    `credits` includes what batches hold for their payees. `stake` includes what is unbonding, `burned` what is slashed
    and waits to be burned. `difference` is what the equation is off: 0.
    `surplus` is what the contracts hold above what they owe: donations, never less than 0.
    """

    block_number: int
    deposited: int
    escrow: int
    stake: int
    credits: int
    withdrawn: int
    fees: int
    burned: int
    surplus: int

    @property
    def difference(self) -> int:
        placed = self.escrow + self.stake + self.credits + self.withdrawn + self.fees + self.burned
        return self.deposited - placed


def read_events(market: MarketContracts, *, to_block: int, from_block: int | None = None) -> list[Event]:
    """Every event of the market up to `to_block`, in chain order."""
    first = market.deployment.block if from_block is None else from_block
    events: list[Event] = []
    for start in range(first, to_block + 1, LOG_SPAN_BLOCKS):
        end = min(start + LOG_SPAN_BLOCKS - 1, to_block)
        events += market.events.fetch_halving(market.web3, from_block=start, to_block=end)
    return events


def _withdrawn_from_batches(market: MarketContracts, to_block: int) -> int:
    """What payees of the batch lane had sent to them: BatchPayouts' PayoutWithdrawn(…, amount)."""

    def amounts(first: int, last: int) -> list[int]:
        query: Any = {
            "address": market.deployment.batch_payouts,
            "fromBlock": first,
            "toBlock": last,
            "topics": ["0x" + _PAYOUT_WITHDRAWN.hex()],
        }
        logs = guard(market.url, lambda: market.web3.eth.get_logs(query))
        return [int.from_bytes(log["data"], "big") for log in logs]

    starts = range(market.deployment.block, to_block + 1, LOG_SPAN_BLOCKS)
    spans = ((start, min(start + LOG_SPAN_BLOCKS - 1, to_block)) for start in starts)
    return sum(sum(halving(market.url, amounts, first, last)) for first, last in spans)


def read_ledger(market: MarketContracts, *, block_number: int | None = None) -> Ledger:
    """The books at one block (the latest by default). Raises `ChainError`."""
    at = market.block("latest" if block_number is None else block_number).number
    deposited, withdrawn = 0, _withdrawn_from_batches(market, at)
    earned: dict[Address, int] = defaultdict(int)
    posted: dict[JobId, JobPosted] = {}
    for event in read_events(market, to_block=at):
        match event:
            case JobPosted():
                posted[event.job_id] = event
                deposited += event.escrowed
            case Staked():
                deposited += event.amount
            case CreditWithdrawn() | StakeWithdrawn():
                withdrawn += event.amount
            case TaskSettled():
                terms = posted[event.job_id].terms
                earned[terms.orchestrator] += event.winners * terms.slot_price * terms.fee_bps // 10_000
            case _:
                pass
    vault, escrow = market.vault.functions, market.escrow.functions
    due: dict[Address, int] = defaultdict(int)
    for job_id, job in posted.items():
        due[job.terms.orchestrator] += int(market.read(escrow.feeDueOf(job_id), at))
    # Of an orchestrator's credit, the part up to its fees counts as fees; the rest it earned or was refunded otherwise.
    unpaid_fees = sum(
        due[account] + min(fee - due[account], int(market.read(escrow.creditOf(account), at)))
        for account, fee in earned.items()
    )
    fees = sum(earned.values())
    total_escrow = sum(int(market.read(escrow.escrowOf(job_id), at)) for job_id in posted)
    escrow_owed = int(market.read(escrow.totalOwed(), at))
    held = sum(
        int(market.read(market.token.functions.balanceOf(contract.address), at))
        for contract in (market.vault, market.escrow)
    )
    return Ledger(
        block_number=at,
        deposited=deposited,
        escrow=total_escrow,
        stake=int(market.read(vault.totalStaked(), at)) + int(market.read(vault.totalUnbonding(), at)),
        credits=escrow_owed - total_escrow - unpaid_fees,
        withdrawn=withdrawn - (fees - unpaid_fees),
        fees=fees,
        burned=int(market.read(vault.totalBurned(), at)) + int(market.read(vault.slashPool(), at)),
        surplus=held - escrow_owed - int(market.read(vault.totalOwed(), at)),
    )
