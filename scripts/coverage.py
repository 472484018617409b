#!/usr/bin/env python3
"""Branch coverage of contracts/ (mocks apart) by the forge tests, as a table and a gate.

    scripts/coverage.py                 fails if fewer than 95 of 100 branches were taken
    scripts/coverage.py --at-least 90   another bar

Every contract has to reach the bar, not only all of them together. What was missed is named by line.

Of an `if` without `else` forge counts one way, that it was entered. Here the way past it counts too: it was taken as
often as the condition was met and the body was not. Where the condition is not one comparison (`if (leaving)`,
`if (a && b)`, `try`), forge gives both the same number, so the way past is not told; such lines are named and not
counted. For them, and for the ways of `&&`, `||` and `? :`, there is scripts/mutate.py: it replaces each by one side,
and a test has to fail.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "coverage"
# Fuzzed inputs add no branch that the plain tests leave out, so a few are enough; campaigns would only take time.
FUZZ_RUNS = 32
_ONE_COMPARISON = re.compile(r"\bif \((?!.*(&&|\|\|)).*([=!]=|[<>])")


@dataclass
class Covered:
    """How often lines were met and branches taken."""

    lines: dict[int, int] = field(default_factory=dict)
    branches: list[tuple[int, int]] = field(default_factory=list)  # line, times taken
    untold: list[int] = field(default_factory=list)  # lines whose way past is not told

    @property
    def taken(self) -> int:
        return sum(times > 0 for _, times in self.branches)

    @property
    def share(self) -> float:
        return self.taken / len(self.branches) if self.branches else 1.0

    @property
    def missed(self) -> list[int]:
        return sorted({line for line, times in self.branches if not times})


def measure() -> Path:
    """Runs the tests with counters and answers with their report. Forge's own output is shown only if it fails.

    Raises SystemExit then.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    report = BUILD / "lcov.info"
    # Without the optimizer, which this needs, the cache and the gas are others: neither may touch the usual ones.
    environment = os.environ | {
        "FOUNDRY_OUT": str(BUILD / "out"),
        "FOUNDRY_CACHE_PATH": str(BUILD / "cache"),
        "FOUNDRY_FUZZ_RUNS": str(FUZZ_RUNS),
        "FORGE_SNAPSHOT_CHECK": "false",
    }
    command = [str(ROOT / "scripts" / "forge.sh"), "coverage", "--no-match-contract", "Invariant|Symbolic|Gas"]
    run = subprocess.run(
        [*command, "--report", "lcov", "--report-file", str(report)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"{run.stdout}{run.stderr}\ncoverage: forge failed (status {run.returncode}), see above")
    return report


def read(report: Path) -> dict[str, Covered]:
    """Counts by source path, from forge's LCOV report."""
    files: dict[str, Covered] = {}
    ways: dict[tuple[int, str], list[int]] = {}  # of the present file: how often each way of a condition was taken
    for line in report.read_text().splitlines():
        kind, _, value = line.partition(":")
        if kind == "SF":
            path, covered = value, files.setdefault(value, Covered())
        elif kind == "DA":
            number, times = map(int, value.split(",")[:2])
            covered.lines[number] = times
        elif kind == "BRDA":
            line_number, branch, _, taken = value.split(",")
            ways.setdefault((int(line_number), branch), []).append(0 if taken == "-" else int(taken))
        elif line == "end_of_record":
            source = (ROOT / path).read_text().splitlines()
            for (at, _), taken_each in ways.items():
                covered.branches += [(at, times) for times in taken_each]
                if len(taken_each) > 1:
                    continue
                past = covered.lines[at] - taken_each[0]
                if past or _ONE_COMPARISON.search(source[at - 1]):
                    covered.branches.append((at, past))
                else:
                    covered.untold.append(at)
            ways = {}
    return {path: covered for path, covered in files.items() if _is_ours(Path(path))}


def _is_ours(path: Path) -> bool:
    return path.parts[0] == "contracts" and "mocks" not in path.parts


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--at-least", type=float, default=95.0, metavar="PERCENT", help="of branches (default 95)")
    bar = arguments.parse_args().at_least / 100

    files = read(measure())
    if not files:
        raise SystemExit("coverage: forge's report names none of our contracts")
    print(f"{'contract':<40} {'lines':>9} {'branches':>9}        missed at line (past not told at)")
    for path, covered in sorted(files.items()):
        _print_row(path.removeprefix("contracts/"), covered, bar)
    everything = Covered()
    for index, covered in enumerate(files.values()):
        everything.lines |= {number + index * 1_000_000: times for number, times in covered.lines.items()}
        everything.branches += covered.branches
    _print_row("all together", everything, bar, notes=f"{len(everything.branches) - everything.taken} missed")

    low = [path for path, covered in files.items() if covered.share < bar]
    if low:
        print(f"coverage: under {bar:.0%} of branches: {', '.join(sorted(low))}", file=sys.stderr)
    return 1 if low or everything.share < bar else 0


def _print_row(name: str, covered: Covered, bar: float, notes: str | None = None) -> None:
    lines = sum(times > 0 for times in covered.lines.values())
    untold = f"({', '.join(map(str, sorted(covered.untold)))})" if covered.untold else ""
    missed = notes if notes is not None else f"{', '.join(map(str, covered.missed))} {untold}".strip()
    mark = " " if covered.share >= bar else "!"
    print(
        f"{name:<40} {lines:>4}/{len(covered.lines):<4} {covered.taken:>4}/{len(covered.branches):<4}"
        f" {covered.share:>6.1%}{mark} {missed}".rstrip()
    )


if __name__ == "__main__":
    sys.exit(main())
