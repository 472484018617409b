"""Orders to transactions of one account."""

from __future__ import annotations

from web3.contract.contract import ContractFunction
from web3.exceptions import TransactionNotFound, Web3RPCError

from edgebounty.chain import sender as chain
from edgebounty.chain.errors import NoGasMoney
from edgebounty.chain.header import fetch_header
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import guard
from orchestrator.adapters.chain.batch_calls import BatchCalls
from orchestrator.adapters.chain.translate import ask
from orchestrator.domain.batch.effects import BatchEffect
from orchestrator.domain.effects import (
    ChainEffect,
    DirectEffect,
    ExpireClaim,
    ExpireTask,
    FillNonce,
    RecordSeed,
    Refund,
    Reopen,
    Settle,
)
from orchestrator.domain.errors import Rejected
from orchestrator.domain.values import BlockRef
from orchestrator.ports.chain import Fees, Nonces, Receipt, Signed

# How geth, anvil, Nethermind and Erigon say it.
_KNOWN = ("already known", "already imported", "alreadyknown", "known transaction")
_PLAIN_TRANSFER_GAS = 21_000  # Yellow Paper, G_transaction
ContractCall = DirectEffect | BatchEffect
# The nonce is used, or the price is too low for now: receipts and bumps will tell, and nothing else is held up.
_NOT_NOW = ("nonce", "underpriced", "less than block base fee")


class Web3Writer:
    """Fulfils `ChainWriter`. Signs here; keys never leave the process."""

    def __init__(self, market: MarketContracts, sender: chain.Sender) -> None:
        self._market = market
        self._batch = BatchCalls(market)
        self._sender = sender

    async def prepare(self, effect: ChainEffect) -> int:
        if isinstance(effect, FillNonce):
            return _PLAIN_TRANSFER_GAS
        return await ask("the node", lambda: self._sender.check(self._call(effect)))

    async def fees(self) -> Fees:
        found = await ask("gas prices", self._sender.fees)
        return Fees(max_fee_wei=found.max_wei, priority_fee_wei=found.tip_wei)

    async def sign(self, effect: ChainEffect, *, nonce: int, gas: int, fees: Fees) -> Signed:
        prices = chain.Fees(tip_wei=min(fees.priority_fee_wei, fees.max_fee_wei), max_wei=fees.max_fee_wei)

        def make() -> Signed:
            if isinstance(effect, FillNonce):
                signed = self._sender.sign_nothing(nonce=nonce, gas=gas, fees=prices)
            else:
                signed = self._sender.sign(self._call(effect), nonce=nonce, gas=gas, fees=prices)
            return Signed(raw=signed.raw, hash=signed.tx_hash)

        return await ask("signing", make)

    async def send(self, raw: bytes) -> None:
        def hand_over() -> None:
            web3 = self._market.web3
            try:
                guard(self._market.url, lambda: web3.eth.send_raw_transaction(raw))
            except Web3RPCError as error:
                words = str(error)
                if any(known in words.lower() for known in _KNOWN):
                    return
                if any(reason in words.lower() for reason in _NOT_NOW):
                    raise Rejected(by="the node", reason=words) from error
                if "insufficient funds" in words.lower():
                    raise NoGasMoney(self._sender.address, words) from error
                raise

        await ask("sending", hand_over)

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        def read() -> Receipt | None:
            try:
                web3 = self._market.web3
                found = guard(self._market.url, lambda: web3.eth.get_transaction_receipt(tx_hash))  # type: ignore[arg-type]
            except TransactionNotFound:
                return None
            return Receipt(block_number=int(found["blockNumber"]), ok=int(found["status"]) == 1)

        return await ask("a receipt", read)

    async def nonces(self, final: BlockRef) -> Nonces:
        def read() -> Nonces:
            count = self._market.web3.eth.get_transaction_count
            mine = self._sender.address
            latest = guard(self._market.url, lambda: int(count(mine, "latest")))  # type: ignore[arg-type]
            settled = guard(self._market.url, lambda: int(count(mine, final.number)))  # type: ignore[arg-type]
            return Nonces(final=settled, latest=latest)

        return await ask("nonces", read)

    def _call(self, effect: ContractCall) -> ContractFunction:
        if isinstance(effect, BatchEffect):
            return self._batch.call(effect)
        market = self._market
        match effect:
            case RecordSeed():
                return market.record_seed(effect.epoch, fetch_header(market.web3, market.seed_block(effect.epoch)))
            case Settle():
                return market.settle(effect.task.job_id, effect.task.index)
            case ExpireClaim():
                return market.expire_claim(effect.task.job_id, effect.task.index, effect.worker)
            case Reopen():
                return market.reopen(effect.task.job_id, effect.task.index)
            case ExpireTask():
                return market.expire_task(effect.task.job_id, effect.task.index)
            case Refund():
                return market.refund(effect.job_id)
