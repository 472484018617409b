"""Why a worker of the batch lane is not earning, in the words that the direct lane's workers use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgebounty.worker.explain import CLOCK_TOLERANCE_SECONDS, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSituation:
    """All that bears on whether it can earn now."""

    paused: bool = False
    held: tuple[Reason, ...] = ()  # limits of the owner's choice that keep the device from working now
    working: bool = False
    orchestrator_error: str | None = None  # it does not answer, or not as it should
    orchestrator_refusal: str | None = None  # it answers no, or what it signs is wrong
    orchestrator_reason: str = ""  # its own answer to "no work"
    clock_ahead_seconds: float = 0.0
    checks_bounties: bool = True
    open_tasks: int = 0
    max_open: int = 4
    refusals: Mapping[str, str] = field(default_factory=dict)  # code -> the latest text


def explain_batch(now: BatchSituation) -> tuple[Reason, ...]:
    """Everything that is not as it should be, the most important first."""
    found: list[Reason] = []
    if now.paused:
        text = "paused by you; results already computed are still handed in. Resume to go on"
        found.append(Reason(code="paused", text=text))
    found += now.held
    if now.orchestrator_error is not None:
        text = f"{now.orchestrator_error}; asked again, nothing is lost meanwhile"
        found.append(Reason(code="orchestrator_unreachable", text=text))
    if now.orchestrator_refusal is not None:
        found.append(Reason(code="orchestrator_refuses", text=now.orchestrator_refusal))
    if not now.working and not found:
        found += _no_task(now)
    if abs(now.clock_ahead_seconds) > CLOCK_TOLERANCE_SECONDS:
        way = "ahead of" if now.clock_ahead_seconds > 0 else "behind"
        text = (
            f"this machine's clock is {abs(now.clock_ahead_seconds):.0f} s {way} the chain's; the chain's time is used "
            "for deadlines, so nothing is lost; set the clock"
        )
        found.append(Reason(code="clock_wrong", text=text, blocks=False))
    if not now.checks_bounties:
        text = (
            "that bounties are in escrow is the orchestrator's word: name a node with --rpc-url and the contracts with "
            "--deployment to have it looked up before work begins"
        )
        found.append(Reason(code="bounties_unchecked", text=text, blocks=False))
    return tuple(sorted(found, key=lambda reason: not reason.blocks))


def _no_task(now: BatchSituation) -> list[Reason]:
    if now.open_tasks >= now.max_open:
        text = f"{now.open_tasks} results wait for peers, as many as the settings allow (max_open)"
        return [Reason(code="max_open", text=text)]
    if now.refusals:
        return [Reason(code=code, text=text) for code, text in now.refusals.items()]
    if now.open_tasks:
        text = f"{now.open_tasks} results wait for peers, and there is no other task to take meanwhile"
        return [Reason(code="waiting_for_peers", text=text)]
    text = now.orchestrator_reason or "the orchestrator has no task for this worker now; it goes on asking"
    return [Reason(code="no_offer", text=text)]
