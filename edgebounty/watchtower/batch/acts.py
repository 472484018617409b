"""What a watchtower sends: proofs, demands, answers, enforcements, the right payouts. Each tells what came of it.

Every act returns whether the chain is another now. What the contract refuses moves nothing: somebody was quicker, or
the window is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from web3.contract.contract import ContractFunction

from edgebounty.chain.batches import BatchContracts
from edgebounty.chain.errors import ContractRejected, NoGasMoney, TransactionFailed
from edgebounty.chain.following import Book, Demanded, Followed, Lane
from edgebounty.chain.sender import Sender
from edgebounty.protocol.batch.calls import node_abi
from edgebounty.protocol.batch.watching import Fault
from edgebounty.protocol.batch.wire import Payout, payouts_tree
from edgebounty.watchtower.batch import findings
from edgebounty.watchtower.batch.demanded import Wanted
from edgebounty.watchtower.rules import Finding

MOST_DEMANDS: Final = 16
"""Of one round: each costs a deposit if it is answered."""


class Hand:
    """Sends from one account, or from none: then it only says what it found.

    The account needs coin for gas, free stake for the deposits of demands, and stake allotted to itself to restate.
    """

    def __init__(self, contracts: BatchContracts, sender: Sender | None, note: Callable[[Finding], None]) -> None:
        self._contracts, self._sender, self._note = contracts, sender, note
        self._unanswerable: set[int] = set()  # the contract refused the answer: it is late

    def prove(self, batch: Followed, fault: Fault) -> bool:
        self._note(findings.fault(batch, fault))
        receipt = self._send(self._contracts.proof(fault, batch.header, batch.previous), batch, fault.rule)
        if receipt is None:
            return False
        self._note(findings.challenged(batch, fault.rule, _hash(receipt), self._contracts.bond_lost(receipt)))
        self._collect()
        return True

    def demand(self, lane: Lane, batch: Followed, wanted: list[Wanted]) -> bool:
        """Whatever of it was not demanded before."""
        sent = False
        for one in wanted[:MOST_DEMANDS]:
            if (batch.key, one.tree, one.level, one.position) in lane.asked:
                continue
            node = node_abi(one.tree[0], one.level, one.position, one.node, one.proof)
            of_bundle = [] if one.of_bundle is None else [one.of_bundle.as_abi()]
            call = self._contracts.demand(batch.header, of_bundle, node)
            if self._send(call, batch, f"demand {one.tree[0]}/{one.level}/{one.position}") is not None:
                self._note(findings.demanded(batch, one.tree[0], one.level, one.position))
                sent = True
        return sent

    def may_answer(self, number: int, asked: Demanded) -> bool:
        """Not what we demanded ourselves."""
        return self._sender is not None and asked.by != self._sender.address and number not in self._unanswerable

    def answer(self, number: int, batch: Followed, answer: bytes | list[bytes]) -> bool:
        """Shows what others demand: all of it earns a deposit, and silence on payouts that we stated costs a bond."""
        receipt = self._send(self._contracts.answer(number, answer), batch, f"answer {number}")
        if receipt is None:
            self._unanswerable.add(number)
            return False
        self._note(findings.answered(batch, number, _hash(receipt)))
        self._collect()
        return True

    def enforce(self, lane: Lane) -> bool:
        """The first of our own demands that nobody has answered in time."""
        if self._sender is None or not lane.demands:
            return False
        now = self._contracts.market.block().time
        for number, asked in list(lane.demands.items()):
            if asked.by != self._sender.address or now < asked.deadline:
                continue
            batch = lane.books[asked.batch[0]].batches[asked.batch[1]]
            receipt = self._send(self._contracts.enforce(number, batch.header), batch, f"enforce {number}")
            if receipt is not None:
                self._note(findings.enforced(batch, number, _hash(receipt), self._contracts.bond_lost(receipt)))
                self._collect()
                return True
        return False

    def restate(self, book: Book, batch: Followed, payouts: tuple[Payout, ...]) -> bool:
        """States these payouts, if the batch is the first whose payouts were rewound."""
        header = batch.header
        if header.number != book.stated:
            return False
        previous = book.batches[header.number - 1].header.hash if header.number else bytes(32)
        root = payouts_tree(payouts).root
        right = replace(header, payout_count=len(payouts), payouts_root=root, previous=previous)
        receipt = self._send(self._contracts.restate(header, right), batch, f"restate {header.hash.hex()}")
        if receipt is None:
            return False
        self._note(findings.restated(batch, _hash(receipt)))
        return True

    def _send(self, call: ContractFunction, batch: Followed, what: str) -> Any:
        """The receipt, None if nothing came of it."""
        if self._sender is None:
            return None
        try:
            return self._sender.send(call)
        except NoGasMoney:
            raise
        except (ContractRejected, TransactionFailed) as error:
            name = error.name if isinstance(error, ContractRejected) else type(error).__name__
            self._note(findings.not_challenged(batch, what, name, str(error)))
            return None

    def _collect(self) -> None:
        """What is ours, from the credit that it is into the account."""
        assert self._sender is not None
        market = self._contracts.market
        if market.balances(self._sender.address).credit:
            self._sender.send(market.withdraw_for(self._sender.address))


def _hash(receipt: Any) -> str:
    return "0x" + bytes(receipt["transactionHash"]).hex()
