"""The programs that ship with the package, each checked against its hash when loaded. Their C is in `src/`."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgebounty.programs.errors import ProgramError
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.hashing import sha256
from edgebounty.protocol.layout import Layout

FOLDER = Path(__file__).parent
INDEX = "BUILTINS.json"


class UnknownProgram(ProgramError, KeyError):
    """No built-in program has this name."""

    def __str__(self) -> str:
        return str(self.args[0])


class DamagedProgram(ProgramError):
    """A shipped file is not what was shipped: install the package again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinInfo:
    """One entry of BUILTINS.json."""

    name: str
    sha256: str  # hex, of the module
    cid: Cid
    bytes: int
    source: Path  # its C
    layout: Layout


def names() -> tuple[str, ...]:
    """All built-in programs, sorted."""
    return tuple(sorted(_index()))


def info(name: str) -> BuiltinInfo:
    """Raises `UnknownProgram`, naming the nearest ones."""
    try:
        return _index()[name]
    except KeyError:
        hint = "build it with the extra: pip install 'edgebounty[compile]'"
        raise UnknownProgram(f"no built-in program {name!r}; there are {', '.join(names())}; {hint}") from None


def load(name: str) -> bytes:
    """The module's bytes. Raises `UnknownProgram` or `DamagedProgram`."""
    found = info(name)
    try:
        module = (FOLDER / f"{name}.wasm").read_bytes()
    except OSError as error:
        raise DamagedProgram(f"{name}.wasm cannot be read ({error}): install the package again") from error
    if sha256(module).hex() != found.sha256:
        raise DamagedProgram(f"{name}.wasm is not the file that was shipped: install the package again")
    return module


@cache
def _index() -> dict[str, BuiltinInfo]:
    try:
        entries = json.loads((FOLDER / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedProgram(f"{INDEX} cannot be read ({error}): install the package again") from error
    return {
        name: BuiltinInfo(
            name=name,
            sha256=entry["sha256"],
            cid=Cid.parse(entry["cid"]),
            bytes=entry["bytes"],
            source=FOLDER / entry["source"],
            layout=Layout.parse(json.dumps(entry["layout"])),
        )
        for name, entry in entries.items()
    }
