"""What a job's work costs in energy, on phones and on a server. Estimates: nothing here reads a power meter.

    seconds per work unit = processor time of the job's run without a market, on this machine / its work units
    phones = work units of all runs of all tasks in the market x seconds per work unit x PHONE_CORE_WATTS
    server = the same job's work units, run once               x seconds per work unit x SERVER_CORE_WATTS x SERVER_PUE

Where each coefficient comes from, and what it leaves out, is in docs/energy.md.
"""

from __future__ import annotations

from dataclasses import dataclass

PHONE_CORE_WATTS = 1.09
"""Fastest core of a Snapdragon 855 at 2.84 GHz under CoreMark, above the idle phone (freqbench, results/sm8150)."""
SERVER_CORE_WATTS = 3.5
"""One vCPU at full load, mean of the processors that AWS uses (Cloud Carbon Footprint, methodology)."""
SERVER_PUE = 1.135
"""Total over IT power of AWS's data centres (the same source)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Joules, estimated."""

    phones_joules: float
    server_joules: float
    is_estimated: bool = True


def estimate(*, work_units: int, replica_work_units: int, seconds: float) -> Energy:
    """Energy of a job of `work_units` that took `seconds` in one run here, and `replica_work_units` in the market."""
    seconds_per_unit = seconds / work_units if work_units else 0.0
    return Energy(
        phones_joules=replica_work_units * seconds_per_unit * PHONE_CORE_WATTS,
        server_joules=work_units * seconds_per_unit * SERVER_CORE_WATTS * SERVER_PUE,
    )
