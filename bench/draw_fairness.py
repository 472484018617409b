"""How much does it help to be fast in the draw? An owner of a part of the stake, spread over many addresses, that is
always the first in a block and records every seed itself, against honest workers who never sleep: how often does it
get the quorum of a task?

The peer is the fair chance, that of a lottery without speed. The rule of contracts/libraries/Draw.sol is replayed
block by block; two others are measured in the same run and printed: all at once, and turns that double.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.figure import RESULTS, Figure
from edgebounty.protocol.draw import CANDIDATES_PER_SLOT

RAMP_SECONDS: Final = 300
BLOCK_SECONDS: Final = 12
SHARES: Final = (0.125, 0.2)
TRIALS: Final = 20_000
_WORKERS: Final = 500  # equal stakes
_TURN_SECONDS: Final = 36
_CHUNK: Final = 1_000

Floats = NDArray[np.float64]
Rule = Callable[[Floats], Floats]
"""From candidates per slot that a lot needs, to the seconds after the seed from which it may claim; inf for never."""


def ramp(needed: Floats) -> Floats:
    """Today's rule: candidates grow evenly from none to eight a slot; nobody may claim in the seed's own block."""
    seconds = np.floor(needed * RAMP_SECONDS / CANDIDATES_PER_SLOT) + 1
    return np.where(seconds <= RAMP_SECONDS, seconds, np.inf)


def turns(needed: Floats) -> Floats:
    """One candidate a slot at once, twice as many a turn later, eight after three turns."""
    turn = np.ceil(np.log2(np.maximum(needed, 1.0)))
    return np.where(needed < CANDIDATES_PER_SLOT, turn * _TURN_SECONDS, np.inf)


def all_at_once(needed: Floats) -> Floats:
    """Eight candidates a slot at once: whoever is fastest."""
    return np.where(needed < CANDIDATES_PER_SLOT, 0.0, np.inf)


def fair_chance(share: float) -> float:
    """Two of three: both seats of the first wave, or one of them and the deciding replica."""
    return share * share * (3 - 2 * share)


def quorum_chance(share: float, rule: Rule, *, trials: int = TRIALS, seed: int = 1) -> tuple[float, float]:
    """How often the attacker gets two of three, and the mean seconds until a first wave of two is full."""
    random = np.random.default_rng(seed)
    won = filled = waited = 0.0
    for _ in range(trials // _CHUNK):
        seats, seconds = _wave(random, share, 2, rule)
        decided, _ = _wave(random, share, 1, rule)
        full = np.isfinite(seconds)
        won += float(((seats == 2) | ((seats == 1) & (decided == 1)))[full].sum())
        filled += float(full.sum())
        waited += float(seconds[full].sum())
    return won / filled, waited / filled


def _wave(random: np.random.Generator, share: float, slots: int, rule: Rule) -> tuple[NDArray[np.int64], Floats]:
    """Of each trial: the seats that the attacker gets, and when the last one was taken."""
    needed = random.random((_CHUNK, _WORKERS)) * _WORKERS / slots
    hostile = np.arange(_WORKERS) < round(share * _WORKERS)
    block = np.ceil(rule(needed) / BLOCK_SECONDS)
    block = np.where(hostile, block, np.maximum(block, 1))  # the honest see the seed a block after it is recorded
    order = block + np.where(hostile, 0.0, 0.5) + random.random(block.shape) / 4  # first in every block
    first = np.argpartition(order, slots, axis=1)[:, :slots]
    seats = hostile[first].sum(axis=1)
    return seats, np.take_along_axis(block, first, axis=1).max(axis=1) * BLOCK_SECONDS


def run(trials: int = TRIALS) -> list[Figure]:
    lines = ["share  fair    " + "".join(f"{rule.__name__:>22}" for rule in (ramp, turns, all_at_once))]
    for share in SHARES:
        found = [quorum_chance(share, rule, trials=trials) for rule in (ramp, turns, all_at_once)]
        told = "".join(f"{chance:>14.1%} {seconds:>5.0f} s" for chance, seconds in found)
        lines.append(f"{share:<6.1%} {fair_chance(share):<7.1%} {told}")
    chance, fair = quorum_chance(SHARES[-1], ramp, trials=trials)[0], fair_chance(SHARES[-1])
    figure = Figure(
        name="draw_fairness",
        value=chance,
        unit="chance of a quorum with 20 % of the stake, always first",
        peer="a lottery without speed",
        peer_value=fair,
        ratio=chance / fair,
        target=1.35,
        better="lower",
    ).save()
    (RESULTS / "draw_fairness_rules.txt").write_text("\n".join(lines) + "\n")
    return [figure]
