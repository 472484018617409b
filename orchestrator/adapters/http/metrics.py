"""Prometheus text by hand: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number, or one for each value of a label."""

    name: str
    kind: str  # counter | gauge
    help: str
    values: tuple[tuple[str, float], ...]  # (label text like status="open", number)


def single(name: str, kind: str, help_text: str, value: float) -> Metric:
    return Metric(name=name, kind=kind, help=help_text, values=(("", float(value)),))


def counted(name: str, kind: str, help_text: str, label: str, counts: Counter[str]) -> Metric:
    values = tuple((f'{label}="{key}"', float(count)) for key, count in sorted(counts.items()))
    return Metric(name=name, kind=kind, help=help_text, values=values)


def render(metrics: Iterable[Metric]) -> str:
    """The page that Prometheus scrapes."""
    lines: list[str] = []
    for metric in metrics:
        name = f"edgebounty_{metric.name}"
        lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
        lines += [f"{name}{{{label}}} {value:g}" if label else f"{name} {value:g}" for label, value in metric.values]
    return "\n".join(lines) + "\n"
