import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.jobs.shape import (
    NoSuchTask,
    describe,
    needed_tasks,
    output_bytes,
    output_cid,
    parse_result_list,
    result_cid,
    result_list,
    result_tasks,
)
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import DAG_PB, RAW, Cid
from edgebounty.protocol.failure import failure_bytes, failure_digest
from edgebounty.protocol.manifest import Limits
from edgebounty.protocol.types import Digest
from tests.edgebounty.builders import make_manifest

shapes = st.tuples(st.integers(1, 6), st.integers(1, 5))


@pytest.mark.property
@given(shapes)
def test_describe__every_task_of_a_folded_job__reads_only_what_was_made_before(shape: tuple[int, int]) -> None:
    manifest = make_manifest(shards=shape[0], rounds=shape[1])
    for index in range(manifest.total_tasks):
        spec = describe(manifest, index)

        assert spec.index == index
        assert all(needed < index for needed in needed_tasks(spec))
        assert (spec.shard is None) is spec.is_reduce is bool(spec.input_tasks)
        if spec.state_task is not None:
            assert describe(manifest, spec.state_task).is_reduce
            assert describe(manifest, spec.state_task).round == spec.round - 1
        assert all(describe(manifest, i).round == spec.round for i in spec.input_tasks)
    mapped = [describe(manifest, i).shard for i in range(manifest.map_tasks)]
    assert mapped == list(manifest.shards)


@pytest.mark.unit
def test_describe__three_shards_two_rounds__is_numbered_as_on_chain() -> None:
    manifest = make_manifest(shards=3, rounds=2)
    described = [(s.round, s.is_reduce, s.state_task, s.input_tasks) for s in (describe(manifest, i) for i in range(8))]
    assert described == [
        (0, False, None, ()),
        (0, False, None, ()),
        (0, False, None, ()),
        (0, True, None, (0, 1, 2)),
        (1, False, 3, ()),
        (1, False, 3, ()),
        (1, False, 3, ()),
        (1, True, 3, (4, 5, 6)),
    ]
    assert needed_tasks(describe(manifest, 7)) == (3, 4, 5, 6)


@pytest.mark.unit
def test_describe__beyond_the_last__is_no_such_task() -> None:
    manifest = make_manifest(shards=3, rounds=2)
    for index in (-1, 8):
        with pytest.raises(NoSuchTask, match=f"task {index} of a job with 8"):
            describe(manifest, index)


@pytest.mark.unit
def test_output_cid__raw_dag_pb_or_failure__follows_from_the_length() -> None:
    big = Limits(work_units=1, memory_bytes=1 << 30, output_bytes=(1 << 20) + 1)
    manifest = make_manifest(shards=2, limits=big)
    digest = Digest(b"\1" * 32)

    assert output_bytes(manifest, 0) == (1 << 20) + 1
    assert output_cid(manifest, 0, digest) == Cid(DAG_PB, digest)
    assert output_cid(manifest, 2, digest) == Cid(RAW, digest)  # the reduce gives the small state
    assert output_cid(manifest, 0, failure_digest("nan")).matches(failure_bytes("nan"))
    assert output_cid(manifest, 0, failure_digest("nan")).codec == RAW


@pytest.mark.unit
def test_result__of_both_kinds_of_job__is_the_last_reduce_or_the_list() -> None:
    folded, joined = make_manifest(shards=3, rounds=2), make_manifest(shards=3, reducer=False)
    digests = [Digest(bytes([i]) * 32) for i in range(3)]

    assert result_tasks(folded) == (7,)
    assert result_cid(folded, digests[:1]) == Cid(RAW, digests[0])
    assert result_tasks(joined) == (0, 1, 2)
    listed = result_list([Cid(RAW, d) for d in digests])
    assert result_cid(joined, digests) == unixfs.root_cid(listed)
    assert parse_result_list(listed) == [Cid(RAW, d) for d in digests]
    with pytest.raises(ValueError, match="3 digests"):
        result_cid(joined, digests[:2])


@pytest.mark.property
@given(st.binary(max_size=50) | st.sampled_from([b'{"outputs":[],"version":2}', b'{"outputs":[1],"version":1}']))
def test_parse_result_list__anything_else__is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (CidError and CanonicalError are both)
        parse_result_list(data)
