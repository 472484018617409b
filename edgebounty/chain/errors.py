"""What can go wrong between us and a chain. Each error says what is wrong, whose fault it is and what to do."""

from __future__ import annotations

from typing import Any


class ChainError(Exception):
    """Root of every error of this package."""


class NodeUnreachable(ChainError):
    """The Ethereum node does not answer. Trying again later may work."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no Ethereum node answers at {url} ({reason}); check that it runs and that the URL is right, and try again"
        )
        self.url = url
        self.reason = reason


class WrongChain(ChainError):
    """The node serves another chain than the one the contracts live on. Nothing was sent."""

    def __init__(self, url: str, expected: int, actual: int) -> None:
        super().__init__(
            f"the node at {url} serves chain id {actual}, but the contracts live on chain id {expected}; "
            "nothing was sent: point the RPC URL at a node of the right chain"
        )
        self.url = url
        self.expected = expected
        self.actual = actual


class AccountError(ChainError):
    """A key file, keystore or password file cannot be used. The owner of the machine has to act."""


class AnvilError(ChainError):
    """The local chain cannot be started or stopped by itself."""


class HeaderMismatch(ChainError):
    """A header's encoding does not hash to the block's hash: a lying node, or a fork this version does not know."""

    def __init__(self, number: int, expected: bytes, actual: bytes) -> None:
        super().__init__(
            f"header of block {number} hashes to 0x{actual.hex()}, the node says 0x{expected.hex()}; "
            "the node is wrong, or its chain has header fields that this version does not know"
        )
        self.number = number


class ContractRejected(ChainError):
    """A contract refused a call with one of its typed errors. `name` and `args` are the error's own."""

    def __init__(self, name: str, args: dict[str, Any], message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.name = name
        self.arguments = args
        self.data = data


class TransactionFailed(ChainError):
    """The node would not take or could not include a transaction (no gas money, fee too low, dropped, reverted)."""


class NotIncluded(TransactionFailed):
    """A transaction was sent and not included in time. It may still be: look before sending another."""

    def __init__(self, tx_hash: bytes, seconds: float) -> None:
        super().__init__(
            f"transaction 0x{tx_hash.hex()} was not included within {seconds:g} s; it may still be: "
            "the chain is slow or its fee is too low"
        )
        self.tx_hash = tx_hash


class NoGasMoney(TransactionFailed):
    """The account that should send has too little of the chain's own coin to pay for gas."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address} cannot pay for gas ({reason}); send it some of the chain's coin, then try again")
        self.address = address
