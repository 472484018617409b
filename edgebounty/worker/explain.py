"""Why a worker is not earning, in its owner's words: what is wrong, whose fault it is, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CLOCK_TOLERANCE_SECONDS = 30.0
STALLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`code` is a stable word for programs, `text` a sentence for people. `blocks` says whether it stops earning."""

    code: str
    text: str
    blocks: bool = True


class Refused(Exception):
    """A task that this worker does not take now."""

    def __init__(self, code: str, text: str, *, for_seconds: float | None = 2.0) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.for_seconds = for_seconds  # not looked at again for so long; None: never again


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that bears on whether the worker can earn now. Amounts in token base units."""

    paused: bool = False
    held: tuple[Reason, ...] = ()  # limits of the owner's choice that keep the device from working now
    working: bool = False
    node_error: str | None = None
    block_age_seconds: float = 0.0  # since a new block was last seen
    block_interval_seconds: float = 1.0
    clock_ahead_seconds: float = 0.0  # this machine's clock against the chain's
    gas_wei: int = 1
    tokens: int = 0
    stake: int = 0
    free_stake: int = 0
    stake_target: int = 0
    open_claims: int = 0
    max_open: int = 8
    asks_orchestrator: bool = True
    orchestrator_error: str | None = None
    orchestrator_reason: str | None = None  # its own answer to "no work"
    open_jobs: int | None = None  # None: unknown
    refusals: Mapping[str, str] = field(default_factory=dict)  # code -> the latest text


def explain(now: Situation) -> tuple[Reason, ...]:
    """Everything that is not as it should be, the most important first; empty when the worker works undisturbed."""
    reasons = [*_owner(now), *_chain(now), *_money(now), *_orchestrator(now)]
    if not now.working and not any(reason.blocks for reason in reasons):
        reasons += _no_task(now)
    return tuple(sorted(reasons, key=lambda reason: not reason.blocks))


def _owner(now: Situation) -> list[Reason]:
    if not now.paused:
        return list(now.held)
    text = "paused by you; results already computed are still revealed. Resume to go on"
    return [Reason(code="paused", text=text), *now.held]


def _chain(now: Situation) -> list[Reason]:
    if now.node_error is not None:
        return [Reason(code="node_unreachable", text=now.node_error)]
    found = []
    if now.block_age_seconds > max(STALLED_SECONDS, 10 * now.block_interval_seconds):
        found.append(
            Reason(
                code="chain_stalled",
                text=f"the node has shown no new block for {now.block_age_seconds:.0f} s: it lags behind the chain or "
                "the chain stands still; check the node, or use another RPC URL",
            )
        )
    if abs(now.clock_ahead_seconds) > CLOCK_TOLERANCE_SECONDS:
        way = "ahead of" if now.clock_ahead_seconds > 0 else "behind"
        found.append(
            Reason(
                code="clock_wrong",
                text=f"this machine's clock is {abs(now.clock_ahead_seconds):.0f} s {way} the chain's; the chain's "
                "time is used for deadlines, so nothing is lost; set the clock, or check that the node keeps up",
                blocks=False,
            )
        )
    return found


def _money(now: Situation) -> list[Reason]:
    if now.node_error is not None:
        return []
    if now.gas_wei == 0:
        return [
            Reason(
                code="no_gas",
                text="the account has none of the chain's coin, so it cannot pay for its transactions; send it some",
            )
        ]
    if now.stake == 0:
        tokens = "and tokens are there" if now.tokens else "and the account has no tokens to stake either"
        return [
            Reason(
                code="no_stake",
                text=f"no stake: only staked workers are drawn, {tokens}; run `edgebounty stake add`, or set a stake "
                "target in the worker's settings",
            )
        ]
    if 0 < now.stake < now.stake_target and now.tokens < now.stake_target - now.stake:
        return [
            Reason(
                code="stake_below_target",
                text=f"stake {now.stake} is below your target {now.stake_target} and there are only {now.tokens} "
                "tokens to add",
                blocks=False,
            )
        ]
    return []


def _orchestrator(now: Situation) -> list[Reason]:
    if not now.asks_orchestrator or now.orchestrator_error is None:
        return []
    text = f"{now.orchestrator_error}; looking for work on the chain itself meanwhile"
    return [Reason(code="orchestrator_unreachable", text=text, blocks=False)]


# The order in which refusals are told: what the owner can change first, what only time changes last.
_REFUSALS = (
    *("stake_locked", "stake_short", "content_corrupt", "content_missing", "manifest_bad", "program_rejected"),
    *(
        "price_low",
        "over_limits",
        "time_short",
        "end_far",
        "escrow_short",
        "input_failed",
        "barred",
        "stake_fresh",
        "seed_awaited",
        "draw_awaited",
        "late_claims",
    ),
    *("not_drawn", "stage_closed", "wave_full", "job_ended"),
)


def _no_task(now: Situation) -> list[Reason]:
    if now.open_claims >= now.max_open:
        text = f"{now.open_claims} results wait for peers or for the chain, as many as the settings allow (max_open)"
        return [Reason(code="max_open", text=text)]
    known = [Reason(code=code, text=now.refusals[code]) for code in _REFUSALS if code in now.refusals]
    known += [Reason(code=c, text=t) for c, t in now.refusals.items() if c not in _REFUSALS]
    if known:
        return known
    if now.open_claims:
        text = (
            f"{now.open_claims} results wait for peers or for the chain, and there is no other task to take meanwhile"
        )
        return [Reason(code="waiting_for_peers", text=text)]
    if now.orchestrator_reason and now.orchestrator_error is None and now.asks_orchestrator:
        return [Reason(code="no_offer", text=now.orchestrator_reason)]
    if now.open_jobs:
        return [
            Reason(code="no_open_task", text=f"{now.open_jobs} jobs are open, and all their tasks are taken just now")
        ]
    return [Reason(code="no_job", text="nobody has posted a job that is open now; this worker goes on looking")]
