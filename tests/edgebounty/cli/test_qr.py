"""The square that a phone scans: every module of it, light around it, and only where somebody can see it."""

import io

import pytest
import segno
from rich.console import Console

from edgebounty.cli import qr
from edgebounty.cli.output import Output

pytestmark = pytest.mark.unit
URL = "https://market.example:8420/phone/"
MODULES = {"█": (False, False), "▀": (False, True), "▄": (True, False), " ": (True, True)}


def test_square__read_back__is_the_code_with_two_light_modules_around() -> None:
    lines = qr.square(URL).plain.split("\n")
    rows = [[MODULES[character][half] for character in line] for line in lines for half in (0, 1)]
    code = [[bool(module) for module in row] for row in segno.make(URL, error="m", micro=False).matrix]
    side = len(code)

    assert [row[2:-2] for row in rows[2 : side + 2]] == code
    frame = rows[:2] + rows[side + 2 :] + [row[:2] + row[-2:] for row in rows]
    assert not any(any(row) for row in frame)


@pytest.mark.parametrize(
    ("terminal", "as_json", "pages", "url", "said"),
    [
        (True, False, ("phone",), "http://127.0.0.1:8420", "adb reverse tcp:8420 tcp:8420"),
        (True, False, ("phone",), "http://192.0.2.7:8420", "put https in front"),
        (True, False, ("phone",), "https://market.example", "https://market.example/phone/"),
        (False, False, ("phone",), "https://market.example", None),
        (True, True, ("phone",), "https://market.example", None),
        (True, False, ("explorer",), "https://market.example", None),
    ],
)
def test_show_phone_page__by_terminal_and_address__says_what_a_phone_needs(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, as_json: bool, pages: tuple[str, ...], url: str, said: str | None
) -> None:
    written = io.StringIO()
    out = Output(as_json=as_json)
    out.console = Console(file=written, force_terminal=terminal, width=100, highlight=False)
    monkeypatch.setattr("orchestrator.adapters.http.pages.built_pages", lambda folder: pages)

    qr.show_phone_page(out, url)

    text = written.getvalue()
    assert (said in text and "█" in text) if said else text == ""
