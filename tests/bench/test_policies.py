"""The simulator against the arithmetic it stands on."""

from __future__ import annotations

import json
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.policies import main
from bench.simulation.comparison import OURS, make_scene, play
from bench.simulation.fleet import Draws, Fleet, make_fleet, phone_speeds
from bench.simulation.ledger import Held, Outcome
from bench.simulation.liars import STRATEGIES, Strategy
from bench.simulation.ours import run_rules
from bench.simulation.peers import boinc, has_consensus, poco, replication, run_peer, weight_of
from orchestrator.domain.policy import VerificationRules, least_lock, wrong_bound

pytestmark = pytest.mark.unit
STANDARD = OURS["standard"]
ALWAYS, WHOLE = Strategy(name="always"), Strategy(name="whole", whole=True)


def rules(**changed: float) -> VerificationRules:
    plain = {"copies": 1, "newcomer_copies": 1, "record": 0, "ringer_share": 0.0, "audit_share": 0.0}
    return replace(STANDARD, **(plain | changed))  # type: ignore[arg-type]


def even(seats: int = 4_000) -> Fleet:
    return make_fleet(np.ones(seats), seats, 1)


def near(measured: float, expected: float, trials: int) -> bool:
    return abs(measured - expected) < 4 * sqrt(expected * (1 - expected) / trials)


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_unanimity__unchecked__errs_with_the_share_to_the_power_of_copies(copies: int) -> None:
    draws = Draws(seed=3, tasks=100_000, chunk=5_000)
    outcome = run_rules(rules(copies=copies, newcomer_copies=copies), even(), draws, WHOLE, 0.3)
    share = outcome.liars_at_start / 4_000
    assert near(outcome.first_wrong / outcome.tasks, share**copies, outcome.tasks)
    assert outcome.computed == copies * outcome.tasks


@pytest.mark.parametrize(("ringers", "audits"), [(0.2, 0.0), (0.0, 0.2), (0.1, 0.2)])
def test_one_lie__is_caught_by_ringers_and_by_auditors_who_are_no_liars(ringers: float, audits: float) -> None:
    draws = Draws(seed=4, tasks=300_000, chunk=3_000)
    lie = replace(WHOLE, rate=0.05)
    outcome = run_rules(rules(ringer_share=ringers, audit_share=audits), even(), draws, lie, 0.3, returning=True)
    lied = outcome.first_wrong + outcome.caught
    share = outcome.liars_at_start / 4_000
    assert near(outcome.caught / lied, ringers + audits * (1 - share), lied)


@pytest.mark.parametrize(("of_threshold", "pays"), [(0.6, True), (1.4, False)])
def test_single_lie__pays_just_below_the_threshold_of_stake(of_threshold: float, pays: bool) -> None:
    draws = Draws(seed=5, tasks=250_000, chunk=5_000)
    lock = of_threshold * least_lock(1.0, 0.5)
    rare = replace(WHOLE, rate=0.02)
    outcome = run_rules(rules(ringer_share=0.5, lock_factor=lock), even(50_000), draws, rare, 0.5)
    assert (outcome.profit_per_lie > 0) == pays


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
def test_standard__every_strategy__within_the_bound_and_unprofitable(strategy: Strategy) -> None:
    scene = make_scene(workers=100_000, tasks=400_000, share=0.2, seed=1)
    outcome = play(scene, "standard", strategy).outcome
    bound = wrong_bound(STANDARD, scene.fleet.seats, scene.window, liars=outcome.liars_at_start / scene.fleet.seats)
    assert outcome.wrong_per_million <= 1e6 * bound
    assert outcome.overhead < 1.2
    assert outcome.profit_per_lie < 0


def test_standard__work_spread_over_everyone__cannot_be_checked() -> None:
    """Ten tasks a phone: why work goes to no more workers than can be checked."""
    scene = make_scene(workers=20_000, tasks=200_000, share=0.2, seed=1, everyone=True)
    outcome = play(scene, "standard", replace(ALWAYS, rate=0.1)).outcome
    assert outcome.wrong_per_million > 1_000
    assert outcome.overhead > 1.5


def test_honest_workers__nothing_wrong_nobody_hurt() -> None:
    scene = make_scene(workers=10_000, tasks=400_000, share=0.0, seed=2)
    outcome = play(scene, "standard", ALWAYS).outcome
    assert (outcome.lies, outcome.first_wrong, outcome.caught, outcome.slashed) == (0, 0, 0, 0)
    assert 1.08 < outcome.overhead < 1.15


def test_agreement_alone__earns_no_record__so_two_copies_for_ever() -> None:
    draws = Draws(seed=1, tasks=50_000, chunk=1_000)
    outcome = run_rules(rules(newcomer_copies=2, record=2), even(50), draws, ALWAYS, 0.0)
    assert outcome.overhead == 2


def test_caught__what_is_held_back_is_run_again__what_is_final_stays() -> None:
    fleet = even(10)
    held = Held(fleet=fleet, random=np.random.default_rng(1))
    seats, wrong = np.array([3, 3, 4], dtype=np.int32), np.array([True, False, False])
    held.enter(0, seats, wrong, np.ones(3))
    held.enter(6, seats, wrong, np.ones(3))
    again, right = held.run_again(6, np.array([3], dtype=np.int32), np.zeros(10, dtype=np.bool_))
    assert (again, right) == (2, 1)
    assert (held.wrong[0].sum(), held.wrong[6].sum(), held.gain.sum()) == (1, 0, 1)
    assert held.done[6].sum() == 3


def test_draws__more_copies__leave_the_first_workers_as_they_are() -> None:
    fleet, draws = make_fleet(phone_speeds(500, 1), 300, 1), Draws(seed=1, tasks=10_000, chunk=10_000)
    crew = fleet.crew(draws, 0, 10_000, 9)
    assert (crew[:, :2] == fleet.crew(draws, 0, 10_000, 2)).all()
    assert all(len(set(row)) == 9 for row in crew.tolist())
    assert run_rules(STANDARD, fleet, draws, ALWAYS, 0.2) == run_rules(STANDARD, fleet, draws, ALWAYS, 0.2)


def test_fleet__work__in_proportion_to_speed() -> None:
    fleet = make_fleet(np.array([1.0, 3.0, 6.0]), 3, 1)
    shares = np.bincount(fleet.drawn(np.random.default_rng(1).random(100_000))) / 100_000
    assert shares == pytest.approx(fleet.speeds / 10, abs=0.01)


def test_phone_speeds__spread_of_real_phones(tmp_path: Path) -> None:
    speeds = phone_speeds(200_000, 1)
    assert float(np.median(speeds)) == pytest.approx(100, rel=0.02)
    assert (speeds.min(), speeds.max()) == (2, 1364)
    listed = tmp_path / "phones.json"
    listed.write_text(json.dumps([{"FP32_Score": "7"}, {"FP32_Score": ""}, {"Model": "x"}]))
    assert set(phone_speeds(5, 1, listed).tolist()) == {7.0}


@pytest.mark.parametrize("copies", [2, 3])
def test_replication__liars_together__two_of_three(copies: int) -> None:
    draws = Draws(seed=6, tasks=100_000, chunk=10_000)
    outcome = run_peer(replication(copies), even(), draws, ALWAYS, 0.2)
    share = outcome.liars_at_start / 4_000
    assert near(outcome.wrong_per_million / 1e6, share**2 * (3 - 2 * share), outcome.tasks)


def test_boinc__ten_valid_results__then_alone_more_and_more() -> None:
    draws = Draws(seed=7, tasks=200_000, chunk=1_000)
    early = run_peer(boinc(1_000), even(1_000), replace(draws, tasks=1_000), ALWAYS, 0.0)
    late = run_peer(boinc(1_000), even(1_000), draws, ALWAYS, 0.0)
    few = run_peer(boinc(1_000), even(1_000), replace(draws, tasks=2_000), ALWAYS, 0.0)  # four results a host
    assert early.overhead == 2
    assert few.overhead > 1.97
    assert 1.05 < late.overhead < 1.2


def test_boinc__an_invalid_result__starts_again() -> None:
    draws = Draws(seed=7, tasks=100_000, chunk=1_000)
    assert run_peer(boinc(1_000), even(1_000), draws, ALWAYS, 0.2).overhead > 1.5


def test_poco__weights_and_consensus__as_published() -> None:
    assert weight_of(np.array([0, 9, 11, 12, 30, 300])).tolist() == [2, 2, 2, 3, 9, 99]
    group = 2.0 ** np.arange(1, 15)
    needed = [int(np.argmax(has_consensus(group, 1 + group, trust))) + 1 for trust in (2, 100, 2_000)]
    assert needed == [1, 7, 11]
    first = run_peer(poco(1_000), even(1_000), Draws(seed=8, tasks=1_000, chunk=1_000), ALWAYS, 0.0)
    assert first.overhead == 11


def test_poco__outvoted_liars__lose_their_stake_and_a_third_of_their_score() -> None:
    outcome = run_peer(poco(1_000), even(1_000), Draws(seed=9, tasks=20_000, chunk=1_000), ALWAYS, 0.2)
    assert outcome.slashed > 0
    assert outcome.profit_per_lie < 0


def test_profit__leaves_out_the_honest_pay_that_is_lost() -> None:
    outcome = Outcome(tasks=10, lies=4, gained=2.0, slashed=10.0, forgone=99.0)
    assert outcome.profit_per_lie == -2


def test_command__small_run__json_and_picture(tmp_path: Path) -> None:
    picture = tmp_path / "policies.png"
    asked = ["--workers", "5000", "--tasks", "20000", "--policy", "standard", "--policy", "BOINC adaptive", "--json"]
    done = CliRunner().invoke(main, [*asked, "--plot", str(picture)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["runs"]) == 2 * len(STRATEGIES)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_command__share_of_one__refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--share", "1", "--plot", str(tmp_path / "p.png")])
    assert done.exit_code == 2
    assert "share" in done.output
