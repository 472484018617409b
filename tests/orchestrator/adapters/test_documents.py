"""Documents are made once for many visitors, and the pages carry headers that keep them from talking to others."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from edgebounty.protocol.cid import Cid
from orchestrator.adapters.http import explore
from orchestrator.adapters.http.documents import Documents, Paced
from orchestrator.adapters.http.documents import answer as send
from orchestrator.adapters.http.pages import Pages
from tests.orchestrator.model import address, digest


class ManualClock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class Maker:
    """Counts how often it was asked to make the document; making takes `seconds` of the clock."""

    def __init__(self, clock: ManualClock, seconds: float = 0.0) -> None:
        self.made = 0
        self._clock = clock
        self._seconds = seconds

    async def __call__(self) -> dict[str, int]:
        await asyncio.sleep(0)
        self.made += 1
        self._clock.time += self._seconds
        return {"made": self.made}


@pytest.mark.unit
async def test_documents__hundred_visitors_at_once__are_served_by_one_making() -> None:
    clock = ManualClock()
    make = Maker(clock)
    documents = Documents(clock, clock.monotonic)

    bodies = await asyncio.gather(*(documents.of_version("jobs", 1, make) for _ in range(100)))

    assert make.made == 1
    assert {document.body for document in bodies} == {b'{"made":1}'}


@pytest.mark.unit
async def test_documents__new_version__is_made_anew_but_takes_at_most_its_share_of_the_time() -> None:
    clock = ManualClock()
    make = Maker(clock, seconds=0.5)
    documents = Documents(clock, clock.monotonic)
    for version in range(1000):  # a block each 0.1 s for 100 s
        await documents.of_version("jobs", version, make)
        clock.time += 0.1

    assert 4 <= make.made <= 5  # 0.5 s each, of 102 s


@pytest.mark.unit
async def test_documents__many_in_use__take_no_more_time_together_than_one_and_each_is_made_again() -> None:
    clock = ManualClock()
    makers = [Maker(clock, seconds=0.2) for _ in range(10)]
    documents = Documents(clock, clock.monotonic)
    for version in range(20_000):  # 2,000 s
        await documents.of_version(str(version % 10), version, makers[version % 10])
        clock.time += 0.1

    made = [make.made for make in makers]
    assert sum(made) * 0.2 <= 0.03 * clock.time, (
        "and a little more at the beginning, when each is made for the first time"
    )
    assert min(made) >= 10


@pytest.mark.unit
async def test_documents__long_unasked__leave_their_share_to_the_others() -> None:
    clock = ManualClock()
    documents = Documents(clock, clock.monotonic)
    for name in range(50):
        await documents.of_version(f"old {name}", 1, Maker(clock))
    clock.time += 60
    make = Maker(clock, seconds=0.5)
    for version in range(1000):
        await documents.of_version("jobs", version, make)
        clock.time += 0.1

    assert 4 <= make.made <= 5


@pytest.mark.unit
async def test_documents__more_than_it_may_keep__forgets_what_was_asked_for_longest_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    monkeypatch.setattr("orchestrator.adapters.http.documents.KEPT_BYTES", 25)
    documents = Documents(clock, clock.monotonic)
    first, others = Maker(clock), Maker(clock)
    await documents.of_version("first", 1, first)
    for name in ("second", "third"):
        await documents.of_version(name, 1, others)
    await documents.of_version("first", 1, first)

    assert first.made == 2


@pytest.mark.unit
async def test_documents__made_from_what_others_say__cost_what_the_clock_says() -> None:
    clock = ManualClock()
    make = Maker(clock, seconds=0.5)
    documents = Documents(clock, lambda: 0.0)
    for _ in range(1000):
        await documents.paced("ledger", make, asks_others=True)
        clock.time += 0.1

    assert 4 <= make.made <= 5


@pytest.mark.unit
def test_paced__asked_all_the_time__is_made_within_its_share() -> None:
    clock = ManualClock()
    made: list[float] = []

    def make() -> int:
        clock.time += 1
        made.append(clock.time)
        return len(made)

    paced = Paced(clock, make, share=0.05)
    for _ in range(100):
        paced.get()
        clock.time += 0.5

    assert len(made) == 3  # at 0, 20 and 40 of some 53 s


@pytest.mark.integration
async def test_document__known_and_packed__is_not_sent_twice() -> None:
    clock = ManualClock()
    documents = Documents(clock, clock.monotonic)

    async def make() -> list[int]:
        return list(range(1000))

    async def handler(request: web.Request) -> web.Response:
        return send(await documents.of_version("numbers", 1, make), request)

    application = web.Application()
    application.add_routes([web.get("/", handler)])
    async with TestClient(TestServer(application), auto_decompress=False) as client:
        packed = await client.get("/", headers={"Accept-Encoding": "gzip"})
        assert json.loads(gzip.decompress(await packed.read())) == list(range(1000))
        plain = await client.get("/", headers={"Accept-Encoding": "identity"})
        assert await plain.json() == list(range(1000))
        again = await client.get("/", headers={"If-None-Match": packed.headers["ETag"]})
        assert (again.status, await again.read()) == (304, b"")


@pytest.mark.unit
def test_find__address_cid_digest_and_number__name_their_places() -> None:
    market = SimpleNamespace(
        workers={address(1): None},
        jobs={
            7: SimpleNamespace(id=7, requester=address(2), terms=SimpleNamespace(manifest_digest=digest("manifest"))),
        },
        manifests={digest("manifest"): SimpleNamespace(shard_cids=(str(Cid(0x55, digest("shard"))),))},
        tasks={},
    )
    index = explore.index_of(market)  # type: ignore[arg-type]

    def places(text: str) -> list[str]:
        return [place["kind"] for place in explore.find(index, market.jobs, text)]

    assert places("7") == ["job"]
    assert places(" 8 ") == []
    assert places(address(1)) == ["worker"]
    assert places(address(2).lower()) == ["requester"]
    assert places("0x" + digest("manifest").hex()) == ["manifest"]
    assert places(str(Cid(0x55, digest("shard")))) == ["shard"]
    assert places("<script>") == places("0x12") == places("b" * 59) == []


@pytest.mark.integration
async def test_pages__served__allow_this_market_and_nothing_else(tmp_path: Path) -> None:
    assets = tmp_path / "explorer" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "explorer" / "index.html").write_text("<p>hello</p>")
    (tmp_path / "explorer" / "runner.html").write_text("<p>runner</p>")
    (assets / "a-1234.js").write_text("1")
    (tmp_path / "secret.txt").write_text("not a page")
    application = web.Application()
    application.add_routes(Pages(tmp_path, chain_urls=["http://127.0.0.1:8545/key"]).routes())
    async with TestClient(TestServer(application)) as client:
        page = await client.get("/")
        assert (page.status, page.url.path, await page.text()) == (200, "/explorer/", "<p>hello</p>")
        assert "connect-src 'self' http://127.0.0.1:8545;" in page.headers["Content-Security-Policy"]
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        runner = await client.get("/explorer/runner.html")
        assert "connect-src 'none'" in runner.headers["Content-Security-Policy"]
        asset = await client.get("/explorer/assets/a-1234.js")
        assert "immutable" in asset.headers["Cache-Control"]
        assert asset.content_type == "text/javascript"
        for path in ("/explorer/../secret.txt", "/explorer/%2e%2e/secret.txt", "/phone/", "/explorer/none.js"):
            assert (await client.get(path)).status == 404


@pytest.mark.integration
async def test_pages__not_built__serve_nothing(tmp_path: Path) -> None:
    assert Pages(tmp_path, chain_urls=[]).routes() == []
