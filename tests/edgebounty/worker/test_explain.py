from __future__ import annotations

import pytest

from edgebounty.worker.explain import Reason, Situation, explain

pytestmark = pytest.mark.unit
FINE = Situation(stake=10, free_stake=10, tokens=5)


def codes(**changes: object) -> list[str]:
    from dataclasses import replace

    return [reason.code for reason in explain(replace(FINE, **changes))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"working": True}, []),
        ({"working": True, "refusals": {"not_drawn": "x"}}, []),
        ({}, ["no_job"]),
        ({"paused": True}, ["paused"]),
        ({"paused": True, "held": (Reason(code="not_charging", text="x"),)}, ["paused", "not_charging"]),
        ({"held": (Reason(code="battery_low", text="x"),)}, ["battery_low"]),
        ({"node_error": "gone", "stake": 0}, ["node_unreachable"]),
        ({"block_age_seconds": 61}, ["chain_stalled"]),
        ({"block_age_seconds": 61, "block_interval_seconds": 12}, ["no_job"]),
        ({"clock_ahead_seconds": 3600, "working": True}, ["clock_wrong"]),
        ({"clock_ahead_seconds": -3600}, ["no_job", "clock_wrong"]),
        ({"gas_wei": 0}, ["no_gas"]),
        ({"stake": 0}, ["no_stake"]),
        ({"stake": 3, "stake_target": 10, "tokens": 1, "working": True}, ["stake_below_target"]),
        ({"orchestrator_error": "down", "working": True}, ["orchestrator_unreachable"]),
        ({"orchestrator_error": "down", "asks_orchestrator": False}, ["no_job"]),
        ({"orchestrator_reason": "no open task"}, ["no_offer"]),
        ({"open_jobs": 2}, ["no_open_task"]),
        ({"open_claims": 8}, ["max_open"]),
        ({"open_claims": 1}, ["waiting_for_peers"]),
        ({"refusals": {"wave_full": "w", "content_missing": "c"}}, ["content_missing", "wave_full"]),
        ({"refusals": {"new_code": "n", "stage_closed": "s"}}, ["stage_closed", "new_code"]),
    ],
)
def test_explain__one_thing_wrong__that_is_what_it_says(changes: dict[str, object], expected: list[str]) -> None:
    assert codes(**changes) == expected


def test_explain__blocking_reasons_come_first() -> None:
    assert codes(clock_ahead_seconds=99, stake=0) == ["no_stake", "clock_wrong"]


def test_explain__every_text__says_something_to_people() -> None:
    for changes in ({"stake": 0}, {"gas_wei": 0}, {"paused": True}, {"clock_ahead_seconds": 99.0}):
        from dataclasses import replace

        for reason in explain(replace(FINE, **changes)):  # type: ignore[arg-type]
            assert len(reason.text) > 30


def test_explain__clock__names_direction() -> None:
    from dataclasses import replace

    assert "90 s ahead of" in explain(replace(FINE, clock_ahead_seconds=90.0, working=True))[0].text
    assert "90 s behind" in explain(replace(FINE, clock_ahead_seconds=-90.0, working=True))[0].text
