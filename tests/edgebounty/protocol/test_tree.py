"""The tree of a round's reduce: every output is folded exactly once, and everybody draws the same tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.tree import inputs_of, levels, node_count


@pytest.mark.property
@given(leaves=st.integers(1, 5000), fan_in=st.one_of(st.none(), st.integers(2, 300)))
def test_tree__of_any_size__folds_every_output_once_and_in_order(leaves: int, fan_in: int | None) -> None:
    nodes = node_count(leaves, fan_in)
    folded = [i for node in range(nodes) for i in inputs_of(node, leaves, fan_in)]
    assert folded == list(range(leaves + nodes - 1))  # all leaves and all nodes but the root, each before it is needed
    for node in range(nodes):
        inputs = inputs_of(node, leaves, fan_in)
        assert len(inputs) >= 1
        assert fan_in is None or len(inputs) <= fan_in
        assert all(i < leaves + node for i in inputs)


@pytest.mark.unit
def test_levels__ten_outputs_three_at_a_time__are_four_two_and_the_root() -> None:
    assert levels(10, 3) == (4, 2, 1)
    assert levels(3, 3) == levels(10, None) == (1,)
    assert [list(inputs_of(i, 10, 3)) for i in range(7)] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
        [9],
        [10, 11, 12],
        [13],
        [14, 15],
    ]
    with pytest.raises(ValueError, match="node 7"):
        inputs_of(7, 10, 3)
