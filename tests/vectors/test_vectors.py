import json

import pytest

from edgebounty.protocol.cid import Cid, CidError
from tests.vectors import make

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", make.FILES)
def test_vectors__made_again__are_the_files_in_the_repository(name: str) -> None:
    written = (make.FOLDER / f"{name}.json").read_text(encoding="utf-8")

    assert make.text_of(name) == written, "a hash has changed: nobody else's contracts or devices would agree with it"


def test_cid_vectors__bad_ones__are_all_refused() -> None:
    for text in json.loads(make.text_of("cid_texts"))["bad"]:
        with pytest.raises(CidError):
            Cid.parse(text)
