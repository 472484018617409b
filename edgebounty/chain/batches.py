"""The batch lane's contracts as a watchtower needs them: events, the data behind a post, views, calls to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from hexbytes import HexBytes
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import TransactionNotFound, Web3Exception, Web3RPCError

from edgebounty.chain.errors import ChainError
from edgebounty.chain.logs import halving
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rejections import load_artifact
from edgebounty.chain.rpc import guard, url_of
from edgebounty.protocol.batch.calls import header_abi, proof_args
from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.batch.watching import Fault
from edgebounty.protocol.batch.wire import Header
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, to_address

_EVENTS: Final = {
    "BatchLane": ("BatchPosted", "BundleStruck", "BatchVoided", "PayoutsRewound", "PayoutsRestated", "BondLost"),
    "BatchChallenges": ("DataDemanded", "DemandAnswered", "DemandEnforced"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEvent:
    """An event by its name and arguments, in JSON's types: bytes as hex text, structs as lists."""

    name: str
    args: dict[str, Any]
    block: int
    log_index: int
    tx_hash: str


class BatchContracts:
    """BatchLane, BatchChallenges and what belongs to them in a deployment. Every read may raise `ChainError`."""

    def __init__(self, market: MarketContracts) -> None:
        self.market = market
        self.web3 = market.web3
        deployment = market.deployment
        self.lane = self._contract("BatchLane", deployment.batch_lane)
        self.challenges = self._contract("BatchChallenges", deployment.batch_challenges)
        self.domain = Domain(chain_id=deployment.chain_id, verifying_contract=deployment.batch_lane)
        self._at = {to_address(c.address): c for c in (self.lane, self.challenges)}
        self._topics = dict(self._named_topics())
        read, views = market.read, self.lane.functions
        self.window = int(read(views.WINDOW()))
        self.answer_time = int(read(views.ANSWER_TIME()))

    def events(self, first: int, last: int) -> list[LaneEvent]:
        """What happened in the closed interval of blocks, in chain order. A range that the node refuses is halved."""
        return halving(url_of(self.web3), self._events, first, last)

    def calldata_of(self, tx_hash: str) -> bytes | None:
        """The bundles that this transaction posted; None if a contract posted them, so that they are not in sight."""
        try:
            sent = guard(url_of(self.web3), lambda: self.web3.eth.get_transaction(tx_hash))  # type: ignore[arg-type]
        except TransactionNotFound as error:
            raise ChainError(f"the node does not have the transaction {tx_hash}; ask one that keeps them") from error
        try:
            function, args = self.lane.decode_function_input(sent["input"])
        except (ValueError, Web3Exception):
            return None
        return bytes(args["bundles"]) if function.fn_name == "postWithData" else None

    def prices_of(self, job_id: int) -> Prices:
        job = self.market.read(self.lane.functions.jobOf(job_id))
        return Prices(price=int(job[5]), fee=int(job[6]), slots=int(job[4]))

    def times_of(self, header: Header) -> tuple[int, int] | None:
        """When the batch was posted and when its payouts were stated; None once its header is another or gone."""
        try:
            state = self.market.read(self.lane.functions.stateOf(header_abi(header)))
        except ChainError as error:
            if getattr(error, "name", None) == "BatchUnknown":
                return None
            raise
        return int(state[1]), int(state[2])

    # --- calls ---

    def proof(self, fault: Fault, header: Header, previous: Header | None) -> ContractFunction:
        call: ContractFunction = self.challenges.functions[fault.rule](*proof_args(fault, header, previous))
        return call

    def demand(self, header: Header, of_bundle: list[Any], node: tuple[Any, ...]) -> ContractFunction:
        call: ContractFunction = self.challenges.functions.demand(header_abi(header), of_bundle, node)
        return call

    def answer(self, demand_id: int, answer: bytes | list[bytes]) -> ContractFunction:
        """What is behind a leaf, or the nodes below an inner one."""
        functions = self.challenges.functions
        show = functions.answerLeaf if isinstance(answer, bytes) else functions.answerNodes
        call: ContractFunction = show(demand_id, answer)
        return call

    def enforce(self, demand_id: int, header: Header) -> ContractFunction:
        call: ContractFunction = self.challenges.functions.enforce(demand_id, header_abi(header))
        return call

    def restate(self, header: Header, now: Header) -> ContractFunction:
        """`header` as stored; `now` as it should be."""
        words = (now.payout_count, now.payouts_root, now.previous)
        call: ContractFunction = self.lane.functions.restate(header_abi(header), *words)
        return call

    def bond_lost(self, receipt: Any) -> int:
        """What a transaction took from whoever was at fault, in token base units."""
        logs = [self._decoded_log(log) for log in receipt["logs"]]
        return sum(int(event.args["amount"]) for event in logs if event is not None and event.name == "BondLost")

    # --- internals ---

    def _events(self, first: int, last: int) -> list[LaneEvent]:
        query: Any = [
            {
                "address": list(self._at),
                "fromBlock": hex(first),
                "toBlock": hex(last),
                "topics": [list(self._topics)],
            }
        ]
        answer: Any = guard(url_of(self.web3), lambda: self.web3.provider.make_request("eth_getLogs", query))  # type: ignore[arg-type]
        if answer.get("error") is not None:
            raise Web3RPCError(str(answer["error"]), rpc_response=answer)
        logs = sorted(answer["result"], key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
        return [self._decoded(log) for log in logs]

    def _contract(self, name: str, address: Address) -> Any:
        return self.web3.eth.contract(address=Web3.to_checksum_address(address), abi=load_artifact(name)["abi"])

    def _named_topics(self) -> Iterator[tuple[str, tuple[str, str]]]:
        for contract, names in _EVENTS.items():
            for entry in load_artifact(contract)["abi"]:
                if entry["type"] == "event" and entry["name"] in names:
                    kinds = ",".join(_kind(part) for part in entry["inputs"])
                    yield "0x" + keccak256(f"{entry['name']}({kinds})".encode()).hex(), (contract, entry["name"])

    def _decoded_log(self, log: Any) -> LaneEvent | None:
        topic = "0x" + bytes(log["topics"][0]).hex() if log["topics"] else ""
        if to_address(str(log["address"])) not in self._at or topic not in self._topics:
            return None
        return self._event(log, topic)

    def _decoded(self, log: Any) -> LaneEvent:
        typed = {
            **log,
            "topics": [HexBytes(topic) for topic in log["topics"]],
            "data": HexBytes(log["data"]),
            "blockNumber": int(log["blockNumber"], 16),
            "logIndex": int(log["logIndex"], 16),
            "transactionHash": HexBytes(log["transactionHash"]),
            "blockHash": HexBytes(log["blockHash"]),
            "transactionIndex": int(log["transactionIndex"], 16),
        }
        return self._event(typed, log["topics"][0])

    def _event(self, log: Any, topic: str) -> LaneEvent:
        contract = self._at[to_address(str(log["address"]))]
        _, name = self._topics[topic]
        found = contract.events[name]().process_log(log)
        return LaneEvent(
            name=name,
            args={key: plain(value) for key, value in found["args"].items()},
            block=int(log["blockNumber"]),
            log_index=int(log["logIndex"]),
            tx_hash="0x" + bytes(log["transactionHash"]).hex(),
        )


def _kind(part: Any) -> str:
    kind = str(part["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_kind(inner) for inner in part['components'])}){kind.removeprefix('tuple')}"


def plain(value: Any) -> Any:
    """An event's argument in JSON's types: bytes as hex text, structs as lists."""
    """An argument of an event in JSON's types: bytes as hex text, structs as lists."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict) or hasattr(value, "items"):
        return [plain(each) for each in value.values()]
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
