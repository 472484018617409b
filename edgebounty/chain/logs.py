"""Reads the contracts' logs: which blocks, in which order, decoded into `edgebounty.chain.events`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3 import Web3
from web3.exceptions import Web3RPCError

from edgebounty.chain.calls import abi_type
from edgebounty.chain.errors import ChainError, NodeUnreachable
from edgebounty.chain.events import EVENT_CLASSES, Event, EventRef
from edgebounty.chain.rejections import load_artifact
from edgebounty.chain.rpc import guard, url_of
from edgebounty.chain.views import JobTerms
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, to_address

if TYPE_CHECKING:
    from edgebounty.chain.deployment import Deployment

_Log = TypeVar("_Log")
CONTRACTS = ("BountyEscrow", "StakeVault", "EpochSeeds", "DirectLane")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How one event is laid out in a log."""

    event: type[Event]
    indexed: tuple[tuple[str, str], ...]  # (field, ABI type)
    data: tuple[tuple[str, str], ...]


class EventError(ChainError):
    """A log of our contracts that does not decode: wrong contract addresses, or a node that answers nonsense."""


class EventReader:
    """Reads the events of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        contracts = {
            "BountyEscrow": deployment.escrow,
            "StakeVault": deployment.vault,
            "EpochSeeds": deployment.seeds,
            "DirectLane": deployment.direct_lane,
        }
        self._name_of = {to_address(address): name for name, address in contracts.items()}
        self.addresses: tuple[Address, ...] = tuple(self._name_of)

    def decode(self, log: Mapping[str, Any]) -> Event | None:
        """The event in `log`; None for logs of others or of newer contracts. Raises `EventError` if it is garbled."""
        contract = self._name_of.get(to_address(str(log["address"])))
        topics = [bytes(topic) for topic in log["topics"]]
        shape = _shapes().get((contract or "", topics[0])) if topics else None
        if shape is None:
            return None
        try:
            words = decode([kind for _, kind in shape.indexed], b"".join(topics[1:]))
            values = decode([kind for _, kind in shape.data], bytes(log["data"]))
        except (DecodingError, ValueError) as error:
            raise EventError(f"a {shape.event.__name__} log of {log['address']} does not decode: {error}") from error
        pairs = zip((*shape.indexed, *shape.data), (*words, *values), strict=True)
        return shape.event(ref=_ref(log), **{name: _value(kind, value) for (name, kind), value in pairs})

    def fetch(self, web3: Web3, *, from_block: int, to_block: int) -> list[Event]:
        """All events of the closed interval of blocks, in chain order. Raises `Web3RPCError` if the node refuses."""
        return self._fetch(web3, {"fromBlock": hex(from_block), "toBlock": hex(to_block)})

    def fetch_halving(self, web3: Web3, *, from_block: int, to_block: int) -> list[Event]:
        """`fetch`; a range that the node refuses is halved. Raises `NodeUnreachable` if it refuses one block."""
        return halving(url_of(web3), lambda a, b: self.fetch(web3, from_block=a, to_block=b), from_block, to_block)

    def fetch_block(self, web3: Web3, block_hash: bytes) -> list[Event]:
        """All events of exactly this block, whatever the chain has become since."""
        return self._fetch(web3, {"blockHash": "0x" + bytes(block_hash).hex()})

    def _fetch(self, web3: Web3, span: dict[str, Any]) -> list[Event]:
        # Past web3's formatters: they take longer than all the rest.
        query: Any = [{"address": list(self.addresses), **span}]
        answer = guard(url_of(web3), lambda: web3.provider.make_request("eth_getLogs", query))  # type: ignore[arg-type]
        error = answer.get("error")
        if error is not None:
            message = error.get("message") if isinstance(error, dict) else error
            raise Web3RPCError(str(message), rpc_response=answer)
        logs = [_from_json(log) for log in answer.get("result") or ()]
        logs.sort(key=lambda log: (log["blockNumber"], log["logIndex"]))
        return self.decode_all(logs)

    def decode_all(self, logs: Iterable[Mapping[str, Any]]) -> list[Event]:
        """The events among `logs`, in their order."""
        return [event for event in map(self.decode, logs) if event is not None]


def halving(url: str, ask: Callable[[int, int], list[_Log]], first: int, last: int) -> list[_Log]:
    """What `ask` finds in the closed interval of blocks; one that the node refuses is halved.

    Raises `NodeUnreachable` if it refuses a single block.
    """
    try:
        return ask(first, last)
    except Web3RPCError as error:
        if first == last:
            raise NodeUnreachable(url, f"it refuses the logs of block {last}: {error}") from error
    middle = (first + last) // 2
    return halving(url, ask, first, middle) + halving(url, ask, middle + 1, last)


def field_name(argument: str) -> str:
    """The field that carries an event's argument."""
    return "sender" if argument == "from" else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", argument).lower()


@lru_cache(maxsize=1)
def _shapes() -> dict[tuple[str, bytes], _Shape]:
    shapes: dict[tuple[str, bytes], _Shape] = {}
    for contract in CONTRACTS:
        for entry in load_artifact(contract)["abi"]:
            cls = EVENT_CLASSES.get(entry["name"]) if entry["type"] == "event" else None
            if cls is None:
                continue
            parts = [(field_name(part["name"]), abi_type(part), bool(part["indexed"])) for part in entry["inputs"]]
            signature = f"{entry['name']}({','.join(kind for _, kind, _ in parts)})"
            shapes[contract, keccak256(signature.encode())] = _Shape(
                event=cls,
                indexed=tuple((name, kind) for name, kind, indexed in parts if indexed),
                data=tuple((name, kind) for name, kind, indexed in parts if not indexed),
            )
            expected = {field.name for field in fields(cls)} - {"ref"}
            found = {name for name, _, _ in parts}
            if expected != found:
                raise EventError(f"{entry['name']} of the shipped {contract} has {found}, {expected} are known here")
    return shapes


def _value(kind: str, value: Any) -> Any:
    if kind == "address":
        return to_address(value)
    if kind.startswith("("):
        return JobTerms.from_tuple(value)
    return value


def _ref(log: Mapping[str, Any]) -> EventRef:
    return EventRef(
        block_number=int(log["blockNumber"]),
        block_hash=bytes(log["blockHash"]),
        log_index=int(log["logIndex"]),
        tx_hash=bytes(log["transactionHash"]),
    )


def _from_json(log: Mapping[str, Any]) -> dict[str, Any]:
    """A log as the node wrote it, with bytes and numbers in place of their hex text."""
    return {
        "address": log["address"],
        "topics": [bytes.fromhex(topic[2:]) for topic in log["topics"]],
        "data": bytes.fromhex(log["data"][2:]),
        "blockNumber": int(log["blockNumber"], 16),
        "blockHash": bytes.fromhex(log["blockHash"][2:]),
        "logIndex": int(log["logIndex"], 16),
        "transactionHash": bytes.fromhex(log["transactionHash"][2:]),
    }
