"""The batches of all orchestrators as events tell them: pure. `Lane.take` the events in chain order.

Everything here can be told again from the events alone, so a watchtower stores those and nothing else of the chain.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from edgebounty.chain.batches import LaneEvent
from edgebounty.chain.errors import ChainError
from edgebounty.protocol.batch.calls import BUNDLES, PAYOUTS
from edgebounty.protocol.batch.shown import Shown
from edgebounty.protocol.batch.wire import Header
from edgebounty.protocol.types import Address, to_address

Key = tuple[Address, int]
"""A batch: its orchestrator, its number."""
TreeKey = tuple[int, int, bytes]
"""A tree of a batch: which, of which bundle (0 for the batch's own), its root."""
Answer = tuple[int, int, bytes]
"""What was shown below the node at this level and position, or behind the leaf."""


@dataclass(slots=True, kw_only=True)
class Followed:
    """A posted batch. `previous`: the header on whose payouts it builds."""

    header: Header
    previous: Header | None
    tx_hash: str
    block: int
    struck: frozenset[int] = frozenset()
    voided: bool = False
    restater: Address | None = None

    @property
    def key(self) -> Key:
        return self.header.orchestrator, self.header.number


@dataclass(slots=True, kw_only=True)
class Demanded:
    """A demand that nobody has answered or enforced."""

    by: Address
    batch: Key
    tree: TreeKey
    level: int
    position: int
    deadline: int


@dataclass(slots=True)
class Book:
    batches: list[Followed] = field(default_factory=list)
    stated: int = 0  # batches below it have payouts that nobody rewound


@dataclass(slots=True)
class Lane:
    books: dict[Address, Book] = field(default_factory=dict)
    demands: dict[int, Demanded] = field(default_factory=dict)
    asked: set[tuple[Key, TreeKey, int, int]] = field(default_factory=set)
    answers: dict[tuple[Key, TreeKey], list[Answer]] = field(default_factory=dict)

    def copy(self) -> Lane:
        """To take further events, while this one stays as it is."""
        return Lane(
            books={who: Book(list(map(copy.copy, book.batches)), book.stated) for who, book in self.books.items()},
            demands=dict(self.demands),
            asked=set(self.asked),
            answers={key: list(answers) for key, answers in self.answers.items()},
        )

    def take(self, event: LaneEvent) -> None:
        args = event.args
        match event.name:
            case "BatchPosted":
                self._post(_header(args["header"]), event)
            case "BundleStruck":
                batch = self._batch(args)
                batch.struck |= {args["position"]}
            case "BatchVoided":
                self._batch(args).voided = True
            case "PayoutsRewound":
                self.books[to_address(args["orchestrator"])].stated = args["number"]
            case "PayoutsRestated":
                self._restate(args)
            case "DataDemanded":
                self._demand(args)
            case "DemandAnswered":
                self._answer(args)
            case "DemandEnforced":
                self.demands.pop(args["demandId"], None)

    def shown_of(self, batch: Followed, tree: TreeKey, count: int) -> Shown:
        """What demands have brought to light of this tree of `count` leaves."""
        shown = Shown(tree[2], count)
        for answer in self.answers.get((batch.key, tree), ()):
            shown.answered(*answer)
        return shown

    def _post(self, header: Header, event: LaneEvent) -> None:
        book = self.books.setdefault(header.orchestrator, Book())
        if header.number != len(book.batches):
            raise LostEvents(f"batch {header.number} of {header.orchestrator} came after {len(book.batches) - 1}")
        previous = book.batches[-1].header if book.batches else None
        followed = Followed(header=header, previous=previous, tx_hash=event.tx_hash, block=event.block)
        book.batches.append(followed)
        book.stated = header.number + 1

    def _restate(self, args: dict[str, Any]) -> None:
        batch, book = self._batch(args), self.books[to_address(args["orchestrator"])]
        number = batch.header.number
        batch.header = replace(
            batch.header,
            payout_count=args["payoutCount"],
            payouts_root=_bytes(args["payoutsRoot"]),
            previous=_bytes(args["previous"]),
        )
        batch.previous = book.batches[number - 1].header if number else None
        batch.restater = to_address(args["restater"])
        book.stated = number + 1

    def _demand(self, args: dict[str, Any]) -> None:
        batch = self._batch(args)
        tree, level, position, node, proof = args["asked"]
        key = self._tree_key(batch, tree, args["bundle"], level, position, _bytes(node), [_bytes(p) for p in proof])
        self.demands[args["demandId"]] = Demanded(
            by=to_address(args["by"]),
            batch=batch.key,
            tree=key,
            level=level,
            position=position,
            deadline=args["deadline"],
        )
        self.asked.add((batch.key, key, level, position))

    def _answer(self, args: dict[str, Any]) -> None:
        asked = self.demands.pop(args["demandId"], None)
        if asked is None:
            return
        answer = (asked.level, asked.position, _bytes(args["answer"]))
        self.answers.setdefault((asked.batch, asked.tree), []).append(answer)

    def _tree_key(
        self, batch: Followed, tree: int, bundle: int, level: int, position: int, node: bytes, proof: list[bytes]
    ) -> TreeKey:
        """Of the tree in which this node was shown: the contract has checked that it leads to the root."""
        if tree in (BUNDLES, PAYOUTS):
            bundle = 0
        root = Shown.root_from(level, position, node, proof)
        return tree, bundle, root

    def _batch(self, args: dict[str, Any]) -> Followed:
        try:
            return self.books[to_address(args["orchestrator"])].batches[int(args["number"])]
        except (KeyError, IndexError) as error:
            raise LostEvents(f"batch {args['number']} of {args['orchestrator']} was never seen") from error


class LostEvents(ChainError):
    """The node left out events. Asked again it may not."""


def _header(words: list[Any]) -> Header:
    return Header(
        orchestrator=to_address(words[0]),
        number=words[1],
        job=words[2],
        first_task=words[3],
        end_task=words[4],
        bundle_count=words[5],
        receipt_count=words[6],
        payout_count=words[7],
        bundles_root=_bytes(words[8]),
        payouts_root=_bytes(words[9]),
        data_digest=_bytes(words[10]),
        previous=_bytes(words[11]),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
