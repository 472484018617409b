"""The rules of a batch, each as a proof that it was broken: the twin, line by line, of contracts/batch/BatchFaults.sol.

Every check takes a `Case` (what the chain knows of the batch) and openings (what anybody may bring), and raises
`NotProven` unless these show the fault. So one code says what a watchtower may send and what the chain takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgebounty.protocol.batch.messages import Receipts, recover_compact
from edgebounty.protocol.batch.openings import BundleOpening, NotProven, PayoutOpening, ReceiptOpening, SetOpening
from edgebounty.protocol.batch.wire import NOBODY, Bundle, Header, Payout, Receipt
from edgebounty.protocol.messages import Domain, SignatureError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What one receipt of the job costs, in token base units, and how many slots a task may have."""

    price: int
    fee: int  # the orchestrator's, per receipt, rounded down
    slots: int

    @property
    def cost(self) -> int:
        return self.price + self.fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A posted batch as the chain knows it."""

    domain: Domain
    prices: Prices
    header: Header
    previous: Header | None
    struck: frozenset[int] = field(default=frozenset())  # positions of bundles
    struck_receipts: int = 0
    voided: bool = False
    restated: bool = False  # its payouts are no longer those that the orchestrator posted


def receipts_message(case: Case, bundle: Bundle) -> Receipts:
    """What the worker of this bundle has to have signed."""
    return Receipts(
        worker=bundle.account,
        job=case.header.job,
        first_task=case.header.first_task,
        count=bundle.count,
        receipts=bundle.receipts_root,
        commit_sets=bundle.sets_root,
    )


# --- faults of a bundle: its pay is struck ---


def strike_signature(case: Case, opening: BundleOpening) -> int:
    """The worker did not sign these roots for this batch. Returns the position to strike, as all of these do."""
    bundle = _unstruck(case, opening)
    try:
        signer = recover_compact(case.domain, receipts_message(case, bundle), bundle.signature)
    except SignatureError:
        return opening.position
    if signer == bundle.account:
        raise NotProven("the signature is good")
    return opening.position


def strike_receipt(case: Case, opening: BundleOpening, shown: ReceiptOpening) -> int:
    """A receipt names a task outside the batch, or a slot that the job does not have."""
    receipt = shown.check(_unstruck(case, opening))
    in_range = case.header.first_task <= receipt.task < case.header.end_task
    if in_range and receipt.slot < case.prices.slots:
        raise NotProven("task and slot are in the batch")
    return opening.position


def strike_pair(
    case: Case, first: BundleOpening, of_first: ReceiptOpening, second: BundleOpening, of_second: ReceiptOpening
) -> int:
    """Two receipts of one task that cannot both be paid: one slot, one worker, unequal digests. Strikes the later."""
    one, other = _pair(case, first, of_first, second, of_second)
    same_worker = first.bundle.account == second.bundle.account
    if one.slot != other.slot and one.digest == other.digest and not same_worker:
        raise NotProven("the two receipts agree")
    return second.position


def strike_sets(
    case: Case,
    first: BundleOpening,
    of_first: ReceiptOpening,
    first_set: SetOpening,
    second: BundleOpening,
    of_second: ReceiptOpening,
    second_set: SetOpening,
) -> int:
    """Two receipts of one task answer different commit sets: it was closed twice. The later is struck."""
    _pair(case, first, of_first, second, of_second)
    one = first_set.check(first.bundle, of_first.position)
    if one == second_set.check(second.bundle, of_second.position):
        raise NotProven("both answer one commit set")
    return second.position


def strike_owner(case: Case, opening: BundleOpening, owned: PayoutOpening) -> int:
    """The bundle's payout index is another account's. Only by the payouts that the orchestrator itself built on."""
    bundle = _unstruck(case, opening)
    if case.restated or case.previous is None:
        raise NotProven("the orchestrator did not build on these payouts")
    owner = owned.check(case.previous, bundle.payout_index)
    if not owner.owned or owner.account == bundle.account:
        raise NotProven("the index is the account's own, or was free")
    return opening.position


# --- faults of a batch: all of it is void ---


def void_order(case: Case, first: BundleOpening, second: BundleOpening) -> None:
    """Neighbours whose payout indices do not ascend, or whose counts leave a gap."""
    one, other = first.check(case.header), second.check(case.header)
    _live(case)
    if second.position != first.position + 1:
        raise NotProven("these bundles are no neighbours")
    if one.payout_index < other.payout_index and one.start + one.count == other.start:
        raise NotProven("the neighbours are in order")


def void_edge(case: Case, opening: BundleOpening) -> None:
    """An empty bundle; or a first one that starts late or pays the fee's index; or a last one that misses the total."""
    bundle, last = opening.check(case.header), case.header.bundle_count - 1
    _live(case)
    wrong_first = opening.position == 0 and (bundle.start != 0 or bundle.payout_index == 0)
    wrong_last = opening.position == last and bundle.start + bundle.count != case.header.receipt_count
    if bundle.count != 0 and not wrong_first and not wrong_last:
        raise NotProven("count, start and total are right")


# --- faults of the payouts: they are rewound ---


def rewind_payout(
    case: Case, index: int, new: PayoutOpening, old: PayoutOpening | None, near: tuple[BundleOpening, ...]
) -> None:
    """Payout `index` is not what the old one and the unstruck bundle at that index make it.

    `near`: the bundle of that index; or, to show that there is none, the two around it or the one at the end. Not read
    for index 0 and for a void batch.
    """
    if new.check(case.header, index) == expected_payout(case, index, old, near):
        raise NotProven(f"payout {index} is right")


def rewind_count(case: Case, last: BundleOpening) -> None:
    """The payout tree shrank, or has no leaf for the last, and so the highest, index that earned something."""
    bundle = last.check(case.header)
    if case.previous is not None and case.header.payout_count < case.previous.payout_count:
        return
    _live(case)
    if last.position != case.header.bundle_count - 1:
        raise NotProven("this is not the last bundle")
    if bundle.payout_index < case.header.payout_count:
        raise NotProven("the payout tree is large enough")


def expected_payout(case: Case, index: int, old: PayoutOpening | None, near: tuple[BundleOpening, ...]) -> Payout:
    """The only right leaf at `index` after this batch. Raises `NotProven` for openings that do not show it."""
    before = _payout_before(case, index, old)
    if index == 0:
        account = before.account if before.owned else case.header.orchestrator
        receipts = 0 if case.voided else max(case.header.receipt_count - case.struck_receipts, 0)
        return Payout(account=account, cumulative=before.cumulative + receipts * case.prices.fee)
    # A struck bundle takes no index either: once an earlier batch is void, it would keep the index from its owner.
    if case.voided or _shows_none(case, index, near) or near[0].position in case.struck:
        return before
    bundle = near[0].bundle
    if before.owned and before.account != bundle.account:
        return before
    return Payout(account=bundle.account, cumulative=before.cumulative + bundle.count * case.prices.price)


def _payout_before(case: Case, index: int, old: PayoutOpening | None) -> Payout:
    if case.previous is None or index >= case.previous.payout_count:
        return NOBODY
    if old is None:
        raise NotProven(f"payout {index} stood in the tree before: show it")
    return old.check(case.previous, index)


def _shows_none(case: Case, index: int, near: tuple[BundleOpening, ...]) -> bool:
    """Whether no bundle has this index (True), or the first shown one has (False)."""
    if not 1 <= len(near) <= 2:
        raise NotProven("show the bundle, or the ones around")
    bundles = [opening.check(case.header) for opening in near]
    if bundles[0].payout_index == index:
        return False
    if len(near) == 2:
        neighbours = near[1].position == near[0].position + 1
        if neighbours and bundles[0].payout_index < index < bundles[1].payout_index:
            return True
        raise NotProven("these bundles are not around the index")
    before_all = near[0].position == 0 and index < bundles[0].payout_index
    after_all = near[0].position == case.header.bundle_count - 1 and index > bundles[0].payout_index
    if not before_all and not after_all:
        raise NotProven("this bundle is at no end of the batch")
    return True


def _pair(
    case: Case, first: BundleOpening, of_first: ReceiptOpening, second: BundleOpening, of_second: ReceiptOpening
) -> tuple[Receipt, Receipt]:
    one = of_first.check(_unstruck(case, first))
    other = of_second.check(_unstruck(case, second))
    if (first.position, of_first.position) >= (second.position, of_second.position):
        raise NotProven("the receipt to strike comes second")
    if one.task != other.task:
        raise NotProven("the receipts are of two tasks")
    return one, other


def _unstruck(case: Case, opening: BundleOpening) -> Bundle:
    bundle = opening.check(case.header)
    _live(case)
    if opening.position in case.struck:
        raise NotProven(f"bundle {opening.position} was struck already")
    return bundle


def _live(case: Case) -> None:
    if case.voided:
        raise NotProven("the batch is void already")
