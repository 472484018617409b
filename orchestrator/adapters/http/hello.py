"""A worker's introduction: signed by the worker, so that nobody else can speak for it."""

from __future__ import annotations

import json
from typing import Any

from edgebounty.protocol.messages import Domain, Hello, is_signed
from edgebounty.protocol.types import Address, to_address
from orchestrator.domain.errors import Rejected
from orchestrator.domain.matching import Capabilities

LONGEST_LIFE_SECONDS = 3600
MOST_TEXT_BYTES = 64 << 10
_MOST_HELD = 1000
_MOST_NUMBER = 1 << 62  # what the matcher's columns hold; no device and no price comes near


def read_hello(body: Any, domain: Domain, *, chain_now: int) -> tuple[Hello, Capabilities]:
    """The message and what it says of the device. Raises `Rejected` naming what is wrong with it.

    `until` counts in the chain's time, so that a worker's wrong clock does not matter.
    """
    if not isinstance(body, dict):
        raise _wrong("the body must be a JSON object with worker, capabilities, until and signature")
    try:
        hello = Hello(
            worker=to_address(body["worker"]), capabilities=str(body["capabilities"]), until=int(body["until"])
        )
        signature = bytes.fromhex(str(body["signature"]).removeprefix("0x"))
        signed = is_signed(domain, hello, signature)
    except KeyError as error:
        raise _wrong(f"{error} is missing") from error
    except (ValueError, TypeError) as error:
        raise _wrong(str(error)) from error
    if not chain_now < hello.until <= chain_now + LONGEST_LIFE_SECONDS:
        raise _wrong(
            f"until {hello.until} must lie within {LONGEST_LIFE_SECONDS} s after the chain's time, which is {chain_now}"
        )
    if not signed:
        raise _wrong(
            f"the signature is not by {hello.worker} for chain {domain.chain_id} and {domain.verifying_contract}"
        )
    return hello, _capabilities(hello.capabilities, hello.worker)


def read_json(text: str) -> Any:
    """Strict JSON of a stranger. Raises `ValueError`, for what is nested too deep and for NaN too."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _capabilities(text: str, worker: Address) -> Capabilities:
    if len(text.encode()) > MOST_TEXT_BYTES:
        raise _wrong(f"capabilities are longer than {MOST_TEXT_BYTES} bytes")
    try:
        said = read_json(text)
    except ValueError as error:
        raise _wrong(f"capabilities are not JSON: {error}") from error
    if not isinstance(said, dict):
        raise _wrong("capabilities must be a JSON object")
    unknown = Capabilities()
    held = said.get("held", [])
    if not isinstance(held, list) or len(held) > _MOST_HELD or not all(isinstance(cid, str) for cid in held):
        raise _wrong(f"capabilities.held must be a list of at most {_MOST_HELD} CIDs")
    simd = said.get("simd", unknown.simd)
    if not isinstance(simd, bool):
        raise _wrong("capabilities.simd must be true or false")
    return Capabilities(
        memory_bytes=_number(said, "memory_bytes", unknown.memory_bytes),
        simd=simd,
        least_price_wei=_number(said, "min_slot_price", unknown.least_price_wei),
        held=frozenset(held),
    )


def _number(said: dict[str, Any], name: str, unknown: int) -> int:
    value = said.get(name, unknown)
    if isinstance(value, str) and value.isdigit() and len(value) < 40:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _wrong(f"capabilities.{name} must be a whole number of at least 0")
    return min(value, _MOST_NUMBER)


def _wrong(reason: str) -> Rejected:
    return Rejected(by="the worker", reason=reason)
