from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from edgebounty.chain.rejections import artifact_names, decode_rejection, error_shapes, in_words, load_artifact
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import to_address

pytestmark = pytest.mark.unit


def revert_data(signature: str, *values: Any) -> bytes:
    types = signature[signature.index("(") + 1 : -1]
    return keccak256(signature.encode())[:4] + encode(types.split(",") if types else [], values)


def test_decode__typed_error__name_arguments_and_words() -> None:
    found = decode_rejection(revert_data("RevealTooLate(uint256,uint256,uint256)", 3, 1_800_000_000, 1_800_000_007))
    assert found.name == "RevealTooLate"
    assert found.arguments == {"jobId": 3, "deadline": 1_800_000_000, "nowTime": 1_800_000_007}
    assert str(found) == (
        "the contract refused: reveal too late (job id 3, deadline 2027-01-15 08:00:00 UTC, "
        "now time 2027-01-15 08:00:07 UTC)"
    )


def test_decode__address__with_checksum() -> None:
    found = decode_rejection(revert_data("NotALane(address)", "0x" + "ab" * 20))
    assert found.arguments == {"caller": to_address("0x" + "ab" * 20)}


def test_decode__text_and_panic__in_words() -> None:
    assert "no more milk" in str(decode_rejection(revert_data("Error(string)", "no more milk")))
    assert "a number overflowed" in str(decode_rejection(revert_data("Panic(uint256)", 0x11)))
    assert "panic 0x99" in str(decode_rejection(revert_data("Panic(uint256)", 0x99)))


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xde\xad\xbe\xef" + bytes(32), bytes.fromhex("08c379a0")])
def test_decode__unknown_or_cut_off__shown_not_crashed(data: bytes) -> None:
    found = decode_rejection(data)
    assert found.name == "Unknown"
    assert "the contract refused" in str(found)


def test_error_shapes__every_error_of_every_contract__known() -> None:
    declared = {
        entry["name"] for name in artifact_names() for entry in load_artifact(name)["abi"] if entry["type"] == "error"
    }
    assert declared == {shape.name for shape in error_shapes().values()}
    assert {"CommitTooLate", "StakeNotFree", "EscrowTooSmall", "SeedAlreadyRecorded"} <= declared


def test_in_words__numbers_that_are_no_times__left_alone() -> None:
    assert in_words("WaveFull", {"jobId": 1_800_000_000}) == "wave full (job id 1800000000)"
    assert in_words("DigestZero", {}) == "digest zero"


def test_in_words__moment__as_a_date() -> None:
    assert "available at 2026-11-22 22:53:07 UTC" in in_words("StillUnbonding", {"availableAt": 1_795_387_987})
