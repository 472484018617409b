"""A watchtower with an account against a corrupt orchestrator on a real chain: each rule in turn, by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.rpc import connect
from edgebounty.watchtower.rules import Kind
from orchestrator.adapters.chain.lane_history import LaneHistoryReader
from orchestrator.domain.batch.record import LaneRecord
from tests.e2e.market_kit import run_cli
from tests.edgebounty.watchtower.lane_kit import TIMES, WATCH, LaneRig
from tests.model.people import CORRUPTIONS

pytestmark = pytest.mark.integration
ONE_OF_EACH = {rule: name for name, (rule, _) in reversed(CORRUPTIONS.items())}
OF_PAYOUTS = ONE_OF_EACH.pop("rewindPayout")


@pytest.fixture(scope="module")
def chain() -> Iterator[LaneRig]:
    with Anvil.start(block_time=None) as anvil:
        yield LaneRig(connect(anvil.url))


@pytest.fixture
def rig(chain: LaneRig) -> LaneRig:
    chain.fresh()
    return chain


def took_half_of_the_bond(rig: LaneRig, tokens_before: int, rule: str) -> bool:
    (challenged,) = rig.found(Kind.CHALLENGED)
    half = int(challenged.evidence["bond"]) // 2
    return challenged.evidence["rule"] == rule and rig.tokens() == tokens_before + half > tokens_before


@pytest.mark.parametrize("rule", ONE_OF_EACH)
def test_tower__a_rule_is_broken__proves_it_takes_half_of_the_bond_and_restates(
    rig: LaneRig, tmp_path: Path, rule: str
) -> None:
    rig.corrupt(ONE_OF_EACH[rule])
    tokens = rig.tokens()
    rig.tower(tmp_path).round()
    assert took_half_of_the_bond(rig, tokens, rule), rig.told
    assert rig.stated_rightly()
    assert len(rig.found(Kind.BATCH_FAULT)) == 1
    record = LaneRecord(window=TIMES.window)  # and what the explorer shows of it
    for event in LaneHistoryReader(rig.contracts).read_now(0, rig.contracts.block().number):
        record.take(event)
    (dispute,) = record.disputes
    assert (dispute.by, dispute.amount) == (rig.watch, int(rig.found(Kind.CHALLENGED)[0].evidence["bond"]))
    assert dispute.kind == {"s": "strike", "v": "void", "r": "rewind"}[rule[0]]


def test_tower__payouts_are_wrong_and_shown__the_wrong_one_is_found_and_proven(rig: LaneRig, tmp_path: Path) -> None:
    rig.corrupt(OF_PAYOUTS)
    tokens, tower = rig.tokens(), rig.tower(tmp_path)
    tower.round()
    while rig.answer_all():
        tower.round()
    assert took_half_of_the_bond(rig, tokens, "rewindPayout"), rig.told
    assert rig.stated_rightly()


def test_tower__payouts_are_wrong_and_not_shown__restarted_it_has_the_demand_enforced(
    rig: LaneRig, tmp_path: Path
) -> None:
    rig.corrupt(OF_PAYOUTS)
    tokens = rig.tokens()
    rig.tower(tmp_path).round()
    rig.market.time_passes(rig.batches.answer_time + 1)
    rig.tower(tmp_path).round()
    assert took_half_of_the_bond(rig, tokens, "enforce"), rig.told
    assert rig.stated_rightly()


def test_tower__data_nowhere__demanded_and_the_batch_is_void(rig: LaneRig, tmp_path: Path) -> None:
    rig.post(rig.plan(3).built(), hidden=True)
    tokens, tower = rig.tokens(), rig.tower(tmp_path)
    tower.round()
    assert not rig.found(Kind.DEMANDED)  # served a moment later, it costs nobody anything
    assert tower.unjudged == {(rig.account, 0)}
    rig.wait_half_an_answer()
    tower.round()
    rig.market.time_passes(rig.batches.answer_time + 1)
    tower.round()
    assert took_half_of_the_bond(rig, tokens, "enforce"), rig.told
    assert rig.stated_rightly()
    assert tower.unjudged == set()


def test_tower__data_shown_on_demand_only__the_fault_in_it_is_proven(rig: LaneRig, tmp_path: Path) -> None:
    rig.corrupt("slot_twice", hidden=True)
    tokens, tower = rig.tokens(), rig.tower(tmp_path)
    tower.round()
    rig.wait_half_an_answer()
    tower.round()
    while rig.answer_all():
        tower.round()
    assert took_half_of_the_bond(rig, tokens, "strikePair"), rig.told


def test_tower__one_bundle_is_served_wrongly__only_that_is_demanded_and_the_batch_is_void(
    rig: LaneRig, tmp_path: Path
) -> None:
    rig.post(rig.plan(3).built(), damaged=True)
    tokens, tower = rig.tokens(), rig.tower(tmp_path)
    tower.round()
    rig.wait_half_an_answer()
    tower.round()
    demanded = [finding.text.split(" of its ")[1] for finding in rig.found(Kind.DEMANDED)]
    assert {text.split(" is ")[0] for text in demanded} == {"receipts", "commit sets"}
    assert len(demanded) == 2
    rig.market.time_passes(rig.batches.answer_time + 1)
    tower.round()
    first, *others = rig.found(Kind.CHALLENGED)
    assert rig.tokens() == tokens + int(first.evidence["bond"]) // 2 > tokens
    assert [finding.evidence["bond"] for finding in others] == ["0"]
    assert rig.stated_rightly()


def test_tower__payouts_that_it_stated_are_demanded__shows_them_and_keeps_its_bond(
    rig: LaneRig, tmp_path: Path
) -> None:
    rig.corrupt(ONE_OF_EACH["strikeSignature"])
    tower = rig.tower(tmp_path)
    tower.round()
    stake = rig.contracts.balances(rig.watch).stake
    rig.demand_payouts()
    tower.round()
    assert len(rig.found(Kind.ANSWERED)) == 1
    rig.market.time_passes(rig.batches.window + 1)
    tower.round()
    assert rig.contracts.balances(rig.watch).stake == stake
    assert rig.stated_rightly()


def test_tower__its_newest_transaction_is_undone_by_the_chain__sends_it_again(rig: LaneRig, tmp_path: Path) -> None:
    rig.corrupt(ONE_OF_EACH["strikeReceipt"])
    rig.tower(tmp_path).round()
    assert rig.stated_rightly()
    rig.market.roll_back(1)
    assert not rig.stated_rightly()
    rig.tower(tmp_path).round()
    assert rig.stated_rightly()


def test_tower__honest_orchestrator_is_away__shows_what_is_demanded_of_it_down_to_the_last_word(
    rig: LaneRig, tmp_path: Path
) -> None:
    plans = (rig.plan(seed) for seed in range(40))
    rig.post(next(plan for plan in plans if len(plan.bundles[0].receipts) > 1).built())
    tokens, tower = rig.tokens(), rig.tower(tmp_path)
    asked = rig.demand_everything()
    tower.round()
    assert len(rig.found(Kind.ANSWERED)) == asked == 8
    assert rig.answer_all() == 0
    assert rig.tokens() == tokens + asked * rig.market.times.deposit


def test_tower__honest_batches__are_left_alone_also_after_a_restart_without_their_data(
    rig: LaneRig, tmp_path: Path
) -> None:
    rig.post(rig.plan(1).built())
    rig.post(replace(rig.plan(2), data_digest=bytes(32)).built())
    tower = rig.tower(tmp_path)
    sent = rig.nonce()
    assert tower.round() == 2
    assert tower.round() == 2
    rig.market.time_passes(rig.batches.window + 1)  # nothing can be proven any more, and nobody serves it any longer
    tower.round()
    rig.content.blocks.clear()
    rig.post(rig.plan(4).built())
    rig.tower(tmp_path).round()
    assert rig.told == []
    assert rig.nonce() == sent


def test_tower__without_an_account__says_so_and_sends_nothing(rig: LaneRig, tmp_path: Path) -> None:
    rig.corrupt("signature_zero")
    sent = rig.nonce()
    rig.tower(tmp_path, challenges=False).round()
    assert [finding.kind for finding in rig.told] == [Kind.BATCH_FAULT]
    assert rig.nonce() == sent


def test_tower__fault_seen_only_after_the_window__told_once_and_nothing_is_sent(rig: LaneRig, tmp_path: Path) -> None:
    rig.corrupt("slot_twice")
    rule = CORRUPTIONS["slot_twice"][0]
    rig.market.time_passes(rig.batches.window + 1)
    sent, tower = rig.nonce(), rig.tower(tmp_path)
    tower.round()
    tower.round()
    (told,) = rig.told
    assert (told.kind, told.evidence["rule"], told.evidence["window"]) == (Kind.BATCH_FAULT, rule, "over")
    assert "stays paid" in told.text
    rig.tower(tmp_path).round()
    assert rig.told == [told]
    assert rig.nonce() == sent


def test_tower__orchestrator_calls_the_faulty_receipt_first__no_bond_is_taken_twice(
    rig: LaneRig, tmp_path: Path
) -> None:
    """Two bundles without a signature: the second strike finds no bond left, and the pay is struck all the same."""
    plan = rig.plan(3)
    bundles = [replace(bundle, signature=bytes(64)) for bundle in plan.bundles]
    rig.post(plan.built(bundles))
    tokens = rig.tokens()
    rig.tower(tmp_path).round()
    bonds = [int(finding.evidence["bond"]) for finding in rig.found(Kind.CHALLENGED)]
    assert len(bonds) == len(bundles) > 1
    assert bonds[1:] == [0] * (len(bundles) - 1)
    assert rig.tokens() == tokens + bonds[0] // 2
    assert rig.stated_rightly()


def test_watch_command__signature_of_nobody__challenged_by_itself_and_the_books_add_up(
    rig: LaneRig, tmp_path: Path
) -> None:
    """Also after a payee of an earlier batch was paid past all credits."""
    honest = rig.post(replace(rig.plan(1), data_digest=bytes(32)).built())
    rig.market.time_passes(rig.batches.window + 1)
    rig.withdraw(honest, honest.leaves[0].payout_index)
    plan = replace(rig.plan(3), data_digest=bytes(32))
    rig.post(plan.built([replace(plan.bundles[0], signature=bytes(64)), *plan.bundles[1:]]))
    rig.market.deployment.save(tmp_path / "market.json")
    key = tmp_path / "watch.key"
    key.write_text(bytes(dev_account(WATCH).key).hex())
    key.chmod(0o600)
    tokens = rig.tokens()
    said = run_cli(
        *("watch", "--once", "--json", "--challenge", "--key-file", key, "--deployment", tmp_path / "market.json"),
        *("--rpc-url", rig.batches.market.url, "--gateway-url", "http://127.0.0.1:9"),
        home=tmp_path,
    )
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert said.status == 3, said
    kinds = [line.get("kind") for line in lines if line.get("kind") != "content_missing"]
    assert kinds == ["batch_fault", "challenged", "restated", None], said
    assert (lines[-1]["batches"], lines[-1]["challenged"]) == (2, 1)
    assert rig.tokens() > tokens
    assert rig.stated_rightly()
