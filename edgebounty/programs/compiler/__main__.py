"""Rebuilds the built-in programs: `python -m edgebounty.programs.compiler [--check] [FOLDER]`.

With `--check` nothing is written: exits with 1 and names each file that rebuilding would change.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from edgebounty.programs import builtin
from edgebounty.programs.compiler.build import build
from edgebounty.programs.compiler.catalogue import specs
from edgebounty.protocol.hashing import sha256
from edgebounty.protocol.layout import Layout
from edgebounty.protocol.unixfs import root_cid


def rebuild(folder: Path) -> dict[str, bytes]:
    """Builds everything into `folder`: NAME.wasm, src/NAME.c and BUILTINS.json."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    modules: dict[str, bytes] = {}
    index: dict[str, dict[str, object]] = {}
    for spec in specs():
        module = build(spec)
        modules[spec.name] = module
        (folder / f"{spec.name}.wasm").write_bytes(module)
        (folder / "src" / f"{spec.name}.c").write_text(spec.c_text(), encoding="utf-8")
        index[spec.name] = {
            "sha256": sha256(module).hex(),
            "cid": str(root_cid(module)),
            "bytes": len(module),
            "source": f"src/{spec.name}.c",
            "layout": json.loads(Layout.of_module(module).encode()),
        }
    text = json.dumps(index, indent=1, sort_keys=True) + "\n"
    (folder / builtin.INDEX).write_text(text, encoding="utf-8")
    return modules


def differences(made: Path, shipped: Path) -> list[str]:
    """Names of the files that only one folder has, or that differ."""
    suffixes = (".wasm", ".c", ".json")
    files = {
        folder: {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.suffix in suffixes}
        for folder in (made, shipped)
    }
    names = files[made].keys() | files[shipped].keys()
    return sorted(name for name in names if files[made].get(name) != files[shipped].get(name))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m edgebounty.programs.compiler", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the folder, write nothing")
    parser.add_argument("folder", nargs="?", type=Path, default=builtin.FOLDER, help="default: the package itself")
    options = parser.parse_args()
    if not options.check:
        for name, module in rebuild(options.folder).items():
            print(f"{sha256(module).hex()}  {len(module):7}  {name}")
        return 0
    with tempfile.TemporaryDirectory(prefix="edgebounty-rebuild-") as folder:
        rebuild(Path(folder))
        different = differences(Path(folder), options.folder)
    for name in different:
        print(f"{name}: rebuilding gives something else than {options.folder} holds", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
