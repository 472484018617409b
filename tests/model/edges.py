"""Acts of the batch lane that the model leaves out, written down beside it.

What the contracts refuse and by which error, withdrawals to receivers, demands for single nodes, claims of what was
left out. Each changes the model's books itself.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.calls import NO_HEADER, bundle_words, header_abi
from edgebounty.protocol.batch.messages import Acceptance, Withdrawal, sign_compact
from edgebounty.protocol.batch.openings import open_bundle, open_payout
from edgebounty.protocol.batch.tree import height_of
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.batch.wire import encode_bundles
from edgebounty.protocol.types import to_address
from tests.model.machine import DOMAIN, EVE, MALLORY, NAMES, ORC, PRICES, REQUESTER, WATCH, Market
from tests.model.people import CORRUPTIONS, account_of, key_of
from tests.model.recorder import NO_ANSWER, NOBODY, answer_of, call, root_of, withdrawal_abi

STRANGER = to_address(b"\x77" * 20)


class Bench:
    """Short words for one market's recorder."""

    def __init__(self, market: Market) -> None:
        self.market, self.ledger = market, market.ledger

    def refused(self, error: str, target: str, function: str, *args: Any, by: Any = EVE) -> None:
        self.ledger.send(by, target, call(target, function, *args), error=error)  # type: ignore[attr-defined]

    def taken(
        self,
        target: str,
        function: str,
        *args: Any,
        by: Any = EVE,
        act: Any = lambda: None,
        answer: tuple[Any, ...] | None = None,
    ) -> None:
        """`answer`: what the call returns, where that is to be compared too."""
        told = NO_ANSWER if answer is None else answer_of(target, function, answer)
        self.ledger.send(by, target, call(target, function, *args), act, answer=told)  # type: ignore[attr-defined]

    def shows(self, target: str, view: str, *args: Any, answer: tuple[Any, ...] | None = None) -> None:
        """A view answers so; without `answer`: it does answer."""
        self.taken(target, view, *args, answer=answer)

    def honest(self, *, calldata: bool = False, job: int = 0, seed: int = 1) -> Batch:
        """Built, not posted."""
        plan = self.market.plan(ORC, self.market.jobs[job], Random(seed))
        return replace(plan, data_digest=bytes(32) if calldata else plan.data_digest).built()

    def post(self, batch: Batch) -> None:
        assert self.market.attempt(lambda: self.ledger.post(ORC, batch), post_by=ORC)


def posting(market: Market) -> None:
    bench = Bench(market)
    good = bench.honest()
    header = good.header

    def wrong(error: str, by: Any = ORC, **changes: Any) -> None:
        bench.refused(error, "BatchLane", "post", header_abi(replace(header, **changes)), by=by)

    wrong("NotTheOrchestrator", by=EVE)
    wrong("NotTheOrchestrator", job=99)
    wrong("HeaderWrong", number=1)
    wrong("HeaderWrong", orchestrator=EVE)
    wrong("HeaderWrong", first_task=1)
    wrong("RangeWrong", end_task=0)
    wrong("RangeWrong", end_task=31)
    wrong("CountsWrong", bundle_count=0)
    wrong("CountsWrong", bundle_count=header.receipt_count + 1)
    wrong("CountsWrong", receipt_count=100)
    wrong("PreviousWrong", previous=b"\x01" * 32)
    wrong("DataDigestWrong", data_digest=bytes(32))
    plain = bench.honest(calldata=True)
    data, words = encode_bundles(plain.bundles), header_abi(plain.header)

    def malformed(error: str, *args: Any) -> None:
        bench.refused(error, "BatchLane", "postWithData", *args, by=ORC)

    first, second = encode_bundles(plain.bundles[:1]), encode_bundles(plain.bundles[1:2])
    malformed("DataDigestWrong", header_abi(header), data)
    malformed("DataMismatch", words, first)
    malformed("DataMismatch", header_abi(replace(plain.header, bundles_root=b"\x02" * 32)), data)
    malformed("DataMalformed", words, b"")
    malformed("DataMalformed", words, data[:-1])
    malformed("DataMalformed", words, data + b"\x00" * 30)
    malformed("DataMalformed", words, second + first)
    malformed("DataMalformed", words, bytes(4) + first[4:])
    malformed("DataMalformed", words, first[:24] + bytes(4) + first[28:124])
    bench.post(plain)
    bench.refused("DataOnChain", "BatchChallenges", "demand", words, [], root_of(plain, of_payouts=False))
    bench.refused("BatchUnknown", "BatchLane", "releaseBond", header_abi(header))
    bench.refused("NothingToRelease", "BatchLane", "releaseBond", words)
    bench.refused("NothingAside", "BatchLane", "giveBack", words)
    bench.refused("NotNextToRestate", "BatchLane", "restate", words, 1, bytes(32), bytes(32))
    for function, args in {
        "punish": (words, EVE, 0, 0, 1),
        "payReserved": (ORC, EVE, 1),
        "payApart": (words, 1, EVE),
        "holdDeposit": (WATCH,),
        "settleDeposit": (WATCH, EVE),
        "payFromBond": (ORC, EVE, 1, 1),
    }.items():
        bench.refused("NotAJudge", "BatchLane", function, *args)
    terms = (DOMAIN.verifying_contract, ORC, 2_000_000, 100, 1, 0, 1, 1, 1, 0, 0, 100, 100, b"\x01" * 32)
    bench.refused("NotTheEscrow", "BatchLane", "openJob", 1, terms)
    bench.refused("NotTheEscrow", "BatchLane", "stopJob", 1)
    nobodys = (*terms[:1], NOBODY, *terms[2:])
    bench.refused("OrchestratorMissing", "BountyEscrow", "postJob", nobodys, by=REQUESTER)
    for function, args in {
        "reserve": (1, ORC, 1),
        "unreserve": (1, ORC, 1),
        "payReserved": (ORC, EVE, 1),
        "creditReserved": (ORC, EVE, 1, 1),
        "creditSlashed": (EVE, 1, 1),
    }.items():
        bench.refused("NotTheBatchLane", "BountyEscrow", function, *args)
    bench.refused("JobUnknown", "BatchLane", "jobOf", 99)
    bench.refused("BatchUnknown", "BatchLane", "batchOf", ORC, 1)
    market.move_time(market.ledger.now + Market.TIME + market.ledger.times.grace)
    late = bench.honest()
    bench.refused("TooLate", "BatchLane", "post", header_abi(late.header), by=ORC)


def withdrawing(market: Market) -> None:
    bench, ledger = Bench(market), market.ledger
    batch = bench.honest(calldata=True)
    bench.post(batch)
    header = header_abi(batch.header)
    paid = [index for index, payout in enumerate(batch.payouts) if payout.cumulative]

    def opened(index: int, **more: Any) -> tuple[Any, ...]:
        return withdrawal_abi(index, open_payout(batch.payouts, batch.payouts_tree, index), **more)

    bench.refused("TooEarly", "BatchPayouts", "withdraw", header, opened(paid[1]))
    market.move_time(ledger.now + ledger.times.window)
    index, payout = paid[1], batch.payouts[paid[1]]
    name = next(name for name in ("ann", "bob", "cem", "dia") if account_of(name) == payout.account)
    until = ledger.now + 10
    asked = Withdrawal(
        account=payout.account,
        orchestrator=ORC,
        payout_index=index,
        cumulative=payout.cumulative,
        receiver=WATCH,
        until=until,
    )
    signature = sign_compact(DOMAIN, asked, key_of(name))
    good = opened(index, receiver=WATCH, until=until, signature=signature)
    other = opened(index, receiver=EVE, until=until, signature=signature)
    past = opened(index, receiver=WATCH, until=ledger.now, signature=signature)
    wrong_place = (index, *opened(paid[2])[1:])
    for each in (other, past, wrong_place):
        bench.refused("WithdrawalRefused", "BatchPayouts", "withdraw", header, each)

    def pay(at: int, to: Any) -> None:
        amount = batch.payouts[at].cumulative
        ledger.withdrawn[ORC, at] += amount
        ledger.pools[ORC] -= amount
        ledger.wallets[to] += amount

    def pay_all() -> None:
        pay(index, WATCH)
        pay(paid[2], batch.payouts[paid[2]].account)

    everything = [other, good, good, wrong_place, opened(paid[2])]
    bench.taken("BatchPayouts", "withdrawMany", header, everything, act=pay_all)
    bench.refused("WithdrawalRefused", "BatchPayouts", "withdraw", header, good)
    bench.taken("BatchPayouts", "withdraw", header, opened(0), act=lambda: pay(0, ORC))


def proofs(market: Market) -> None:
    """Demands for nodes and leaves of every tree, and bundles that are said to be void or misplaced."""
    bench, ledger = Bench(market), market.ledger
    batch = bench.honest(seed=2)
    bench.post(batch)
    header = header_abi(batch.header)
    leaf = open_bundle(batch.leaves, batch.tree, 0)
    height = height_of(batch.header.bundle_count)
    ids = iter(range(100))

    def demanded(tree: int, level: int, position: int, node: bytes, proof: Any, of: Any = ()) -> int:
        asked = (tree, level, position, node, proof)

        def act() -> None:
            ledger._lock(EVE, ledger.times.deposit)

        bench.taken("BatchChallenges", "demand", header, list(of), asked, act=act)
        return next(ids)

    def answered() -> None:
        ledger.stakes[EVE].locked -= ledger.times.deposit
        ledger.credits[WATCH] += ledger.times.deposit

    bundle = demanded(0, 0, 0, batch.leaves[0].leaf, batch.tree.proof(0))
    bench.refused(
        "DemandRepeated", "BatchChallenges", "demand", header, [], (0, 0, 0, batch.leaves[0].leaf, batch.tree.proof(0))
    )
    bench.refused("NodeUnknown", "BatchChallenges", "demand", header, [], (0, height, 0, b"\x01" * 32, []))
    bench.refused("NodeUnknown", "BatchChallenges", "demand", header, [], (0, height + 1, 0, b"\x01" * 32, []))
    bench.refused("NodeUnknown", "BatchChallenges", "demand", header, [], (0, 0, 99, b"\x01" * 32, batch.tree.proof(0)))
    bench.refused("BundleMissing", "BatchChallenges", "demand", header, [], (2, 0, 0, bytes(32), []))
    bench.refused("DemandUnknown", "BatchChallenges", "answerLeaf", 9, b"")
    bench.refused("DemandUnknown", "BatchChallenges", "enforce", 9, header)
    bench.refused("DemandUnknown", "BatchChallenges", "demandOf", 9)
    bench.refused("TooEarly", "BatchChallenges", "enforce", bundle, header)
    words = bundle_words(batch.leaves[0])
    bench.refused("AnswerWrong", "BatchChallenges", "answerLeaf", bundle, words[:-1])
    bench.refused("AnswerWrong", "BatchChallenges", "answerNodes", bundle, [batch.leaves[0].leaf])
    bench.taken("BatchChallenges", "answerLeaf", bundle, words, by=WATCH, act=answered)
    bench.refused("DemandUnknown", "BatchChallenges", "answerLeaf", bundle, words)
    receipts = batch.bundles[0].receipts_tree
    top = len(receipts.levels) - 1
    node = demanded(2, top, 0, receipts.root, [], [leaf.as_abi()])
    if top:
        bench.refused("AnswerWrong", "BatchChallenges", "answerNodes", node, receipts.levels[0][:-1])
        bench.refused("AnswerWrong", "BatchChallenges", "answerNodes", node, [bytes(32)] * len(receipts.levels[0]))
        bench.refused("AnswerWrong", "BatchChallenges", "answerLeaf", node, bytes(64))
        bench.taken("BatchChallenges", "answerNodes", node, receipts.levels[0], by=WATCH, act=answered)
    else:
        word = batch.bundles[0].receipts[0].word
        bench.taken("BatchChallenges", "answerLeaf", node, word, by=WATCH, act=answered)
    sets = batch.bundles[0].sets_tree
    commit_set = demanded(3, 0, 0, sets.levels[0][0], sets.proof(0), [leaf.as_abi()])
    bench.taken("BatchChallenges", "answerLeaf", commit_set, batch.bundles[0].commit_sets[0], by=WATCH, act=answered)
    late = demanded(1, height_of(batch.header.payout_count), 0, batch.header.payouts_root, [])
    market.move_time(ledger.now + ledger.times.answer)
    bench.refused("AnswerTooLate", "BatchChallenges", "answerLeaf", late, b"")
    other = header_abi(replace(batch.header, number=1))
    bench.refused("BatchUnknown", "BatchChallenges", "enforce", late, other)
    market.move_time(ledger.now + ledger.times.window)
    bench.taken("BatchChallenges", "enforce", late, other, act=lambda: ledger._unlock(EVE, ledger.times.deposit))
    asked = root_of(batch, of_payouts=True)
    bench.refused("DemandTooLate", "BatchChallenges", "demand", header, [], asked)
    owned = open_payout(batch.payouts, batch.payouts_tree, batch.leaves[0].payout_index).as_abi()
    fee = open_payout(batch.payouts, batch.payouts_tree, 0).as_abi()
    bench.refused("BatchNotVoid", "BatchPayouts", "claimVoided", header, leaf.as_abi())
    bench.refused("NotMisplaced", "BatchPayouts", "claimMisplaced", header, leaf.as_abi(), owned)
    bench.refused("NotInTree", "BatchPayouts", "claimMisplaced", header, leaf.as_abi(), fee)


def left_out(market: Market) -> None:
    """Claims: one that is answered with the bundle, one that is paid from the bond, one for a job that has closed."""
    bench, ledger = Bench(market), market.ledger
    batch = bench.honest(seed=2)
    bench.post(batch)
    header, worker = header_abi(batch.header), batch.leaves[0].account

    def accepted(who: Any, first: int, count: int) -> tuple[tuple[Any, ...], bytes, bytes]:
        words = (who, batch.header.job, first, count, b"\x01" * 32, b"\x02" * 32)
        acceptance = Acceptance(
            orchestrator=ORC,
            worker=who,
            job=words[1],
            first_task=first,
            count=count,
            receipts=words[4],
            commit_sets=words[5],
        )
        signature = sign_compact(DOMAIN, acceptance, key_of("orc"))
        return (ORC, *words), signature[:32], signature[32:]

    def lock() -> None:
        ledger._lock(EVE, ledger.times.deposit)

    def answered() -> None:
        ledger.stakes[EVE].locked -= ledger.times.deposit
        ledger.credits[WATCH] += ledger.times.deposit

    def paid(amount: int, to: Any) -> None:
        ledger._unlock(EVE, ledger.times.deposit)
        ledger.stakes[ORC].allotted -= amount
        ledger.credits[to] += amount

    count, claim = batch.leaves[0].count, "claimBundle"
    theirs = accepted(worker, 0, count)
    forged = ((MALLORY, *theirs[0][1:]), *theirs[1:])
    bench.refused("SignatureWrong", "BatchPayouts", claim, *forged, header)
    bench.refused("SignatureWrong", "BatchPayouts", claim, theirs[0], bytes(32), bytes(32), header)
    bench.refused("ClaimNotOpenYet", "BatchPayouts", claim, *theirs, NO_HEADER)
    bench.refused("ClaimNotOpenYet", "BatchPayouts", claim, *accepted(worker, 29, 1), header)
    bench.taken("BatchPayouts", claim, *theirs, header, act=lock)
    bench.refused("ClaimRepeated", "BatchPayouts", claim, *theirs, header)
    bench.refused("TooEarly", "BatchPayouts", "payClaim", 0)
    bench.refused("ClaimUnknown", "BatchPayouts", "payClaim", 9)
    bench.refused("ClaimUnknown", "BatchPayouts", "claimOf", 9)
    another = open_bundle(batch.leaves, batch.tree, 1).as_abi()
    bench.refused("NotIncluded", "BatchPayouts", "showBundle", 0, header, another)
    moved = (1, *open_bundle(batch.leaves, batch.tree, 0).as_abi()[1:])
    bench.refused("NotIncluded", "BatchPayouts", "showBundle", 0, header, moved)
    shown = open_bundle(batch.leaves, batch.tree, 0).as_abi()
    bench.taken("BatchPayouts", "showBundle", 0, header, shown, by=WATCH, act=answered)
    bench.refused("ClaimUnknown", "BatchPayouts", "payClaim", 0)
    bench.taken("BatchPayouts", claim, *accepted(STRANGER, 0, 7), header, act=lock)
    market.move_time(ledger.now + ledger.times.answer)
    bench.refused("AnswerTooLate", "BatchPayouts", "showBundle", 1, header, shown)
    seven = 7 * PRICES.price
    bench.taken("BatchPayouts", "payClaim", 1, act=lambda: paid(seven, STRANGER))
    bench.taken("BatchPayouts", claim, *accepted(WATCH, 0, 2**32 - 1), header, act=lock)
    market.move_time(ledger.now + ledger.times.answer)
    rest = ledger.stakes[ORC].allotted - ledger.bonded[ORC]
    bench.taken("BatchPayouts", "payClaim", 2, act=lambda: paid(rest, WATCH))
    bench.taken("BatchPayouts", claim, *accepted(MALLORY, 0, 1), header, act=lock)
    market.move_time(ledger.now + ledger.times.answer)
    bench.taken("BatchPayouts", "payClaim", 3, act=lambda: paid(0, MALLORY))
    market.move_time(ledger.now + Market.TIME + ledger.times.grace)
    bench.refused("ClaimTooLate", "BatchPayouts", claim, *accepted(EVE, 0, 1), header)
    bench.taken("BatchPayouts", claim, *accepted(EVE, 29, 1), NO_HEADER, act=lock)


def damaged(market: Market) -> None:
    """A batch is struck, then void because nobody shows it; others restate; later its place is used again."""
    bench, ledger = Bench(market), market.ledger
    job = market.jobs[2]

    def post(batch: Batch) -> None:
        assert market.attempt(lambda: ledger.post(MALLORY, batch), post_by=MALLORY)

    post(market.plan(MALLORY, job, Random(0)).built())
    batch = CORRUPTIONS["slot_twice"][1](market.plan(MALLORY, job, Random(5)), NAMES)
    post(batch)
    header = header_abi(batch.header)
    fault = next(iter(find_faults(ledger.case(MALLORY, 1), batch)))
    ledger.prove(WATCH, MALLORY, 1, fault)
    market.attempt(lambda: ledger.prove(EVE, MALLORY, 1, fault))
    last = open_bundle(batch.leaves, batch.tree, len(batch.leaves) - 1).as_abi()
    bench.refused("NotProven", "BatchChallenges", "strikeSignature", header, last)
    after = market.plan(MALLORY, job, Random(6)).built()
    bench.refused("RestateFirst", "BatchLane", "post", header_abi(after.header), by=MALLORY)
    right = market.right(MALLORY, 1)
    words = (right.header.payout_count, right.header.payouts_root)
    bench.refused("PreviousWrong", "BatchLane", "restate", header, *words, bytes(32), by=WATCH)
    bench.refused("BondTooSmall", "BatchLane", "restate", header, *words, right.header.previous, by=REQUESTER)
    index = ledger.demand(EVE, MALLORY, 1, of_payouts=False)
    ledger.restate(WATCH, MALLORY, 1, right)
    header = header_abi(ledger.books[MALLORY].slots[1].batch.header)
    before = header_abi(ledger.books[MALLORY].slots[0].batch.header)
    opened = open_bundle(batch.leaves, batch.tree, 0).as_abi()
    bench.refused("NotProven", "BatchChallenges", "strikeOwner", header, before, opened, (NOBODY, 0, []))
    bench.refused("NotProven", "BatchChallenges", "rewindCount", header, NO_HEADER, opened)
    bench.refused("NotProven", "BatchChallenges", "rewindCount", header, before, opened)
    market.move_time(ledger.now + ledger.times.answer)
    ledger.enforce(index)
    header = header_abi(ledger.books[MALLORY].slots[1].batch.header)
    bench.refused("NotProven", "BatchChallenges", "strikeSignature", header, last)
    bench.refused("BatchVoid", "BatchChallenges", "demand", header, [], root_of(batch, of_payouts=False))
    bench.refused("BatchVoid", "BatchPayouts", "claimMisplaced", header, last, (NOBODY, 0, []))
    first = open_bundle(batch.leaves, batch.tree, 0)
    bench.refused("NotInBatch", "BatchPayouts", "claimVoided", header, (1, *first.as_abi()[1:]))
    ledger.claim_voided(MALLORY, 1, first)
    market.attempt(lambda: ledger.claim_voided(MALLORY, 1, first))
    ledger.restate(MALLORY, MALLORY, 1, market.right(MALLORY, 1))
    post(CORRUPTIONS["payout_too_large"][1](market.plan(MALLORY, job, Random(8)), NAMES))
    wrong = market.history[MALLORY][2].batch
    ledger.prove(WATCH, MALLORY, 2, next(iter(find_faults(ledger.case(MALLORY, 2), wrong))))
    ledger.restate(WATCH, MALLORY, 2, market.right(MALLORY, 2))
    post(market.plan(MALLORY, job, Random(9)).built())
    market.move_time(ledger.now + ledger.times.liability)
    ledger.give_back(MALLORY, 1)
    for seed in (10, 11, 12):
        post(market.plan(MALLORY, job, Random(seed)).built())
    assert ledger.books[MALLORY].next == 7, "the places of the batches that went wrong are used again"
