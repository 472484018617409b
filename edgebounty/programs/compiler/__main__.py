"""Rebuilds the built-in programs: `python -m edgebounty.programs.compiler [--check] [FOLDER]`.

With `--check` nothing is written: exits with 1 and names each program whose bytes would differ from the shipped ones.
"""

import argparse
import json
import sys
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m edgebounty.programs.compiler", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the shipped programs, write nothing")
    parser.add_argument("folder", nargs="?", type=Path, default=builtin.FOLDER, help="default: the package itself")
    options = parser.parse_args()
    if not options.check:
        for name, module in rebuild(options.folder).items():
            print(f"{sha256(module).hex()}  {len(module):7}  {name}")
        return 0
    different = [spec.name for spec in specs() if sha256(build(spec)).hex() != builtin.info(spec.name).sha256]
    for name in different:
        print(f"{name}: rebuilding gives other bytes than the shipped program", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
