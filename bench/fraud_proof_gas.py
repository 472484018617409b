"""What does the dearest proof of a fault cost? One batch that breaks every rule, with the deepest trees the lane takes.

The batch has as many receipts as a job of 65,535 tasks holds after a first, small one, 1,048,544, and as many bundles:
every proof of a bundle is 20 nodes long. What a bundle says of itself is up to a hostile orchestrator, and so is the
number of payouts: both claim 2^32 - 1 leaves, so a receipt, a commit set and a payout are shown with 32 nodes each.
Nobody builds such trees: their leaves are alike but for those that are shown, and only the paths are hashed. Everything
else is real: the proofs hold by the rules that watchtowers run, go to the contracts one by one, and take the bond.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.batch_lane.market import MOST_SLOTS, TASKS, BatchMarket, account_at
from bench.batch_lane.sparse import SparseTree
from bench.figure import RESULTS, Figure
from edgebounty.chain.anvil import Anvil
from edgebounty.chain.rpc import connect
from edgebounty.protocol.batch.calls import RECEIPTS, header_abi, node_abi, proof_args
from edgebounty.protocol.batch.openings import BundleOpening, PayoutOpening, ReceiptOpening, SetOpening
from edgebounty.protocol.batch.rules import Case
from edgebounty.protocol.batch.watching import RULES, Fault
from edgebounty.protocol.batch.wire import NOBODY, Bundle, Header, Payout, Receipt
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import address_of_key

TARGET_GAS: Final = 500_000
BUNDLES: Final = (TASKS - 1) * MOST_SLOTS
CLAIMED: Final = (1 << 32) - 1
ORCHESTRATOR, CHALLENGER = 2, 9
_OWNED, _FREE = 1 << 30, (1 << 29) + 1  # payout indices: somebody's before, and nobody's ever


def run() -> list[Figure]:
    with Anvil.start(block_time=None) as anvil:
        spent = _Hostile(BatchMarket(connect(anvil.url))).prove_all()
    Console().print(table_of(spent))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "fraud_proof_gas_rules.txt").write_text(json.dumps(spent, indent=2) + "\n")
    figure = Figure(
        name="fraud_proof_gas_max",
        value=max(spent.values()),
        unit="gas",
        peer=None,
        peer_value=None,
        ratio=None,
        target=TARGET_GAS,
        better="lower",
    )
    return [figure.save()]


def table_of(spent: dict[str, int]) -> Table:
    table = Table(title=f"Gas of one proof; {BUNDLES:,} bundles, receipts and payouts said to be {CLAIMED:,}")
    table.add_column("function")
    table.add_column("gas", justify="right")
    for rule, gas in sorted(spent.items(), key=lambda pair: -pair[1]):
        table.add_row(rule, f"{gas:,}")
    return table


class _Hostile:
    """An orchestrator whose first batch is right as far as anyone looks, and whose second breaks every rule."""

    def __init__(self, market: BatchMarket) -> None:
        self.market = market
        self.account, self.job, self.prices = market.orchestrator(ORCHESTRATOR, slots=MOST_SLOTS)
        market.orchestrator(CHALLENGER, slots=1)  # it has stake: a demand locks a deposit
        half, receipts_end = TASKS // 2, 1 << 31
        pair = Receipt(task=half, slot=0, digest=b"\1" * 27), Receipt(task=half, slot=0, digest=b"\2" * 27)
        outside = Receipt(task=TASKS, slot=0, digest=b"\3" * 27)
        filler = Receipt(task=half + 1, slot=1, digest=b"\4" * 27)
        self.words = {0: pair[0].word, receipts_end: pair[1].word, receipts_end + 1: outside.word}
        self.receipts = SparseTree(CLAIMED, {at: keccak256(word) for at, word in self.words.items()}, filler.leaf)
        self.set_words = {at: hashlib.sha256(b"set %d" % at).digest() for at in (0, receipts_end)}
        leaves = {at: keccak256(word) for at, word in self.set_words.items()}
        self.sets = SparseTree(CLAIMED, leaves, keccak256(b"\5" * 32))
        self.at = receipts_end
        # First, its neighbour, one whose index is another's, the last.
        self.bundles = {
            0: self._bundle(1, b"first"),
            1: self._bundle(_OWNED, b"second"),
            BUNDLES // 2: self._bundle(_OWNED, b"third"),
            BUNDLES - 1: self._bundle(CLAIMED, b"last"),
        }
        self.bundles_tree = SparseTree(
            BUNDLES, {at: bundle.leaf for at, bundle in self.bundles.items()}, self._bundle(7, b"other").leaf
        )
        owner = Payout(account=account_at(5), cumulative=10**18 + 7)
        payouts = {0: Payout(account=self.account, cumulative=10**17), _OWNED: owner}
        self.before = self._payouts(payouts)
        self.after = self._payouts({**payouts, _FREE: Payout(account=self.account, cumulative=10**18)})
        self.old_owner = owner

    def prove_all(self) -> dict[str, int]:
        previous = self._header(0, (0, 1), self.before, None)
        header = self._header(1, (1, TASKS), self.after, previous)
        lane = self.market.lane.functions
        for each in (previous, header):
            self.market.send(lane.post(header_abi(each)), self.account)
        case = Case(domain=self.market.domain, prices=self.prices, header=header, previous=previous)
        faults = self._faults(header)
        if {fault.rule for fault in faults} != set(RULES):
            raise RuntimeError("a rule has no proof here")
        spent = {}
        for fault in faults:
            fault.check(case)
            snapshot = self.market.snapshot()
            call = self.market.challenges.functions[fault.rule](*proof_args(fault, header, previous))
            spent[fault.rule] = self.market.send(call, account_at(CHALLENGER))
            if lane.stateOf(header_abi(header)).call()[3] != 0:
                raise RuntimeError(f"{fault.rule} took no bond; its gas means nothing")
            self.market.revert(snapshot)
        return spent | self._withheld(header)

    def _withheld(self, header: Header) -> dict[str, int]:
        """A receipt is demanded, nobody shows it, the batch is void."""
        challenges = self.market.challenges.functions
        node = node_abi(RECEIPTS, 0, self.at, keccak256(self.words[self.at]), self.receipts.proof(self.at))
        demand = challenges.demand(header_abi(header), [self._opening(BUNDLES // 2).as_abi()], node)
        spent = {"demand (a receipt)": self.market.send(demand, account_at(CHALLENGER))}
        self.market.time_passes(3)
        enforced = self.market.send(challenges.enforce(0, header_abi(header)), account_at(CHALLENGER))
        return spent | {"enforce (void)": enforced}

    def _faults(self, header: Header) -> list[Fault]:
        first, second, third, last = (self._opening(at) for at in self.bundles)
        one, other = self._receipt(0), self._receipt(self.at)
        sets = self._set(0), self._set(self.at)
        owned = PayoutOpening(payout=self.old_owner, proof=self.before.proof(_OWNED))
        wrong = PayoutOpening(payout=Payout(account=self.account, cumulative=10**18), proof=self.after.proof(_FREE))
        nobody = PayoutOpening(payout=NOBODY, proof=self.before.proof(_FREE))
        return [
            Fault(rule="strikeSignature", openings=(third,)),
            Fault(rule="strikeReceipt", openings=(third, self._receipt(self.at + 1))),
            Fault(rule="strikePair", openings=(first, one, third, other)),
            Fault(rule="strikeSets", openings=(first, one, sets[0], third, other, sets[1])),
            Fault(rule="strikeOwner", openings=(third, owned)),
            Fault(rule="voidOrder", openings=(first, second)),
            Fault(rule="voidEdge", openings=(last,)),
            Fault(rule="rewindPayout", openings=(_FREE, wrong, nobody, (first, second))),
            Fault(rule="rewindCount", openings=(last,)),
        ]

    def _header(self, number: int, tasks: tuple[int, int], payouts: SparseTree, previous: Header | None) -> Header:
        receipts = (tasks[1] - tasks[0]) * MOST_SLOTS
        return Header(
            orchestrator=self.account,
            number=number,
            job=self.job,
            first_task=tasks[0],
            end_task=tasks[1],
            bundle_count=receipts,
            receipt_count=receipts,
            payout_count=CLAIMED,
            bundles_root=self.bundles_tree.root,
            payouts_root=payouts.root,
            data_digest=hashlib.sha256(b"data").digest(),
            previous=previous.hash if previous else bytes(32),
        )

    def _bundle(self, index: int, name: bytes) -> Bundle:
        """Its signature is nobody's, and its start is wrong wherever it stands."""
        return Bundle(
            payout_index=index,
            account=address_of_key(hashlib.sha256(name).digest()),
            start=CLAIMED - 1,
            count=CLAIMED,
            receipts_root=self.receipts.root,
            sets_root=self.sets.root,
            signature=hashlib.sha512(name).digest(),
        )

    def _payouts(self, payouts: dict[int, Payout]) -> SparseTree:
        return SparseTree(CLAIMED, {at: payout.leaf for at, payout in payouts.items()}, NOBODY.leaf)

    def _opening(self, at: int) -> BundleOpening:
        return BundleOpening(position=at, bundle=self.bundles[at], proof=self.bundles_tree.proof(at))

    def _receipt(self, at: int) -> ReceiptOpening:
        return ReceiptOpening(position=at, word=self.words[at], proof=self.receipts.proof(at))

    def _set(self, at: int) -> SetOpening:
        return SetOpening(commit_set=self.set_words[at], proof=self.sets.proof(at))
