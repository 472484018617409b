"""Tells any exception in our users' words. Libraries' errors are translated here and nowhere above."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from edgebounty.cli.fault_rules import (
    CONTRACT_REMEDIES,
    EXIT_BROKEN,
    EXIT_REJECTED,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    RULES,
    Rule,
)
from edgebounty.client.errors import Broken, ClientError, Rejected, Unavailable

__all__ = ["EXIT_BROKEN", "EXIT_REJECTED", "EXIT_UNAVAILABLE", "EXIT_USAGE", "Declined", "Fault", "explain"]


class Declined(click.Abort):
    """The user was asked and said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as the user reads it."""

    what: str
    whose: str
    remedy: str
    exit_status: int

    @classmethod
    def usage(cls, what: str, *, command: str) -> Fault:
        return cls(what=what, whose="yours (the command)", remedy=f"see {command} --help", exit_status=EXIT_USAGE)


def explain(error: BaseException) -> Fault:
    """The fault behind `error`. What nobody foresaw is ours."""
    match error:
        case Rejected():
            return _client_fault(error, EXIT_REJECTED)
        case Unavailable():
            return _client_fault(error, EXIT_UNAVAILABLE)
        case Broken():
            return _client_fault(error, EXIT_BROKEN)
    for rule in RULES:
        kind = getattr(sys.modules.get(rule.module), rule.name, None)
        if isinstance(kind, type) and isinstance(error, kind):
            what, remedy = _halves(error, rule)
            return Fault(what=what, whose=rule.whose, remedy=remedy, exit_status=rule.exit_status)
    match error:
        case OSError(filename=str() | bytes()):
            return Fault(
                what=f"cannot use {error.filename!s}: {error.strerror}",
                whose="yours (the path) or this machine's",
                remedy="check the path, your rights on it, and the free space",
                exit_status=EXIT_REJECTED,
            )
        case ConnectionError() | TimeoutError():
            return Fault(
                what=f"no answer: {error}",
                whose="the network's or the service's",
                remedy="check that it runs and is reachable, then try again",
                exit_status=EXIT_UNAVAILABLE,
            )
        case _:
            return Fault(
                what=f"{type(error).__name__}: {error}",
                whose="Edgebounty's",
                remedy="run it again with EDGEBOUNTY_TRACEBACK=1 and report what it prints",
                exit_status=EXIT_BROKEN,
            )


def _halves(error: BaseException, rule: Rule) -> tuple[str, str]:
    """What is wrong and what to do, from an error's own text; the rule's remedy where the text has none."""
    text = str(error)
    known = CONTRACT_REMEDIES.get(str(getattr(error, "name", "")))
    if known is not None:
        return text, known
    for joint in () if rule.joint is None else (rule.joint, "; "):
        what, found, remedy = text.rpartition(joint)
        if found:
            return what, remedy
    return text, rule.remedy


def _client_fault(error: ClientError, exit_status: int) -> Fault:
    return Fault(what=error.what, whose=error.whose, remedy=error.remedy, exit_status=exit_status)
