"""A batch's data under a CID: what was written is read back, and anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.batch.building import build
from edgebounty.protocol.batch.data import data_bytes, data_cid, data_digest, encode_data, parse_data
from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.batch.wire import BatchDataError, Receipt, SignedBundle
from edgebounty.protocol.types import to_address
from edgebounty.protocol.unixfs import root_cid

OPERATOR = to_address(b"\x0a" * 20)


def bundle(index: int, receipts: int) -> SignedBundle:
    words = tuple(Receipt(task=task, slot=index % 3, digest=bytes([task]) * 27) for task in range(receipts))
    beside = tuple(bytes([index, task]) * 16 for task in range(receipts))
    account = to_address(index.to_bytes(20, "big"))
    return SignedBundle(
        payout_index=index, account=account, receipts=words, commit_sets=beside, signature=bytes([index]) * 64
    )


def bundles(counts: list[int]) -> tuple[SignedBundle, ...]:
    return tuple(bundle(index, count) for index, count in enumerate(counts, start=1))


some = st.lists(st.integers(1, 5), min_size=1, max_size=5).map(bundles)


@pytest.mark.property
@given(some)
def test_data__written__is_read_back_and_lies_where_its_header_says(given: tuple[SignedBundle, ...]) -> None:
    data = encode_data(given)
    batch = build(
        orchestrator=OPERATOR,
        number=0,
        job=1,
        tasks=(0, 5),
        bundles=given,
        prices=Prices(price=1, fee=0, slots=3),
        data_digest=data_digest(data),
    )
    assert parse_data(data) == given
    assert data_bytes(batch.header) == len(data)
    assert data_cid(batch.header) == root_cid(data)


@pytest.mark.property
@given(some, st.data())
def test_data__any_bit_changed_or_cut__never_reads_as_the_same(
    given: tuple[SignedBundle, ...], pick: st.DataObject
) -> None:
    data = encode_data(given)
    at = pick.draw(st.integers(0, len(data) - 1))
    flipped = data[:at] + bytes([data[at] ^ 1 << pick.draw(st.integers(0, 7))]) + data[at + 1 :]
    for other in (flipped, data[:at], data + data[:at] if at else data + b"\0"):
        try:
            read = parse_data(other)
        except (BatchDataError, ValueError):
            continue
        assert read != given


@pytest.mark.unit
def test_data__commit_set_of_another_task__refused() -> None:
    data = encode_data(bundles([2]))
    swapped = data[:-64] + data[-32:] + data[-64:-32]
    with pytest.raises(BatchDataError, match="commit sets of payout index 1"):
        parse_data(swapped)


@pytest.mark.unit
@pytest.mark.parametrize("data", [b"", b"\0" * 31, b"\0" * 124, b"\xff" * 400], ids=["none", "short", "empty", "huge"])
def test_data__that_is_none__refused(data: bytes) -> None:
    with pytest.raises(BatchDataError):
        parse_data(data)
