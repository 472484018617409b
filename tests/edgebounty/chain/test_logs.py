from __future__ import annotations

from dataclasses import fields, replace
from typing import Any
from unittest.mock import MagicMock

import pytest
from eth_abi.abi import encode

from edgebounty.chain.deployment import Deployment
from edgebounty.chain.errors import NodeUnreachable
from edgebounty.chain.events import EVENT_CLASSES, JobPosted, TaskClaimed
from edgebounty.chain.logs import CONTRACTS, EventError, EventReader, field_name
from edgebounty.chain.rejections import load_artifact
from edgebounty.chain.views import JobTerms
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, Digest, to_address

pytestmark = pytest.mark.unit


def address(number: int) -> Address:
    return to_address("0x" + number.to_bytes(20, "big").hex())


DEPLOYMENT = Deployment(
    chain_id=1,
    block=0,
    token=address(1),
    vault=address(2),
    escrow=address(3),
    seeds=address(4),
    direct_lane=address(5),
    batch_lane=address(8),
    batch_challenges=address(9),
    batch_payouts=address(10),
    batch_court=address(11),
    deployer=address(6),
)
TERMS = JobTerms(
    lane=address(5),
    orchestrator=address(7),
    deadline=100,
    task_time=10,
    map_tasks=3,
    reduce_tasks=1,
    rounds=2,
    quorum=2,
    work_slots=3,
    audit_slots=1,
    fee_bps=333,
    slot_price=1001,
    stake_per_claim=5000,
    manifest_digest=Digest(b"m" * 32),
)


def word(value: int | str) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else bytes(12) + bytes.fromhex(value[2:])


def log_of(contract: Address, signature: str, topics: list[bytes], data: bytes) -> dict[str, Any]:
    return {
        "address": contract,
        "topics": [keccak256(signature.encode()), *topics],
        "data": data,
        "blockNumber": 9,
        "blockHash": b"h" * 32,
        "logIndex": 4,
        "transactionHash": b"t" * 32,
    }


CLAIMED = "TaskClaimed(uint256,uint32,address,uint40)"


def test_decode__task_claimed__typed_with_its_place() -> None:
    log = log_of(address(5), CLAIMED, [word(8), word(2), word(address(9))], encode(["uint40"], [77]))
    found = EventReader(DEPLOYMENT).decode(log)
    assert isinstance(found, TaskClaimed)
    assert (found.job_id, found.task_index, found.worker, found.commit_deadline) == (8, 2, address(9), 77)
    assert (found.ref.block_number, found.ref.block_hash, found.ref.log_index) == (9, b"h" * 32, 4)


def test_decode__job_posted__whole_terms() -> None:
    entry = next(e for e in load_artifact("BountyEscrow")["abi"] if e.get("name") == "JobPosted")
    kinds = [part["type"] for part in entry["inputs"][-1]["components"]]
    signature = f"JobPosted(uint256,address,address,uint256,({','.join(kinds)}))"
    data = encode(["uint256", f"({','.join(kinds)})"], [123, TERMS.as_tuple()])
    log = log_of(address(3), signature, [word(1), word(address(8)), word(address(7))], data)
    found = EventReader(DEPLOYMENT).decode(log)
    assert isinstance(found, JobPosted)
    assert found.terms == TERMS
    assert found.escrowed == 123


def test_decode__same_event_of_another_contract__ignored() -> None:
    log = log_of(address(99), CLAIMED, [word(8), word(2), word(address(9))], encode(["uint40"], [77]))
    assert EventReader(DEPLOYMENT).decode(log) is None


def test_decode__unknown_event_or_no_topic__ignored() -> None:
    reader = EventReader(DEPLOYMENT)
    assert reader.decode(log_of(address(5), "SomethingNew(uint256)", [], b"")) is None
    assert reader.decode({**log_of(address(5), CLAIMED, [], b""), "topics": []}) is None


@pytest.mark.parametrize(("topics", "data"), [([word(8)], encode(["uint40"], [77])), ([word(8)] * 3, b"short")])
def test_decode__garbled__error_naming_the_event(topics: list[bytes], data: bytes) -> None:
    with pytest.raises(EventError, match="TaskClaimed"):
        EventReader(DEPLOYMENT).decode(log_of(address(5), CLAIMED, topics, data))


def test_event_classes__every_event_of_every_contract__has_its_class_and_fields() -> None:
    declared = {}
    for contract in CONTRACTS:
        for entry in load_artifact(contract)["abi"]:
            if entry["type"] == "event":
                declared[entry["name"]] = {field_name(part["name"]) for part in entry["inputs"]}
    known = {name: {f.name for f in fields(cls)} - {"ref"} for name, cls in EVENT_CLASSES.items()}
    assert known == declared


def test_terms__bounty__as_the_escrow_reckons_it() -> None:
    assert TERMS.total_tasks == 8
    assert TERMS.bounty == (1001 + 34) * 4 * 8
    assert replace(TERMS, fee_bps=0).bounty == 1001 * 4 * 8


def test_fetch_halving__node_takes_three_blocks_at_once__every_block_is_asked_for_once() -> None:
    asked: list[tuple[int, int]] = []

    def answer(method: str, params: list[dict[str, str]]) -> dict[str, Any]:
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        if last - first >= 3:
            return {"error": {"code": -32005, "message": "query exceeds max block range 3"}}
        asked.append((first, last))
        return {"result": []}

    web3 = MagicMock()
    web3.provider.make_request = answer
    assert EventReader(DEPLOYMENT).fetch_halving(web3, from_block=10, to_block=31) == []
    assert [block for first, last in asked for block in range(first, last + 1)] == list(range(10, 32))


def test_fetch_halving__node_refuses_a_single_block__unreachable() -> None:
    web3 = MagicMock()
    web3.provider.make_request = lambda *_: {"error": {"message": "no logs today"}}
    with pytest.raises(NodeUnreachable, match="no logs today"):
        EventReader(DEPLOYMENT).fetch_halving(web3, from_block=10, to_block=31)
