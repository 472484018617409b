"""From accepted receipts to posted batches on a real chain, with everything forgotten between any two steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, astuple, replace
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from edgebounty.chain.ledger import read_ledger
from edgebounty.content.store import get_file
from edgebounty.protocol.batch.building import Batch, next_payouts
from edgebounty.protocol.batch.messages import Claim, to_compact
from edgebounty.protocol.batch.openings import open_bundle
from edgebounty.protocol.batch.publishing import data_cid, parse_data
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.batch.wire import Payout, bundles_tree, parse_bundles, payouts_tree
from edgebounty.protocol.types import JobId
from orchestrator.adapters.chain.lane_history import LaneHistoryReader
from orchestrator.adapters.http.batch import BatchApi
from orchestrator.adapters.http.batch_explore import BatchExplorer
from orchestrator.adapters.http.server import make_application
from orchestrator.app.lane_history import LaneFollower
from orchestrator.domain.batch.relaying import gas_of
from orchestrator.domain.errors import Rejected, Unavailable
from tests.orchestrator.adapters.http_kit import FakeClock, make_service
from tests.orchestrator.app.posting_kit import ANSWER, PRICE, SLOTS, UNIT, WINDOW, World, run, world
from tests.orchestrator.rig import Rig

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("lane")) as made:
        yield made


def test_posting__everything_forgotten_between_any_two_steps__each_batch_once(here: World) -> None:
    here.begin()
    here.stake(50 * UNIT)
    first, second = here.post_job(), here.post_job()
    here.work(first, [0, 1, 2])
    here.work(second, [0, 1])
    for _ in range(12):
        for name in range(len(here.steps)):
            run(here.steps[name]())
            here.restart()  # also between sending and the block
        here.mine()
        if len(here.headers()) == 2:
            break
    here.work(first, [3, 4])
    here.until_posted(3)
    here.rpc("anvil_reorg", 1, [])
    here.rpc("anvil_dropAllTransactions")  # the block with it is taken back, and no node puts it into another
    assert len(here.headers()) == 2
    here.turns(12)
    assert here.headers() == [(0, first, 0), (1, second, 0), (2, first, 3)]
    next_number, stated, bonded = here.lane.functions.bookOf(here.me).call()
    assert (next_number, stated) == (3, 3)
    allotted = here.market.read(here.market.vault.functions.allotmentOf(here.me, here.me))[0]
    assert allotted == bonded  # what was put up is what these bonds need: nothing was put up twice


def test_posting__a_node_that_leaves_out_events__nothing_is_decided(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.restart()
    run(here.watch())
    with monkeypatch.context() as patched:
        patched.setattr(here.chain, "_events_between", lambda first, last: [])
        with pytest.raises(Unavailable, match="its events tell of 0 batches of ours, its views of 3"):
            run(here.look())
    here.restart()
    run(here.watch())
    run(here.look())


def test_posted__from_chain_and_content_alone__nobody_finds_a_fault(here: World) -> None:
    """Payouts too: whoever follows all batches has the tree by which workers withdraw."""
    payouts: tuple[Payout, ...] = ()
    previous = None
    for posted in here.poster.history.batches:
        header = posted.header
        cid = data_cid(header)
        leaves, bundles = parse_data(header, get_file(here.content, cid, 1 << 20))
        whole = tuple(bundle for bundle in bundles if bundle is not None)
        assert len(whole) == len(leaves) == SLOTS
        terms = here.terms[header.job]
        prices = Prices(price=terms.price, fee=terms.fee, slots=terms.slots)
        after = next_payouts(payouts, leaves, orchestrator=here.me, prices=prices)
        batch = Batch(header=header, leaves=leaves, bundles=whole, payouts_before=payouts, payouts=after)
        assert header.payouts_root == batch.payouts_tree.root
        case = Case(domain=here.domain, prices=prices, header=header, previous=previous)
        assert list(find_faults(case, batch)) == []
        payouts, previous = after, header
    receipts = 7  # of each worker: the tasks of both jobs
    assert [payout.cumulative for payout in payouts[1:]] == [receipts * PRICE] * SLOTS
    assert payouts[0].cumulative == sum(p.cumulative for p in payouts[1:]) // PRICE * here.terms[1].fee


def test_withdrawal__before_the_window_is_over__refused(here: World) -> None:
    hand = here.hands[0]
    assert run(here.withdrawals.earnings(hand.address)) == (0, 0)
    with pytest.raises(Rejected, match="0 base units can be withdrawn in all"):
        run(here.withdrawals.ask(*here.request(hand, 7 * PRICE)))


def test_window_over__bonds_come_home_and_pay_can_be_withdrawn(here: World) -> None:
    assert here.lane.functions.bookOf(here.me).call()[2] >= 3 * UNIT
    here.mine(seconds=WINDOW)
    here.turns(12)
    assert here.lane.functions.bookOf(here.me).call()[2] == 0
    assert here.poster.waiting == ""
    for hand in here.hands:
        assert run(here.withdrawals.earnings(hand.address)) == (7 * PRICE, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cumulative": 7 * PRICE - 1}, "sign for exactly that"),
        ({"cumulative": 7 * PRICE + 1}, "sign for exactly that"),
        ({"cumulative": 0}, "withdrawn already"),
        ({"payout_index": 2}, "is not that of"),
        ({"payout_index": 0}, "is not that of"),
        ({"orchestrator": "0x" + "11" * 20}, "withdraws from"),
        ({"receiver": "0x" + "00" * 20}, "receiver is nobody"),
        ({"until": 1}, "must be good until"),
    ],
)
def test_withdrawal__that_the_chain_would_refuse__refused_before(
    here: World, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Rejected, match=reason):
        run(here.withdrawals.ask(*here.request(here.hands[0], changes.pop("cumulative", 7 * PRICE), **changes)))
    assert here.desk.withdrawals == {}


def test_withdrawal__dearer_than_its_share__refused_with_the_figures(here: World) -> None:
    here.settings["token_wei"] = 10**12  # at this worth, gas is more than all of it
    here.restart()
    run(here.watch())
    run(here.look())
    with pytest.raises(Rejected, match=r"costs \d+ wei at \d+ wei per gas: [\d.]+ % of .* up to 5 %\. Ask again"):
        run(here.withdrawals.ask(*here.request(here.hands[0], 7 * PRICE)))
    here.settings["token_wei"] = 10**18
    here.restart()
    with pytest.raises(Unavailable, match="has just started"):
        run(here.withdrawals.earnings(here.hands[0].address))


def test_withdrawals__signed_by_those_without_gas__arrive_once_each_whatever_dies_in_between(here: World) -> None:
    here.turn()
    first, *others = [here.request(hand, 7 * PRICE) for hand in here.hands]
    run(here.withdrawals.ask(*first))
    since = here.desk.withdrawals[1].now
    here.mine(seconds=5)
    run(here.watch())
    run(here.look())
    run(here.withdrawals.ask(*first))  # the answer was lost; it does not wait from the beginning again
    assert here.desk.withdrawals[1].now == since < here.desk.now()
    run(here.withdrawals.step())  # the first is on its way: it is not sent again with the others
    for request in others:
        run(here.withdrawals.ask(*request))
    for _ in range(4):
        for at in range(len(here.steps)):
            here.restart()
            for step in (here.watch, here.look, here.steps[at]):
                run(step())
        here.mine()
    assert [here.tokens(hand.payout) for hand in here.hands] == [7 * PRICE] * SLOTS
    assert [here.tokens(hand.address) for hand in here.hands] == [0] * SLOTS
    assert [run(here.withdrawals.earnings(hand.address)) for hand in here.hands] == [(7 * PRICE, 7 * PRICE)] * SLOTS
    paid = here.payouts.events.PayoutWithdrawn().get_logs(from_block=0)
    assert len(paid) == SLOTS
    relayed = Counter(event["transactionHash"] for event in paid)
    assert sorted(relayed.values()) == [1, SLOTS - 1]
    for tx_hash, count in relayed.items():  # the fee that a request is weighed by is no less than the real one
        assert here.market.web3.eth.get_transaction_receipt(tx_hash)["gasUsed"] <= gas_of(count)
    assert here.payouts.events.WithdrawalSkipped().get_logs(from_block=0) == []
    assert here.desk.withdrawals == {}
    with pytest.raises(Rejected, match="withdrawn already"):
        run(here.withdrawals.ask(*here.request(here.hands[0], 7 * PRICE)))


def test_ledger__after_all_that__adds_up(here: World) -> None:
    ledger = read_ledger(here.market)
    assert (ledger.difference, ledger.surplus) == (0, 0)
    assert ledger.withdrawn == SLOTS * 7 * PRICE
    reserved = here.market.read(here.market.escrow.functions.reservedOf(here.me))
    assert reserved == SLOTS * 7 * here.terms[1].fee  # what is left is the orchestrator's own fee


def test_withdrawal__over_http__in_the_shape_that_the_phone_sends(here: World) -> None:
    """One more task is worked on, posted, and withdrawn over the API."""
    job = here.post_job()
    here.work(job, [0])
    here.until_posted(4)
    here.mine(seconds=WINDOW)
    here.turns(3)
    hand = here.hands[1]
    message, signature = here.request(hand, 8 * PRICE)
    body = {
        "withdrawal": asdict(message) | {"cumulative": str(message.cumulative)},
        "signature": "0x" + signature.hex(),
    }

    async def talk() -> tuple[Any, Any, int]:
        api = BatchApi(here.desk, lambda account: 0.0, here.withdrawals)
        app = make_application(replace(make_service(Rig(), FakeClock()), batch=api))
        async with TestServer(app) as server, ClientSession(server.make_url("/")) as session:
            before = await (await session.get(f"/v1/batch/workers/{hand.address}")).json()
            answer = await (await session.post("/v1/batch/withdrawals", json=body)).json()
            forged = body | {"signature": "0x" + here.request(here.hands[0], 8 * PRICE)[1].hex()}
            refused = (await session.post("/v1/batch/withdrawals", json=forged)).status
            health = await (await session.get("/healthz")).json()
            assert health["batches"] == {
                "posted": 4,
                "bonds_lost": 0,
                "too_late": 0,
                "waiting": None,
                "withdrawals": 1,
            }
            return before, answer, refused

    before, answer, refused = run(talk())
    assert refused == 400
    assert (before["accepted"], before["earned"], before["withdrawn"]) == (
        str(8 * PRICE),
        str(8 * PRICE),
        str(7 * PRICE),
    )
    assert {name: answer[name] for name in ("queued", "reason")} == {"queued": True, "reason": None}
    here.turns(4)
    assert here.tokens(hand.payout) == 8 * PRICE


def test_demands__of_every_tree__are_answered_in_time_and_cost_who_asked(here: World) -> None:
    """Silence would void the batch or rewind its payouts: then an honest orchestrator would lose its bond."""
    job = here.post_job()
    here.work(job, [0, 1])
    here.until_posted(5)
    here.turns(2)
    batch = here.poster.history.batches[-1]
    bundles = here.desk.book.signed_bundles(JobId(job), 0)
    bundle = open_bundle(batch.leaves, bundles_tree(batch.leaves), 1).as_abi()
    trees = [
        (0, [], bundles_tree(batch.leaves)),
        (1, [], payouts_tree(batch.payouts)),
        (2, [bundle], bundles[1].receipts_tree),
        (3, [bundle], bundles[1].sets_tree),
    ]
    header = astuple(batch.header)
    with here.mining_at_once():
        here.stranger.stake(UNIT)
        here.stranger.send(here.market.approve(here.market.deployment.vault, UNIT))
        for number, of_bundle, tree in trees:
            for level in (len(tree.levels) - 1, 0):
                asked = (number, level, 0, tree.levels[level][0], list(tree.proof(0, level)))
                here.stranger.send(here.challenges.functions.demand(header, of_bundle, asked))
        acceptance, ours = here.desk.acceptance(here.desk.book.bundle(JobId(job), 0, here.hands[1].address))
        words = to_compact(ours)
        here.stranger.send(here.payouts.functions.claimBundle(astuple(acceptance), words[:32], words[32:], header))
    here.turns(6)
    events = here.challenges.events.DemandAnswered().get_logs(from_block=0)
    assert [event["args"]["by"] for event in events] == [here.me] * 8
    assert len(here.payouts.events.ClaimAnswered().get_logs(from_block=0)) == 1
    here.mine(seconds=WINDOW)
    assert here.lane.functions.bookOf(here.me).call()[:2] == [5, 5]
    assert not here.lane.functions.batchOf(here.me, 4).call()[4]
    deposits = 9 * 10**16
    assert here.market.read(here.market.escrow.functions.creditOf(here.me)) == deposits
    ledger = read_ledger(here.market)
    assert (ledger.difference, ledger.surplus) == (0, 0)


def test_silence__payouts_are_rewound__restated_and_nothing_is_posted_before_the_operator_looks(
    here: World,
) -> None:
    """The process was down for an answer time: its payees lose nothing, and it does not go on to lose a second bond."""
    first, second = here.post_job(), here.post_job()
    here.work(first, [0])
    here.until_posted(6)
    here.turns(2)
    batch = here.poster.history.batches[-1]
    tree = payouts_tree(batch.payouts)
    asked = (1, 0, 1, tree.levels[0][1], list(tree.proof(1)))
    with here.mining_at_once():
        here.stranger.send(here.challenges.functions.demand(astuple(batch.header), [], asked))
        here.mine(seconds=ANSWER)
        demand = here.challenges.functions.demandCount().call() - 1
        here.stranger.send(here.challenges.functions.enforce(demand, astuple(batch.header)))
    assert here.lane.functions.bookOf(here.me).call()[:2] == [6, 5]
    here.mine(seconds=WINDOW)
    here.mine()
    run(here.watch())
    run(here.look())  # nobody has restated them: however old, they pay nobody
    assert [run(here.withdrawals.earnings(hand.address))[0] for hand in here.hands] == [10 * PRICE] * SLOTS
    here.work(second, [0])
    here.turns(6)
    assert here.lane.functions.bookOf(here.me).call()[:2] == [6, 6]
    assert "1 bonds were lost" in here.poster.waiting
    assert here.poster.history.batches[-1].header.payouts_root == batch.header.payouts_root
    here.settings["lost_known"] = 1
    here.restart()
    here.turns(8)
    assert [(job, task) for _, job, task in here.headers()][5:] == [(first, 0), (second, 0)]
    here.mine(seconds=WINDOW)
    here.turns(10)
    assert here.lane.functions.bookOf(here.me).call() == [7, 7, 0]
    assert [run(here.withdrawals.earnings(hand.address))[0] for hand in here.hands] == [12 * PRICE] * SLOTS


def test_small_batch__as_calldata__is_posted_whole(here: World) -> None:
    here.settings["calldata_receipts"] = SLOTS
    here.restart()
    here.work(here.post_job(), [0])
    here.until_posted(8)
    here.turns(2)
    header = here.poster.history.batches[-1].header
    assert header.data_digest == bytes(32)
    (posted,) = [e for e in here.lane.events.BatchPosted().get_logs(from_block=0) if e["args"]["header"].number == 7]
    sent = here.market.web3.eth.get_transaction(posted["transactionHash"])
    _, arguments = here.lane.decode_function_input(sent["input"])
    told = parse_bundles(arguments["bundles"])
    assert [bundle.account for bundle in told] == [hand.address for hand in here.hands]
    assert [len(bundle.receipts) for bundle in told] == [1] * SLOTS


def test_explorer__whatever_has_happened__shows_what_the_chain_and_the_book_say(here: World) -> None:
    if not here.headers():
        here.begin()
        here.stake(50 * UNIT)
    job, number = here.post_job(), len(here.headers())
    here.work(job, [0, 1])
    here.until_posted(number + 1)
    here.turns(2)
    follower = LaneFollower(
        history=LaneHistoryReader(here.market), books=here.books, since=here.market.deployment.block, window=WINDOW
    )
    while run(follower.step()):
        pass
    shown = BatchExplorer(desk=here.desk, follower=follower)
    assert (shown.serves(job), shown.serves(JobId(1 << 40))) == (True, False)
    assert shown.grid(job)["cells"] == "aaooowwwwwww"  # two rounds of five shards and a reduce
    batches = {batch["number"]: batch for batch in shown.batches()}
    assert [(n, batches[n]["job_id"], batches[n]["first_task"]) for n in sorted(batches)] == here.headers()
    for each, batch in batches.items():
        on_chain = here.lane.functions.batchOf(here.me, each).call()
        page = shown.batch((here.me, each))
        assert page is not None
        assert page["header_hash"] == "0x" + on_chain[0].hex()
        assert (batch["posted"], batch["window_ends"]) == (on_chain[1], on_chain[2] + WINDOW)
        assert sum(bundle["receipts"] for bundle in page["bundle_list"]) == batch["receipts"]
    assert (batches[number]["state"], batches[number]["receipts"]) == ("open", 2 * SLOTS)
    told = Counter(dispute["kind"] for dispute in shown.disputes())
    assert told["demand"] == here.challenges.functions.demandCount().call()
    assert told["claim"] == len(here.payouts.events.BundleClaimed().get_logs(from_block=0))
    assert told["rewind"] == len(here.lane.events.PayoutsRewound().get_logs(from_block=0))
    lost = sum(event["args"]["amount"] for event in here.lane.events.BondLost().get_logs(from_block=0))
    assert sum(int(batch["bond_lost"]) for batch in batches.values()) == lost
    paid = sum(event["args"]["amount"] for event in here.payouts.events.PayoutWithdrawn().get_logs(from_block=0))
    assert sum(int(worker["withdrawn"]) for worker in shown.workers().values()) == paid
    line, page_of_job = shown.job_line(JobId(job)), shown.job_page(JobId(job))
    assert (line["settled"], line["paid"], line["batches"]) == (2, str(2 * SLOTS * PRICE), 1)
    assert "status" not in line, "its other tasks are not done"
    assert [task["batch"] for task in page_of_job["task_list"]] == [number, number]
    assert {claim["worker"] for claim in page_of_job["task_list"][0]["claims"]} == {h.address for h in here.hands}
    until = here.market.block().time + 60
    run(here.desk.claim(Claim(worker=here.hands[0].address, orchestrator=here.me, job=job, task=2, until=until)))
    undecided = shown.job_page(JobId(job))["task_list"][2]
    assert (undecided["taken"], undecided["claims"]) == (1, []), "who is at work on one task must not find each other"
    worker = shown.worker_page(here.hands[0].address)
    assert worker is not None
    assert {key: worker["bundles"][0][key] for key in ("batch", "receipts", "amount", "state")} == {
        "batch": number,
        "receipts": 2,
        "amount": str(2 * PRICE),
        "state": "open",
    }


def test_void_batch__what_was_aside_comes_back_after_the_job_is_over__its_requester_gets_it(here: World) -> None:
    """The process was down again. Nobody claims what the void batch would have paid."""
    here.settings["calldata_receipts"] = 0
    here.restart()
    job = here.post_job(deadline=WINDOW)
    number = len(here.headers())
    here.work(job, [0])
    here.until_posted(number + 1)
    here.turns(2)
    batch = here.poster.history.batches[-1]
    tree = bundles_tree(batch.leaves)
    asked = (0, len(tree.levels) - 1, 0, tree.root, [])
    with here.mining_at_once():
        here.stranger.send(here.challenges.functions.demand(astuple(batch.header), [], asked))
        here.mine(seconds=ANSWER)
        demand = here.challenges.functions.demandCount().call() - 1
        here.stranger.send(here.challenges.functions.enforce(demand, astuple(batch.header)))
        here.mine(seconds=WINDOW + 600)  # the job and its grace are over, what is aside can be given back
        here.requester.send(here.market.refund(job))
    assert here.market.job(job).escrow == 0
    here.settings["lost_known"] = 2
    here.restart()
    here.turns(14)
    state = here.lane.functions.batchOf(here.me, number).call()
    assert (state[4], state[8]) == (True, 0)
    assert here.market.job(job).escrow == 0, "it came back, and was refunded too"
    refunds = here.market.escrow.events.BountyRefunded().get_logs(from_block=0)
    given = [event["args"]["amount"] for event in refunds if event["args"]["jobId"] == job]
    assert len(given) == 2
    assert sum(given) == here.market.terms(job).bounty
