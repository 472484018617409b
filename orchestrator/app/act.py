"""The act loop: carries out the orders of final facts, each by one transaction that is stored before it is sent."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from orchestrator.app.books import Books
from orchestrator.app.failpoint import Step, failpoint
from orchestrator.domain.effects import ChainEffect, FillNonce, ids_of
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.wanted import still_wanted
from orchestrator.ports.chain import ChainWriter, Fees, Nonces, Receipt
from orchestrator.ports.store import Order, OrderStatus, Outbox, Transaction, TransactionStatus

_log = logging.getLogger(__name__)
LONGEST_REST_BLOCKS = 64
_MOST_TROUBLES = 2  # then it is the node, not the order


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingRules:
    """How transactions are sent. Fees in wei per gas, waits in blocks."""

    max_fee_wei: int = 500 * 10**9
    bump_after_blocks: int = 10
    resend_after_blocks: int = 3
    most_open: int = 16
    gas_margin: float = 1.3


class Actor:
    """One account's outbox. `step` is one short cycle; a crash anywhere in it loses and doubles nothing."""

    def __init__(self, *, writer: ChainWriter, outbox: Outbox, books: Books, rules: SendingRules) -> None:
        self._writer = writer
        self._outbox = outbox
        self._books = books
        self._rules = rules
        self._sent_at: dict[bytes, int] = {}
        self._troubled: set[str] = set()
        self._gap: tuple[int, int] | None = None  # a nonce that nobody has, and the block where that was seen
        self.sent = 0
        self.bumped = 0
        self.held = ""

    async def step(self, head_number: int) -> None:
        """Look after what is on its way, then send what is due. Raises `Unavailable`: call again."""
        nonces = await self._writer.nonces(self._books.final.block)
        open_transactions = await asyncio.to_thread(self._outbox.open_transactions)
        still_open: list[int] = []
        for nonce, group in itertools.groupby(open_transactions, key=lambda t: t.nonce):
            if not await self._look_after(nonce, list(group), nonces, head_number):
                still_open.append(nonce)
        taken = set(still_open)
        await self._send_due(nonces, taken, head_number)
        await self._mind_gap(nonces, taken, head_number)

    async def _look_after(self, nonce: int, group: Sequence[Transaction], nonces: Nonces, head_number: int) -> bool:
        """Whether the nonce's fate is final."""
        for transaction in group:
            receipt = await self._writer.receipt(transaction.hash)
            if receipt is None:
                continue
            if receipt.block_number > self._books.final.block.number:
                return False  # mined, but may be taken back: then the same bytes are sent again
            await self._close(nonce, group, transaction, receipt)
            return True
        if nonces.final > nonce:
            await self._displaced(nonce, group)
            return True
        if nonces.latest > nonce:
            return False  # mined a moment ago, or a foreign transaction of ours: final blocks will tell
        await self._push(group, head_number)
        return False

    async def _close(self, nonce: int, group: Sequence[Transaction], mined: Transaction, receipt: Receipt) -> None:
        fate = TransactionStatus.FINAL if receipt.ok else TransactionStatus.REVERTED
        statuses = {t.hash: fate if t.hash == mined.hash else TransactionStatus.DISPLACED for t in group}
        order = await self._order(mined.order_key)
        if receipt.ok:
            closed = replace(order, status=OrderStatus.DONE, detail="carried out")
        else:
            closed = self._rested(order, "reverted on chain: somebody else was first")
        await asyncio.to_thread(self._outbox.close_nonce, nonce=nonce, statuses=statuses, order=closed)
        failpoint(Step.NONCE_CLOSED)
        _log.info("transaction final", extra=_fields(mined) | {"ok": receipt.ok, "block": receipt.block_number})

    async def _displaced(self, nonce: int, group: Sequence[Transaction]) -> None:
        """Another program sent with our key. Our order takes the next nonce, if it is still wanted."""
        order = await self._order(group[-1].order_key)
        statuses = {t.hash: TransactionStatus.DISPLACED for t in group}
        reopened = replace(order, status=OrderStatus.OPEN, detail=f"nonce {nonce} went to a foreign transaction")
        await asyncio.to_thread(self._outbox.close_nonce, nonce=nonce, statuses=statuses, order=reopened)
        failpoint(Step.DISPLACED)
        _log.warning("nonce used by a foreign transaction of this account", extra=_fields(group[-1]))

    async def _push(self, group: Sequence[Transaction], head_number: int) -> None:
        """Send the newest bytes again after a restart or a while; pay more when even that does not help."""
        newest = group[-1]
        sent_at = self._sent_at.get(newest.hash)
        if head_number - newest.stored_at.number >= self._rules.bump_after_blocks and sent_at is not None:
            fees = await self._dearer(newest.fees)
            if fees != newest.fees:
                await self._bump(newest, fees, head_number)
                return
            self.held = f"{newest.order_key}: fees have reached the cap of {self._rules.max_fee_wei} wei"
        if sent_at is None or head_number - sent_at >= self._rules.resend_after_blocks:
            await self._send(newest, head_number)

    async def _bump(self, stuck: Transaction, fees: Fees, head_number: int) -> None:
        """The same order, nonce and gas at a price 12.5 % higher: the node drops the cheaper one."""
        order = await self._order(stuck.order_key)
        effect = cast(ChainEffect, order.effect)
        signed = await self._writer.sign(effect, nonce=stuck.nonce, gas=stuck.gas, fees=fees)
        stored_at = replace(self._books.tip.ref, number=head_number)
        dearer = replace(stuck, hash=signed.hash, raw=signed.raw, fees=fees, stored_at=stored_at)
        failpoint(Step.BUMP_SIGNED)
        await asyncio.to_thread(self._outbox.store, dearer)
        failpoint(Step.BUMP_STORED)
        self.bumped += 1
        await self._send(dearer, head_number)

    async def _dearer(self, fees: Fees) -> Fees:
        """What replaces a stuck transaction: 12.5 % more, or today's price. The same fees if that is over the cap."""
        bumped, today = fees.bumped(), await self._writer.fees()
        dearer = Fees(
            max_fee_wei=max(bumped.max_fee_wei, today.max_fee_wei),
            priority_fee_wei=max(bumped.priority_fee_wei, today.priority_fee_wei),
        )
        cap = self._rules.max_fee_wei
        return next((each for each in (dearer, bumped) if each.max_fee_wei <= cap), fees)

    async def _send_due(self, nonces: Nonces, taken: set[int], head_number: int) -> None:
        """Begin what is due; adds the nonces that it uses to `taken`."""
        troubles: list[Unavailable] = []
        orders = await asyncio.to_thread(self._outbox.orders, OrderStatus.OPEN)
        for order in sorted(orders, key=lambda order: order.key in self._troubled):
            if not isinstance(order.effect, ChainEffect):
                continue
            if not still_wanted(self._books.final, order.effect):
                await asyncio.to_thread(self._outbox.update, replace(order, status=OrderStatus.DONE, detail="moot"))
                failpoint(Step.ORDER_MOOT)
                continue
            if len(taken) >= self._rules.most_open or len(troubles) >= _MOST_TROUBLES:
                break
            nonce = _lowest_free(nonces.latest, taken)
            try:
                begun = await self._begin(order, order.effect, nonce, head_number)
            except Unavailable as trouble:  # perhaps of this order alone: it comes last from now on
                self._troubled.add(order.key)
                troubles.append(trouble)
                continue
            self._troubled.discard(order.key)
            if begun:
                taken.add(nonce)
        if troubles:
            raise troubles[0]

    async def _mind_gap(self, nonces: Nonces, taken: set[int], head_number: int) -> None:
        """Fill a nonce below ours that nobody has: all above it would wait for ever.

        A foreign transaction had it and was taken back with its block. Nodes put such a one back by themselves, so
        it is given some blocks' time.
        """
        gap = _lowest_free(nonces.latest, taken)
        if gap > max(taken, default=-1):
            self._gap = None
        elif self._gap is None or self._gap[0] != gap:
            self._gap = (gap, head_number)
        elif head_number - self._gap[1] >= self._rules.bump_after_blocks:
            order = Order(key=FillNonce(nonce=gap).key, effect=FillNonce(nonce=gap))
            await asyncio.to_thread(self._outbox.update, order)
            _log.warning("a nonce of this account was given back by a reorganisation: filling it", extra={"nonce": gap})
            await self._begin(order, FillNonce(nonce=gap), gap, head_number)

    async def _begin(self, order: Order, effect: ChainEffect, nonce: int, head_number: int) -> bool:
        """Sign, store, send: in this order. False if the contract would refuse it now, or gas is too dear."""
        try:
            gas = await self._writer.prepare(effect)
        except Rejected as refused:
            await asyncio.to_thread(self._outbox.update, self._rested(order, refused.reason))
            failpoint(Step.ORDER_RESTED)
            _log.info(
                "order refused for now", extra={"order": order.key, "reason": refused.reason, **ids_of(order.key)}
            )
            return False
        fees = await self._writer.fees()
        if fees.max_fee_wei > self._rules.max_fee_wei:
            self.held = f"gas costs {fees.max_fee_wei} wei, above the cap of {self._rules.max_fee_wei}"
            return False
        self.held = ""
        signed = await self._writer.sign(effect, nonce=nonce, gas=int(gas * self._rules.gas_margin), fees=fees)
        transaction = Transaction(
            hash=signed.hash,
            raw=signed.raw,
            order_key=order.key,
            nonce=nonce,
            gas=int(gas * self._rules.gas_margin),
            fees=fees,
            stored_at=replace(self._books.tip.ref, number=head_number),
        )
        failpoint(Step.SIGNED)
        await asyncio.to_thread(self._outbox.store, transaction)
        failpoint(Step.STORED)
        await self._send(transaction, head_number)
        failpoint(Step.SENT)
        return True

    async def _send(self, transaction: Transaction, head_number: int) -> None:
        try:
            await self._writer.send(transaction.raw)
        except Rejected as refused:  # the nonce was used meanwhile: receipts or final nonces will tell by what
            _log.warning("node refused a transaction", extra=_fields(transaction) | {"reason": refused.reason})
        else:
            self.sent += 1
            _log.info("transaction sent", extra=_fields(transaction))
        self._sent_at[transaction.hash] = head_number

    def _rested(self, order: Order, reason: str) -> Order:
        """Not now: 1, 2, 4 … blocks later, if it is ordered again then."""
        pause = min(LONGEST_REST_BLOCKS, 1 << order.refusals)
        return replace(
            order,
            status=OrderStatus.RESTING,
            refusals=order.refusals + 1,
            rest_until=self._books.final.block.number + pause,
            detail=reason,
        )

    async def _order(self, key: str) -> Order:
        return await asyncio.to_thread(self._outbox.order, key)


def _lowest_free(first: int, taken: set[int]) -> int:
    """The lowest nonce from `first` on that is not taken."""
    return next(nonce for nonce in itertools.count(first) if nonce not in taken)


def _fields(transaction: Transaction) -> dict[str, object]:
    ids = ids_of(transaction.order_key)
    return {"order": transaction.order_key, "tx": "0x" + transaction.hash.hex(), "nonce": transaction.nonce, **ids}
