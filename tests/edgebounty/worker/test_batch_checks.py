"""An orchestrator that offers other terms than the chain has, or speaks for another market, gets no work and no
signature from a worker of the batch lane. Told without a chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgebounty.chain.deployment import Deployment
from edgebounty.chain.errors import ContractRejected, NodeUnreachable
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import Job, JobTerms
from edgebounty.cli.batch_pay import _require_same_market
from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected
from edgebounty.protocol.cid import raw_cid
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, Digest, JobId, to_address
from edgebounty.worker.batch import joining
from edgebounty.worker.batch.ask import OrchestratorRefuses
from edgebounty.worker.batch.checks import BatchChecker
from edgebounty.worker.batch.joining import Joining
from edgebounty.worker.batch.settings import BatchSettings
from edgebounty.worker.batch.values import Task
from edgebounty.worker.batch_link import Market
from edgebounty.worker.explain import Refused
from tests.edgebounty.builders import make_manifest

pytestmark = pytest.mark.unit


def address(byte: int) -> Address:
    return to_address(bytes([byte]) * 20)


ORC, ESCROW, LANE, DIRECT, SOMEBODY = map(address, range(1, 6))
DEPLOYMENT = SimpleNamespace(chain_id=31337, batch_lane=LANE, direct_lane=DIRECT, escrow=ESCROW)
MANIFEST = make_manifest(shards=3, reducer=False)
PRICE, FEE_BPS = 1_001, 500
LEAST_ESCROW = PRICE + 50  # the fee of one task, rounded down
TERMS = JobTerms(
    lane=LANE,
    orchestrator=ORC,
    deadline=2_000,
    task_time=100,
    map_tasks=3,
    reduce_tasks=0,
    rounds=1,
    quorum=2,
    work_slots=2,
    audit_slots=0,
    fee_bps=FEE_BPS,
    slot_price=PRICE,
    stake_per_claim=PRICE,
    manifest_digest=MANIFEST.digest,
)
JOB = Job(
    id=JobId(7),
    requester=SOMEBODY,
    terms=TERMS,
    escrow=LEAST_ESCROW,
    refundable=0,
    stopped=False,
    finished=0,
    active=3,
    failed=False,
)
OFFER = Task(job=JobId(7), index=1, first_task=0, price=PRICE, manifest=str(raw_cid(MANIFEST.digest)), inputs={})


class Content:
    """Serves one manifest, by whatever digest it is asked for, and counts what else is fetched."""

    def __init__(self) -> None:
        self.fetched = 0

    def manifest(self, digest: Digest) -> Any:
        return MANIFEST

    def prefetch(self, *_: Any) -> None:
        self.fetched += 1


class Bench:
    """A checker of a worker that looks jobs up, on a chain that has `job` or answers with this error."""

    def __init__(self, tmp_path: Path, job: Job | Exception = JOB, **settings: Any) -> None:
        self.content, self.examined = Content(), 0

        def examine(*_: Any, **__: Any) -> None:
            self.examined += 1

        def look(job_id: int) -> Job:
            assert job_id == OFFER.job
            if isinstance(job, Exception):
                raise job
            return job

        self.checker = BatchChecker(
            content=cast(Any, self.content),
            sandbox=cast(Any, SimpleNamespace(examine=examine)),
            settings=BatchSettings(
                orchestrator_url="http://127.0.0.1:9", data_dir=tmp_path, key_file=tmp_path, **settings
            ),
            contracts=cast(MarketContracts, SimpleNamespace(deployment=DEPLOYMENT, job=look)),
        )

    def refused(self, task: Task = OFFER, by: Address = ORC) -> Refused:
        with pytest.raises(Refused) as refused:
            self.checker.prepared(task, by)
        assert (self.content.fetched, self.examined) == (0, 0), "refused before anything is fetched or run"
        return refused.value


def test_terms__as_the_chain_has_them_and_escrow_for_one_task__taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    found = bench.checker.prepared(OFFER, ORC)
    assert (found.index, found.manifest) == (1, raw_cid(MANIFEST.digest))
    assert (bench.content.fetched, bench.examined) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"lane": DIRECT},
        {"lane": SOMEBODY},
        {"orchestrator": SOMEBODY},
        {"slot_price": PRICE - 1},
        {"slot_price": PRICE + 1},
        {"manifest_digest": Digest(b"\x07" * 32)},
    ],
    ids=["direct-lane", "foreign-lane", "another-orchestrator", "pays-less", "pays-more", "another-manifest"],
)
def test_terms__chain_has_another__the_offer_is_false_and_never_looked_at_again(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    job = replace(JOB, terms=replace(TERMS, **changes), escrow=10**9)
    refused = Bench(tmp_path, job).refused()
    assert (refused.code, refused.for_seconds) == ("offer_false", None)


def test_terms__offered_by_another_than_joined__the_offer_is_false(tmp_path: Path) -> None:
    assert Bench(tmp_path).refused(by=SOMEBODY).code == "offer_false"


def test_terms__manifest_of_another_job_is_offered__the_offer_is_false(tmp_path: Path) -> None:
    """Its terms and price are right; only what is to be run is not what the requester paid for."""
    bench = Bench(tmp_path)
    other = replace(MANIFEST, params={"epochs": 99})
    bench.content.manifest = lambda digest: other  # type: ignore[method-assign]
    assert bench.refused(replace(OFFER, manifest=str(raw_cid(other.digest)))).code == "offer_false"


@pytest.mark.parametrize("escrow", [0, PRICE, LEAST_ESCROW - 1])
def test_terms__escrow_does_not_pay_one_task_and_its_fee__left_alone_for_now(tmp_path: Path, escrow: int) -> None:
    refused = Bench(tmp_path, replace(JOB, escrow=escrow)).refused()
    assert refused.code == "escrow_short"
    assert refused.for_seconds is not None  # a top-up may come


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ContractRejected("JobUnknown", {}, "no such job"), "job_unknown"),
        (NodeUnreachable("http://127.0.0.1:9", "refused"), "node_unreachable"),
    ],
)
def test_terms__chain_does_not_have_it_or_does_not_answer__asked_again_later(
    tmp_path: Path, error: Exception, code: str
) -> None:
    refused = Bench(tmp_path, error).refused()
    assert refused.code == code
    assert refused.for_seconds is not None


def test_terms__price_below_the_owners_minimum__never_looked_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, AssertionError("the chain was asked"), min_slot_price=PRICE + 1)
    assert bench.refused().code == "price_low"


# --- whose market ---

HERE = Market(
    orchestrator=ORC,
    lane=Domain(chain_id=31337, verifying_contract=LANE),
    escrow=Domain(chain_id=31337, verifying_contract=ESCROW),
    now=None,
)
FOREIGN = {
    "another-lane": replace(HERE, lane=Domain(chain_id=31337, verifying_contract=SOMEBODY)),
    "another-escrow": replace(HERE, escrow=Domain(chain_id=31337, verifying_contract=SOMEBODY)),
    "another-chain": replace(
        HERE,
        lane=Domain(chain_id=1, verifying_contract=LANE),
        escrow=Domain(chain_id=1, verifying_contract=ESCROW),
    ),
    "escrow-of-another-chain": replace(HERE, escrow=Domain(chain_id=1, verifying_contract=ESCROW)),
}


def joining_of(
    monkeypatch: pytest.MonkeyPatch, market: Market, *, with_chain: bool = True
) -> tuple[Joining, list[str]]:
    did: list[str] = []
    link = SimpleNamespace(heed=lambda now: None, chain_now=lambda: 1_000.0, join=lambda **_: did.append("signed"))
    monkeypatch.setattr(joining, "read_market", lambda url: market)
    monkeypatch.setattr(joining, "BatchLink", lambda *_, **__: link)
    contracts = cast(MarketContracts, SimpleNamespace(deployment=DEPLOYMENT)) if with_chain else None
    worker = Joining(
        url="http://127.0.0.1:9",
        key=b"\x41" * 32,
        worker=SOMEBODY,
        payout=SOMEBODY,
        contracts=contracts,
        belong_to=lambda identity: did.append("bound"),
    )
    return worker, did


@pytest.mark.parametrize("market", FOREIGN.values(), ids=FOREIGN)
def test_join__orchestrator_speaks_for_another_market__nothing_is_signed_nor_the_journal_bound(
    monkeypatch: pytest.MonkeyPatch, market: Market
) -> None:
    worker, did = joining_of(monkeypatch, market)
    with pytest.raises(OrchestratorRefuses, match="the deployment file names"):
        worker.join()
    assert did == []
    assert worker.joined is None
    assert not worker.has_ticket


def test_join__same_market_or_no_chain_to_compare_with__journal_bound_then_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for market, with_chain in ((HERE, True), (FOREIGN["another-lane"], False)):
        worker, did = joining_of(monkeypatch, market, with_chain=with_chain)
        assert worker.join()
        assert did == ["bound", "signed"]


def test_withdraw__orchestrator_speaks_for_another_lane_or_chain__refused_before_signing(tmp_path: Path) -> None:
    fields = ("token", "vault", "seeds", "batch_challenges", "batch_payouts", "batch_court", "deployer")
    others = dict.fromkeys(fields, SOMEBODY)
    file = tmp_path / "market.json"
    Deployment(chain_id=31337, block=1, escrow=ESCROW, direct_lane=DIRECT, batch_lane=LANE, **others).save(file)
    named = Settings(deployment=file)
    _require_same_market(named, 31337, LANE)
    _require_same_market(Settings(), 1, SOMEBODY)  # nothing is named that it could be compared with
    for chain_id, lane in ((1, LANE), (31337, SOMEBODY), (31337, ESCROW)):
        with pytest.raises(Rejected, match="nothing was signed"):
            _require_same_market(named, chain_id, lane)
