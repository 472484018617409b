"""Trees, bytes and signatures of the batch lane."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.batch.messages import (
    Acceptance,
    Assignment,
    Claim,
    CommitSet,
    Join,
    Receipts,
    Withdrawal,
    is_signed_by,
    recover_compact,
    sign_compact,
    to_compact,
)
from edgebounty.protocol.batch.tree import PositionTree, height_of, verify
from edgebounty.protocol.batch.wire import (
    BatchDataError,
    Receipt,
    SignedBundle,
    encode_bundles,
    parse_bundles,
)
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.merkle import MerkleError
from edgebounty.protocol.messages import Domain, Signable, SignatureError, address_of_key, sign, typed_data
from edgebounty.protocol.types import to_address

KEY = bytes(range(1, 33))
ME = address_of_key(KEY)
YOU = to_address(b"\x33" * 20)
DOMAIN = Domain(chain_id=31337, verifying_contract=to_address(b"\x22" * 20))

receipts = st.builds(
    Receipt, task=st.integers(0, 2**32 - 1), slot=st.integers(0, 255), digest=st.binary(min_size=27, max_size=27)
)
MESSAGES: list[Signable] = [
    Join(worker=ME, orchestrator=YOU, payout=YOU, until=9),
    Claim(worker=ME, orchestrator=YOU, job=1, task=2, until=9),
    Assignment(orchestrator=ME, worker=YOU, job=1, first_task=4, tasks=(4, 7), slot=1, until=9),
    CommitSet(orchestrator=ME, job=1, task=4, commitments=(b"\x01" * 32, b"\x02" * 32)),
    Receipts(worker=ME, job=1, first_task=4, count=2, receipts=b"\x01" * 32, commit_sets=b"\x02" * 32),
    Acceptance(
        orchestrator=ME, worker=YOU, job=1, first_task=4, count=2, receipts=b"\x01" * 32, commit_sets=b"\x02" * 32
    ),
    Withdrawal(account=ME, orchestrator=YOU, payout_index=3, cumulative=2**90, receiver=YOU, until=9),
]


@pytest.mark.property
@settings(deadline=None, max_examples=60)
@given(st.integers(1, 70), st.data())
def test_tree__every_node__is_proven_at_its_place_and_no_other(count: int, data: st.DataObject) -> None:
    tree = PositionTree([keccak256(bytes([i])) for i in range(count)])
    level = data.draw(st.integers(0, height_of(count)))
    position = data.draw(st.integers(0, len(tree.levels[level]) - 1))
    node, proof = tree.levels[level][position], tree.proof(position, level)

    assert verify(tree.root, node, position, count, proof, level)
    assert not any(
        verify(tree.root, node, other, count, proof, level) for other in range(-1, count + 2) if other != position
    )
    assert not verify(tree.root, node, position, count, (*proof, bytes(32)), level)
    assert not proof or not verify(tree.root, node, position, count, proof[:-1], level)


@pytest.mark.unit
def test_tree__nothing_or_wrong_leaves__have_no_proof() -> None:
    assert PositionTree([]).root == bytes(32)
    assert not verify(bytes(32), bytes(32), 0, 0, ())
    with pytest.raises(MerkleError, match="32-byte"):
        PositionTree([b"short"])
    with pytest.raises(MerkleError, match="no node 1"):
        PositionTree([bytes(32)]).proof(1)


@pytest.mark.property
@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(receipts, min_size=1, max_size=4), min_size=1, max_size=5), st.data())
def test_bundles__encoded__parse_to_the_same_and_refuse_what_is_cut(
    found: list[list[Receipt]], data: st.DataObject
) -> None:
    bundles = [
        SignedBundle(
            payout_index=2 * i + 1,
            account=ME,
            receipts=tuple(some),
            commit_sets=tuple(receipt.leaf for receipt in some),
            signature=bytes(64),
        )
        for i, some in enumerate(found)
    ]
    encoded = encode_bundles(bundles)

    parsed = parse_bundles(encoded)

    assert [(b.payout_index, b.account, b.receipts) for b in parsed] == [
        (b.payout_index, b.account, b.receipts) for b in bundles
    ]
    assert [b.sets_root for b in parsed] == [b.sets_tree.root for b in bundles]
    with pytest.raises(BatchDataError, match=r"cut short|at least one"):
        parse_bundles(encoded[: -data.draw(st.integers(1, 31))])
    with pytest.raises(BatchDataError, match="does not come after"):
        parse_bundles(encoded + encode_bundles(bundles[:1]))


@pytest.mark.unit
def test_parse__empty_batch_empty_bundle_and_index_zero__are_refused() -> None:
    empty = SignedBundle(payout_index=1, account=ME, receipts=(), commit_sets=(), signature=bytes(64))
    with pytest.raises(BatchDataError, match="at least one bundle"):
        parse_bundles(b"")
    with pytest.raises(BatchDataError, match="0 receipts"):
        parse_bundles(encode_bundles([empty]))
    with pytest.raises(BatchDataError, match="does not come after"):
        parse_bundles(encode_bundles([replace(empty, payout_index=0)]))


@pytest.mark.unit
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_message__signed__is_what_a_wallet_signs(message: Signable) -> None:
    expected = Account.sign_message(encode_typed_data(full_message=typed_data(DOMAIN, message)), KEY)

    compact = sign_compact(DOMAIN, message, KEY)

    assert compact == to_compact(bytes(expected.signature))
    assert recover_compact(DOMAIN, message, compact) == message.signer == ME


@pytest.mark.unit
def test_compact__other_forms__are_refused() -> None:
    full = sign(DOMAIN, MESSAGES[0], KEY)
    for wrong in (full[:64], full[:64] + b"\x00", full[:32] + b"\xff" + full[33:]):
        with pytest.raises(SignatureError):
            to_compact(wrong)
    with pytest.raises(SignatureError, match="64 bytes"):
        recover_compact(DOMAIN, MESSAGES[0], full)
    with pytest.raises(SignatureError, match="no account"):
        recover_compact(DOMAIN, MESSAGES[0], bytes(64))


@pytest.mark.unit
def test_is_signed_by__only_the_account_named_and_in_one_form() -> None:
    key, domain = b"\x21" * 32, Domain(chain_id=5, verifying_contract=to_address(b"\x01" * 20))
    message = Receipts(
        worker=address_of_key(key), job=1, first_task=0, count=1, receipts=b"\x02" * 32, commit_sets=b"\x03" * 32
    )
    good = sign_compact(domain, message, key)
    assert is_signed_by(domain, message, good)
    elsewhere = replace(domain, chain_id=6)
    assert not is_signed_by(elsewhere, message, good)
    assert not is_signed_by(domain, replace(message, count=2), good)
    assert not is_signed_by(domain, replace(message, worker=address_of_key(b"\x22" * 32)), good)
    for wrong in (good[:63], good + b"\0", bytes(64), b"\xff" * 64, good[:32] + bytes([good[32] ^ 128]) + good[33:]):
        assert not is_signed_by(domain, message, wrong)
