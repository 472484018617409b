"""Why a contract refused: its typed errors, decoded with the ABI of every contract of ours and put into words."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from edgebounty.chain.errors import ContractRejected
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import to_address

_TIME_NAMES = re.compile(r"(deadline|time|now|since|until|after|(?-i:At))$", re.IGNORECASE)
# Solidity's own panics that our contracts can meet.
_PANICS = {
    0x01: "an assertion failed",
    0x11: "a number overflowed",
    0x12: "a division by zero",
    0x32: "an index is out of range",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShape:
    """One `error Name(type name, …)` of a contract."""

    name: str
    types: tuple[str, ...]
    names: tuple[str, ...]


def artifact_names() -> tuple[str, ...]:
    """The contracts that this package ships."""
    folder = resources.files("edgebounty.chain") / "artifacts"
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json")))


@lru_cache(maxsize=64)
def load_artifact(name: str) -> dict[str, Any]:
    """`{"abi", "bytecode"}` of a shipped contract. Raises `FileNotFoundError` when it is not shipped."""
    text = (resources.files("edgebounty.chain") / "artifacts" / f"{name}.json").read_text()
    artifact: dict[str, Any] = json.loads(text)
    return artifact


@lru_cache(maxsize=1)
def error_shapes() -> dict[bytes, ErrorShape]:
    """Every typed error of every shipped contract, by its four-byte selector."""
    return {selector: shape for name in artifact_names() for selector, shape in shapes_in(load_artifact(name)["abi"])}


def shapes_in(abi: list[dict[str, Any]]) -> Iterator[tuple[bytes, ErrorShape]]:
    """The typed errors of one ABI."""
    for entry in abi:
        if entry.get("type") != "error":
            continue
        types = tuple(str(part["type"]) for part in entry["inputs"])
        names = tuple(str(part.get("name") or f"value{i}") for i, part in enumerate(entry["inputs"]))
        selector = keccak256(f"{entry['name']}({','.join(types)})".encode())[:4]
        yield selector, ErrorShape(name=str(entry["name"]), types=types, names=names)


def decode_rejection(data: bytes) -> ContractRejected:
    """What a contract said with its revert `data`."""
    selector, body = data[:4], data[4:]
    try:
        if selector == bytes.fromhex("08c379a0"):
            (text,) = decode(["string"], body)
            return ContractRejected("Error", {"message": text}, f"the contract refused: {text}", data)
        if selector == bytes.fromhex("4e487b71"):
            (code,) = decode(["uint256"], body)
            what = _PANICS.get(code, f"panic 0x{code:02x}")
            return ContractRejected("Panic", {"code": code}, f"the contract stopped: {what}", data)
        shape = error_shapes().get(selector)
        if shape is not None:
            values = decode(shape.types, body)
            named = {
                name: _plain(kind, value) for name, kind, value in zip(shape.names, shape.types, values, strict=True)
            }
            return ContractRejected(shape.name, named, f"the contract refused: {in_words(shape.name, named)}", data)
    except DecodingError:
        pass
    shown = f"0x{data.hex()}" if data else "no reason given (out of gas, or no contract at that address)"
    return ContractRejected("Unknown", {"data": data}, f"the contract refused: {shown}", data)


def rejection_of(error: BaseException) -> ContractRejected | None:
    """The contract's own reason inside an error of web3, or None when no contract spoke."""
    data = getattr(error, "data", None)
    if data is None:
        response = getattr(error, "rpc_response", None)
        inner = response.get("error") if isinstance(response, dict) else None
        data = inner.get("data") if isinstance(inner, dict) else None
    if isinstance(data, dict):  # some nodes wrap it once more
        data = data.get("data")
    if isinstance(data, str) and data.startswith("0x"):
        return decode_rejection(bytes.fromhex(data[2:]))
    message = str(getattr(error, "message", None) or error)
    if "revert" in message:
        return ContractRejected("Unknown", {}, f"the contract refused: {message}")
    return None


def in_words(name: str, values: dict[str, Any]) -> str:
    """`RevealTooLate(jobId=3, deadline=…)` as "reveal too late (job id 3, deadline 2026-01-01 10:00:00 UTC)"."""
    said = _spaced(name)
    if not values:
        return said
    return f"{said} ({', '.join(f'{_spaced(key)} {_shown(key, value)}' for key, value in values.items())})"


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower().strip("_")


def _shown(name: str, value: Any) -> str:
    if isinstance(value, int) and _TIME_NAMES.search(name) and 1_000_000_000 < value < 10_000_000_000:
        moment = datetime.datetime.fromtimestamp(value, datetime.UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def _plain(kind: str, value: Any) -> Any:
    return to_address(value) if kind == "address" else value
