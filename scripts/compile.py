#!/usr/bin/env python3
"""Compiles contracts/ into edgebounty/chain/artifacts/, the ABI and bytecode that the package ships, and beside them
into tests/contracts/snapshots/, ABI and storage layout as text in which a review sees every change.

    scripts/compile.py           write both; print what changed in the snapshots
    scripts/compile.py --check   write nothing; exit 1, print the difference and name the files

The compiler is the pinned npm package behind scripts/solc (no download). Same sources, same bytes, on every machine.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from snapshots import snapshot

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = ROOT / "edgebounty" / "chain" / "artifacts"
SNAPSHOTS = ROOT / "tests" / "contracts" / "snapshots"
SOLC_FOLDER = ROOT / "build" / "solc"
SOLC_VERSION = "0.8.37"
# foundry.toml and brownie-config.yaml say the same; tests/contracts/test_bytecode.py compares what comes out.
SETTINGS: dict[str, Any] = {
    "optimizer": {"enabled": True, "runs": 1000000},
    "evmVersion": "cancun",
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
}
OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"]


def sources() -> dict[str, dict[str, str]]:
    """All our Solidity, mocks apart, by the path that ends up in the metadata."""
    files = sorted(file for file in (ROOT / "contracts").rglob("*.sol") if "mocks" not in file.parts)
    return {file.relative_to(ROOT).as_posix(): {"content": file.read_text()} for file in files}


def compile_contracts() -> dict[str, dict[str, Any]]:
    """The compiler's answer on every contract that is deployed, by name. Raises SystemExit when it complains."""
    answer = ask_compiler({"*": OUTPUTS})
    return {
        name: contract
        for path, contracts in answer["contracts"].items()
        if path.startswith("contracts/")
        for name, contract in contracts.items()
        if path.count("/") == 1  # those at the top are deployed; the rest are parts of them
    }


def syntax_trees() -> dict[str, dict[str, Any]]:
    """The syntax tree of each of our files, by path. Raises SystemExit when the compiler complains."""
    return {path: source["ast"] for path, source in ask_compiler({"": ["ast"]})["sources"].items() if path in sources()}


def ask_compiler(outputs: dict[str, list[str]]) -> dict[str, Any]:
    """The answer on all sources, with these outputs for every file. Raises SystemExit when the compiler complains."""
    if not (SOLC_FOLDER / f"solc-v{SOLC_VERSION}").exists():
        subprocess.run([ROOT / "scripts" / "solc" / "install.sh"], check=True, stdout=subprocess.DEVNULL)
    os.environ["SOLCX_BINARY_PATH"] = str(SOLC_FOLDER)
    import solcx  # reads the folder's name when imported

    os.chdir(ROOT)  # imports and remappings are relative to it
    request = {
        "language": "Solidity",
        "sources": sources(),
        "settings": {**SETTINGS, "outputSelection": {"*": outputs}},
    }
    try:
        answer: dict[str, Any] = solcx.compile_standard(
            request, solc_version=SOLC_VERSION, base_path=str(ROOT), allow_paths=[str(ROOT)]
        )
    except solcx.exceptions.SolcError as error:
        raise SystemExit(f"compile: {error.message}") from error
    return answer


def _artifact(name: str, contract: dict[str, Any]) -> dict[str, Any]:
    layout = contract.get("storageLayout", {}).get("storage", [])
    return {
        "contractName": name,
        "compiler": {"version": SOLC_VERSION, **SETTINGS},
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + contract["evm"]["deployedBytecode"]["object"],
        "storageLayout": [{key: entry[key] for key in ("label", "slot", "offset")} for entry in layout],
    }


def _text(artifact: dict[str, Any]) -> str:
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def files(contracts: dict[str, dict[str, Any]]) -> dict[Path, str]:
    """What has to be in the two folders, by path."""
    artifacts = {ARTIFACTS / f"{name}.json": _text(_artifact(name, each)) for name, each in contracts.items()}
    return artifacts | {SNAPSHOTS / f"{name}.txt": snapshot(each) for name, each in contracts.items()}


def print_difference(path: Path, before: str, after: str) -> None:
    """The changed lines of a snapshot. Those of an artifact say nothing to anybody."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    print(f"{path.relative_to(ROOT)}: - checked in, + contract", *changed, sep="\n  ")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="only say whether what is checked in is up to date")
    check_only = arguments.parse_args().check

    wanted = files(compile_contracts())
    present = {file: file.read_text() for file in (*ARTIFACTS.glob("*.json"), *SNAPSHOTS.glob("*.txt"))}
    stale = sorted(path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path))
    for path in stale:
        if path.parent == SNAPSHOTS:
            print_difference(path, present.get(path, ""), wanted.get(path, ""))
    if check_only:
        if stale:
            names = ", ".join(path.name for path in stale)
            print(f"compile: not up to date: {names}; if the change is meant, run scripts/compile.py", file=sys.stderr)
        return 1 if stale else 0

    for path in stale:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
        else:
            path.unlink()
    print(f"compile: {len(wanted)} artifacts and snapshots, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
