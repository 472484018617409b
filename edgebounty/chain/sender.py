"""Sending transactions: build, sign, send, wait. One account, one thread at a time."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.types import TxParams, TxReceipt, Wei

from edgebounty.chain.errors import NoGasMoney, NotIncluded, TransactionFailed
from edgebounty.chain.rejections import rejection_of
from edgebounty.chain.rpc import guard, url_of
from edgebounty.protocol.types import Address, to_address

_GAS_MARGIN = 1.2
_GAS_ROOM = 30_000
_NONCE_SECONDS = 5.0
_FEES_SECONDS = 3.0  # a ceiling of twice the base fee holds for some blocks
# EIP-1559: a node drops a replacement that does not pay at least a tenth more; 12.5 % is what all of them accept.
BUMP = 1.125


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """EIP-1559 prices per gas, in wei."""

    tip_wei: int
    max_wei: int

    def bumped(self) -> Fees:
        """A price that replaces a stuck transaction of the same nonce."""
        return Fees(tip_wei=int(self.tip_wei * BUMP) + 1, max_wei=int(self.max_wei * BUMP) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """Bytes that can be sent any number of times with one effect."""

    raw: bytes
    tx_hash: bytes
    nonce: int
    fees: Fees
    fields: TxParams


class Sender:
    """Sends calls of one account. Keeps its own nonce; looks it up again after every failure."""

    def __init__(
        self, web3: Web3, account: LocalAccount, *, wait_seconds: float = 60.0, poll_seconds: float | None = None
    ) -> None:
        self.web3 = web3
        self.account = account
        self.address: Address = to_address(account.address)
        self.chain_id = int(web3.eth.chain_id)
        self._url = url_of(web3)
        self._wait_seconds = wait_seconds
        self._poll_seconds = poll_seconds
        self._nonce: int | None = None
        self._nonce_at = 0.0
        self._fees: tuple[float, Fees] | None = None
        self._lock = threading.Lock()

    def fees(self) -> Fees:
        """What a transaction should pay now: twice the base fee as a ceiling, and the node's advice as a tip."""

        now = time.monotonic()
        if self._fees is not None and now - self._fees[0] < _FEES_SECONDS:
            return self._fees[1]

        def ask() -> Fees:
            base = int(self.web3.eth.get_block("latest").get("baseFeePerGas") or 0)
            tip = int(self.web3.eth.max_priority_fee)
            return Fees(tip_wei=tip, max_wei=2 * base + tip)

        fees = guard(self._url, ask)
        self._fees = (now, fees)
        return fees

    def check(self, function: ContractFunction) -> int:
        """Gas that the call would use now. Raises `ContractRejected` when the contract would refuse it."""
        try:
            return guard(self._url, lambda: int(function.estimate_gas({"from": self.address})))
        except (ContractLogicError, Web3RPCError) as error:
            raise self._translate(error) from error

    def gas_for(self, function: ContractFunction) -> int:
        """A gas limit with room for what others may change in between. Raises like `check`."""
        return int(self.check(function) * _GAS_MARGIN) + _GAS_ROOM

    def sign(
        self, function: ContractFunction, *, nonce: int, gas: int | None = None, fees: Fees | None = None
    ) -> SignedTransaction:
        """Build and sign, without sending. The contract is asked first unless `gas` is given."""
        gas_limit = self.gas_for(function) if gas is None else gas
        used = fees or self.fees()
        fields: TxParams = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": nonce,  # type: ignore[typeddict-item]
            "to": function.address,
            "value": Wei(0),
            "gas": gas_limit,
            "maxFeePerGas": Wei(used.max_wei),
            "maxPriorityFeePerGas": Wei(used.tip_wei),
            "data": function._encode_transaction_data(),
        }
        return self.sign_fields(fields, used)

    def sign_nothing(self, *, nonce: int, gas: int, fees: Fees) -> SignedTransaction:
        """A transfer of nothing to ourselves: it only uses up a nonce."""
        fields: TxParams = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": nonce,  # type: ignore[typeddict-item]
            "to": self.address,
            "value": Wei(0),
            "gas": gas,
            "data": b"",
        }
        return self.sign_fields(fields, fees)

    def sign_fields(self, fields: TxParams, fees: Fees) -> SignedTransaction:
        """Sign ready fields, as after a bump: same nonce, new `fees`."""
        priced: TxParams = {
            **fields,
            "maxFeePerGas": Wei(fees.max_wei),
            "maxPriorityFeePerGas": Wei(fees.tip_wei),
        }
        signed = self.account.sign_transaction(priced)  # type: ignore[arg-type]
        return SignedTransaction(
            raw=bytes(signed.raw_transaction),
            tx_hash=bytes(signed.hash),
            nonce=int(priced["nonce"]),
            fees=fees,
            fields=priced,
        )

    def next_nonce(self) -> int:
        """The nonce after everything that the node knows of, mined or waiting."""
        return guard(self._url, lambda: int(self.web3.eth.get_transaction_count(self.address, "pending")))  # type: ignore[arg-type]

    def in_flight(self, block_number: int) -> int:
        """How many transactions of this account the node knows that were not in a block yet as at `block_number`."""
        included = guard(self._url, lambda: int(self.web3.eth.get_transaction_count(self.address, block_number)))  # type: ignore[arg-type]
        return max(self.next_nonce() - included, 0)

    def send_raw(self, signed: SignedTransaction) -> None:
        """Hand the bytes to the node. Sending what it already has is no error.

        Raises `NoGasMoney` or `TransactionFailed` when the node refuses them.
        """
        try:
            guard(self._url, lambda: self.web3.eth.send_raw_transaction(signed.raw))
        except Web3RPCError as error:
            reason = _words(error)
            if self._is_known(signed.tx_hash):
                return
            if "insufficient funds" in reason.lower():
                raise NoGasMoney(self.address, reason) from error
            raise TransactionFailed(f"the node refused a transaction of {self.address}: {reason}") from error

    def send_raw_quietly(self, signed: SignedTransaction) -> None:
        """`send_raw` once more, for a node that may have dropped it; a refusal says nothing new."""
        with contextlib.suppress(TransactionFailed):
            self.send_raw(signed)

    def wait(self, signed: SignedTransaction, *, seconds: float | None = None) -> TxReceipt:
        """The receipt, once the transaction is in a block and worked.

        Raises `NotIncluded` after `seconds`, and `ContractRejected` or `TransactionFailed` when it reverted.
        """
        limit = self._wait_seconds if seconds is None else seconds
        started = time.monotonic()
        pause = 0.02
        while True:
            receipt = self.receipt(signed)
            if receipt is not None:
                return receipt
            if time.monotonic() - started > limit:
                raise NotIncluded(signed.tx_hash, limit)
            time.sleep(pause)
            pause = self._poll_seconds or min(pause * 1.5, 1.0)

    def send(self, function: ContractFunction, *, gas: int | None = None) -> TxReceipt:
        """Check, sign, send and wait: the receipt of a call that worked.

        A wrong nonce (another program sends with the same key) is looked up again once. Raises `ContractRejected`
        when the contract refuses, before anything is sent where possible.
        """
        return self.wait(self.post(function, gas=gas))

    def post(self, function: ContractFunction, *, gas: int | None = None) -> SignedTransaction:
        """Check, sign and send without waiting. Several calls may be on their way at once."""
        limit = self.gas_for(function) if gas is None else gas
        fees = self.fees()
        with self._lock:
            for attempt in (1, 2):
                nonce = self._fresh_nonce()
                signed = self.sign(function, nonce=nonce, gas=limit, fees=fees)
                try:
                    self.send_raw(signed)
                except TransactionFailed as error:
                    self._nonce = None
                    if attempt == 2 or "nonce" not in str(error).lower():
                        raise
                    continue
                self._nonce, self._nonce_at = nonce + 1, time.monotonic()
                return signed
        raise AssertionError("unreachable")

    def receipt(self, signed: SignedTransaction) -> TxReceipt | None:
        """The receipt, or None while the transaction is in no block. Raises like `wait` when it reverted."""
        receipt = self._receipt(signed.tx_hash)
        if receipt is not None and int(receipt["status"]) != 1:
            raise self._why_reverted(signed, receipt)
        return receipt

    def bump(self, signed: SignedTransaction, *, max_wei: int | None = None) -> SignedTransaction:
        """Send a stuck transaction again for an eighth more, up to `max_wei` per gas. Either one may get in, not both.

        Raises `TransactionFailed` when the node takes neither, as when the first one has just got in.
        """
        advised, raised = self.fees(), signed.fees.bumped()
        fees = Fees(tip_wei=max(advised.tip_wei, raised.tip_wei), max_wei=max(advised.max_wei, raised.max_wei))
        if max_wei is not None and fees.max_wei > max_wei:
            raise TransactionFailed(f"a fee of {fees.max_wei} wei per gas is above the cap of {max_wei}; holding")
        again = self.sign_fields(signed.fields, fees)
        self.send_raw(again)
        return again

    def _fresh_nonce(self) -> int:
        """Our own count for a moment after each transaction, as nodes may be slow to count it; else the node's, as a
        reorganisation may have undone some."""
        if self._nonce is None or time.monotonic() - self._nonce_at > _NONCE_SECONDS:
            return self.next_nonce()
        return self._nonce

    def resync(self) -> None:
        """Forget the nonce: the next call asks the node."""
        with self._lock:
            self._nonce = None

    def _is_known(self, tx_hash: bytes) -> bool:
        """Whether the node has this very transaction, waiting or in a block."""
        try:
            guard(self._url, lambda: self.web3.eth.get_transaction(tx_hash))  # type: ignore[arg-type]
        except TransactionNotFound:
            return False
        return True

    def _receipt(self, tx_hash: bytes) -> TxReceipt | None:
        try:
            return guard(self._url, lambda: self.web3.eth.get_transaction_receipt(tx_hash))  # type: ignore[arg-type]
        except TransactionNotFound:
            return None

    def _why_reverted(self, signed: SignedTransaction, receipt: TxReceipt) -> Exception:
        """Ask the call again, on the block before, to learn what a receipt does not say."""
        call: dict[str, Any] = {
            "from": self.address,
            "to": signed.fields["to"],
            "data": signed.fields["data"],
            "gas": signed.fields["gas"],
        }
        try:
            guard(self._url, lambda: self.web3.eth.call(call, int(receipt["blockNumber"])))  # type: ignore[arg-type]
        except Web3Exception as error:
            return self._translate(error)
        return TransactionFailed(
            f"transaction 0x{signed.tx_hash.hex()} was included in block {receipt['blockNumber']} and reverted: "
            f"out of gas ({receipt['gasUsed']} of {signed.fields['gas']} used), or another came first"
        )

    def _translate(self, error: Exception) -> Exception:
        rejected = rejection_of(error)
        if rejected is not None:
            return rejected
        reason = _words(error)
        if "insufficient funds" in reason.lower():
            return NoGasMoney(self.address, reason)
        return TransactionFailed(f"the node cannot run a call of {self.address}: {reason}")


def _words(error: Exception) -> str:
    response = getattr(error, "rpc_response", None)
    if isinstance(response, dict):
        inner = response.get("error")
        if isinstance(inner, dict) and inner.get("message"):
            return str(inner["message"])
    return str(getattr(error, "message", None) or error)
