"""The picture: what each policy costs and lets through, and how the liars vanish. Drawn with Pillow alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.simulation.comparison import OURS, Run, Scene
from orchestrator.domain.policy import TOLERATED_WRONG

_SCALE: Final = 2  # drawn twice as large, then made smaller: smooth edges
_SIZE: Final = (1500, 760)
_PAPER, _INK, _SOFT, _GRID = "#fbfaf7", "#1d2430", "#6c7482", "#e3e0d8"
_OURS, _PEER, _SAFE = "#0b7a75", "#c2571a", "#e2f0ee"
_LINES: Final = ("#0b7a75", "#3d5a98", "#8b5fbf", "#c2571a", "#b5942b", "#a83252")
_LEAST: Final = 0.1  # per million; less is drawn there
_CURVE_POINTS: Final = 60
_HALF: Final = TOLERATED_WRONG * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """A rectangle with logarithmic or even axes."""

    box: tuple[int, int, int, int]
    x: Callable[[float], float]  # to 0..1
    y: Callable[[float], float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return left + self.x(x) * (right - left), bottom - self.y(y) * (bottom - top)


class _Canvas:
    def __init__(self) -> None:
        self._image = Image.new("RGB", (_SIZE[0] * _SCALE, _SIZE[1] * _SCALE), _PAPER)
        self._pen = ImageDraw.Draw(self._image)

    def text(self, x: float, y: float, told: str, size: int = 15, fill: str = _INK, anchor: str = "la") -> None:
        font = ImageFont.load_default(size * _SCALE)
        self._pen.text((x * _SCALE, y * _SCALE), told, fill=fill, font=font, anchor=anchor)

    def line(self, points: Sequence[tuple[float, float]], fill: str, width: float = 1) -> None:
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._pen.line(scaled, fill=fill, width=round(width * _SCALE), joint="curve")

    def box(self, corners: tuple[float, float, float, float], fill: str) -> None:
        self._pen.rectangle([corner * _SCALE for corner in corners], fill=fill)

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        edges = ((x - radius), (y - radius), (x + radius), (y + radius))
        self._pen.ellipse([edge * _SCALE for edge in edges], fill=fill, outline=_PAPER, width=2 * _SCALE)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._image.resize(_SIZE, Image.Resampling.LANCZOS).save(path)


def draw(scene: Scene, runs: Sequence[Run], path: Path) -> None:
    """Writes the picture of a comparison."""
    canvas = _Canvas()
    told = f"{scene.draws.tasks:,} tasks, {scene.fleet.seats:,} workers, {scene.share * 100:g} % liars who act together"
    canvas.text(60, 26, "What a check costs, and what gets past it", 26)
    canvas.text(60, 62, told, 15, _SOFT)
    _costs(canvas, runs)
    _curves(canvas, scene, runs)
    canvas.save(path)


def _costs(canvas: _Canvas, runs: Sequence[Run]) -> None:
    panel = _Panel(box=(110, 140, 740, 660), x=_log(1.0, 13.0), y=_log(_LEAST, 1e6))
    left, _, right, bottom = panel.box
    _, safe = panel.at(1, _HALF)
    canvas.box((left, safe, panel.at(1.15, 1)[0], bottom), _SAFE)
    for power in range(-1, 7):
        _, y = panel.at(1, 10.0**power)
        canvas.line([(left, y), (right, y)], _GRID)
        canvas.text(left - 10, y, f"{10**power:,}" if power >= 0 else "under 0.1", 13, _SOFT, "rm")
    for copies in (1, 1.15, 2, 3, 5, 9):
        x, _ = panel.at(copies, 1)
        canvas.line([(x, bottom), (x, bottom + 6)], _SOFT)
        canvas.text(x, bottom + 10, f"{copies:g}", 13, _SOFT, "ma")
    canvas.text(left, 108, "Wrong results per million, in each of the liars' strategies", 16)
    canvas.text(right, bottom + 34, "copies computed per task", 14, _SOFT, "ra")
    names: list[tuple[float, float, str, str]] = []
    for policy in dict.fromkeys(run.policy for run in runs):
        mine = [run for run in runs if run.policy == policy]
        colour = _OURS if policy in OURS else _PEER
        spots = [panel.at(run.outcome.overhead, max(_LEAST, run.outcome.wrong_per_million)) for run in mine]
        for x, y in spots:
            canvas.dot(x, y, 4, colour)
        x, y = min(spots, key=lambda spot: spot[1])
        canvas.dot(x, y, 8, colour)
        names.append((x, y, policy, colour))
    _name(canvas, names, right)
    canvas.text(
        left, bottom + 62, "large: the strategy that suits the liars best. Shaded: the target of standard.", 13, _SOFT
    )


def _name(canvas: _Canvas, names: Sequence[tuple[float, float, str, str]], right: float) -> None:
    """Names beside their dots, or higher where another is already."""
    taken = [(y, x - 8, x + 8) for x, y, *_ in names]
    for x, y, told, colour in sorted(names, reverse=True):
        width = 8.0 * len(told) + 24
        start, anchor = (x - width, "rm") if x + width > right + 100 else (x + 9, "lm")
        height = y
        while any(abs(height - other) < 20 and start < end and begin < start + width for other, begin, end in taken):
            height -= 4
        taken.append((height, start, start + width))
        if height < y - 12:
            canvas.line([(x, y - 9), (x, height + 8)], colour)
            taken += [(step, x - 2, x + 2) for step in np.arange(height, y, 8)]
        canvas.text(x + (12 if anchor == "lm" else -12) * (height > y - 12), height, told, 15, colour, anchor)


def _curves(canvas: _Canvas, scene: Scene, runs: Sequence[Run]) -> None:
    mine = [run for run in runs if run.policy == "standard"] or list(runs[: len(_LINES)])
    chunks = len(mine[0].outcome.curve)
    panel = _Panel(box=(850, 140, 1330, 660), x=_log(1 / chunks, 1.0), y=lambda y: y / 0.25)
    left, _, right, bottom = panel.box
    for percent in (0, 5, 10, 15, 20, 25):
        _, y = panel.at(1, percent / 100)
        canvas.line([(left, y), (right, y)], _GRID)
        canvas.text(left - 10, y, f"{percent} %", 13, _SOFT, "rm")
    for share in (0.002, 0.01, 0.1, 1.0):
        if share * chunks >= 1:
            x, _ = panel.at(share, 0)
            canvas.text(x, bottom + 10, f"{scene.draws.tasks * share:,.0f}", 13, _SOFT, "ma")
    canvas.text(left, 108, f"Work in the hands of liars, {mine[0].policy}", 16)
    canvas.text(right, bottom + 34, "tasks so far", 14, _SOFT, "ra")
    ends: list[tuple[float, float, str, str]] = []
    for run, colour in zip(mine, _LINES, strict=False):
        shares = [share for _, share in run.outcome.curve]
        picked = np.unique(np.geomspace(1, chunks, _CURVE_POINTS).astype(int))
        canvas.line([panel.at(index / chunks, shares[index - 1]) for index in picked], colour, 2.5)
        ends.append((*panel.at(1, shares[-1]), run.strategy, colour))
    floor = bottom + 12.0
    for x, y, name, colour in sorted(ends, key=lambda end: -end[1]):  # from below, none on another
        floor = min(y, floor - 18)
        canvas.text(x + 8, floor, name, 14, colour, "lm")


def _log(low: float, high: float) -> Callable[[float], float]:
    return lambda value: (log10(value) - log10(low)) / (log10(high) - log10(low))
