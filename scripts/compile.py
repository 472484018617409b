#!/usr/bin/env python3
"""Compiles contracts/ into edgebounty/chain/artifacts/, the ABI and bytecode that the package ships.

    scripts/compile.py           write the artifacts
    scripts/compile.py --check   write nothing; exit 1 and name the artifacts that differ

The compiler is the pinned npm package behind scripts/solc (no download). Same sources, same bytes, on every machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = ROOT / "edgebounty" / "chain" / "artifacts"
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
    """Artifacts by name of every contract that is deployed. Raises SystemExit when the compiler complains."""
    if not (SOLC_FOLDER / f"solc-v{SOLC_VERSION}").exists():
        subprocess.run([ROOT / "scripts" / "solc" / "install.sh"], check=True, stdout=subprocess.DEVNULL)
    os.environ["SOLCX_BINARY_PATH"] = str(SOLC_FOLDER)
    import solcx  # reads the folder's name when imported

    os.chdir(ROOT)  # imports and remappings are relative to it
    request = {
        "language": "Solidity",
        "sources": sources(),
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": OUTPUTS}}},
    }
    try:
        answer = solcx.compile_standard(
            request, solc_version=SOLC_VERSION, base_path=str(ROOT), allow_paths=[str(ROOT)]
        )
    except solcx.exceptions.SolcError as error:
        raise SystemExit(f"compile: {error.message}") from error
    return {
        name: _artifact(name, contract)
        for path, contracts in answer["contracts"].items()
        if path.startswith("contracts/")
        for name, contract in contracts.items()
        if path.count("/") == 1  # those at the top are deployed; the rest are parts of them
    }


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


def encode(artifact: dict[str, Any]) -> str:
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="only say whether the shipped artifacts are up to date")
    check_only = arguments.parse_args().check

    wanted = {f"{name}.json": encode(artifact) for name, artifact in compile_contracts().items()}
    present = {file.name: file.read_text() for file in ARTIFACTS.glob("*.json")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if check_only:
        if stale:
            print(f"compile: not up to date: {', '.join(stale)}; run scripts/compile.py", file=sys.stderr)
        return 1 if stale else 0

    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (ARTIFACTS / name).write_text(wanted[name])
        else:
            (ARTIFACTS / name).unlink()
    print(f"compile: {len(wanted)} artifacts in {ARTIFACTS.relative_to(ROOT)}, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
