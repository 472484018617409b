"""The runs that forge sends to the contracts are those that the model makes today."""

import pytest

from tests.model import replays


@pytest.mark.property
def test_replays__made_again__are_the_files_in_the_repository() -> None:
    present = {file.name: file.read_text() for file in replays.FOLDER.glob("*.json")}

    made = replays.files()

    stale = sorted(name for name in made.keys() | present.keys() if made.get(name) != present.get(name))
    assert not stale, "run python -m tests.model.replays, and then the contracts against them"
