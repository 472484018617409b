"""Reads every event of the batch lane's contracts, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from web3 import Web3

from edgebounty.chain.batches import plain
from edgebounty.chain.calls import abi_type
from edgebounty.chain.logs import halving
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rejections import load_artifact
from edgebounty.chain.rpc import guard
from edgebounty.protocol.hashing import keccak256
from orchestrator.adapters.chain.translate import ask
from orchestrator.domain.batch.record import LaneLog


class LaneHistoryReader:
    """Fulfils `LaneHistory`."""

    def __init__(self, market: MarketContracts) -> None:
        self._market = market
        deployment = market.deployment
        self._readers: dict[tuple[str, bytes], Any] = {}  # by address and topic
        for name, address in (
            ("BatchLane", deployment.batch_lane),
            ("BatchChallenges", deployment.batch_challenges),
            ("BatchPayouts", deployment.batch_payouts),
        ):
            at, abi = Web3.to_checksum_address(address), load_artifact(name)["abi"]
            events = market.web3.eth.contract(address=at, abi=abi).events
            for entry in abi:
                if entry["type"] == "event":
                    kinds = ",".join(abi_type(part) for part in entry["inputs"])
                    topic = keccak256(f"{entry['name']}({kinds})".encode())
                    self._readers[at, topic] = events[entry["name"]]()

    async def read(self, first: int, last: int) -> Sequence[LaneLog]:
        return await ask(f"the batch lane's events in blocks {first} to {last}", lambda: self.read_now(first, last))

    def read_now(self, first: int, last: int) -> list[LaneLog]:
        """The same, while the caller waits. Raises `ChainError`."""
        logs = halving(self._market.url, self._logs, first, last)
        times = {number: self._market.block(number).time for number in {int(log["blockNumber"]) for log in logs}}
        found = []
        for log in sorted(logs, key=lambda log: (log["blockNumber"], log["logIndex"])):
            reader = self._readers.get((log["address"], bytes(log["topics"][0]) if log["topics"] else b""))
            if reader is None:
                continue
            event = reader.process_log(log)
            found.append(
                LaneLog(
                    name=event["event"],
                    args={name: plain(value) for name, value in event["args"].items()},
                    block=int(log["blockNumber"]),
                    time=times[int(log["blockNumber"])],
                    tx_hash="0x" + bytes(log["transactionHash"]).hex(),
                )
            )
        return found

    def _logs(self, first: int, last: int) -> list[Any]:
        query: Any = {"address": sorted({at for at, _ in self._readers}), "fromBlock": first, "toBlock": last}
        return list(guard(self._market.url, lambda: self._market.web3.eth.get_logs(query)))
