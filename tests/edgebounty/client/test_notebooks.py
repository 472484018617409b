"""Every notebook in docs/ runs from top to bottom, as a reader would run it."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration
FOLDER = Path(__file__).parents[3] / "docs" / "notebooks"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook__in_an_empty_folder__runs_to_its_end(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEBOUNTY_DIR", raising=False)
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 3
    for number, cell in enumerate(cells):
        assert cell["outputs"] == []  # what a reader sees is what her own run says
        exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)


def test_folder__of_notebooks__holds_three() -> None:
    assert len(list(FOLDER.glob("*.ipynb"))) == 3
