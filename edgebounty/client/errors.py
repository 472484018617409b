"""What can go wrong for somebody who uses the market, and whose fault it is.

Every error says three things: what is wrong, whose fault it is, and what to do. The command line prints them
as they are; a notebook sees them in the exception's text.
"""

from __future__ import annotations


class ClientError(Exception):
    """Root of the client's errors."""

    whose = "nobody's"

    def __init__(self, what: str, *, remedy: str, whose: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        if whose is not None:
            self.whose = whose

    def __str__(self) -> str:
        return f"{self.what} ({self.remedy})"


class Rejected(ClientError):
    """The request cannot be met as it stands; asking again changes nothing."""

    whose = "yours"


class Unavailable(ClientError):
    """Something we need does not answer now; asking again later may work."""

    whose = "the network's or the service's"


class Broken(ClientError):
    """We did something that must not happen."""

    whose = "Edgebounty's"
