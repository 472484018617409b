"""A contract's ABI and storage layout as text, one line for each thing: what compile.py keeps beside the artifacts.

A changed line is a changed promise: clients call by selector, read events by topic, and tools read storage by slot. The
gas of every act is a snapshot too, in the same folder; forge keeps it (tests/contracts/forge/Gas.t.sol).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eth_utils.crypto import keccak

_KINDS = ("constructor", "function", "event", "error")


def snapshot(contract: dict[str, Any]) -> str:
    """The text of one contract: its ABI by kind and name, then its storage by slot, then its structs."""
    lines = [
        *_abi(contract["abi"]),
        "",
        "storage: slot, offset in bytes, type, name",
        *_variables(contract["storageLayout"]["storage"], contract["storageLayout"]["types"] or {}),
        *_structs(contract["storageLayout"]["types"] or {}),
    ]
    return "\n".join(lines) + "\n"


def _abi(abi: list[dict[str, Any]]) -> Iterator[str]:
    known = [entry for entry in abi if entry["type"] in _KINDS]
    if len(known) != len(abi):
        raise SystemExit(
            f"snapshots: {[entry['type'] for entry in abi if entry not in known]}: no line is defined for it"
        )
    for entry in sorted(known, key=lambda each: (_KINDS.index(each["type"]), each.get("name", ""), str(each))):
        inputs = ", ".join(map(_parameter, entry["inputs"]))
        signature = f"{entry.get('name', '')}({','.join(_type(each, names=False) for each in entry['inputs'])})"
        match entry["type"]:
            case "constructor":
                yield f"constructor({inputs})"
            case "function":
                outputs = ", ".join(map(_parameter, entry["outputs"]))
                returns = f" returns ({outputs})" if outputs else ""
                selector = keccak(text=signature)[:4].hex()
                yield f"function {selector} {entry['name']}({inputs}) {entry['stateMutability']}{returns}"
            case "event":
                yield f"event {keccak(text=signature)[:4].hex()} {entry['name']}({inputs})"
            case _:
                yield f"error {keccak(text=signature)[:4].hex()} {entry['name']}({inputs})"


def _parameter(entry: dict[str, Any]) -> str:
    words = [_type(entry, names=True), "indexed" if entry.get("indexed") else "", entry["name"]]
    return " ".join(word for word in words if word)


def _type(entry: dict[str, Any], *, names: bool) -> str:
    """The type as in a signature; with names, a struct's members are told by name too."""
    if not entry["type"].startswith("tuple"):
        return str(entry["type"])
    if names:
        members = ", ".join(map(_parameter, entry["components"]))
    else:
        members = ",".join(_type(each, names=False) for each in entry["components"])
    return f"({members}){entry['type'].removeprefix('tuple')}"


def _variables(storage: list[dict[str, Any]], types: dict[str, Any]) -> Iterator[str]:
    for entry in storage:
        yield f"  {entry['slot']:>2} +{entry['offset']:<2} {types[entry['type']]['label']} {entry['label']}"


def _structs(types: dict[str, Any]) -> Iterator[str]:
    structs = [each for each in types.values() if "members" in each]
    for each in sorted(structs, key=lambda struct: struct["label"]):
        yield ""
        yield f"{each['label']}: {each['numberOfBytes']} bytes"
        yield from _variables(each["members"], types)
