"""What a job's work costs in energy, on phones and on a server. Estimates: nothing here reads a power meter.

Both sides do the same work units; how much processor time one takes is measured on this machine, by running the job
once without a market. Then

    phones  = work units of all replicas x seconds per unit x a phone's big core under load
    server  = work units of one run      x seconds per unit x a server's core under load x PUE

- A phone's big core under load, display and radio off: about 2 W, average active power of a Cortex-A76 at 2.8 GHz in
  SPECint2006 on a Snapdragon 855 (A. Frumusanu, "The Samsung Galaxy S10+ Snapdragon & Exynos Review", AnandTech, 2019).
- A server's core under full load: 3.5 W per vCPU, average of the machines behind AWS, derived from SPECpower (Cloud
  Carbon Footprint, Thoughtworks, "Methodology" and its AWS coefficients, 2021).
- PUE, a data centre's total power over its IT power: 1.58, industry average (Uptime Institute, Global Data Center
  Survey, 2023).

The seconds are those of a server core on both sides, which favours phones: a slower core takes longer at its power.
Left out: radio, display, the chain, making the devices. Idle power is left out on both sides too.
"""

from __future__ import annotations

from dataclasses import dataclass

PHONE_CORE_WATTS = 2.0
SERVER_CORE_WATTS = 3.5
SERVER_PUE = 1.58


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
