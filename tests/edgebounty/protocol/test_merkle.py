import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.merkle import MerkleError, MerkleTree, leaf_hash, pair_hash, verify

leaf_lists = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


@pytest.mark.property
@settings(deadline=None)
@given(leaf_lists, st.data())
def test_proof__any_leaf__leads_to_the_root_and_no_other_leaf_does(leaves: list[bytes], data: st.DataObject) -> None:
    tree = MerkleTree(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = tree.proof(index)

    assert verify(proof, tree.root, leaves[index])
    assert not verify(proof, tree.root, leaf_hash(1))
    assert len(proof) <= len(leaves).bit_length()


@pytest.mark.unit
def test_tree__three_leaves__has_the_shape_of_openzeppelins() -> None:
    a, b, c = (leaf_hash(i) for i in range(3))
    # nodes: [root, (c1, c2), ...]: leaves stand backwards at the end, so the last two pair first
    assert MerkleTree([a, b, c]).root == pair_hash(pair_hash(b, a), c)
    assert MerkleTree([a]).root == a
    assert MerkleTree([a]).proof(0) == ()


@pytest.mark.unit
def test_tree__of_nothing_or_of_no_hashes__is_refused() -> None:
    with pytest.raises(MerkleError, match="at least one"):
        MerkleTree([])
    with pytest.raises(MerkleError, match="32-byte"):
        MerkleTree([b"x"])
    with pytest.raises(MerkleError, match="leaf 1 of a tree of 1"):
        MerkleTree([bytes(32)]).proof(1)
