from __future__ import annotations

import copy
from typing import Any

import pytest

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.errors import ChainError, HeaderMismatch
from edgebounty.chain.header import encode_header, fetch_header
from edgebounty.chain.rpc import connect
from edgebounty.protocol.hashing import keccak256

# Ethereum mainnet block 1: before every fork that added fields.
FRONTIER: dict[str, Any] = {
    "number": "0x1",
    "hash": "0x88e96d4537bea4d9c05d12549907b32561d3bf31f45aae734cdc119f13406cb6",
    "parentHash": "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    "nonce": "0x539bd4979fef1ec4",
    "mixHash": "0x969b900de27b6ac6a67742365dd65f55a0526c41fd18e1b16f1a1215c2e66f59",
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "logsBloom": "0x" + "00" * 256,
    "transactionsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "stateRoot": "0xd67e4d450343046425ae4271474353857ab860dbc0a1dde64b41b5cd3a532bf3",
    "receiptsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "miner": "0x05a56e2d52c817161883f50c441c3228cfe54d9f",
    "difficulty": "0x3ff800000",
    "extraData": "0x476574682f76312e302e302f6c696e75782f676f312e342e32",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x55ba4224",
}


@pytest.mark.unit
def test_encode_header__mainnet_block_one__hashes_to_its_hash() -> None:
    assert keccak256(encode_header(FRONTIER)).hex() == FRONTIER["hash"][2:]


@pytest.mark.unit
def test_encode_header__changed_randao__refused() -> None:
    lied = copy.copy(FRONTIER)
    lied["mixHash"] = "0x" + "11" * 32
    with pytest.raises(HeaderMismatch, match="block 1"):
        encode_header(lied)


@pytest.mark.unit
def test_encode_header__pending_block__says_what_is_missing() -> None:
    pending = {**FRONTIER, "nonce": None}
    with pytest.raises(ChainError, match="nonce"):
        encode_header(pending)


@pytest.mark.integration
def test_encode_header__local_chain__both_spellings_hash_to_the_block_hash(anvil: Anvil) -> None:
    web3 = connect(anvil.url)
    for number in range(web3.eth.block_number + 1):
        block = web3.eth.get_block(number)
        encoded = encode_header(block)
        assert keccak256(encoded) == bytes(block["hash"])
        assert fetch_header(web3, number) == encoded
    assert block.get("requestsHash") is not None, "the chain should be at prague or later"


@pytest.mark.integration
def test_fetch_header__block_to_come__says_so(anvil: Anvil) -> None:
    with pytest.raises(ChainError, match="does not know block 99999999"):
        fetch_header(connect(anvil.url), 99_999_999)
