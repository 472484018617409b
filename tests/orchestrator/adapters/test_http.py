"""The HTTP side over a real socket, on the in-memory adapters behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from edgebounty.chain.errors import NodeUnreachable
from edgebounty.protocol.messages import Hello, address_of_key, sign
from orchestrator.adapters.chain.funds import Funds
from orchestrator.adapters.http.limits import RateLimit, UploadQuota
from orchestrator.adapters.http.server import Service, make_application
from orchestrator.app.offers import Offering
from orchestrator.domain import facts as f
from orchestrator.domain.decide import decide
from orchestrator.domain.errors import Unavailable
from orchestrator.domain.matching import Capabilities
from tests.orchestrator.adapters.http_kit import DOMAIN, FakeClock
from tests.orchestrator.model import ModelLane, address, digest, make_terms
from tests.orchestrator.rig import Rig

pytestmark = pytest.mark.integration
KEY = b"\7" * 32
WORKER = address_of_key(KEY)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(make_application(service))) as made:
        yield made


async def mine(rig: Rig, *actions: Any, blocks: int = 1) -> None:
    for number in range(blocks):
        rig.chain.mine(*(actions if number == 0 else ()))
        await rig.settle_down()


async def with_job(rig: Rig, *, content: bool = True) -> None:
    await mine(rig, lambda lane, block: ModelLane.post(lane, block, make_terms()), blocks=14)
    if content:
        fact = f.ManifestLoaded(
            digest=digest("manifest"),
            kind="analyze",
            map_tasks=2,
            reduce_tasks=0,
            rounds=1,
            memory_bytes=1,
            simd=False,
            shard_cids=("a", "b"),
        )
        rig.books.final.apply(decide(rig.books.final, fact))
        rig.books.local_changes += 1


def as_known(service: Service, number: int) -> str:
    """The path by which a worker that said hello asks for work."""
    ticket = service.offering.introduce(address(number), Capabilities(), until=1_000_100, said="{}")
    return f"/v1/work?worker={address(number)}&ticket={ticket}"


async def test_work__open_tasks__offered_and_spread(rig: Rig, service: Service, client: TestClient[Any, Any]) -> None:
    await with_job(rig)
    firsts = []
    for number in range(1, 5):
        answer = await (await client.get(as_known(service, number))).json()
        assert answer["reason"] is None
        firsts.append(answer["offers"][0]["task_index"])
    assert sorted(firsts) == [0, 0, 1, 1]  # two slots each
    full = await (await client.get(as_known(service, 9))).json()
    assert full == {"offers": [], "reason": "2 open tasks are offered to other workers just now"}


async def test_work__offer_not_taken__offered_to_others_after_a_while_and_held_no_second_time(
    rig: Rig, service: Service, client: TestClient[Any, Any], clock: FakeClock
) -> None:
    await with_job(rig)
    for _ in range(3):
        for number in range(1, 5):
            await client.get(as_known(service, number))
        clock.time += 10
        assert (await (await client.get(as_known(service, 9))).json())["offers"]
    for number in range(1, 5):  # who never claims cannot keep the tasks from others
        await client.get(as_known(service, number))
    assert (await (await client.get(as_known(service, 10))).json())["offers"]


async def test_work__asked_in_others_names__holds_nothing_and_uses_up_nobodys_share(
    rig: Rig, service: Service, client: TestClient[Any, Any]
) -> None:
    await with_job(rig)
    for number in range(1, 5):
        for ticket in ("", "guessed", "\u00e9"):
            told = await client.get("/v1/work", params={"worker": address(number), "ticket": ticket})
            assert (await told.json())["offers"]
    assert (await (await client.get(as_known(service, 9))).json())["offers"]
    path = as_known(service, 1)
    for _ in range(30):
        await client.get(f"/v1/work?worker={address(1)}")
    assert (await client.get(f"/v1/work?worker={address(1)}")).status == 429
    assert (await client.get(path)).status == 200


async def test_work__content_missing__reason(rig: Rig, client: TestClient[Any, Any]) -> None:
    await with_job(rig, content=False)
    answer = await (await client.get(f"/v1/work?worker={WORKER}")).json()
    assert "its content was not looked at yet" in answer["reason"]


@pytest.mark.parametrize("query", ["", "?worker=", "?worker=0x12", "?worker=0x" + "Aa" * 20])
async def test_work__no_address__400_and_who_acts(client: TestClient[Any, Any], query: str) -> None:
    answer = await client.get("/v1/work" + query)
    assert answer.status == 400
    body = await answer.json()
    assert body["who_acts"] == "the caller"
    assert "worker" in body["error"]


async def test_work__asked_too_often__429_for_this_worker_alone(client: TestClient[Any, Any]) -> None:
    for _ in range(20):
        assert (await client.get(f"/v1/work?worker={WORKER}")).status == 200
    refused = await client.get(f"/v1/work?worker={WORKER}")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert (await client.get(f"/v1/work?worker={address(3)}")).status == 200


@pytest.mark.parametrize(("behind", "status"), [(True, 200), (False, 429)])
async def test_rate__behind_a_proxy__callers_told_apart_by_its_entry_alone(
    service: Service, clock: FakeClock, behind: bool, status: int
) -> None:
    strict = RateLimit(rate=1, burst=1, clock=clock)
    application = make_application(replace(service, behind_proxy=behind, by_ip=strict))
    async with TestClient(TestServer(application)) as client:
        first = await client.get("/v1/market", headers={"X-Forwarded-For": "6.6.6.6, 1.1.1.1"})
        assert first.status == 200
        same = await client.get("/v1/market", headers={"X-Forwarded-For": "7.7.7.7, 1.1.1.1"})
        assert same.status == 429
        other = await client.get("/v1/market", headers={"X-Forwarded-For": "6.6.6.6, 2.2.2.2"})
        assert other.status == status


def hello(*, until: int = 1_000_100, capabilities: Any = None, key: bytes = KEY) -> dict[str, Any]:
    text = capabilities if isinstance(capabilities, str) else json.dumps(capabilities or {})
    message = Hello(worker=WORKER, capabilities=text, until=until)
    signature = "0x" + sign(DOMAIN, message, key).hex()
    return {"worker": WORKER, "capabilities": text, "until": until, "signature": signature}


async def test_hello__signed__kept_and_used(rig: Rig, client: TestClient[Any, Any]) -> None:
    await with_job(rig)
    body = hello(capabilities={"memory_bytes": 1, "min_slot_price": "99999", "held": ["b"]})
    assert (await client.post("/v1/workers", json=body)).status == 200
    answer = await (await client.get(f"/v1/work?worker={WORKER}")).json()
    assert "no open task pays enough" in answer["reason"]
    page = await (await client.get(f"/v1/workers/{WORKER}")).json()
    assert page["capabilities"]["min_slot_price"] == "99999"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "'worker' is missing"),
        ([], "JSON object"),
        (hello(key=b"\10" * 32), "the signature is not by"),
        (hello(until=5), "until 5 must lie within"),
        (hello(until=10**12), "must lie within"),
        (hello(capabilities="no json"), "capabilities are not JSON"),
        (hello(capabilities="[]"), "must be a JSON object"),
        (hello(capabilities={"memory_bytes": -1}), "memory_bytes must be a whole number"),
        (hello(capabilities={"held": [1]}), "held must be a list"),
        (hello(capabilities={"held": ["b"] * 1001}), "at most 1000 CIDs"),
        (hello(capabilities={"held": ["b" * 70_000]}), "longer than 65536 bytes"),
        (hello(capabilities="[" * 30_000), "nested too deep"),
        (hello(capabilities='{"x": NaN}'), "NaN is not JSON"),
        (hello(capabilities={"memory_bytes": "\u00b2"}), "invalid literal"),
        (hello() | {"signature": "zz"}, "non-hexadecimal"),
        (hello() | {"until": "later"}, "invalid literal"),
    ],
)
async def test_hello__wrong__400_naming_it(client: TestClient[Any, Any], body: Any, words: str) -> None:
    answer = await client.post("/v1/workers", json=body)
    assert answer.status == 400
    assert words in (await answer.json())["error"]


async def test_hello__not_json_or_too_long__refused(client: TestClient[Any, Any]) -> None:
    assert (await client.post("/v1/workers", data=b"{")).status == 400
    assert (await client.post("/v1/workers", data=b"[" * 100_000)).status == 400
    assert (await client.post("/v1/workers", data=b"\xff\xfe")).status == 400
    assert (await client.post("/v1/workers", data=b"x" * (300 << 10))).status == 413


async def test_hello__numbers_beyond_any_device__offers_as_if_able(rig: Rig, client: TestClient[Any, Any]) -> None:
    await with_job(rig)
    for body in (
        hello(capabilities={"memory_bytes": 10**400}),
        hello(until=1_000_101, capabilities={"cores": 10**400}),
    ):
        assert (await client.post("/v1/workers", json=body)).status == 200
        assert (await (await client.get(f"/v1/work?worker={WORKER}")).json())["offers"]
    body = hello(until=1_000_102, capabilities={"min_slot_price": 10**400})
    assert (await client.post("/v1/workers", json=body)).status == 200
    assert "pays enough" in (await (await client.get(f"/v1/work?worker={WORKER}")).json())["reason"]


async def test_hello__older_one_repeated_by_somebody__refused_and_the_newer_stands(
    rig: Rig, client: TestClient[Any, Any]
) -> None:
    await with_job(rig)
    older = hello(until=1_000_090, capabilities={"min_slot_price": "99999"})
    assert (await client.post("/v1/workers", json=older)).status == 200
    assert (await client.post("/v1/workers", json=hello(until=1_000_100))).status == 200
    again = await client.post("/v1/workers", json=older)
    assert (again.status, "a newer introduction" in (await again.json())["error"]) == (400, True)
    assert (await (await client.get(f"/v1/work?worker={WORKER}")).json())["offers"]


def test_offering__introduced_without_end__memory_is_bounded(rig: Rig, clock: FakeClock) -> None:
    offering = Offering(books=rig.books, stakes=rig.chain, clock=clock)
    for number in range(1, 1500):
        offering.introduce(address(number), Capabilities(), until=number, said="x" * (64 << 10))
    assert sum(len(worker.said) for worker in offering.workers.values()) <= 64 << 20
    assert address(1499) in offering.workers
    for number in range(1, 11_000):
        offering.introduce(address(20_000 + number), Capabilities(), until=number, said="{}")
    assert len(offering.workers) == 10_000


async def test_job__known_and_unknown(rig: Rig, client: TestClient[Any, Any]) -> None:
    await with_job(rig)
    page = await (await client.get("/v1/jobs/1")).json()
    assert (page["kind"], page["tasks"], len(page["task_list"])) == ("analyze", 2, 2)
    assert [job["id"] for job in (await (await client.get("/v1/jobs")).json())["jobs"]] == [1]
    for unknown in ("7", "x", "-1", "9" * 30):
        answer = await client.get(f"/v1/jobs/{unknown}")
        assert (answer.status, (await answer.json())["who_acts"]) == (404, "the caller")


async def test_unknown_path__json_404(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/nothing")
    assert (answer.status, answer.content_type) == (404, "application/json")


async def test_health__before_a_cycle_then_well_then_faulty(
    rig: Rig, service: Service, client: TestClient[Any, Any], clock: FakeClock
) -> None:
    assert (await client.get("/healthz")).status == 503
    await mine(rig)
    service.health.worked("watch", clock.now())
    well = await client.get("/healthz")
    assert (well.status, (await well.json())["seen_lag_blocks"]) == (200, 0)
    service.health.failed("watch", "the node is down")
    ill = await client.get("/healthz")
    assert (ill.status, (await ill.json())["problems"]) == (503, {"watch": "the node is down"})
    service.health.worked("watch", clock.now())
    clock.time += 1000
    assert "silent for" in (await (await client.get("/healthz")).json())["problems"]["watch"]


async def test_metrics__prometheus_text(rig: Rig, client: TestClient[Any, Any]) -> None:
    await with_job(rig)
    text = await (await client.get("/metrics")).text()
    assert 'edgebounty_jobs{status="open"} 1\n' in text
    for line in text.splitlines():
        assert line.startswith("# ") or float(line.rsplit(" ", 1)[1]) >= 0


async def test_status__digest_and_cursors(rig: Rig, client: TestClient[Any, Any]) -> None:
    await with_job(rig)
    status = await (await client.get("/v1/status")).json()
    assert status["state_digest"] == rig.books.final.state_digest
    assert status["seen"] - status["final"] == 2


def test_quota__a_day__then_full_then_a_new_day(clock: FakeClock) -> None:
    quota = UploadQuota(bytes_a_day=100, of_all=1000, clock=clock)
    assert quota.take(WORKER, 100)
    assert not quota.take(WORKER, 1)
    assert quota.take(address(2), 1)
    clock.time += 86_400
    assert quota.take(WORKER, 1)


def test_quota__of_all__many_accounts_cannot_fill_the_disk(clock: FakeClock) -> None:
    quota = UploadQuota(bytes_a_day=100, of_all=250, clock=clock)
    assert [quota.take(address(number), 100) for number in range(1, 6)] == [True, True, False, False, False]
    assert quota.take(address(9), 50)
    clock.time += 86_400
    assert quota.take(address(3), 100)


class NodeThatFails:
    """The one call that `Funds` makes of the market."""

    def __init__(self) -> None:
        self.up = True

    def balances(self, account: Any) -> Any:
        if not self.up:
            raise NodeUnreachable("http://node", "connection refused")
        return SimpleNamespace(tokens=int(account == WORKER), stake=0, credit=0, unbonding=0)


def test_funds__node_down__known_accounts_go_on_and_strangers_wait(clock: FakeClock) -> None:
    node = NodeThatFails()
    funds = Funds(node, clock)  # type: ignore[arg-type]
    assert funds.has_any(WORKER)
    assert not funds.has_any(address(2))
    node.up = False
    clock.time += 3600
    assert funds.has_any(WORKER)
    assert not funds.has_any(address(2))
    with pytest.raises(Unavailable):
        funds.has_any(address(3))


def test_rate__many_keys__memory_is_bounded(clock: FakeClock) -> None:
    limit = RateLimit(rate=1, burst=1, clock=clock)
    for number in range(60_000):
        limit.take(str(number))
    assert len(limit._buckets) <= 50_000
