"""A worker's pay without its orchestrator: from the chain and published data, against an orchestrator that cheats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.errors import ContractRejected
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.cli import batch_pay
from edgebounty.cli.root import root
from edgebounty.client.batch_pay import BatchPay
from edgebounty.client.errors import Rejected, Unavailable
from edgebounty.protocol.batch.messages import Acceptance
from edgebounty.protocol.messages import sign
from edgebounty.protocol.types import Address, to_address
from edgebounty.worker.batch.journal import BatchJournal, Identity
from edgebounty.worker.batch.machine import Step
from edgebounty.worker.batch.values import Bundle, State
from tests.edgebounty.watchtower.lane_kit import MALLORY, WATCH, LaneRig
from tests.model.machine import WORKERS
from tests.model.people import account_of, key_of

pytestmark = pytest.mark.integration
RECEIVER = to_address(b"\x77" * 20)


@pytest.fixture(scope="module")
def chain() -> Iterator[LaneRig]:
    with Anvil.start(block_time=None) as anvil:
        yield LaneRig(connect(anvil.url))


@pytest.fixture
def rig(chain: LaneRig) -> LaneRig:
    chain.fresh()
    return chain


@pytest.fixture
def pay(rig: LaneRig) -> BatchPay:
    return BatchPay(rig.contracts, rig.content, rig.account)


@pytest.fixture
def stranger(rig: LaneRig) -> Sender:
    """Pays the gas; nothing of the pay is its own."""
    return Sender(rig.contracts.web3, dev_account(WATCH))


def post_honest(rig: LaneRig, count: int = 2) -> None:
    for seed in range(count):
        rig.post(rig.plan(seed).built())


def earned(rig: LaneRig, worker: Address) -> int:
    return sum(leaf.count for batch in rig.posted for leaf in batch.leaves if leaf.account == worker) * rig.prices.price


def window_over(rig: LaneRig) -> None:
    rig.market.time_passes(rig.batches.window + 1)


def tokens(rig: LaneRig, account: Address) -> int:
    return rig.contracts.balances(account).tokens


def test_pay__window_over__everybody_gets_what_it_earned_and_only_once(
    rig: LaneRig, pay: BatchPay, stranger: Sender
) -> None:
    post_honest(rig)
    workers = [to_address(account_of(name)) for name in WORKERS if earned(rig, to_address(account_of(name)))]
    assert pay.payable(workers[0]) is None  # within the window
    window_over(rig)
    for worker in workers:
        found = pay.payable(worker)
        assert found is not None
        assert found.amount == earned(rig, worker)
        stranger.send(pay.withdraw(found, receiver=worker))
        assert tokens(rig, worker) == found.amount
        again = pay.payable(worker)
        assert again is not None
        assert again.amount == 0
        with pytest.raises(ContractRejected, match=r"(?i)withdrawal"):
            stranger.send(pay.withdraw(found, receiver=worker))


def test_pay__to_another_receiver__only_by_the_workers_own_signature(
    rig: LaneRig, pay: BatchPay, stranger: Sender
) -> None:
    post_honest(rig)
    window_over(rig)
    name = next(name for name in WORKERS if earned(rig, to_address(account_of(name))))
    found = pay.payable(to_address(account_of(name)))
    assert found is not None
    for key in (None, key_of("eve")):
        with pytest.raises(Rejected, match="only"):
            pay.withdraw(found, receiver=RECEIVER, key=key)
    stranger.send(pay.withdraw(found, receiver=RECEIVER, key=key_of(name)))
    assert tokens(rig, RECEIVER) == found.amount


def test_pay__data_of_the_newest_batch_withheld__what_was_earned_before_is_paid(
    rig: LaneRig, pay: BatchPay, stranger: Sender
) -> None:
    post_honest(rig)
    worker = rig.posted[0].leaves[0].account
    due = earned(rig, worker)
    batch = rig.plan(7).built()
    under_a_cid = replace(batch.header, data_digest=b"\x01" * 32)
    rig.post(replace(batch, header=under_a_cid), hidden=True)
    window_over(rig)
    found = pay.payable(worker)
    assert found is not None
    assert (found.header.number, found.amount) == (1, due)
    stranger.send(pay.withdraw(found, receiver=worker))
    with pytest.raises(Unavailable, match="cannot be read"):  # and not: there is nothing
        pay.payable(worker)
    with pytest.raises(Unavailable, match="cannot be read"):
        pay.left_out(worker, [acceptance_of(rig, WORKERS[0], 2)])


@pytest.mark.parametrize("wrong", ["payout_too_large", "payout_left_out", "payout_owner_changed", "payouts_cut_short"])
def test_pay__orchestrator_posts_wrong_payouts__the_right_ones_before_are_used(
    rig: LaneRig, pay: BatchPay, stranger: Sender, wrong: str
) -> None:
    """Nobody challenged it: what is proven to the chain is still never more than was earned."""
    rig.corrupt(wrong)
    window_over(rig)
    derived = pay.derive().batches
    assert [one.right for one in derived] == [True] * (len(derived) - 1) + [False]
    for name in WORKERS:
        worker = to_address(account_of(name))
        found = pay.payable(worker)
        if found is None:
            continue
        before = [batch for batch in rig.posted[:-1] for leaf in batch.leaves if leaf.account == worker]
        assert found.header.number < len(derived) - 1
        assert before
        stranger.send(pay.withdraw(found, receiver=worker))


def test_pay__another_orchestrators__nothing(rig: LaneRig) -> None:
    post_honest(rig)
    window_over(rig)
    other = BatchPay(rig.contracts, rig.content, RECEIVER)
    assert other.payable(to_address(account_of(WORKERS[0]))) is None


def acceptance_of(rig: LaneRig, name: str, count: int, *, key: bytes | None = None) -> Bundle:
    """What the orchestrator signed that it owes, for the newest batch."""
    first = rig.posted[-1].header.first_task
    message = Acceptance(
        orchestrator=rig.account,
        worker=to_address(account_of(name)),
        job=rig.job,
        first_task=first,
        count=count,
        receipts=b"r" * 32,
        commit_sets=b"s" * 32,
    )
    signature = sign(rig.market.domain, message, key or bytes(dev_account(MALLORY).key))
    return Bundle(
        job=rig.job,  # type: ignore[arg-type]
        first_task=first,
        count=count,
        receipts_root=b"r" * 32,
        sets_root=b"s" * 32,
        acceptance=signature,
    )


def missing(rig: LaneRig) -> str:
    """A worker whose bundle is not in the newest batch."""
    there = {leaf.account for leaf in rig.posted[-1].leaves}
    return next(name for name in WORKERS if to_address(account_of(name)) not in there)


def post_without_somebody(rig: LaneRig) -> None:
    for seed in range(40):
        batch = rig.plan(seed).built()
        if len(batch.leaves) < len(WORKERS):
            rig.post(batch)
            return
    raise AssertionError("every plan has all workers")


def test_left_out__accepted_and_not_posted__paid_from_the_bond(rig: LaneRig, pay: BatchPay, stranger: Sender) -> None:
    post_without_somebody(rig)
    name = missing(rig)
    worker = to_address(account_of(name))
    (found,) = pay.left_out(worker, [acceptance_of(rig, name, 3)])
    assert found.amount == 3 * rig.prices.price
    claim = pay.claim_id_of(stranger.send(pay.claim(found)))
    with pytest.raises(ContractRejected):
        stranger.send(pay.pay_claim(claim))  # the orchestrator may still answer
    rig.market.time_passes(rig.batches.answer_time + 1)
    stranger.send(pay.pay_claim(claim))
    assert rig.contracts.balances(worker).credit == found.amount
    for again in (lambda: pay.pay_claim(claim), lambda: pay.claim(found)):
        with pytest.raises(ContractRejected):
            stranger.send(again())


def test_left_out__in_the_batch_with_as_many__no_claim_that_would_cost_the_deposit(rig: LaneRig, pay: BatchPay) -> None:
    post_honest(rig)
    leaf = rig.posted[-1].leaves[0]
    name = next(name for name in WORKERS if account_of(name) == leaf.account)
    assert pay.left_out(leaf.account, [acceptance_of(rig, name, leaf.count)]) == []
    assert len(pay.left_out(leaf.account, [acceptance_of(rig, name, leaf.count + 1)])) == 1


def test_left_out__batch_may_come_yet__waits(rig: LaneRig, pay: BatchPay) -> None:
    post_honest(rig)
    later = replace(acceptance_of(rig, WORKERS[0], 2), first_task=rig.posted[-1].header.end_task)
    assert pay.left_out(to_address(account_of(WORKERS[0])), [later]) == []


def test_left_out__word_signed_by_somebody_else__refused_on_chain(
    rig: LaneRig, pay: BatchPay, stranger: Sender
) -> None:
    post_without_somebody(rig)
    name = missing(rig)
    forged = acceptance_of(rig, name, 3, key=key_of("eve"))
    (found,) = pay.left_out(to_address(account_of(name)), [forged])
    with pytest.raises(ContractRejected, match=r"(?i)signature"):
        stranger.send(pay.claim(found))


# --- the command ---


def journal_of(folder: Path, identity: Identity, *bundles: Bundle) -> None:
    journal = BatchJournal(folder)
    journal.belong_to(identity)
    journal.save(State(), Step(state=State(bundles=bundles)))
    journal.close()


def key_file(folder: Path, name: str, key: bytes) -> Path:
    file = folder / f"{name}.key"
    file.touch(mode=0o600)
    file.write_text(key.hex())
    return file


def test_withdraw_left_out_command__bundle_in_the_workers_journal_and_in_no_batch__claimed_and_paid_once(
    rig: LaneRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose only possessions are its key and its journal; somebody else pays the gas and the deposit. What is
    in the batch is not claimed again, and what may still come is waited for."""
    plans = (replace(rig.plan(seed), data_digest=bytes(32)) for seed in range(40))
    rig.post(next(batch for plan in plans if len((batch := plan.built()).leaves) < len(WORKERS)))
    name = missing(rig)
    worker, owed = to_address(account_of(name)), acceptance_of(rig, name, 3)
    waiting = replace(acceptance_of(rig, name, 2), first_task=rig.posted[-1].header.end_task)
    there = next(each for each in WORKERS if account_of(each) == rig.posted[-1].leaves[0].account)
    market = rig.market.deployment
    identities = {
        each: Identity(market.chain_id, market.batch_lane, rig.account, to_address(account_of(each)))
        for each in (name, there)
    }
    journal_of(tmp_path / name, identities[name], owed, waiting)
    journal_of(tmp_path / there, identities[there], acceptance_of(rig, there, rig.posted[-1].leaves[0].count))
    market.save(tmp_path / "market.json")
    gas = key_file(tmp_path, "watch", bytes(dev_account(WATCH).key))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        rig.market.time_passes(int(seconds))

    monkeypatch.setattr(batch_pay, "time", SimpleNamespace(sleep=sleep))

    def run(who: str, folder: str) -> Result:
        command = ["withdraw", "--lane", "batch", "--left-out", "--data-dir", str(tmp_path / folder), "--json", "--yes"]
        command += ["--key-file", str(key_file(tmp_path, who, key_of(who))), "--gas-key-file", str(gas)]
        command += ["--rpc-url", rig.batches.market.url, "--deployment", str(tmp_path / "market.json")]
        return CliRunner().invoke(root, [*command, "--gateway-url", "http://127.0.0.1:9"])

    stake = rig.contracts.balances(rig.watch).stake
    of_another = run(there, name)
    assert isinstance(of_another.exception, Rejected), of_another
    assert json.loads(run(there, there).stdout)["left_out"] == []
    assert slept == []

    said = run(name, name)
    assert said.exit_code == 0, said
    amount = 3 * rig.prices.price
    first = rig.posted[-1].header.first_task
    assert json.loads(said.stdout) == {
        "account": worker,
        "left_out": [{"job_id": rig.job, "first_task": first, "amount": str(amount)}],
    }
    assert slept == [rig.batches.answer_time + 1]
    assert rig.contracts.balances(worker).credit == amount
    assert rig.contracts.balances(rig.watch).stake == stake, "the deposit came back"

    again = run(name, name)
    assert isinstance(again.exception, ContractRejected), again
    assert again.exception.name == "ClaimRepeated"
    assert rig.contracts.balances(worker).credit == amount
