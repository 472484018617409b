"""What this orchestrator has posted, as the chain's final events tell it, beside the data that its own book has of it.

From both follow the payouts that are right after each batch: what is restated, what the next batch builds on, and what
workers withdraw by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from edgebounty.protocol.batch.building import next_payouts
from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.batch.wire import (
    Bundle,
    Header,
    Payout,
    bundles_tree,
    payouts_tree,
)
from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.errors import Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPosted:
    """`transaction`: its hash, 0x-text."""

    header: Header
    transaction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleStruck:
    number: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchVoided:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutsRestated:
    """The three words that the batch's header has anew."""

    number: int
    payout_count: int
    payouts_root: bytes
    previous: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BondLost:
    """By this orchestrator."""


LaneEvent = BatchPosted | BundleStruck | BatchVoided | PayoutsRestated | BondLost


@dataclass(slots=True, kw_only=True)
class PostedBatch:
    """`header` as the chain has it now; `payouts` as they are right after this batch."""

    header: Header
    leaves: tuple[Bundle, ...]
    prices: Prices
    payouts: tuple[Payout, ...]
    struck: frozenset[int] = frozenset()
    voided: bool = False

    @property
    def is_right(self) -> bool:
        """Whether the chain's payouts are these. A stranger may have restated others."""
        right = (len(self.payouts), payouts_tree(self.payouts).root)
        return (self.header.payout_count, self.header.payouts_root) == right


LeavesOf = Callable[[JobId, int], tuple[Bundle, ...]]
PricesOf = Callable[[JobId], Prices]


@dataclass(slots=True, kw_only=True)
class History:
    """`take` the final events in order. `leaves_of(job, first)`: what the book holds of a sealed batch."""

    me: Address
    leaves_of: LeavesOf
    prices_of: PricesOf
    batches: list[PostedBatch] = field(default_factory=list)
    bonds_lost: int = 0

    @property
    def posted(self) -> set[tuple[int, int]]:
        """Job and first task of every batch."""
        return {(batch.header.job, batch.header.first_task) for batch in self.batches}

    @property
    def previous(self) -> bytes:
        """Hash of the newest header, on which the next batch builds."""
        return self.batches[-1].header.hash if self.batches else bytes(32)

    def payouts_before(self, number: int) -> tuple[Payout, ...]:
        return self.batches[number - 1].payouts if number else ()

    def take(self, event: LaneEvent) -> None:
        """Raises `Broken` if the chain has a batch of ours that the book does not have."""
        match event:
            case BatchPosted():
                self._posted(event.header)
            case BundleStruck():
                batch = self.batches[event.number]
                batch.struck |= {event.position}
                self._recompute(event.number)
            case BatchVoided():
                self.batches[event.number].voided = True
                self._recompute(event.number)
            case PayoutsRestated():
                batch = self.batches[event.number]
                batch.header = replace(
                    batch.header,
                    payout_count=event.payout_count,
                    payouts_root=event.payouts_root,
                    previous=event.previous,
                )
            case BondLost():
                self.bonds_lost += 1

    def restated(self, number: int) -> Header:
        """The header that batch `number` should have, on top of the one before it as the chain has that now."""
        batch = self.batches[number]
        return replace(
            batch.header,
            payout_count=len(batch.payouts),
            payouts_root=payouts_tree(batch.payouts).root,
            previous=self.batches[number - 1].header.hash if number else bytes(32),
        )

    def _posted(self, header: Header) -> None:
        name = f"batch {header.number} on chain (job {header.job}, tasks {header.first_task} to {header.end_task - 1})"
        if header.number != len(self.batches):
            raise Broken(f"{name} does not follow batch {len(self.batches) - 1}: the node left out events")
        leaves = self.leaves_of(JobId(header.job), header.first_task)
        if bundles_tree(leaves).root != header.bundles_root:
            raise Broken(
                f"{name} is not what this database holds of it: an older copy of the database was put back, or another "
                "program posts with this key. Nothing was sent. Put the newest copy back; if there is none, delete "
                "this one: what was posted is read back then"
            )
        batch = PostedBatch(header=header, leaves=leaves, prices=self.prices_of(JobId(header.job)), payouts=())
        self.batches.append(batch)
        self._recompute(header.number)

    def _recompute(self, first: int) -> None:
        """The right payouts from batch `first` on."""
        for number in range(first, len(self.batches)):
            batch = self.batches[number]
            batch.payouts = next_payouts(
                self.payouts_before(number),
                batch.leaves,
                orchestrator=self.me,
                prices=batch.prices,
                struck=batch.struck,
                voided=batch.voided,
            )
