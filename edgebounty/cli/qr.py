"""A web address as a square to point a phone's camera at."""

from __future__ import annotations

from urllib.parse import urlsplit

from rich.text import Text

from edgebounty.cli.output import Output

_HALVES = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
_QUIET_MODULES = 2


def show_phone_page(out: Output, api_url: str) -> None:
    """On a terminal, the address of the phone page to scan, if the page is built; and what keeps a phone from it."""
    from orchestrator.adapters.http.pages import BUILT, built_pages

    if not out.console.is_terminal or out.as_json or "phone" not in built_pages(BUILT):
        return
    parts = urlsplit(api_url)
    url = f"{api_url}/phone/"
    out.say(f"\nEarn with a phone: scan this, or open {url}")
    out.console.print(square(url))
    if parts.hostname in ("127.0.0.1", "localhost", "::1"):
        out.say("That address is this machine's own. Plug the phone in and forward it:")
        out.say(f"  adb reverse tcp:{parts.port} tcp:{parts.port}")
        out.say("or put https in front and start with --public-url.")
    elif parts.scheme != "https":
        out.say(
            "By plain http a browser keeps the key unencrypted and installs nothing: put https in front for real money."
        )


def square(url: str) -> Text:
    """The QR code of `url` (level M), two modules to a character; dark on light whatever colours the terminal has."""
    import segno

    rows = [[bool(module) for module in row] for row in segno.make(url, error="m", micro=False).matrix]
    side = len(rows) + 2 * _QUIET_MODULES
    light = [False] * side
    edge = [False] * _QUIET_MODULES
    framed = [light] * _QUIET_MODULES + [[*edge, *row, *edge] for row in rows] + [light] * _QUIET_MODULES
    framed += [light] * (len(framed) % 2)
    pairs = zip(framed[::2], framed[1::2], strict=True)
    lines = ("".join(_HALVES[above, below] for above, below in zip(*pair, strict=True)) for pair in pairs)
    return Text("\n".join(lines), style="bright_white on black")
