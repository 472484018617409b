"""Errors that say who has to act: try again, answer the sender, or stop."""

from __future__ import annotations


class OrchestratorError(Exception):
    """Root of everything this service raises on purpose."""


class Unavailable(OrchestratorError):
    """A node, a gateway or a disk does not answer just now; the same call may work later."""

    def __init__(self, *, what: str, reason: str) -> None:
        super().__init__(f"{what} is not available: {reason}; trying again")
        self.what = what
        self.reason = reason


class RangeTooWide(Unavailable):
    """The node refuses a log query over so many blocks; ask for fewer. `at_once`, or after a pause if it is busy."""

    def __init__(self, *, what: str, reason: str, at_once: bool = True) -> None:
        super().__init__(what=what, reason=reason)
        self.at_once = at_once


class NodesDisagree(Unavailable):
    """The node and its witness contradict each other: one of them lies or stands on another fork. Nothing is done."""

    def __init__(self, *, what: str, node: str, witness: str) -> None:
        super().__init__(
            what="an agreed view of the chain",
            reason=f"the two nodes disagree about {what}: the node says {node}, the witness says {witness}. Nothing is "
            "decided or sent until they agree; find out which of them is wrong and replace it",
        )


class Rejected(OrchestratorError):
    """Somebody sent what cannot be accepted. `by` says who, `reason` what, in words they can act on."""

    def __init__(self, *, by: str, reason: str) -> None:
        super().__init__(f"refused from {by}: {reason}")
        self.by = by
        self.reason = reason


class Broken(OrchestratorError):
    """Going on could cost money: the process stops and sends nothing more."""


class DeepReorganisation(Broken):
    """The chain took back a block that we had taken as final."""

    def __init__(self, *, number: int, stored: bytes, found: bytes) -> None:
        super().__init__(
            f"block {number} was final as 0x{stored.hex()} and the node now says 0x{found.hex()}: the chain was "
            "reorganised deeper than the finality setting. Nothing was sent. Check the node; then start with an "
            "empty database (the state is rebuilt from the chain) and a deeper finality"
        )
        self.number = number


class WrongChain(Broken):
    """The node serves another chain, or the contracts are not where the deployment says."""


class FactRefused(Broken):
    """A final event cannot follow the state we hold: logs are missing or the contracts are others."""

    def __init__(self, *, fact: str, reason: str) -> None:
        super().__init__(
            f"the final event {fact} cannot follow what is stored: {reason}. The node left out logs, or the "
            "deployment file names other contracts. Nothing was sent. Check both and start again"
        )


class DatabaseInUse(Broken):
    """Another orchestrator works on the same database."""

    def __init__(self, *, database: str, holder: str) -> None:
        super().__init__(
            f"the database {database} is in use by another orchestrator ({holder}). "
            "Stop that one first, or give this one its own database"
        )


class StorageFailed(Broken):
    """The database cannot be read or written: nothing more is decided or sent."""

    def __init__(self, *, database: str, reason: str) -> None:
        super().__init__(
            f"the database {database} does not work: {reason}. Nothing was sent that is not stored. "
            "Check the disk (space, permissions) and start again"
        )


class DatabaseDamaged(Broken):
    """The stored state is not the one that was saved."""

    def __init__(self, *, block: int, stored: str, found: str) -> None:
        super().__init__(
            f"the database's state at block {block} has the digest {found}, but {stored} was saved: somebody changed "
            "or half restored it. Nothing was sent. Start with an empty database: it is rebuilt from the chain"
        )


class DatabaseForeign(Broken):
    """The database was written for another chain, other contracts or another account."""

    def __init__(self, *, database: str, field: str, stored: str, given: str) -> None:
        super().__init__(
            f"the database {database} belongs to {field} {stored}, but the settings say {given}. "
            "Use the old settings, or name an empty database"
        )


class SettingsError(OrchestratorError):
    """The settings cannot be used; the text lists every problem at once."""
