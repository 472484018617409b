"""What an orchestrator does next in the batch lane: one act at a time, decided on what final blocks say.

    give back what blocks the ring > refund what came back > restate > (stop after a lost bond) > post
        > free or put up bond for it > free bonds

Whatever is decided here, the contract takes at any later time too, unless somebody acts in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgebounty.protocol.types import JobId

NEVER: Final = (1 << 256) - 1
"""`postableAt` while something is set aside in the batch whose place is next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """What the deployment fixed: seconds, base units."""

    window: int
    answer: int
    claim: int
    grace: int
    ring: int
    least_bond: int
    bond_bps: int

    def bond_for(self, total: int, *, in_cid: bool) -> int:
        """As the lane's `bondFor`: under a CID it covers all that the batch could pay."""
        bond = self.least_bond + -(-total * self.bond_bps // 10_000)
        return max(bond, total) if in_cid else bond


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A posted batch that may still hold a bond, or something aside."""

    number: int
    posted_at: int
    stated_at: int
    bond: int
    restated_bond: int
    restated_by_me: bool
    aside: int

    def is_releasable(self, now: int, limits: LaneLimits) -> bool:
        """Whether a bond of ours comes free."""
        posted = self.bond != 0 and now >= self.posted_at + limits.window
        stated = self.restated_by_me and self.restated_bond != 0 and now >= self.stated_at + limits.window
        return posted or stated

    @property
    def of_mine(self) -> int:
        return self.bond + (self.restated_bond if self.restated_by_me else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """This orchestrator as one final block has it. `now`: that block's time, `head`: the newest one's.

    `bonds_lost`: how often. `misstated`: the newest batch's payouts are not those that its data gives, as somebody
    restated them wrongly. `refundable`: jobs that are over and got back what was set aside, after their refund.
    """

    now: int
    head: int
    next: int
    stated: int
    bonded: int
    allotted: int
    free_stake: int
    postable_at: int
    held: tuple[Held, ...]
    bonds_lost: int = 0
    misstated: bool = False
    refundable: tuple[JobId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A sealed batch. `next_task`: where the chain wants the job's next one to begin; `closes`: from then on none."""

    job: JobId
    first: int
    total: int  # base units that it pays, fee and all
    in_cid: bool
    next_task: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator chose. `most_bond`: what is put up at most; `lost_known`: lost bonds that were looked into."""

    most_bond: int
    lost_known: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    job: JobId
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUp:
    """Allot so much more of the free stake."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restate:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRest:
    job: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do now. `reason` is empty if nothing waits; else it says what for, and who acts."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Posting could cost a bond: nothing is posted until the operator has acted."""

    reason: str


Act = Post | PutUp | Release | Restate | GiveBack | RefundRest | Wait | Stop


def next_act(standing: Standing, ready: Sequence[Ready], rules: Rules, limits: LaneLimits) -> Act:
    """The one thing to do now."""
    now = standing.now
    for batch in standing.held:
        if batch.aside and now >= batch.posted_at + limits.window + limits.claim:
            return GiveBack(number=batch.number)
    if standing.refundable:
        return RefundRest(job=standing.refundable[0])
    if standing.stated < standing.next:
        return _with_bond(limits.least_bond, Restate(number=standing.stated), standing, rules, limits)
    if standing.bonds_lost > rules.lost_known:
        return Stop(
            reason=f"{standing.bonds_lost} bonds were lost, {rules.lost_known} are accounted for: the operator finds "
            "out what was wrong, then sets batch_bonds_lost to that number"
        )
    if standing.misstated:
        return Stop(
            reason="somebody restated the newest batch wrongly, and whoever builds on that loses the bond: a "
            "watchtower can prove it within the window"
        )
    waiting = [batch for batch in ready if batch.next_task == batch.first and standing.head < batch.closes]
    act: Act = Wait()
    if waiting and now < standing.postable_at:
        act = Wait(reason=_ring_full(standing))
    elif waiting:
        act = _post(sorted(waiting, key=lambda b: (b.closes, b.job)), standing, rules, limits)
    if isinstance(act, Wait):
        free = next((batch for batch in standing.held if batch.is_releasable(now, limits)), None)
        return act if free is None else Release(number=free.number)
    return act


def lost(ready: Sequence[Ready], standing: Standing) -> list[Ready]:
    """Batches that came too late: the chain takes nothing more of their jobs. Their workers can claim their pay."""
    return [batch for batch in ready if batch.next_task <= batch.first and standing.head >= batch.closes]


def _post(waiting: Sequence[Ready], standing: Standing, rules: Rules, limits: LaneLimits) -> Act:
    """The batch whose job closes first; one whose bond does not fit keeps no smaller one waiting."""
    reused = next((batch.of_mine for batch in standing.held if batch.number == standing.next - limits.ring), 0)
    acts = []
    for batch in waiting:
        needed = limits.bond_for(batch.total, in_cid=batch.in_cid) - reused
        acts.append(_with_bond(needed, Post(job=batch.job, first=batch.first), standing, rules, limits))
    return next((act for act in acts if not isinstance(act, Wait)), acts[0])


def _with_bond(needed: int, act: Act, standing: Standing, rules: Rules, limits: LaneLimits) -> Act:
    """The act, if the allotment covers `needed` more; else what makes room for it."""
    lack = standing.bonded + needed - standing.allotted
    if lack <= 0:
        return act
    free = next((batch for batch in standing.held if batch.is_releasable(standing.now, limits)), None)
    if free is not None:
        return Release(number=free.number)
    if standing.allotted + lack > rules.most_bond:
        return Wait(
            reason=f"{standing.bonded + needed} base units of bond are needed, the operator lets {rules.most_bond} be "
            "put up (batch_most_bond)"
        )
    if lack > standing.free_stake:
        return Wait(
            reason=f"{lack} base units more of bond are needed, {standing.free_stake} of this account's stake are "
            "free: the operator stakes more, or bonds come free with the windows"
        )
    return PutUp(amount=lack)


def _ring_full(standing: Standing) -> str:
    if standing.postable_at == NEVER:
        return "the next place in the ring of headers holds what was set aside for workers of a punished batch"
    return f"every place in the ring of headers is needed until {standing.postable_at}, it is {standing.now}"
