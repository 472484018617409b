"""Workers with keys, their bundles, honest batches, and every way in which an orchestrator breaks exactly one rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edgebounty.protocol.batch.building import Batch, build
from edgebounty.protocol.batch.messages import Receipts, sign_compact
from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.batch.wire import (
    Bundle,
    Payout,
    Receipt,
    SignedBundle,
    bundles_tree,
    payouts_tree,
    receipts_tree,
    sets_tree,
)
from edgebounty.protocol.messages import Domain, address_of_key
from edgebounty.protocol.types import Address, to_address


def key_of(name: str) -> bytes:
    return hashlib.sha256(f"key of {name}".encode()).digest()


def account_of(name: str) -> Address:
    return address_of_key(key_of(name))


def digest_of(job: int, task: int) -> bytes:
    """What the program of these tests gives for a task: the first 27 bytes."""
    return hashlib.sha256(f"result {job} {task}".encode()).digest()[:27]


def set_of(job: int, task: int) -> bytes:
    return hashlib.sha256(f"commit set {job} {task}".encode()).digest()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A batch in the making: who did which (task, slot) of tasks [first, end)."""

    domain: Domain
    orchestrator: Address
    number: int
    job: int
    tasks: tuple[int, int]
    prices: Prices
    payouts: tuple[Payout, ...]
    previous: bytes
    bundles: tuple[SignedBundle, ...]
    data_digest: bytes = b"\xcd" * 32

    def built(self, bundles: Sequence[SignedBundle] | None = None) -> Batch:
        return build(
            orchestrator=self.orchestrator,
            number=self.number,
            job=self.job,
            tasks=self.tasks,
            bundles=self.bundles if bundles is None else bundles,
            prices=self.prices,
            payouts=self.payouts,
            previous=self.previous,
            data_digest=self.data_digest,
        )

    def sign(self, name: str, index: int, receipts: Sequence[Receipt], sets: Sequence[bytes] = ()) -> SignedBundle:
        """`name`'s bundle over these receipts, its signature good for this batch."""
        sets = tuple(sets) or tuple(set_of(self.job, receipt.task) for receipt in receipts)
        message = Receipts(
            worker=account_of(name),
            job=self.job,
            first_task=self.tasks[0],
            count=len(receipts),
            receipts=receipts_tree(receipts).root,
            commit_sets=sets_tree(sets).root,
        )
        return SignedBundle(
            payout_index=index,
            account=account_of(name),
            receipts=tuple(receipts),
            commit_sets=sets,
            signature=sign_compact(self.domain, message, key_of(name)),
        )

    def with_bundles(self, work: dict[str, list[tuple[int, int]]], indices: dict[str, int]) -> Plan:
        """Each worker's (task, slot) pairs signed, honestly. Workers with nothing to do are left out."""
        bundles = tuple(
            self.sign(name, indices[name], [self.receipt(task, slot) for task, slot in done])
            for name, done in work.items()
            if done
        )
        return replace(self, bundles=tuple(sorted(bundles, key=lambda bundle: bundle.payout_index)))

    def receipt(self, task: int, slot: int) -> Receipt:
        return Receipt(task=task, slot=slot, digest=digest_of(self.job, task))


def names_by_account(names: Sequence[str]) -> dict[Address, str]:
    return {account_of(name): name for name in names}


# --- how a batch goes wrong; each takes a plan with at least two bundles and breaks one rule of it ---


def _resigned(plan: Plan, names: dict[Address, str], at: int, receipts: list[Receipt], sets: list[bytes]) -> Batch:
    old = plan.bundles[at]
    bundles = list(plan.bundles)
    bundles[at] = plan.sign(names[old.account], old.payout_index, receipts, sets)
    return plan.built(bundles)


def _with_signature(plan: Plan, signature: bytes) -> Batch:
    return plan.built([*plan.bundles[:-1], replace(plan.bundles[-1], signature=signature)])


def _with_leaves(batch: Batch, leaves: Sequence[Bundle], **header: object) -> Batch:
    """Other leaves under the same payouts."""
    changed = replace(batch.header, bundles_root=bundles_tree(leaves).root, bundle_count=len(leaves), **header)  # type: ignore[arg-type]
    return replace(batch, leaves=tuple(leaves), header=changed)


def _with_payouts(batch: Batch, payouts: Sequence[Payout]) -> Batch:
    header = replace(batch.header, payouts_root=payouts_tree(payouts).root, payout_count=len(payouts))
    return replace(batch, payouts=tuple(payouts), header=header)


def signature_flipped(plan: Plan, names: dict[Address, str]) -> Batch:
    signature = bytearray(plan.bundles[-1].signature)
    signature[5] ^= 1
    return _with_signature(plan, bytes(signature))


def signature_zero(plan: Plan, names: dict[Address, str]) -> Batch:
    return _with_signature(plan, bytes(64))


def signature_of_another_batch(plan: Plan, names: dict[Address, str]) -> Batch:
    last = plan.bundles[-1]
    elsewhere = replace(plan, tasks=(plan.tasks[0] + 1, plan.tasks[1]))
    return _with_signature(plan, elsewhere.sign(names[last.account], last.payout_index, last.receipts).signature)


def signature_for_another_lane(plan: Plan, names: dict[Address, str]) -> Batch:
    last = plan.bundles[-1]
    elsewhere = replace(plan, domain=replace(plan.domain, chain_id=plan.domain.chain_id + 1))
    return _with_signature(plan, elsewhere.sign(names[last.account], last.payout_index, last.receipts).signature)


def signature_high_s(plan: Plan, names: dict[Address, str]) -> Batch:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    signature = plan.bundles[-1].signature
    vs = int.from_bytes(signature[32:], "big")
    s, v = vs & ((1 << 255) - 1), vs >> 255
    flipped = (order - s) & ((1 << 255) - 1)  # the form has no room for a high s: what is left recovers to another
    return _with_signature(plan, signature[:32] + (flipped | (1 - v) << 255).to_bytes(32, "big"))


def task_after_the_batch(plan: Plan, names: dict[Address, str]) -> Batch:
    last = plan.bundles[-1]
    receipts = [*last.receipts[:-1], replace(last.receipts[-1], task=plan.tasks[1])]
    return _resigned(plan, names, len(plan.bundles) - 1, receipts, [])


def task_before_the_batch(plan: Plan, names: dict[Address, str]) -> Batch:
    """A task that an earlier batch has paid for. Only where there is one; else a task after the batch."""
    if plan.tasks[0] == 0:
        return task_after_the_batch(plan, names)
    last = plan.bundles[-1]
    receipts = [*last.receipts[:-1], replace(last.receipts[-1], task=plan.tasks[0] - 1)]
    return _resigned(plan, names, len(plan.bundles) - 1, receipts, [])


def slot_too_high(plan: Plan, names: dict[Address, str]) -> Batch:
    last = plan.bundles[-1]
    receipts = [*last.receipts[:-1], replace(last.receipts[-1], slot=plan.prices.slots)]
    return _resigned(plan, names, len(plan.bundles) - 1, receipts, [])


def slot_twice(plan: Plan, names: dict[Address, str]) -> Batch:
    last = plan.bundles[-1]
    receipts = [plan.bundles[0].receipts[0], *last.receipts[1:]]
    return _resigned(plan, names, len(plan.bundles) - 1, receipts, [])


def worker_twice_on_a_task(plan: Plan, names: dict[Address, str]) -> Batch:
    """The first worker takes over another's slot of its first task: no slot twice, but one account twice."""
    first, *others = plan.bundles
    task = first.receipts[0].task
    taken = next(r for bundle in others for r in bundle.receipts if r.task == task)
    bundles = [plan.sign(names[first.account], first.payout_index, [*first.receipts, taken])]
    for bundle in others:
        left = [receipt for receipt in bundle.receipts if receipt != taken]
        if left:
            bundles.append(plan.sign(names[bundle.account], bundle.payout_index, left))
    return plan.built(bundles)


def digests_differ(plan: Plan, names: dict[Address, str]) -> Batch:
    other = plan.bundles[0].receipts[0]
    last = plan.bundles[-1]
    slot = (other.slot + 1) % plan.prices.slots
    receipts = [Receipt(task=other.task, slot=slot, digest=bytes(27)), *last.receipts[1:]]
    return _resigned(plan, names, len(plan.bundles) - 1, receipts, [])


def commit_sets_differ(plan: Plan, names: dict[Address, str]) -> Batch:
    other = plan.bundles[0].receipts[0]
    last = plan.bundles[-1]
    slot = (other.slot + 1) % plan.prices.slots
    receipts = [replace(other, slot=slot), *(r for r in last.receipts[1:] if r.task != other.task)]
    sets = [bytes(32), *(set_of(plan.job, receipt.task) for receipt in receipts[1:])]
    return _resigned(plan, names, len(plan.bundles) - 1, receipts, sets)


def index_of_another(plan: Plan, names: dict[Address, str]) -> Batch:
    """Only where an index has an owner that has nothing in this batch; else a payout that grew too much."""
    used = {bundle.payout_index for bundle in plan.bundles}
    free = [i for i, payout in enumerate(plan.payouts) if i and payout.owned and i not in used]
    if not free:
        return payout_too_large(plan, names)
    return plan.built([*plan.bundles[:-1], replace(plan.bundles[-1], payout_index=free[0])])


def order_swapped(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    one, other, *rest = batch.leaves
    leaves = [replace(other, start=0), replace(one, start=other.count), *rest]
    return replace(_with_leaves(batch, leaves), bundles=(batch.bundles[1], batch.bundles[0], *batch.bundles[2:]))


def index_twice(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    leaves = [batch.leaves[0], replace(batch.leaves[1], payout_index=batch.leaves[0].payout_index), *batch.leaves[2:]]
    return _with_leaves(batch, leaves)


def gap_in_counts(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    return _with_leaves(batch, [batch.leaves[0], *(replace(b, start=b.start + 1) for b in batch.leaves[1:])])


def total_too_small(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    return replace(batch, header=replace(batch.header, receipt_count=batch.header.receipt_count - 1))


def starts_late(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    return _with_leaves(batch, [replace(batch.leaves[0], start=1), *batch.leaves[1:]])


def bundle_for_the_fee(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    return _with_leaves(batch, [replace(batch.leaves[0], payout_index=0), *batch.leaves[1:]])


def bundle_empty(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    last = batch.leaves[-1]
    empty = replace(last, payout_index=last.payout_index + 1, start=last.start + last.count, count=0)
    nothing = SignedBundle(
        payout_index=empty.payout_index, account=empty.account, receipts=(), commit_sets=(), signature=bytes(64)
    )
    return replace(_with_leaves(batch, [*batch.leaves, empty]), bundles=(*batch.bundles, nothing))


def payout_too_large(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    index = batch.leaves[0].payout_index
    payouts = list(batch.payouts)
    payouts[index] = replace(payouts[index], cumulative=payouts[index].cumulative + 1)
    return _with_payouts(batch, payouts)


def payout_left_out(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    index = batch.leaves[-1].payout_index
    before = batch.payouts_before[index].cumulative if index < len(batch.payouts_before) else 0
    payouts = list(batch.payouts)
    payouts[index] = replace(payouts[index], cumulative=before)
    return _with_payouts(batch, payouts)


def payout_unearned(plan: Plan, names: dict[Address, str]) -> Batch:
    """A further index, for somebody who did nothing."""
    batch = plan.built()
    return _with_payouts(batch, [*batch.payouts, Payout(account=plan.orchestrator, cumulative=10**6)])


def payout_owner_changed(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    index = batch.leaves[0].payout_index
    payouts = list(batch.payouts)
    payouts[index] = replace(payouts[index], account=to_address(b"\x66" * 20))
    return _with_payouts(batch, payouts)


def fee_too_high(plan: Plan, names: dict[Address, str]) -> Batch:
    batch = plan.built()
    fee = replace(batch.payouts[0], cumulative=batch.payouts[0].cumulative + plan.prices.fee + 1)
    return _with_payouts(batch, [fee, *batch.payouts[1:]])


def payouts_cut_short(plan: Plan, names: dict[Address, str]) -> Batch:
    """The last index that earned has no leaf. Only where that index is new; else its pay is left out."""
    batch = plan.built()
    last = batch.leaves[-1].payout_index
    if last < len(batch.payouts_before) or last + 1 != len(batch.payouts):
        return payout_left_out(plan, names)
    return _with_payouts(batch, batch.payouts[:-1])


def payouts_shrunk(plan: Plan, names: dict[Address, str]) -> Batch:
    """An owner that earned nothing now loses its leaf, with all after it. Only where there is one."""
    batch = plan.built()
    last = batch.leaves[-1].payout_index
    if last + 1 >= len(batch.payouts_before):
        return payouts_cut_short(plan, names)
    return _with_payouts(batch, batch.payouts[: last + 1])


Corruption = Callable[[Plan, dict[Address, str]], Batch]
CORRUPTIONS: Final[dict[str, tuple[str, Corruption]]] = {
    corruption.__name__: (rule, corruption)
    for rule, corruptions in {
        "strikeSignature": (
            signature_flipped,
            signature_zero,
            signature_high_s,
            signature_of_another_batch,
            signature_for_another_lane,
        ),
        "strikeReceipt": (task_after_the_batch, task_before_the_batch, slot_too_high),
        "strikePair": (slot_twice, worker_twice_on_a_task, digests_differ),
        "strikeSets": (commit_sets_differ,),
        "strikeOwner": (index_of_another,),
        "voidOrder": (order_swapped, index_twice, gap_in_counts),
        "voidEdge": (total_too_small, starts_late, bundle_for_the_fee, bundle_empty),
        "rewindPayout": (payout_too_large, payout_left_out, payout_unearned, payout_owner_changed, fee_too_high),
        "rewindCount": (payouts_cut_short, payouts_shrunk),
    }.items()
    for corruption in corruptions
}
"""By name: the rule that each breaks, and how."""
