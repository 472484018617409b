"""Reads blocks and events. Nothing that the node leaves out may pass as nothing having happened."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from web3 import Web3
from web3.exceptions import BlockNotFound, Web3Exception, Web3RPCError
from web3.types import BlockData, BlockIdentifier

from edgebounty.chain.errors import NodeUnreachable
from edgebounty.chain.events import Event
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import guard
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, address_bytes
from orchestrator.adapters.chain.translate import ask, to_fact
from orchestrator.domain.errors import Broken, RangeTooWide, Unavailable
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.values import BlockRef
from orchestrator.ports.chain import Header

_KEPT_BLOOMS = 4096
_BUSY_WORDS = ("timed out", "HTTP 413", "HTTP 429", "HTTP 502", "HTTP 503", "HTTP 504")  # perhaps it was too much
_RANGE_WORDS = ("range", "too many", "limit", "more than", "exceed", "response size", "timeout", "timed out")


class Web3Reader:
    """Fulfils `ChainReader` and `StakeReader`. `depth` None follows the `finalized` tag."""

    def __init__(self, market: MarketContracts, *, depth: int | None) -> None:
        self._market = market
        self._web3: Web3 = market.web3
        self._depth = depth
        self._blooms: OrderedDict[bytes, int] = OrderedDict()

    async def head(self) -> Header:
        return await ask("the newest block", lambda: self._header("latest"))

    async def final(self, head: Header) -> Header:
        if self._depth is None:
            return await ask("the finalized block", self._finalized)
        number = max(0, head.ref.number - self._depth)
        return await ask("a final block", lambda: self._header(number))

    async def block(self, number: int) -> Header | None:
        def read() -> Header | None:
            try:
                return self._header(number)
            except BlockNotFound:
                return None

        return await ask(f"block {number}", read)

    async def facts_of(self, block: BlockRef) -> tuple[ChainFact, ...]:
        return await ask(f"the logs of block {block.number}", lambda: self._facts_of(block))

    async def facts_between(self, first: int, last: int) -> tuple[ChainFact, ...]:
        return await ask(f"the logs of blocks {first} to {last}", lambda: self._facts_between(first, last))

    async def stakes(self, worker: Address, block_number: int) -> tuple[int, int]:
        def read() -> tuple[int, int]:
            functions = self._market.vault.functions
            mine = self._market.read(functions.stakeAt(worker, block_number))
            return int(mine), int(self._market.read(functions.totalStakeAt(block_number)))

        return await ask("stakes", read)

    # --- in a thread ---

    def _header(self, block: BlockIdentifier) -> Header:
        found: BlockData = guard(self._market.url, lambda: self._web3.eth.get_block(block))
        block_hash = bytes(found["hash"])
        self._blooms[block_hash] = int.from_bytes(found["logsBloom"], "big")
        while len(self._blooms) > _KEPT_BLOOMS:
            self._blooms.popitem(last=False)
        ref = BlockRef(number=int(found["number"]), hash=block_hash, time=int(found["timestamp"]))
        return Header(ref=ref, parent_hash=bytes(found["parentHash"]))

    def _finalized(self) -> Header:
        try:
            return self._header("finalized")
        except (BlockNotFound, Web3RPCError) as error:
            raise Broken(
                f"the node at {self._market.url} names no finalized block; set `finality` to a number of blocks"
            ) from error

    def _facts_of(self, block: BlockRef) -> tuple[ChainFact, ...]:
        events = self._market.events.fetch_block(self._web3, block.hash)
        if not events and self._may_hold_ours(block.hash):
            events = self._from_receipts(block)
        return _facts(events, {block.hash: block})

    def _may_hold_ours(self, block_hash: bytes) -> bool:
        """The header's bloom names the addresses that logged; it may name too many, never too few."""
        bloom = self._blooms.get(block_hash)
        if bloom is None:
            return False
        return any(_in_bloom(bloom, address) for address in self._market.events.addresses)

    def _from_receipts(self, block: BlockRef) -> list[Event]:
        """The node told no logs where the header says that there may be some: ask it another way."""
        try:
            receipts = guard(self._market.url, lambda: self._web3.eth.get_block_receipts("0x" + block.hash.hex()))  # type: ignore[arg-type]
        except Web3Exception:
            return self._market.events.fetch_block(self._web3, block.hash)
        return self._market.events.decode_all(log for receipt in receipts for log in receipt["logs"])

    def _facts_between(self, first: int, last: int) -> tuple[ChainFact, ...]:
        try:
            events = self._market.events.fetch(self._web3, from_block=first, to_block=last)
        except NodeUnreachable as error:
            if is_too_wide(error):
                raise RangeTooWide(
                    what=f"logs of {last - first + 1} blocks", reason=str(error), at_once=False
                ) from error
            raise
        except Web3Exception as error:
            if is_too_wide(error):
                raise RangeTooWide(what=f"logs of {last - first + 1} blocks", reason=str(error)) from error
            raise
        self._check_posted(first, last, events)
        blocks = {number: self._header(number).ref for number in {event.ref.block_number for event in events}}
        for event in events:
            if blocks[event.ref.block_number].hash != event.ref.block_hash:
                raise Unavailable(what="logs", reason=f"block {event.ref.block_number} changed while it was read")
        return _facts(events, {ref.hash: ref for ref in blocks.values()})

    def _check_posted(self, first: int, last: int, events: Sequence[Event]) -> None:
        """The escrow counts its jobs: as many must have been told. Nodes without old states cannot be asked."""
        told = sum(1 for event in events if type(event).__name__ == "JobPosted")
        try:
            posted = self._market.job_count(last) - (self._market.job_count(first - 1) if first else 0)
        except Exception:
            return
        if told != posted:
            reason = f"{told} of {posted} jobs posted in blocks {first} to {last} were told"
            raise Unavailable(what="logs", reason=reason)


def is_too_wide(error: Exception) -> bool:
    """Whether the node may answer a query over fewer blocks."""
    if isinstance(error, NodeUnreachable):
        return any(word in str(error) for word in _BUSY_WORDS)
    return isinstance(error, Web3Exception) and any(word in str(error).lower() for word in _RANGE_WORDS)


def _in_bloom(bloom: int, address: Address) -> bool:
    """Three bits of 2048, from the first three pairs of bytes of the hash (Yellow Paper 4.4.1)."""
    mark = keccak256(address_bytes(address))
    bits = (int.from_bytes(mark[i : i + 2], "big") & 2047 for i in (0, 2, 4))
    return all(bloom >> bit & 1 for bit in bits)


def _facts(events: Iterable[Event], blocks: dict[bytes, BlockRef]) -> tuple[ChainFact, ...]:
    found = (to_fact(event, blocks[event.ref.block_hash]) for event in events)
    return tuple(fact for fact in found if fact is not None)
