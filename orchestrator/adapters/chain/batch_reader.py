"""Reads what this orchestrator's batches have become on chain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from web3.exceptions import Web3Exception

from edgebounty.chain.calls import BatchReader, Request, abi_type, views_in
from edgebounty.chain.errors import ChainError
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rejections import load_artifact
from edgebounty.chain.rpc import guard
from edgebounty.protocol.batch.answering import Asked, Tree
from edgebounty.protocol.batch.wire import Header
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, JobId, address_bytes, to_address
from orchestrator.adapters.chain.batch_calls import contract
from orchestrator.adapters.chain.reader import is_too_wide
from orchestrator.adapters.chain.translate import ask
from orchestrator.domain.batch import history as h
from orchestrator.domain.batch.posting import Held, LaneLimits
from orchestrator.domain.errors import RangeTooWide, Rejected, Unavailable
from orchestrator.domain.values import BlockRef
from orchestrator.ports.batch import ChainJob, Claimed, Demanded, LaneLook

_T = TypeVar("_T")
_EVENTS = ("BatchPosted", "BundleStruck", "BatchVoided", "PayoutsRestated", "BondLost")


class BatchChainReader:
    """Fulfils `BatchChain` for the orchestrator `me`."""

    def __init__(self, market: MarketContracts, me: Address) -> None:
        self._market = market
        self._me = me
        deployment = market.deployment
        self._lane = contract(market, "BatchLane", deployment.batch_lane)
        self._views = {
            name: views_in(load_artifact(name)["abi"], address)
            for name, address in (
                ("BatchLane", deployment.batch_lane),
                ("BatchPayouts", deployment.batch_payouts),
                ("StakeVault", deployment.vault),
                ("BountyEscrow", deployment.escrow),
            )
        }
        self._reader = BatchReader(market.web3)
        self._challenges = contract(market, "BatchChallenges", deployment.batch_challenges)
        self._payouts = contract(market, "BatchPayouts", deployment.batch_payouts)
        self._events = {_topic("BatchLane", name): name for name in _EVENTS}
        self._demanded_topic = _topic("BatchChallenges", "DataDemanded")
        self._claimed_topic = _topic("BatchPayouts", "BundleClaimed")
        self._my_topic = "0x" + bytes(12).hex() + address_bytes(me).hex()

    def limits(self) -> LaneLimits:
        """What the deployment fixed. Raises `ChainError`."""
        names = ("WINDOW", "ANSWER_TIME", "CLAIM_TIME", "GRACE", "RING", "LEAST_BOND", "BOND_BPS")
        told = self._many([self._views["BatchLane"][name].request(block="latest") for name in names])
        window, answer, claim, grace, ring, least_bond, bond_bps = map(int, told)
        return LaneLimits(
            window=window,
            answer=answer,
            claim=claim,
            grace=grace,
            ring=ring,
            least_bond=least_bond,
            bond_bps=bond_bps,
        )

    async def events(self, first: int, last: int) -> Sequence[h.LaneEvent]:
        return await ask(f"the batches posted in blocks {first} to {last}", lambda: self._events_between(first, last))

    async def asked(self, first: int, last: int) -> Sequence[Demanded | Claimed]:
        return await ask(f"demands in blocks {first} to {last}", lambda: self._asked_between(first, last))

    async def look(self, block: BlockRef, numbers: Collection[int], jobs: Collection[JobId]) -> LaneLook:
        return await self._at(block, "the batch lane", lambda: self._look(block, sorted(numbers), sorted(jobs)))

    async def refundable(self, block: BlockRef, jobs: Sequence[JobId]) -> dict[JobId, int]:
        lane, escrow, at = self._views["BatchLane"], self._views["BountyEscrow"], block.number

        def read() -> dict[JobId, int]:
            asked = [lane["progress"].request(job, block=at) for job in jobs]
            asked += [escrow["refundable"].request(job, block=at) for job in jobs]
            told = self._many(asked)
            amounts = zip(jobs, told[: len(jobs)], told[len(jobs) :], strict=True)
            return {job: int(amount) for job, (_, active, _), amount in amounts if not active}

        return await self._at(block, "what jobs get back", read)

    async def withdrawn(self, block: BlockRef, indices: Sequence[int]) -> list[int]:
        view = self._views["BatchPayouts"]["withdrawnOf"]
        requests = [view.request(self._me, index, block=block.number) for index in indices]
        return await self._at(block, "what was withdrawn", lambda: [int(amount) for amount in self._many(requests)])

    # --- in a thread ---

    async def _at(self, block: BlockRef, what: str, read: Callable[[], _T]) -> _T:
        try:
            return await ask(what, read)
        except Rejected as refused:  # our final blocks have it: the node is behind them
            raise Unavailable(what=what, reason=f"at block {block.number}: {refused.reason}") from refused

    def _look(self, block: BlockRef, numbers: list[int], jobs: list[JobId]) -> LaneLook:
        at, me = block.number, self._me
        lane, vault = self._views["BatchLane"], self._views["StakeVault"]
        book, allotment, free, postable_at, *rest = self._many(
            [
                lane["bookOf"].request(me, block=at),
                vault["allotmentOf"].request(me, me, block=at),
                vault["freeStakeOf"].request(me, block=at),
                lane["postableAt"].request(me, block=at),
                *(lane["batchOf"].request(me, number, block=at) for number in numbers),
                *(lane["jobOf"].request(job, block=at) for job in jobs),
            ]
        )
        batches, told_jobs = rest[: len(numbers)], rest[len(numbers) :]
        return LaneLook(
            next=int(book[0]),
            stated=int(book[1]),
            bonded=int(book[2]),
            allotted=int(allotment[0]),
            free_stake=int(free),
            postable_at=int(postable_at),
            held={number: self._held(number, told) for number, told in zip(numbers, batches, strict=True)},
            header_hashes={n: bytes(told["headerHash"]) for n, told in zip(numbers, batches, strict=True)},
            jobs={
                job: ChainJob(next_task=int(told["nextTask"]), deadline=int(told["deadline"]))
                for job, told in zip(jobs, told_jobs, strict=True)
            },
        )

    def _held(self, number: int, told: dict[str, Any]) -> Held:
        return Held(
            number=number,
            posted_at=int(told["postedAt"]),
            stated_at=int(told["statedAt"]),
            bond=int(told["bond"]),
            restated_bond=int(told["restatedBond"]),
            restated_by_me=to_address(told["restater"]) == self._me,
            aside=int(told["aside"]),
        )

    def _many(self, requests: list[Request]) -> list[Any]:
        answers = self._reader.ask(requests)
        for answer in answers:
            if isinstance(answer, ChainError):
                raise answer
        return answers

    def _events_between(self, first: int, last: int) -> list[h.LaneEvent]:
        logs = self._logs(self._lane.address, [list(self._events), self._my_topic], first, last)
        return [self._event(log) for log in logs]

    def _asked_between(self, first: int, last: int) -> list[Demanded | Claimed]:
        demands = self._logs(self._challenges.address, [self._demanded_topic, None, self._my_topic], first, last)
        claims = self._logs(self._payouts.address, [self._claimed_topic], first, last)
        found = [self._demand(log) for log in demands]
        mine = (self._claim(log) for log in claims)
        return [*found, *(claim for claim in mine if claim is not None)]

    def _logs(self, address: str, topics: list[Any], first: int, last: int) -> list[Any]:
        query: Any = {"address": address, "fromBlock": first, "toBlock": last, "topics": topics}
        try:
            logs = guard(self._market.url, lambda: self._market.web3.eth.get_logs(query))
        except (ChainError, Web3Exception) as error:
            if is_too_wide(error):
                raise RangeTooWide(what=f"batches of {last - first + 1} blocks", reason=str(error)) from error
            raise
        return sorted(logs, key=lambda log: (log["blockNumber"], log["logIndex"]))

    def _demand(self, log: Any) -> Demanded:
        args = self._challenges.events.DataDemanded().process_log(log)["args"]
        node = args["asked"]
        asked = Asked(
            tree=Tree(int(node["tree"])),
            level=int(node["level"]),
            position=int(node["position"]),
            node=bytes(node["node"]),
            bundle=int(args["bundle"]),
        )
        return Demanded(
            demand=int(args["demandId"]), number=int(args["number"]), asked=asked, deadline=int(args["deadline"])
        )

    def _claim(self, log: Any) -> Claimed | None:
        args = self._payouts.events.BundleClaimed().process_log(log)["args"]
        said = args["acceptance"]
        if to_address(said["orchestrator"]) != self._me:
            return None
        return Claimed(
            claim=int(args["claimId"]),
            job=int(said["job"]),
            first_task=int(said["firstTask"]),
            worker=to_address(said["worker"]),
            count=int(said["count"]),
            deadline=int(args["deadline"]),
        )

    def _event(self, log: Any) -> h.LaneEvent:
        name = self._events["0x" + bytes(log["topics"][0]).hex()]
        args = self._lane.events[name]().process_log(log)["args"]
        match name:
            case "BatchPosted":
                return h.BatchPosted(
                    header=_header(args["header"]), transaction="0x" + bytes(log["transactionHash"]).hex()
                )
            case "BundleStruck":
                return h.BundleStruck(number=int(args["number"]), position=int(args["position"]))
            case "BatchVoided":
                return h.BatchVoided(number=int(args["number"]))
            case "PayoutsRestated":
                return h.PayoutsRestated(
                    number=int(args["number"]),
                    payout_count=int(args["payoutCount"]),
                    payouts_root=bytes(args["payoutsRoot"]),
                    previous=bytes(args["previous"]),
                )
            case _:
                return h.BondLost()


def _header(told: Any) -> Header:
    """Solidity's names in Solidity's order, which is ours."""
    orchestrator, *numbers, bundles_root, payouts_root, data_digest, previous = told.values()
    number, job, first, end, bundles, receipts, payouts = map(int, numbers)
    return Header(
        orchestrator=to_address(orchestrator),
        number=number,
        job=job,
        first_task=first,
        end_task=end,
        bundle_count=bundles,
        receipt_count=receipts,
        payout_count=payouts,
        bundles_root=bytes(bundles_root),
        payouts_root=bytes(payouts_root),
        data_digest=bytes(data_digest),
        previous=bytes(previous),
    )


def _topic(contract_name: str, name: str) -> str:
    """The hash by which logs of this event are found."""
    abi: list[Any] = load_artifact(contract_name)["abi"]
    event = next(part for part in abi if part["type"] == "event" and part["name"] == name)
    kinds = ",".join(abi_type(part) for part in event["inputs"])
    return "0x" + keccak256(f"{name}({kinds})".encode()).hex()
