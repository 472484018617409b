#!/usr/bin/env python3
"""Puts small faults into the money code, one at a time, and sees whether a forge test fails.

    scripts/mutate.py                            every file of the money code
    scripts/mutate.py contracts/StakeVault.sol   one file
    scripts/mutate.py --trade                    the bugs of this trade (tests/contracts/trade_bugs.toml), each
                                                 against the tests that are there for it
    scripts/mutate.py --list                     only print the faults

A fault that no test notices is a survivor. Each survivor is listed with its reason in docs/mutation.md; one that is not
listed there fails the run. What was killed once is not tried again while the file is the same (build/mutation), so an
interrupted run goes on where it stopped. The contracts themselves are never touched: each job works on a copy.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compile import ROOT, SOLC_VERSION, syntax_trees
from mutants import Mutant, mutants_of

MONEY_CODE: Final = (
    "contracts/BountyEscrow.sol",
    "contracts/StakeVault.sol",
    "contracts/vault/StakeHistory.sol",
    "contracts/DirectLane.sol",
    "contracts/lane/LaneTasks.sol",
    "contracts/lane/LaneStages.sol",
    "contracts/libraries/Terms.sol",
    "contracts/libraries/Slots.sol",
    "contracts/libraries/Draw.sol",
    "contracts/libraries/ExactTransfer.sol",
    "contracts/BatchLane.sol",
    "contracts/BatchChallenges.sol",
    "contracts/BatchPayouts.sol",
    "contracts/batch/BatchBooks.sol",
    "contracts/batch/BatchPosting.sol",
    "contracts/batch/BatchFaults.sol",
    "contracts/batch/BatchDemands.sol",
    "contracts/batch/BatchData.sol",
    "contracts/batch/BatchMessages.sol",
    "contracts/batch/Openings.sol",
    "contracts/batch/PositionTree.sol",
)
BUILD: Final = ROOT / "build" / "mutation"
TRADE: Final = ROOT / "tests" / "contracts" / "trade_bugs.toml"
SURVIVORS: Final = ROOT / "docs" / "mutation.md"
FUZZ_RUNS: Final = "24"
LONGEST_SECONDS: Final = 600  # a fault that makes a loop endless runs out of gas long before
# The slow tests, which stake for hundreds of workers, run only when the quick ones noticed nothing.
_SLOW: Final = "Draw_|Reopen_DoublesTheChance|DecidingReplica|History_Agrees|BooksAddUp"
_ALL_TESTS: Final = (("--no-match-test", _SLOW), ("--match-test", _SLOW))
_BATCH_TESTS: Final = (("--match-contract", "Batch|Court"),)  # no other test calls the batch lane's contracts
# Left out: campaigns, which may or may not find a fault; what halmos is for; gas, which every fault changes.
_LEFT_OUT: Final = ("invariants", "Symbolic.t.sol", "Gas.t.sol")
_FAILED: Final = re.compile(r"^\[FAIL[^\n]*\] (\w+)\(", re.MULTILINE)
_LISTED: Final = re.compile(r"^\| (\S+\.sol) \| `(.*?)` \| `(.*?)` \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fault: `killed` by a test, `survived`, or `stillborn`: the compiler refused it."""

    fate: str
    by: str = ""


class Compiler:
    """The compiler, kept running for all jobs (see scripts/solc/server.js): `command` looks like the native one."""

    def __init__(self) -> None:
        folder = ROOT / "scripts" / "solc"
        usual = ROOT / "build" / "solc" / f"solc-v{SOLC_VERSION}"
        self._place = tempfile.TemporaryDirectory(prefix="solc-")  # a socket's path has to be short
        server = Path(self._place.name) / "server"
        node = ["node", "--stack-size=8000", str(folder / "server.js"), str(server)]
        package = {"SOLC_JS_PACKAGE": str(ROOT / "node_modules" / "solc")}
        self._process = subprocess.Popen(
            node, env=os.environ | package, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if not self._process.stdout or self._process.stdout.readline() != "ready\n":
            raise SystemExit("mutate: the compiler does not start")
        self.command = Path(self._place.name) / usual.name
        ask = shlex.join([sys.executable, "-I", "-S", str(folder / "ask.py"), str(server)])
        self.command.write_text(f"""#!/bin/sh
case "$*" in *--version*) exec {shlex.quote(str(usual))} --version; esac
exec {ask} "$@"
""")
        self.command.chmod(0o755)

    def __enter__(self) -> Compiler:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # its input ends, and so does it
        self._place.cleanup()


class Copy:
    """A copy of what forge needs, in which one file at a time is broken. Test code is compiled only once."""

    def __init__(self, name: str, compiler: Compiler, *, fail_fast: bool) -> None:
        self.root = BUILD / name
        self._stop = ("--fail-fast",) if fail_fast else ()
        shutil.rmtree(self.root / "contracts", ignore_errors=True)
        shutil.rmtree(self.root / "tests", ignore_errors=True)
        shutil.copytree(ROOT / "contracts", self.root / "contracts")
        tests = ROOT / "tests" / "contracts" / "forge"
        ignore = shutil.ignore_patterns(*_LEFT_OUT)
        shutil.copytree(tests, self.root / "tests" / "contracts" / "forge", ignore=ignore)
        shutil.copytree(ROOT / "tests" / "vectors", self.root / "tests" / "vectors")
        shutil.copy(ROOT / "foundry.toml", self.root)
        if not (self.root / "node_modules").is_symlink():
            (self.root / "node_modules").symlink_to(ROOT / "node_modules")
        self.environment = os.environ | {
            "FOUNDRY_ROOT": str(self.root),
            "FOUNDRY_SOLC": str(compiler.command),
            "FOUNDRY_DYNAMIC_TEST_LINKING": "true",  # else every test would be compiled again with the contract
            "FOUNDRY_OPTIMIZER": "false",
            "FOUNDRY_LINT_LINT_ON_BUILD": "false",
            "FOUNDRY_FUZZ_RUNS": FUZZ_RUNS,
            "FORGE_SNAPSHOT_CHECK": "false",
        }

    def outcome(self, path: str, broken: bytes, selections: tuple[tuple[str, ...], ...]) -> Outcome:
        """Runs these selections of tests on the broken file, one after the other, until the first failure."""
        file = self.root / path
        whole = file.read_bytes()
        file.write_bytes(broken)
        try:
            for tests in selections:
                outcome = self._run(tests)
                if outcome.fate != "survived":
                    break
            return outcome
        finally:
            file.write_bytes(whole)

    def _run(self, tests: tuple[str, ...]) -> Outcome:
        forge = ROOT / "scripts" / "forge.sh"
        command = [str(forge), "test", "--root", str(self.root), *self._stop, *tests]
        try:
            run = subprocess.run(
                command,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome("killed", "taking too long")
        failed = _FAILED.findall(run.stdout)
        if failed:
            return Outcome("killed", " ".join(dict.fromkeys(failed)))
        if run.returncode and ("[FAIL" in run.stdout or "Encountered" in run.stdout):
            return Outcome("killed", "setUp")
        if run.returncode:
            return Outcome("stillborn", run.stdout[-400:])
        if "No tests" in run.stdout or re.search(r"\b0 tests passed", run.stdout):
            return Outcome("stillborn", "no test was found")
        return Outcome("survived")


class Workshop:
    """Some copies, each used by one job at a time."""

    def __init__(self, purpose: str, jobs: int, compiler: Compiler) -> None:
        self._free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(jobs):
            self._free.put(Copy(f"{purpose}-{number}", compiler, fail_fast=purpose == "faults"))

    def outcome(self, path: str, broken: bytes, selections: tuple[tuple[str, ...], ...]) -> Outcome:
        copy = self._free.get()
        try:
            return copy.outcome(path, broken, selections)
        finally:
            self._free.put(copy)


class Memory:
    """What was killed or stillborn before, by the broken file's hash."""

    def __init__(self) -> None:
        self._file = BUILD / "killed.json"
        self._lock = threading.Lock()
        self._known: dict[str, list[str]] = json.loads(self._file.read_text()) if self._file.exists() else {}

    @staticmethod
    def _key(path: str, broken: bytes) -> str:
        return f"{path} {hashlib.sha256(broken).hexdigest()}"

    def get(self, path: str, broken: bytes) -> Outcome | None:
        known = self._known.get(self._key(path, broken))
        return Outcome(*known) if known else None

    def put(self, path: str, broken: bytes, outcome: Outcome) -> None:
        with self._lock:
            self._known[self._key(path, broken)] = [outcome.fate, outcome.by]
            self._file.write_text(json.dumps(self._known, indent=0))


def tests_for(path: str) -> tuple[tuple[str, ...], ...]:
    return _BATCH_TESTS if path.startswith(("contracts/Batch", "contracts/batch/")) else _ALL_TESTS


def listed() -> set[tuple[str, str, str]]:
    """The survivors that docs/mutation.md explains: file, line as it is, line as broken."""
    text = SURVIVORS.read_text() if SURVIVORS.exists() else ""
    return {(row[0], row[1].replace("\\|", "|"), row[2].replace("\\|", "|")) for row in _LISTED.findall(text)}


def mutate(paths: list[str], jobs: int, only_list: bool) -> int:
    """Tries every fault of these files. 1 if a survivor is not listed, or one is listed that does not survive."""
    trees = syntax_trees()
    sources = {path: (ROOT / path).read_bytes() for path in paths}
    mutants = [each for path in paths for each in mutants_of(path, sources[path], trees[path])]
    if only_list:
        for each in mutants:
            before, after = each.shown(sources[each.path])
            print(f"{each.path}:{each.line(sources[each.path])}: {before} -> {after}")
        return 0
    memory, known = Memory(), listed()
    fates: dict[str, list[str]] = {path: [] for path in paths}
    unlisted: list[str] = []
    survivors: set[tuple[str, str, str]] = set()
    begun = time.monotonic()

    def try_one(mutant: Mutant) -> Outcome:
        broken = mutant.applied_to(sources[mutant.path])
        outcome = memory.get(mutant.path, broken)
        if outcome is None:
            outcome = workshop.outcome(mutant.path, broken, tests_for(mutant.path))
            if outcome.fate != "survived":
                memory.put(mutant.path, broken, outcome)
        return outcome

    with Compiler() as compiler, ThreadPoolExecutor(jobs) as pool:
        workshop = Workshop("faults", jobs, compiler)
        for number, (mutant, outcome) in enumerate(zip(mutants, pool.map(try_one, mutants), strict=True), 1):
            fates[mutant.path].append(outcome.fate)
            if outcome.fate != "survived":
                continue
            row = (mutant.path.removeprefix("contracts/"), *mutant.shown(sources[mutant.path]))
            survivors.add(row)
            if row not in known:
                where = f"{mutant.path}:{mutant.line(sources[mutant.path])}"
                unlisted.append(f"{where}: {row[1]}\n    -> {row[2]}")
                print(f"{number}/{len(mutants)} survived {unlisted[-1]}", flush=True)

    print(f"\n{'file':<40} {'faults':>6} {'killed':>6} {'stillborn':>9} {'survived':>8}")
    for path, some in (*fates.items(), ("all together", [fate for every in fates.values() for fate in every])):
        counts = [some.count(fate) for fate in ("killed", "stillborn", "survived")]
        print(f"{path.removeprefix('contracts/'):<40} {len(some):>6} {counts[0]:>6} {counts[1]:>9} {counts[2]:>8}")
    print(f"{len(survivors)} survivors, {len(unlisted)} without a reason, in {time.monotonic() - begun:.0f} s")
    in_question = {row for row in known if f"contracts/{row[0]}" in paths}
    for row in sorted(in_question - survivors):
        print(f"mutate: listed in {SURVIVORS.relative_to(ROOT)} but no survivor: {row[0]}: {row[2]}", file=sys.stderr)
    return 1 if unlisted or in_question - survivors else 0


def trade(jobs: int) -> int:
    """Puts in each bug of the trade: every test named for it has to fail. 1 if one does not."""
    bugs = tomllib.loads(TRADE.read_text())["bug"]

    def try_one(bug: dict[str, Any]) -> Outcome:
        broken = (ROOT / bug["file"]).read_text()
        for now, then in bug["edits"]:
            if broken.count(now) != 1:
                return Outcome("stillborn", f"{broken.count(now)} places in {bug['file']} read: {now}")
            broken = broken.replace(now, then)
        return workshop.outcome(bug["file"], broken.encode(), (("--match-test", f"^({'|'.join(bug['tests'])})\\("),))

    bad, row = 0, ""
    with Compiler() as compiler, ThreadPoolExecutor(jobs) as pool:
        workshop = Workshop("trade", jobs, compiler)
        for bug, outcome in zip(bugs, pool.map(try_one, bugs), strict=True):
            missed = sorted(set(bug["tests"]) - set(outcome.by.split()))
            bad += bool(missed)
            if bug["row"] != row:
                row = bug["row"]
                print(row, flush=True)
            print(f"  {'NOT BY ' + ', '.join(missed) if missed else 'caught':<8} {bug['bug']}", flush=True)
            if outcome.fate == "stillborn":
                print(f"           {outcome.by}", flush=True)
    print(f"{len(bugs)} bugs of {len({bug['row'] for bug in bugs})} rows, {bad} not caught by all of their tests")
    return 1 if bad else 0


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("files", nargs="*", metavar="FILE", help="of the money code (default: all)")
    arguments.add_argument("--trade", action="store_true", help="the bugs of this trade instead")
    arguments.add_argument("--list", action="store_true", help="only print the faults")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="tried at once (default: one a core)")
    chosen = arguments.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    if chosen.trade:
        return trade(chosen.jobs)
    unknown = set(chosen.files) - set(MONEY_CODE)
    if unknown:
        arguments.error(f"no money code: {', '.join(sorted(unknown))}; known: {', '.join(MONEY_CODE)}")
    return mutate(chosen.files or list(MONEY_CODE), chosen.jobs, chosen.list)


if __name__ == "__main__":
    sys.exit(main())
