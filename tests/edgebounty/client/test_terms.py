"""The terms that we refuse are those that the contract refuses, at every edge, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import DeploymentSettings, artifact, deploy
from edgebounty.chain.errors import ContractRejected
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.chain.views import JobTerms
from edgebounty.cli import faults
from edgebounty.client import terms as module
from edgebounty.client.errors import Rejected
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, Digest, to_address

pytestmark = pytest.mark.integration
PRICE = 10**16
OUR_ERRORS = {
    *("LaneUnknown", "DeadlineOutOfRange", "TaskTimeOutOfRange", "TaskCountOutOfRange", "QuorumOutOfRange"),
    *("AuditSlotsOutOfRange", "FeeOutOfRange", "OrchestratorMissing", "SlotPriceOutOfRange", "StakeOutOfRange"),
    *("ManifestMissing", "BountyTooLarge", "SpareSlotMissing"),
}
"""Everything by which `BountyEscrow` and its direct lane refuse terms; what else is refused is about tokens."""


OTHER_LANE = to_address("0x" + "1a" * 20)


@dataclass(frozen=True, slots=True)
class Escrow:
    """A deployed escrow, and terms that it takes. The chain mines nothing by itself, so its time stands still."""

    contracts: MarketContracts
    lanes: tuple[Address, ...]
    good: JobTerms
    now: int
    min_slot_price: int
    min_task_time: int

    def refusal(self, terms: JobTerms) -> str | None:
        """The name of the contract's error about these terms; None when it has nothing against them."""
        call = self.contracts.escrow.functions.postJob(terms.as_tuple())
        try:
            self.contracts.read(call)
        except ContractRejected as error:
            return error.name if error.name in OUR_ERRORS else None
        return None


@pytest.fixture(scope="module")
def escrow() -> Iterator[Escrow]:
    with Anvil.start(block_time=None) as chain:
        web3 = connect(chain.url)
        contracts = MarketContracts(web3, deploy(web3, dev_account(0), DeploymentSettings(min_task_seconds=5)))
        Sender(web3, dev_account(1)).send(contracts.token.functions.faucet())
        now = contracts.block().time
        good = JobTerms(
            lane=contracts.deployment.direct_lane,
            orchestrator=to_address(dev_account(2).address),
            deadline=now + 3600,
            task_time=60,
            map_tasks=4,
            reduce_tasks=1,
            rounds=2,
            quorum=2,
            work_slots=3,
            audit_slots=0,
            fee_bps=100,
            slot_price=PRICE,
            stake_per_claim=2 * PRICE,
            manifest_digest=Digest(bytes(31) + b"\1"),
        )
        yield Escrow(
            contracts,
            (good.lane,),
            good,
            now,
            int(contracts.read(contracts.escrow.functions.MIN_SLOT_PRICE())),
            int(contracts.read(contracts.escrow.functions.MIN_TASK_TIME())),
        )


@pytest.fixture(scope="module")
def beside(escrow: Escrow) -> Escrow:
    """An escrow with a second lane, one that takes every job: what is refused there, the escrow itself refuses."""
    web3, deployment = escrow.contracts.web3, escrow.contracts.deployment
    web3.provider.make_request("anvil_setCode", [OTHER_LANE, "0x00"])  # type: ignore[arg-type]
    parts = artifact("BountyEscrow")
    creation = web3.eth.contract(abi=parts["abi"], bytecode=parts["bytecode"]).constructor(
        deployment.token, deployment.direct_lane, OTHER_LANE, escrow.min_slot_price, escrow.min_task_time
    )
    made = web3.eth.wait_for_transaction_receipt(creation.transact({"from": dev_account(3).address}))
    contracts = MarketContracts(web3, replace(deployment, escrow=to_address(str(made["contractAddress"]))))
    return replace(
        escrow,
        contracts=contracts,
        lanes=(escrow.good.lane, OTHER_LANE),
        good=replace(escrow.good, lane=OTHER_LANE, deadline=contracts.block().time + 3600),
    )


def refused(escrow: Escrow, terms: JobTerms) -> Rejected | None:
    try:
        module.check_terms(
            terms,
            lanes=escrow.lanes,
            direct_lane=to_address(escrow.contracts.deployment.direct_lane),
            min_slot_price=escrow.min_slot_price,
            min_task_time=escrow.min_task_time,
            now=escrow.contracts.block().time,
        )
    except Rejected as error:
        return error
    return None


BIG = module.MAX_AMOUNT
EDGES: tuple[tuple[dict[str, Any], bool], ...] = (
    ({}, True),
    ({"lane": to_address("0x" + "11" * 20)}, False),
    ({"lane": to_address("0x" + "00" * 20)}, False),
    ({"task_time": 0}, False),
    ({"task_time": 4}, False),
    ({"task_time": 5}, True),
    ({"task_time": 604_800}, True),
    ({"task_time": 604_801}, False),
    ({"rounds": 0}, False),
    ({"map_tasks": 0}, False),
    ({"reduce_tasks": 0}, True),
    ({"rounds": 1, "map_tasks": 65_534}, True),
    ({"rounds": 1, "map_tasks": 65_535}, False),
    ({"quorum": 0}, False),
    ({"quorum": 3, "work_slots": 4}, True),
    ({"quorum": 1, "work_slots": 1}, True),
    ({"quorum": 4}, False),
    ({"work_slots": 16}, True),
    ({"work_slots": 17}, False),
    ({"audit_slots": 16}, True),
    ({"audit_slots": 17}, False),
    ({"fee_bps": 10_000}, True),
    ({"fee_bps": 10_001}, False),
    ({"orchestrator": to_address("0x" + "00" * 20)}, False),
    ({"orchestrator": to_address("0x" + "00" * 20), "fee_bps": 0}, True),
    ({"slot_price": 10**12, "stake_per_claim": 10**12}, True),
    ({"slot_price": 10**12 - 1, "stake_per_claim": 10**12}, False),
    ({"slot_price": 0, "stake_per_claim": 0}, False),
    ({"slot_price": BIG + 1, "stake_per_claim": BIG}, False),
    ({"stake_per_claim": PRICE}, True),
    ({"stake_per_claim": PRICE - 1}, False),
    ({"stake_per_claim": 100 * PRICE}, True),
    ({"stake_per_claim": 100 * PRICE + 1}, False),
    ({"manifest_digest": Digest(bytes(32))}, False),
    ({"slot_price": BIG // 30, "stake_per_claim": BIG // 30, "fee_bps": 0}, True),
    ({"slot_price": BIG // 30 + 1, "stake_per_claim": BIG // 30 + 1, "fee_bps": 0}, False),
)


@pytest.mark.parametrize(
    ("changes", "fine"), EDGES, ids=lambda value: "-".join(value) if isinstance(value, dict) else ""
)
def test_terms__at_every_edge__refused_by_us_exactly_when_by_the_contract(
    escrow: Escrow, beside: Escrow, changes: dict[str, Any], fine: bool
) -> None:
    for market in (escrow, beside):
        same_answer(market, replace(market.good, **changes), fine)


@pytest.mark.parametrize("slots", [2, 3, 16])
def test_terms__no_spare_slot__refused_in_the_direct_lane_alone(escrow: Escrow, beside: Escrow, slots: int) -> None:
    same_answer(escrow, replace(escrow.good, quorum=slots, work_slots=slots), fine=False)
    same_answer(beside, replace(beside.good, quorum=slots, work_slots=slots), fine=True)


def same_answer(escrow: Escrow, terms: JobTerms, fine: bool) -> None:
    ours, theirs = refused(escrow, terms), escrow.refusal(terms)
    assert (ours is None, theirs is None) == (fine, fine), (ours, theirs)
    if ours is not None:
        assert ours.what
        assert ours.remedy
        assert ours.whose != Rejected.whose  # says whose more closely


def test_post__without_an_allowance__refused_before_anything_is_sent(escrow: Escrow) -> None:
    """`job post` always brings its allowance along; a program of somebody's own may forget it."""
    sender = Sender(escrow.contracts.web3, dev_account(1))
    before = (sender.next_nonce(), escrow.contracts.balances(sender.address))
    with pytest.raises(ContractRejected) as told:
        sender.send(escrow.contracts.post_job(escrow.good))
    assert told.value.name == "ERC20InsufficientAllowance"
    fault = faults.explain(told.value)
    assert "approve" in fault.remedy
    assert fault.exit_status == faults.EXIT_REJECTED
    assert (sender.next_nonce(), escrow.contracts.balances(sender.address)) == before
    assert escrow.contracts.job_count() == 0


@pytest.mark.parametrize(("seconds", "fine"), [(0, False), (1, True), (7_776_000, True), (7_776_001, False)])
def test_deadline__at_every_edge__as_the_contract_at_the_same_time(escrow: Escrow, seconds: int, fine: bool) -> None:
    """A call runs at its block's time, which an idle anvil takes from the clock: ask at a block that is named."""
    now = escrow.contracts.block().time
    terms = replace(escrow.good, deadline=now + seconds)
    assert (refused(escrow, terms) is None) == fine
    told = escrow.contracts.web3.provider.make_request(
        "eth_call",  # type: ignore[arg-type]
        [
            {
                "from": dev_account(1).address,
                "to": escrow.contracts.deployment.escrow,
                "data": escrow.contracts.escrow.encode_abi("postJob", [terms.as_tuple()]),
            },
            "latest",
            {},
            {"time": hex(now)},
        ],
    )
    said = str(told["error"].get("data", "")) if "error" in told else ""
    selector = "0x" + keccak256(b"DeadlineOutOfRange(uint256,uint256,uint256)")[:4].hex()
    assert (not said.startswith(selector)) == fine, told
