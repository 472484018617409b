"""The file that a batch's CID names: right batches and wrong ones, and bytes that are neither."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.publishing import data_cid, encode_data, parse_data
from edgebounty.protocol.batch.wire import BatchDataError
from edgebounty.protocol.unixfs import root_cid
from tests.model.machine import MALLORY, NAMES, Market
from tests.model.people import CORRUPTIONS

pytestmark = pytest.mark.unit


def plan_of(seed: int = 3):  # type: ignore[no-untyped-def]
    market = Market()
    return market.plan(MALLORY, market.jobs[2], Random(seed))


def file_of(batch: Batch) -> bytes:
    return encode_data(batch.leaves, batch.bundles)


@pytest.mark.parametrize("wrong", ["nothing", *CORRUPTIONS])
def test_parse_data__any_batch__gives_back_what_was_written(wrong: str) -> None:
    batch = CORRUPTIONS[wrong][1](plan_of(), NAMES) if wrong in CORRUPTIONS else plan_of().built()
    leaves, bundles = parse_data(batch.header, file_of(batch))
    assert leaves == batch.leaves
    for leaf, read, written in zip(leaves, bundles, batch.bundles, strict=True):
        behind_its_roots = written.at(leaf.start) == replace(leaf, payout_index=written.payout_index)
        assert read == (replace(written, payout_index=leaf.payout_index) if behind_its_roots else None)


def test_data_cid__digest_of_the_file_in_the_header__is_the_files_cid() -> None:
    batch = plan_of().built()
    cid = root_cid(file_of(batch))
    assert data_cid(replace(batch.header, data_digest=cid.digest)) == cid


def test_parse_data__other_bytes__refused() -> None:
    batch = plan_of().built()
    data = file_of(batch)
    other_account = data[:4] + bytes(20) + data[24:]
    for wrong in (b"", data[:90], data[:-1], data + bytes(32), other_account, b"\xff" * len(data)):
        with pytest.raises(BatchDataError):
            parse_data(batch.header, wrong)


def test_parse_data__receipts_that_are_not_behind_their_root__are_unknown_and_the_bundle_is_known() -> None:
    batch = plan_of().built()
    data = bytearray(file_of(batch))
    data[-1] ^= 1
    leaves, bundles = parse_data(batch.header, bytes(data))
    assert leaves == batch.leaves
    assert bundles[-1] is None
    assert None not in bundles[:-1]
