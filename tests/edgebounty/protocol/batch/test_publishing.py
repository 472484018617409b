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
    assert [b.receipts for b in bundles] == [b.receipts for b in batch.bundles]
    assert [b.commit_sets for b in bundles] == [b.commit_sets for b in batch.bundles]


def test_data_cid__digest_of_the_file_in_the_header__is_the_files_cid() -> None:
    batch = plan_of().built()
    cid = root_cid(file_of(batch))
    assert data_cid(replace(batch.header, data_digest=cid.digest)) == cid


def test_parse_data__other_bytes__refused() -> None:
    batch = plan_of().built()
    data = file_of(batch)
    flipped = bytearray(data)
    flipped[-1] ^= 1
    for wrong in (b"", data[:90], data[:-1], data + bytes(32), bytes(flipped), b"\xff" * len(data)):
        with pytest.raises(BatchDataError):
            parse_data(batch.header, wrong)
