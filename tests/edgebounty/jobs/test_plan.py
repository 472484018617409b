from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.jobs.arrays import pack_role, read_buffers, unpack
from edgebounty.jobs.check import JobError, check_layouts
from edgebounty.jobs.plan import shuffled, split_rows, uniform
from edgebounty.protocol.manifest import Limits, Manifest
from tests.edgebounty.builders import make_layout, make_manifest, make_shard

LAYOUT = make_layout(
    state=[("w", "f32", (2,))],
    shard=[("rows", "i32", (1,)), ("x", "f32", (3, 2))],
    params=[("learning_rate", "f32", (1,)), ("epochs", "i32", (1,))],
    output=[("out", "f64", (2,))],
)
REDUCER = make_layout("reducer", state=[("w", "f32", (2,))], input=[("in", "f64", (2,))], output=[("o", "f32", (2,))])


def fitting(**changes: Any) -> Manifest:
    return make_manifest(**({"shards": (make_shard(size=28),)} | changes))


@pytest.mark.property
@given(st.integers(1, 2000), st.integers(1, 300), st.one_of(st.none(), st.integers(1, 40)))
def test_split_rows__any_numbers__covers_all_rows_evenly_or_says_how_many_shards(
    rows: int, capacity: int, shards: int | None
) -> None:
    if shards is not None and (shards * capacity < rows or shards > rows):
        with pytest.raises(JobError, match=r"at (least|most) \d+"):
            list(split_rows(rows, capacity, shards))
        return
    cuts = list(split_rows(rows, capacity, shards))
    sizes = [cut.stop - cut.start for cut in cuts]
    assert [row for cut in cuts for row in range(cut.start, cut.stop)] == list(range(rows))
    assert max(sizes) <= capacity
    assert max(sizes) - min(sizes) <= 1
    assert shards is None or len(cuts) == shards


@pytest.mark.unit
@pytest.mark.parametrize(
    ("rows", "capacity", "shards", "reason"),
    [
        (0, 5, None, "empty"),
        (5, 0, None, "does not fit"),
        (11, 5, 2, "at least 3 shards"),
        (3, 5, 4, "at most 3"),
        (3, 5, 0, "at least 1"),
    ],
)
def test_split_rows__impossible__says_why(rows: int, capacity: int, shards: int | None, reason: str) -> None:
    with pytest.raises(JobError, match=reason):
        list(split_rows(rows, capacity, shards))


@pytest.mark.unit
def test_uniform__same_seed_and_label__is_the_same_for_ever() -> None:
    # written down so that another language, or a later numpy, is held to it
    assert uniform(7, "w1", 3).tolist() == [0.8858219837049259, 0.3604547495143262, 0.43838182368469414]
    assert uniform(7, "w1", 9)[:3].tolist() == uniform(7, "w1", 3).tolist()
    assert uniform(8, "w1", 3).tolist() != uniform(7, "w1", 3).tolist()
    many = uniform(1, "many", 10_000)
    assert 0 <= many.min() < 0.001 < 0.999 < many.max() < 1
    assert abs(many.mean() - 0.5) < 0.01


@pytest.mark.unit
def test_shuffled__by_seed__is_a_permutation() -> None:
    assert shuffled(8, 3).tolist() == [6, 4, 2, 1, 3, 0, 5, 7]
    assert sorted(shuffled(1000, 3).tolist()) == list(range(1000))
    assert shuffled(1000, 3).tolist() != shuffled(1000, 4).tolist()


@pytest.mark.unit
def test_pack_role__rows_and_padding__are_little_endian_in_order_and_unpack() -> None:
    packed = pack_role(LAYOUT, "shard", {"rows": 2, "x": np.array([[1, 2], [3, 4]])})

    assert packed == np.int32(2).tobytes() + np.array([1, 2, 3, 4, 0, 0], "<f4").tobytes()
    found = unpack(LAYOUT.role("shard"), packed)
    assert found["x"].tolist() == [[1, 2], [3, 4], [0, 0]]
    with pytest.raises(JobError, match="28 belong"):
        unpack(LAYOUT.role("shard"), packed[:-1])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"rows": 1}, "wants x"),
        ({"rows": 1, "x": np.zeros(7)}, "room for 6"),
        ({"rows": 1, "x": np.array([np.nan])}, "NaN"),
        ({"rows": 1, "x": np.array([1e39])}, "too large"),
        ({"rows": 1 << 31, "x": np.zeros(1)}, "no i32"),
        ({"rows": np.array([1.5]), "x": np.zeros(1)}, "no i32"),
    ],
)
def test_pack_role__does_not_fit__says_what(arrays: dict[str, object], reason: str) -> None:
    with pytest.raises(JobError, match=reason):
        pack_role(LAYOUT, "shard", arrays)  # type: ignore[arg-type]


@pytest.mark.unit
@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [7],
        [{"name": "a"}],
        [{"name": "a", "dtype": "f16", "shape": [1]}],
        [{"name": "a", "dtype": "f32", "shape": [-1]}],
        [{"name": "a", "dtype": "f32", "shape": ["x"]}],
        [{"name": "a", "dtype": [], "shape": [1]}],
    ],
)
def test_read_buffers__written_by_a_stranger__is_a_job_error(value: object) -> None:
    with pytest.raises(JobError, match="about"):
        read_buffers(value)


@pytest.mark.unit
def test_check_layouts__everything_fits__is_silent() -> None:
    check_layouts(fitting(), LAYOUT, REDUCER)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state_bytes": 12}, "state_bytes"),
        ({"limits": Limits(work_units=1, memory_bytes=1, output_bytes=8)}, "output_bytes"),
        ({"shards": (make_shard(size=28), make_shard(size=27))}, r"shards\[1\].bytes"),
        ({"params": {}}, "epochs, learning_rate"),
        ({"params": {"learning_rate": 1, "epochs": 1, "more": 1}}, "more"),
        ({"params": {"learning_rate": 1, "epochs": 1.5}}, "epochs"),
        ({"reducer": None}, "reducer"),
    ],
)
def test_check_layouts__manifest_and_program_differ__names_the_field(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(JobError, match=reason):
        check_layouts(fitting(**changes), LAYOUT, REDUCER)


@pytest.mark.unit
def test_check_layouts__kinds_swapped__is_refused() -> None:
    with pytest.raises(JobError, match="is a reducer"):
        check_layouts(fitting(), REDUCER, REDUCER)
    with pytest.raises(JobError, match="is a program"):
        check_layouts(fitting(), LAYOUT, LAYOUT)
