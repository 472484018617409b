"""Which withdrawals are sent for their payees, and when: together, and only while the fee is a small part of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_TOGETHER: Final = 50
"""Withdrawals of one transaction."""
SHARED_GAS: Final = 60_000
"""Gas that a transaction costs besides its withdrawals: the base, the header, the checks of the batch."""
EACH_GAS: Final = 82_000
"""Gas of one withdrawal, no less than a payee's first one takes: 74,800 among 2^20 payees, 50 together (ADR 17)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRules:
    """`most_share_bps`: of the amounts, 10,000 = all. `token_wei`: worth of 10^18 base units; 0: fees do not count."""

    most_share_bps: int
    token_wei: int
    gather_seconds: int

    def is_cheap(self, fee_wei: int, amount: int) -> bool:
        """Whether the fee is within the share of the amount."""
        return self.token_wei == 0 or fee_wei * 10_000 * 10**18 <= self.most_share_bps * amount * self.token_wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A payee's request that can be sent now. `since`: when it came."""

    index: int
    amount: int
    since: int


def gas_of(count: int) -> int:
    return SHARED_GAS + EACH_GAS * count


def refusal(amount: int, gas_price_wei: int, rules: RelayRules) -> str:
    """Why so little is not sent even in the best company; empty if it is."""
    fee = gas_of(MOST_TOGETHER) * gas_price_wei // MOST_TOGETHER
    if rules.is_cheap(fee, amount):
        return ""
    worth = amount * rules.token_wei // 10**18
    share = f"{fee * 100 / worth:.1f} %" if worth else "more than all"
    return (
        f"sending {amount} base units costs {fee} wei at {gas_price_wei} wei per gas: {share} of their worth of "
        f"{worth} wei; this orchestrator sends for up to {rules.most_share_bps / 100:g} %. Ask again when more is "
        "earned or gas is cheaper; or send it yourself: BatchPayouts pays whoever brings the request"
    )


def together(asked: Sequence[Asked], gas_price_wei: int, now: int, rules: RelayRules) -> tuple[Asked, ...]:
    """What to send now: the dearest first, as many as pay for themselves, once the oldest has waited or all places are
    taken. Whoever is too small for its own part of the fee keeps none of the others waiting."""
    paying = [one for one in asked if not refusal(one.amount, gas_price_wei, rules)]
    chosen = sorted(paying, key=lambda one: (-one.amount, one.index))[:MOST_TOGETHER]
    while chosen and not rules.is_cheap(gas_of(len(chosen)) * gas_price_wei, sum(one.amount for one in chosen)):
        chosen.pop()
    if not chosen:
        return ()
    waited = now - min(one.since for one in chosen) >= rules.gather_seconds
    return tuple(chosen) if waited or len(chosen) == MOST_TOGETHER else ()
