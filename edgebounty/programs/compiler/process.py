"""Runs the parts of the compiler as processes of their own, out of reach of this machine's settings."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgebounty.programs.compiler.errors import CompilerMissing

# What a process needs to start at all. Everything else (DEBUG, CPATH, ...) could change what it makes.
_KEPT = ["PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "TMPDIR", "TEMP", "PYTHONPATH", "LD_LIBRARY_PATH"]
_KEPT += ["VIRTUAL_ENV", "XDG_CACHE_HOME", "ZIG_GLOBAL_CACHE_DIR"]


def run_python(
    arguments: Sequence[str], *, needs: str, folder: Path | None = None, settings: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """`python -m ARGUMENTS` in `folder`, with `settings` as environment.

    Raises `CompilerMissing` where the package `needs` is not installed.
    """
    if importlib.util.find_spec(needs) is None:
        raise CompilerMissing
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**kept, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
