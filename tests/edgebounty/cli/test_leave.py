"""The exit status of a command that was interrupted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

CAUGHT_IN_A_TEXT = """
from edgebounty.cli import leave
try:
    exec("raise KeyboardInterrupt")
except KeyboardInterrupt:
    pass
leave(130)
"""


def test_leave__interrupted_while_a_library_made_its_classes__status_is_the_one_told(tmp_path: Path) -> None:
    """As a module, as `python -m edgebounty.cli` is: only there CPython looks at what it remembers."""
    (tmp_path / "caught.py").write_text(CAUGHT_IN_A_TEXT)
    done = subprocess.run([sys.executable, "-m", "caught"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "")
