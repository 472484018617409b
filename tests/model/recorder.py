"""Writes down what the model does as transactions on the real contracts, and what everybody has after each.

BatchReplay.t.sol sends them: the contracts must take what the model took, refuse what it refused, and leave everybody
with the same. Whatever goes through a `Recorder` is checked so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from eth_abi.abi import encode
from web3 import Web3
from web3.exceptions import MismatchedABI

from edgebounty.chain.deployment import artifact
from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.calls import (
    BUNDLES,
    LEVELS_PER_ANSWER,
    NO_ADDRESS,
    PAYOUTS,
    bundle_words,
    header_abi,
    proof_args,
    root_abi,
)
from edgebounty.protocol.batch.openings import BundleOpening, NotProven, PayoutOpening, open_payout
from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.batch.watching import Fault
from edgebounty.protocol.batch.wire import encode_bundles
from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.types import Address
from tests.model.ledger import Ledger, Refused

NOBODY: Final = NO_ADDRESS
TARGETS: Final = ("BatchLane", "BatchChallenges", "BatchPayouts", "BountyEscrow", "StakeVault")
TAKEN: Final = "0x" + "00" * 32
ANY: Final = "0xffffffff" + "00" * 28
"""Refused, for whatever reason the contract finds first; an arithmetic panic is none."""
NO_ANSWER: Final = "0x" + "00" * 32
"""What a call returns is not compared."""


@lru_cache(maxsize=8)
def contract(name: str) -> Any:
    return Web3().eth.contract(abi=artifact(name)["abi"])


def call(target: str, function: str, *args: Any) -> str:
    return str(contract(target).encode_abi(function, args=args))


def answer_of(target: str, function: str, values: tuple[Any, ...]) -> str:
    """Hash of what the function returns if it returns these."""
    (entry,) = (e for e in artifact(target)["abi"] if e["type"] == "function" and e["name"] == function)
    return "0x" + keccak256(encode([_kind(each) for each in entry["outputs"]], values)).hex()


def _kind(part: Any) -> str:
    kind = str(part["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_kind, part['components']))}){kind.removeprefix('tuple')}"


def selector(error: str) -> str:
    """The four bytes with which a contract's error begins, by its name."""
    for target in TARGETS:
        for entry in artifact(target)["abi"]:
            if entry["type"] == "error" and entry["name"] == error:
                kinds = ",".join(each["type"] for each in entry["inputs"])
                return "0x" + keccak256(f"{error}({kinds})".encode())[:4].hex() + "00" * 28
    raise AssertionError(f"no contract has an error {error}")


def withdrawal_abi(
    index: int,
    opening: PayoutOpening,
    *,
    receiver: Address = NOBODY,
    until: int = 0,
    signature: bytes = bytes(64),
) -> tuple[Any, ...]:
    return (index, opening.as_abi(), receiver, until, signature[:32], signature[32:])


@dataclass(slots=True, kw_only=True)
class Steps:
    """What is sent, one entry each in seven columns, as forge reads them. `answers`: hashes of what is returned."""

    senders: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def add(
        self, *, sender: Address, target: str, data: str, time: int, outcome: str, state: str, answer: str = NO_ANSWER
    ) -> None:
        self.senders.append(sender)
        self.targets.append(str(TARGETS.index(target)))
        self.calls.append(data)
        self.times.append(str(time))
        self.outcomes.append(outcome)
        self.states.append(state)
        self.answers.append(answer)

    def as_json(self) -> dict[str, list[str]]:
        return {name: getattr(self, name) for name in self.__slots__}


class Recorder(Ledger):
    """The model, and its acts as calldata."""

    steps: Steps
    people: tuple[Address, ...]
    refused: set[tuple[Address, str]]

    def record(self, people: tuple[Address, ...]) -> None:
        self.steps, self.people, self.refused = Steps(), people, set()

    def send(
        self,
        sender: Address,
        target: str,
        data: str,
        act: Callable[[], Any] = lambda: None,
        *,
        error: str | None = None,
        answer: str = NO_ANSWER,
    ) -> Any:
        """Does it in the model and notes how it went. `error`: the act is only the contracts', and refused so."""
        try:
            result = act()
        except (Refused, NotProven):
            if (sender, data) not in self.refused:  # what is tried again and again is sent once
                self.refused.add((sender, data))
                self.steps.add(
                    sender=sender, target=target, data=data, time=self.now, outcome=ANY, state=self.state_digest()
                )
            raise
        outcome = TAKEN if error is None else selector(error)
        state = self.state_digest()
        self.steps.add(
            sender=sender, target=target, data=data, time=self.now, outcome=outcome, state=state, answer=answer
        )
        return result

    def state(self) -> list[int]:
        """Everything that the replay compares, in its order."""
        found: list[int] = []
        for person in self.people:
            stake = self.stakes[person]
            held = stake.locked + stake.allotted + stake.ending
            found += [self.wallets.get(person, 0), self.credits[person], stake.free + held, held]
            found += [stake.allotted, stake.ending, self.bonded[person]]
            found += [self.pools[person], self.books[person].next, self.books[person].stated]
        return [*found, *(job.escrow for job in self.jobs.values()), self.burned]

    def state_digest(self) -> str:
        return "0x" + keccak256(abi_words(*self.state())).hex()

    # --- stake and jobs ---

    def stake(self, account: Address, amount: int, *, bond: int = 0) -> None:
        data = call("StakeVault", "stake", amount)
        self.send(account, "StakeVault", data, lambda: Ledger.stake(self, account, amount))
        if bond:
            data = call("StakeVault", "allot", account, bond)
            self.send(account, "StakeVault", data, lambda: self._allot(account, bond))

    def _allot(self, account: Address, bond: int) -> None:
        self.stakes[account].free -= bond
        self.stakes[account].allotted += bond

    def unallot(self, account: Address, amount: int) -> None:
        data = call("StakeVault", "unallot", account, account, amount)
        self.send(account, "StakeVault", data, lambda: Ledger.unallot(self, account, amount))

    def release_allotment(self, account: Address) -> None:
        data = call("StakeVault", "releaseAllotment", account, account)
        self.send(account, "StakeVault", data, lambda: Ledger.release_allotment(self, account))

    def post_job(self, requester: Address, orchestrator: Address, prices: Prices, tasks: int, deadline: int) -> int:
        fee_bps = prices.fee * 10_000 // prices.price
        assert fee_bps * prices.price == prices.fee * 10_000, "else the escrow rounds up what the model does not"
        amounts = (prices.price, prices.price, b"\x01" * 32)
        counts = (tasks, 0, 1, 1, prices.slots - 1, 1)
        terms = (self.domain.verifying_contract, orchestrator, deadline, 100, *counts, fee_bps, *amounts)
        data = call("BountyEscrow", "postJob", terms)
        act = lambda: Ledger.post_job(self, requester, orchestrator, prices, tasks, deadline)  # noqa: E731
        return int(self.send(requester, "BountyEscrow", data, act))

    def stop(self, number: int) -> None:
        data = call("BountyEscrow", "stop", number)
        self.send(self.jobs[number].requester, "BountyEscrow", data, lambda: Ledger.stop(self, number))

    def refund(self, number: int) -> None:
        data = call("BountyEscrow", "refund", number)
        self.send(self.people[0], "BountyEscrow", data, lambda: Ledger.refund(self, number))

    def withdraw_credit(self, account: Address) -> None:
        data = call("BountyEscrow", "withdrawFor", account)
        self.send(self.people[0], "BountyEscrow", data, lambda: Ledger.withdraw_credit(self, account))

    # --- batches ---

    def post(self, sender: Address, batch: Batch) -> None:
        header = header_abi(batch.header)
        if any(batch.header.data_digest):
            data = call("BatchLane", "post", header)
        else:
            data = call("BatchLane", "postWithData", header, encode_bundles(batch.bundles))
        self.send(sender, "BatchLane", data, lambda: Ledger.post(self, sender, batch))

    def prove(self, challenger: Address, orchestrator: Address, number: int, fault: Fault) -> None:
        slot = self._slot(orchestrator, number)
        act = lambda: Ledger.prove(self, challenger, orchestrator, number, fault)  # noqa: E731
        try:
            data = call("BatchChallenges", fault.rule, *proof_args(fault, slot.batch.header, slot.previous))
        except (MismatchedABI, TypeError):  # openings of another rule: no transaction could carry them
            act()
            return
        self.send(challenger, "BatchChallenges", data, act)

    def restate(self, sender: Address, orchestrator: Address, number: int, batch: Batch) -> None:
        header, now = self._slot(orchestrator, number).batch.header, batch.header
        new = (now.payout_count, now.payouts_root, now.previous)
        data = call("BatchLane", "restate", header_abi(header), *new)
        self.send(sender, "BatchLane", data, lambda: Ledger.restate(self, sender, orchestrator, number, batch))

    def release_bond(self, orchestrator: Address, number: int) -> None:
        self._about(orchestrator, number, "releaseBond", lambda: Ledger.release_bond(self, orchestrator, number))

    def give_back(self, orchestrator: Address, number: int) -> None:
        self._about(orchestrator, number, "giveBack", lambda: Ledger.give_back(self, orchestrator, number))

    def _about(self, orchestrator: Address, number: int, function: str, act: Callable[[], None]) -> None:
        header = self._slot(orchestrator, number).batch.header
        self.send(self.people[0], "BatchLane", call("BatchLane", function, header_abi(header)), act)

    # --- data ---

    def demand(self, challenger: Address, orchestrator: Address, number: int, *, of_payouts: bool) -> int:
        batch = self._slot(orchestrator, number).batch
        header = header_abi(batch.header)
        data = call("BatchChallenges", "demand", header, [], root_of(batch, of_payouts=of_payouts))
        act = lambda: Ledger.demand(self, challenger, orchestrator, number, of_payouts=of_payouts)  # noqa: E731
        return int(self.send(challenger, "BatchChallenges", data, act))

    def answer(self, sender: Address, index: int) -> None:
        demand = self._demand(index)
        data = answer_to(index, demand.batch, of_payouts=demand.of_payouts)
        self.send(sender, "BatchChallenges", data, lambda: Ledger.answer(self, sender, index))

    def enforce(self, index: int) -> None:
        demand = self._demand(index)
        slot = self.books[demand.orchestrator].slots.get(demand.number)
        header = (slot.batch if slot else demand.batch).header
        data = call("BatchChallenges", "enforce", index, header_abi(header))
        self.send(self.people[0], "BatchChallenges", data, lambda: Ledger.enforce(self, index))

    # --- pay ---

    def withdraw(self, orchestrator: Address, number: int, index: int) -> int:
        batch = self._slot(orchestrator, number).batch
        opening = open_payout(batch.payouts, batch.payouts_tree, index)
        data = call("BatchPayouts", "withdraw", header_abi(batch.header), withdrawal_abi(index, opening))
        act = lambda: Ledger.withdraw(self, orchestrator, number, index)  # noqa: E731
        return int(self.send(self.people[0], "BatchPayouts", data, act))

    def claim_voided(self, orchestrator: Address, number: int, opening: BundleOpening) -> int:
        header = header_abi(self._slot(orchestrator, number).batch.header)
        data = call("BatchPayouts", "claimVoided", header, opening.as_abi())
        act = lambda: Ledger.claim_voided(self, orchestrator, number, opening)  # noqa: E731
        return int(self.send(self.people[0], "BatchPayouts", data, act))

    def claim_misplaced(self, orchestrator: Address, number: int, opening: BundleOpening, owned: PayoutOpening) -> int:
        header = header_abi(self._slot(orchestrator, number).batch.header)
        data = call("BatchPayouts", "claimMisplaced", header, opening.as_abi(), owned.as_abi())
        act = lambda: Ledger.claim_misplaced(self, orchestrator, number, opening, owned)  # noqa: E731
        return int(self.send(self.people[0], "BatchPayouts", data, act))


def root_of(batch: Batch, *, of_payouts: bool) -> tuple[Any, ...]:
    """The whole tree as a node to demand."""
    header = batch.header
    if of_payouts:
        return root_abi(PAYOUTS, header.payouts_root, header.payout_count)
    return root_abi(BUNDLES, header.bundles_root, header.bundle_count)


def answer_to(index: int, batch: Batch, *, of_payouts: bool) -> str:
    """What shows the root that was demanded."""
    tree = batch.payouts_tree if of_payouts else batch.tree
    height = len(tree.levels) - 1
    if height:
        return call("BatchChallenges", "answerNodes", index, tree.levels[max(height - LEVELS_PER_ANSWER, 0)])
    word = batch.payouts[0].word if of_payouts else bundle_words(batch.leaves[0])
    return call("BatchChallenges", "answerLeaf", index, word)
