"""A learning curve as a picture: SVG that a notebook shows and a browser opens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WIDTH, HEIGHT, MARGIN = 560, 300, 46
_GRID: Final = 5


def curve_svg(points: Sequence[tuple[float, float]], *, title: str, across: str = "round", up: str = "") -> str:
    """A line through `points` (x ascending) with axes. Without points, an empty frame."""
    xs, ys = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
    low, high = min(ys), max(ys)
    if low == high:
        low, high = low - 0.5, high + 0.5
    first, last = min(xs), max(xs)
    wide, tall = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN

    def place(x: float, y: float) -> tuple[float, float]:
        share = (x - first) / (last - first) if last > first else 0.5
        return MARGIN + share * wide, HEIGHT - MARGIN - (y - low) / (high - low) * tall

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui,sans-serif" font-size="12" fill="#444">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="24" font-size="15" fill="#111">{_escape(title)}</text>',
    ]
    for i in range(_GRID):
        value = low + (high - low) * i / (_GRID - 1)
        _, y = place(first, value)
        parts.append(f'<path d="M{MARGIN} {y:.1f}H{WIDTH - MARGIN}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    for x in sorted({first, *xs[:: max(1, len(xs) // 8)], last}):
        parts.append(f'<text x="{place(x, low)[0]:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{_escape(across)}</text>')
    parts.append(f'<text x="{WIDTH - MARGIN}" y="24" text-anchor="end">{_escape(up)}</text>')
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#0b7285" stroke-width="2.5"/>')
    parts += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#0b7285"/>' for x, y in (place(*point) for point in points)
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
