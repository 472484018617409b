"""The HTTP side's service on the in-memory adapters."""

from __future__ import annotations

from edgebounty.content.store import MemoryStore as MemoryContent
from edgebounty.protocol.messages import Domain
from orchestrator.adapters.http.connections import Connections
from orchestrator.adapters.http.limits import RateLimit
from orchestrator.adapters.http.server import Service
from orchestrator.app.contents import Contents
from orchestrator.app.health import Health
from orchestrator.app.offers import Offering
from tests.orchestrator.model import address
from tests.orchestrator.rig import Rig

DOMAIN = Domain(chain_id=1, verifying_contract=address(0xE5))


class FakeClock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class NoKeeper:
    """Content is told to the books by the tests."""


def make_service(rig: Rig, clock: FakeClock) -> Service:
    health = Health()
    contents = Contents(
        keeper=NoKeeper(),  # type: ignore[arg-type]
        store=rig.store,
        outbox=rig.store,
        books=rig.books,
        recompute_after_blocks=1,
    )
    return Service(
        books=rig.books,
        watcher=rig.watcher,
        actor=rig.actor,
        contents=contents,
        offering=Offering(books=rig.books, stakes=rig.chain, clock=clock),
        outbox=rig.store,
        health=health,
        clock=clock,
        domain=DOMAIN,
        market={"chain_id": 1},
        content=MemoryContent(),
        authorise=lambda header, cid, size: None,
        by_ip=RateLimit(rate=100, burst=1000, clock=clock),
        by_account=RateLimit(rate=1, burst=20, clock=clock),
        connections=Connections(),
    )
