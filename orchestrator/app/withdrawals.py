"""Withdrawals without gas: payees sign, this orchestrator sends many together. Requests outlive a restart."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from edgebounty.protocol.batch.messages import Withdrawal, to_compact
from edgebounty.protocol.types import Address
from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.app.poster import Poster, Usable, give
from orchestrator.domain.batch import relaying as r
from orchestrator.domain.batch.effects import RelayWithdrawals, SignedWithdrawal
from orchestrator.domain.batch.facts import WithdrawalAsked, WithdrawalEnded
from orchestrator.domain.errors import Rejected
from orchestrator.ports.batch import BatchChain
from orchestrator.ports.chain import ChainWriter
from orchestrator.ports.store import OrderStatus, Outbox

_log = logging.getLogger(__name__)
LEAST_SECONDS = 300
"""A request must be good for so long after the time of gathering: blocks may be slow."""


class Withdrawals:
    """`ask` answers payees, `step` is one short cycle of sending."""

    def __init__(
        self,
        *,
        desk: BatchDesk,
        poster: Poster,
        chain: BatchChain,
        writer: ChainWriter,
        outbox: Outbox,
        books: Books,
        rules: r.RelayRules,
    ) -> None:
        self._desk = desk
        self.poster = poster
        self._chain = chain
        self._writer = writer
        self._outbox = outbox
        self._books = books
        self._rules = rules
        self._known_at = b""
        self._known: dict[int, int] = {}  # what was withdrawn, as of that final block
        self._sent: dict[str, RelayWithdrawals] = {}  # orders whose outcome is not noted down yet

    async def ask(self, message: Withdrawal, signature: bytes) -> None:
        """Takes a request that its account has signed (65 bytes). Told again, nothing changes. Raises `Rejected`."""
        desk, compact = self._desk, to_compact(signature)
        known = desk.withdrawals.get(message.payout_index)
        if known is not None and known.signature == compact:
            await desk.kept()
            return
        if message.orchestrator != desk.me:
            raise _no("the worker", f"withdraws from {message.orchestrator}, this is {desk.me}")
        if desk.book.payout_index(message.account) != message.payout_index:
            raise _no("the worker", f"payout index {message.payout_index} is not that of {message.account}")
        if not any(bytes.fromhex(message.receiver[2:])):
            raise _no("the worker", "the receiver is nobody")
        least = desk.now() + self._rules.gather_seconds + LEAST_SECONDS
        if message.until < least:
            raise _no("the worker", f"the request ends at {message.until}: it must be good until {least} at least")
        earned, withdrawn = await self.earnings(message.account)
        if message.cumulative <= withdrawn:
            raise _no("nobody", f"{withdrawn} base units were withdrawn already, {message.cumulative} among them")
        if self.poster.usable(message.payout_index, message.cumulative) is None:
            raise _no("the worker", f"{earned} base units can be withdrawn in all: sign for exactly that")
        fees = await self._writer.fees()
        reason = r.refusal(message.cumulative - withdrawn, fees.max_fee_wei, self._rules)
        if reason:
            raise _no("the worker", reason)
        await desk.ask_withdrawal(
            WithdrawalAsked(
                account=message.account,
                payout_index=message.payout_index,
                cumulative=message.cumulative,
                receiver=message.receiver,
                until=message.until,
                signature=compact,
                now=desk.now(),
            )
        )

    async def earnings(self, account: Address) -> tuple[int, int]:
        """(what can be withdrawn in all, what of it was withdrawn) in base units, as final blocks have it."""
        index = self._desk.book.payout_index(account)
        if index is None:
            return 0, 0
        earned = self.poster.earned(index)
        if not earned:
            return 0, 0
        final = self._books.final_header.ref
        if self._known_at != final.hash:
            self._known_at, self._known = final.hash, {}
        if index not in self._known:  # pages ask again and again
            (self._known[index],) = await self._chain.withdrawn(final, [index])
        return earned, self._known[index]

    async def step(self) -> None:
        """Notes down what was sent, and sends what is worth it. Raises `Unavailable`: call again."""
        # In this order: what is no longer on its way now is in the final block that is read next.
        on_its_way = await asyncio.to_thread(self._on_its_way)
        waiting = dict(self._desk.withdrawals)
        if not waiting:
            return
        final = self._books.final_header.ref
        indices = sorted(waiting)
        withdrawn = dict(zip(indices, await self._chain.withdrawn(final, indices), strict=True))
        for key in [key for key in self._sent if key not in on_its_way]:
            order = await asyncio.to_thread(self._outbox.order, key)
            effect = self._sent.pop(key)
            if order.status is OrderStatus.DONE:
                self._note_skipped(effect, withdrawn)
        self._drop(waiting, withdrawn)
        taken = {one.index for effect in on_its_way.values() for one in effect.asked}
        await self._send(
            {i: one for i, one in self._desk.withdrawals.items() if i in withdrawn and i not in taken}, withdrawn
        )
        await self._desk.kept()

    def _on_its_way(self) -> dict[str, RelayWithdrawals]:
        orders = [*self._outbox.orders(OrderStatus.OPEN), *self._outbox.orders(OrderStatus.SENT)]
        found = {o.key: o.effect for o in orders if isinstance(o.effect, RelayWithdrawals)}
        self._sent |= found
        return found

    def _note_skipped(self, effect: RelayWithdrawals, withdrawn: dict[int, int]) -> None:
        """The transaction worked, and left these out: their token transfer failed. They are not tried again."""
        for one in effect.asked:
            if withdrawn.get(one.index, one.cumulative) < one.cumulative:
                self._end(one.index, one.signature, "the payment failed on chain")

    def _drop(self, waiting: dict[int, WithdrawalAsked], withdrawn: dict[int, int]) -> None:
        for index, one in waiting.items():
            if withdrawn[index] >= one.cumulative:
                self._end(index, one.signature, "withdrawn")
            elif self._books.tip.ref.time >= one.until:
                self._end(index, one.signature, "the request has expired")

    def _end(self, index: int, signature: bytes, reason: str) -> None:
        known = self._desk.withdrawals.get(index)
        if known is not None and known.signature == signature:
            self._desk.end_withdrawal(WithdrawalEnded(payout_index=index, signature=signature))
            _log.info("withdrawal ended", extra={"worker": known.account, "reason": reason})

    async def _send(self, waiting: dict[int, WithdrawalAsked], withdrawn: dict[int, int]) -> None:
        groups: dict[int, list[r.Asked]] = defaultdict(list)
        by: dict[int, Usable] = {}
        for index, one in waiting.items():
            usable = self.poster.usable(index, one.cumulative)
            if usable is not None:
                by[usable.header.number] = usable
                amount = one.cumulative - withdrawn[index]
                groups[usable.header.number].append(r.Asked(index=index, amount=amount, since=one.now))
        if not groups:
            return
        fees = await self._writer.fees()
        for number, asked in groups.items():
            chosen = r.together(asked, fees.max_fee_wei, self._desk.now(), self._rules)
            if not chosen:
                continue
            effect = self._effect(by[number], [waiting[one.index] for one in chosen])
            if await asyncio.to_thread(give, self._outbox, effect, self._books.final_header.ref):
                self._sent[effect.key] = effect
                _log.info("withdrawals ordered", extra={"order": effect.key, "count": len(chosen)})

    def _effect(self, usable: Usable, chosen: Sequence[WithdrawalAsked]) -> RelayWithdrawals:
        return RelayWithdrawals(
            header=usable.header,
            asked=tuple(
                SignedWithdrawal(
                    index=one.payout_index,
                    account=one.account,
                    cumulative=one.cumulative,
                    proof=usable.tree.proof(one.payout_index),
                    receiver=one.receiver,
                    until=one.until,
                    signature=one.signature,
                )
                for one in chosen
            ),
        )


def _no(by: str, reason: str) -> Rejected:
    return Rejected(by=by, reason=reason)
