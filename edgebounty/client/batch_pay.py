"""What a worker of the batch lane gets without asking its orchestrator: from the chain and published data alone.

The payouts of every batch are derived here again, and a batch counts only if the chain's root is the derived one: what
is proven to the contract is what was earned, whoever posted or restated it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from web3 import Web3
from web3.contract.contract import ContractFunction

from edgebounty.chain.batches import BatchContracts
from edgebounty.chain.following import Followed, Lane, LostEvents
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rejections import load_artifact
from edgebounty.client.errors import Rejected, Unavailable
from edgebounty.content import batches as published
from edgebounty.content.store import ContentError, ContentStore
from edgebounty.protocol.batch.building import next_payouts
from edgebounty.protocol.batch.calls import NO_ADDRESS, header_abi
from edgebounty.protocol.batch.messages import Acceptance, Withdrawal, to_compact
from edgebounty.protocol.batch.openings import Proof
from edgebounty.protocol.batch.wire import BatchDataError, Bundle, Header, Payout, payouts_tree
from edgebounty.protocol.messages import address_of_key, sign
from edgebounty.protocol.types import Address

if TYPE_CHECKING:
    from edgebounty.worker.batch.values import Bundle as OwedBundle

BLOCKS_AT_ONCE: Final = 2_000
SIGNED_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A posted batch as its data has it. `right`: the chain's payouts are those that follow from the data."""

    batch: Followed
    leaves: tuple[Bundle, ...]
    payouts: tuple[Payout, ...]
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """Batches from the first on. `stated`: so many have payouts that nobody rewound. `gap`: why there are no more, if
    the chain has more: later payouts rest on data that is not to be had."""

    batches: tuple[Derived, ...] = ()
    stated: int = 0
    gap: Unavailable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """A payout that can be withdrawn now, by the newest batch that shows it. Amounts in base units."""

    header: Header
    index: int
    payout: Payout
    proof: Proof
    withdrawn: int

    @property
    def amount(self) -> int:
        return max(self.payout.cumulative - self.withdrawn, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Receipts that an orchestrator signed that it owes, and that it did not post. `header`: of the batch in which they
    should be; None: the job is over without one."""

    acceptance: Acceptance
    signature: bytes
    header: Header | None
    amount: int


class BatchPay:
    """One orchestrator's batches, derived. Reads may raise `ChainError`; `content` serves data that is under a CID."""

    def __init__(self, market: MarketContracts, content: ContentStore, orchestrator: Address) -> None:
        self.market = market
        self.orchestrator = orchestrator
        self.contracts = BatchContracts(market)
        self._content = content
        self._payouts = market.web3.eth.contract(
            address=Web3.to_checksum_address(market.deployment.batch_payouts), abi=load_artifact("BatchPayouts")["abi"]
        )

    # --- what there is ---

    def derive(self) -> Derivation:
        """All batches whose data, and that of all before them, is to be had."""
        book = self._lane().books.get(self.orchestrator)
        if book is None:
            return Derivation()
        found: list[Derived] = []
        payouts: tuple[Payout, ...] = ()
        for batch in book.batches:
            try:
                leaves = self._leaves(batch)
            except Unavailable as gap:
                return Derivation(batches=tuple(found), stated=book.stated, gap=gap)
            payouts = next_payouts(
                payouts,
                leaves,
                orchestrator=self.orchestrator,
                prices=self.contracts.prices_of(batch.header.job),
                struck=batch.struck,
                voided=batch.voided,
            )
            told = (batch.header.payout_count, batch.header.payouts_root)
            right = told == (len(payouts), payouts_tree(payouts).root)
            found.append(Derived(batch=batch, leaves=leaves, payouts=payouts, right=right))
        return Derivation(batches=tuple(found), stated=book.stated)

    def payable(self, account: Address) -> Payable | None:
        """What `account` can withdraw now; None if it has no payout in a batch whose window has passed.

        Raises `Unavailable` if that is nothing, and data of a later batch, in which it may have earned, is withheld.
        """
        derivation = self.derive()
        found = self._newest(account, derivation)
        if derivation.gap is not None and (found is None or found.amount == 0):
            raise derivation.gap
        return found

    def _newest(self, account: Address, derivation: Derivation) -> Payable | None:
        now = self.market.block().time
        for one in reversed(derivation.batches[: derivation.stated]):
            header = one.batch.header
            times = self.contracts.times_of(header)
            if not one.right or times is None or now < times[1] + self.contracts.window:
                continue
            index = next((i for i, payout in enumerate(one.payouts) if payout.account == account and i), None)
            if index is None:
                continue
            view = self._payouts.functions.withdrawnOf(Web3.to_checksum_address(self.orchestrator), index)
            return Payable(
                header=header,
                index=index,
                payout=one.payouts[index],
                proof=payouts_tree(one.payouts).proof(index),
                withdrawn=int(self.market.read(view)),
            )
        return None

    def left_out(self, worker: Address, owed: Sequence[OwedBundle]) -> list[LeftOut]:
        """Of what was accepted, what no batch holds that should: it can be claimed on chain.

        Raises `Unavailable` while data is withheld that may show that it is there: a claim would cost the deposit.
        """
        derivation = self.derive()
        derived, found = derivation.batches, []
        for bundle in owed:
            covering = [
                one
                for one in derived
                if one.batch.header.job == bundle.job
                and one.batch.header.first_task <= bundle.first_task < one.batch.header.end_task
            ]
            if any(leaf.account == worker and leaf.count >= bundle.count for one in covering for leaf in one.leaves):
                continue
            if derivation.gap is not None and not covering:
                raise derivation.gap
            if not covering and not self._is_closed(bundle.job):
                continue  # its batch may come yet
            acceptance = Acceptance(
                orchestrator=self.orchestrator,
                worker=worker,
                job=bundle.job,
                first_task=bundle.first_task,
                count=bundle.count,
                receipts=bundle.receipts_root,
                commit_sets=bundle.sets_root,
            )
            found.append(
                LeftOut(
                    acceptance=acceptance,
                    signature=bundle.acceptance,
                    header=covering[0].batch.header if covering else None,
                    amount=bundle.count * self.contracts.prices_of(bundle.job).price,
                )
            )
        return found

    # --- calls, to be sent by `Sender`; anybody may ---

    def withdraw(self, payable: Payable, *, receiver: Address, key: bytes | None = None) -> ContractFunction:
        """Pays the account itself; another receiver needs the account's `key`, which signs for that.

        Raises `Rejected` for another receiver without the account's own key.
        """
        account, until = payable.payout.account, 0
        to, signature = NO_ADDRESS, bytes(64)
        if receiver != account:
            if key is None or address_of_key(key) != account:
                raise Rejected(f"only {account} can have its pay sent to {receiver}", remedy="sign with its key")
            to, until = receiver, self.market.block().time + SIGNED_SECONDS
            message = Withdrawal(
                account=account,
                orchestrator=self.orchestrator,
                payout_index=payable.index,
                cumulative=payable.payout.cumulative,
                receiver=receiver,
                until=until,
            )
            signature = to_compact(sign(self.contracts.domain, message, key))
        opening = (account, payable.payout.cumulative, payable.proof)
        asked = (payable.index, opening, to, until, signature[:32], signature[32:])
        call: ContractFunction = self._payouts.functions.withdraw(header_abi(payable.header), asked)
        return call

    def claim(self, left_out: LeftOut) -> ContractFunction:
        """Claims pay for receipts that were left out; the sender's free stake holds a deposit meanwhile."""
        compact = to_compact(left_out.signature)
        words: tuple[Any, ...] = tuple(asdict(left_out.acceptance).values())
        call: ContractFunction = self._payouts.functions.claimBundle(
            words, compact[:32], compact[32:], header_abi(left_out.header)
        )
        return call

    def pay_claim(self, claim_id: int) -> ContractFunction:
        """Once the time to answer is over. The pay is credit in the escrow: `edgebounty withdraw`."""
        call: ContractFunction = self._payouts.functions.payClaim(claim_id)
        return call

    def claim_id_of(self, receipt: Any) -> int:
        """The claim that a transaction made."""
        (event,) = self._payouts.events.BundleClaimed().process_receipt(receipt)
        return int(event["args"]["claimId"])

    # --- internals ---

    def _lane(self) -> Lane:
        lane, head = Lane(), self.market.block().number
        first = self.market.deployment.block
        try:
            while first <= head:
                last = min(head, first + BLOCKS_AT_ONCE - 1)
                for event in self.contracts.events(first, last):
                    lane.take(event)
                first = last + 1
        except LostEvents as error:
            text = f"the node does not tell all that happened: {error}"
            raise Unavailable(text, remedy="use another --rpc-url") from error
        return lane

    def _leaves(self, batch: Followed) -> tuple[Bundle, ...]:
        header = batch.header
        try:
            known = published.load(header, self._content, lambda: self.contracts.calldata_of(batch.tx_hash))
        except (ContentError, BatchDataError) as error:
            raise Unavailable(
                f"the data of batch {header.number} of {header.orchestrator} cannot be read: {error}",
                whose="the orchestrator's, which has to serve it",
                remedy="name another --gateway-url; until its window is over anybody can demand it: `edgebounty watch`",
            ) from error
        if known is None:
            raise Unavailable(
                f"batch {header.number} of {header.orchestrator} was posted by a contract, its data is not in sight",
                remedy="ask the orchestrator",
            )
        return known.leaves

    def _is_closed(self, job_id: int) -> bool:
        views = self.contracts.lane.functions
        job = self.market.read(views.jobOf(job_id))
        return self.market.block().time >= int(job[1]) + int(self.market.read(views.GRACE()))
