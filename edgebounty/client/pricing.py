"""What a bounty buys: the price of one slot, and what is escrowed for it.

The contract escrows `(slotPrice + fee, rounded up) x (work slots + audit slots) x tasks` at posting.
The requester names the whole amount; the slot price is the largest one that fits. What is left over from
rounding down is never taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.client.errors import Rejected

ALL_BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What posting a job costs, in token base units."""

    bounty: int
    slot_price: int
    fee_per_slot: int
    slots: int
    """Slots paid for: work and audit slots of one task, times tasks."""

    @property
    def escrow(self) -> int:
        """What is taken at posting."""
        return (self.slot_price + self.fee_per_slot) * self.slots

    @property
    def remainder(self) -> int:
        """What rounding down leaves in the requester's wallet."""
        return self.bounty - self.escrow


def fee_up(amount: int, fee_bps: int) -> int:
    """The orchestrator's fee on `amount`, rounded up."""
    return -(-amount * fee_bps // ALL_BPS)


def price_of(*, bounty: int, tasks: int, slots_per_task: int, fee_bps: int) -> Price:
    """The largest slot price that `bounty` base units pay for. Raises `Rejected` when that is less than one unit."""
    slots = tasks * slots_per_task
    if slots < 1:
        raise Rejected(
            f"{tasks} tasks with {slots_per_task} paid slots each leave nothing to pay for",
            whose="yours (the job's terms)",
            remedy="ask for at least one work slot",
        )
    per_slot = bounty // slots
    # The largest whole p with p + p x fee <= per_slot; both are whole, so rounding the fee up changes nothing.
    slot_price = per_slot * ALL_BPS // (ALL_BPS + fee_bps)
    if slot_price < 1:
        least = slots * (1 + fee_up(1, fee_bps))
        raise Rejected(
            f"the bounty of {bounty} base units is too small: {tasks} tasks with {slots_per_task} paid slots each "
            f"need at least {least} base units",
            whose="yours (the bounty)",
            remedy="raise --bounty, or ask for fewer shards or rounds",
        )
    return Price(bounty=bounty, slot_price=slot_price, fee_per_slot=fee_up(slot_price, fee_bps), slots=slots)


def to_base_units(text: str, decimals: int) -> int:
    """Tokens as people write them ("50", "0.25") in base units. Raises `Rejected` for anything else."""
    whole, _, fraction = text.strip().partition(".")
    if not (whole or fraction) or not (whole or "0").isascii() or not (whole or "0").isdigit():
        raise _not_an_amount(text)
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise _not_an_amount(text)
    if len(fraction) > decimals:
        raise Rejected(
            f"{text!r} has more than the token's {decimals} decimals",
            remedy="write fewer digits behind the point",
        )
    return int(whole or "0") * int(10**decimals) + int((fraction or "0").ljust(decimals, "0"))


def from_base_units(amount: int, decimals: int) -> str:
    """Base units as tokens, exact, without trailing zeros."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, fraction = divmod(amount, 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def _not_an_amount(text: str) -> Rejected:
    return Rejected(f"{text!r} is not an amount of tokens", remedy="write a plain number such as 50 or 0.25")
