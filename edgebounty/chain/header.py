"""Block headers as RLP, so that a contract can check their hash and read the RANDAO out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rlp  # type: ignore[import-untyped]
from web3 import Web3

from edgebounty.chain.errors import ChainError, HeaderMismatch
from edgebounty.chain.rpc import guard, url_of
from edgebounty.protocol.hashing import keccak256

# (name in JSON-RPC, is a number). The order is the chain's: Yellow Paper 4.4, then one addition per fork:
# EIP-1559, EIP-4895, EIP-4844 (two), EIP-4788, EIP-7685, EIP-7928, EIP-7843.
_FIELDS = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
)
_FORK_FIELDS = (
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
    ("blockAccessListHash", False),
    ("slotNumber", True),
)


def encode_header(block: Mapping[str, Any]) -> bytes:
    """RLP of the header in `block`, an answer of `eth_getBlockBy…` (raw JSON or web3's).

    Raises `HeaderMismatch` unless its Keccak-256 is the block's hash, `ChainError` when a field is missing.
    """
    fields: list[bytes] = []
    for name, is_number in _FIELDS:
        if block.get(name) is None:
            raise ChainError(f"the node's block has no {name}; it is pending, or the node hides part of the header")
        fields.append(_bytes(block[name], is_number))
    fields += [_bytes(block[name], is_number) for name, is_number in _FORK_FIELDS if block.get(name) is not None]
    encoded: bytes = rlp.encode(fields)
    actual = keccak256(encoded)
    expected = _bytes(block["hash"], False)
    if actual != expected:
        raise HeaderMismatch(int.from_bytes(_bytes(block["number"], True), "big"), expected, actual)
    return encoded


def fetch_header(web3: Web3, number: int) -> bytes:
    """RLP of the header of block `number`, checked against its hash. Raises `ChainError` when there is none."""
    answer = guard(
        url_of(web3),
        lambda: web3.provider.make_request("eth_getBlockByNumber", [hex(number), False]),  # type: ignore[arg-type]
    )
    block = answer.get("result")
    if not isinstance(block, Mapping):
        raise ChainError(f"the node does not know block {number} yet")
    return encode_header(block)


def _bytes(value: Any, is_number: bool) -> bytes:
    if is_number:
        number = int(value, 16) if isinstance(value, str) else int(value)
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
    if isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return bytes(value)
