"""The price of a receipt, and of a proof, is a promise: it has a test beside its benchmark."""

from __future__ import annotations

import hashlib

import pytest

from bench import batch_gas, fraud_proof_gas
from bench.batch_lane.sparse import SparseTree
from edgebounty.protocol.batch.tree import PositionTree

FEW_PAYEES = 1 << 14  # a withdrawal shows six nodes fewer than in the benchmark
MISSED_AT_A_HUNDRED = 1_300
"""The target is 1,000; see ADR 17 for where the gas goes. It must not grow."""


@pytest.mark.integration
def test_batch_gas__ten_thousand_receipts__stays_below_the_targets() -> None:
    spent = batch_gas.measure(FEW_PAYEES)
    assert spent.per_receipt(10_000, "cid") <= batch_gas.TARGETS[10_000, "cid"]
    assert spent.per_receipt(10_000, "calldata") <= batch_gas.TARGETS[10_000, "calldata"]
    assert spent.per_receipt(100, "cid") <= MISSED_AT_A_HUNDRED
    assert spent.reused[100, "cid"] < spent.fresh[100, "cid"]
    assert spent.withdrawal < spent.first_withdrawal


@pytest.mark.integration
def test_fraud_proof_gas__deepest_trees__every_rule_stays_below_the_target() -> None:
    (figure,) = fraud_proof_gas.run()
    assert figure.met
    assert figure.value <= fraud_proof_gas.TARGET_GAS


@pytest.mark.unit
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 21, 64])
def test_sparse_tree__small_enough_to_build__is_the_position_tree(count: int) -> None:
    filler = hashlib.sha256(b"filler").digest()
    others = {at: hashlib.sha256(b"%d" % at).digest() for at in {0, count // 2, count - 1}}
    whole = PositionTree([others.get(at, filler) for at in range(count)])
    sparse = SparseTree(count, others, filler)
    assert sparse.root == whole.root
    for at in others:
        assert sparse.proof(at) == whole.proof(at)
