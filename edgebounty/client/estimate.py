"""What a plan would cost, before anything is posted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Amounts in token base units; all 0 on this machine, where nothing is paid."""

    tasks: int
    content_bytes: int
    """To be uploaded, at most."""
    escrow: int = 0
    """Taken at posting."""
    likely: int = 0
    """Spent when every task needs just its quorum; the rest comes back."""
    slot_price: int = 0
    """What a worker gets for one run of one task."""
    fee_bps: int = 0
    quorum: int = 0
    work_slots: int = 0
    symbol: str = ""
    decimals: int = 0

    def __str__(self) -> str:
        size = f"{self.tasks} tasks, {self.content_bytes / 1e6:,.1f} MB to upload"
        if not self.symbol:
            return f"{size}; on this machine, for no tokens"

        def text(amount: int) -> str:
            return f"{amount / 10**self.decimals:,.4f} {self.symbol}"

        return (
            f"{size}\n{text(self.escrow)} escrowed, about {text(self.likely)} of it spent: "
            f"{text(self.slot_price)} a run, {self.quorum} equal results make a task final (at most "
            f"{self.work_slots} runs), fee {self.fee_bps / 100:g} %"
        )
