"""Tells any exception in our users' words. Libraries' errors are translated here and nowhere above."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from edgebounty.client.errors import Broken, ClientError, Rejected, Unavailable

EXIT_BROKEN = 1
EXIT_USAGE = 2
EXIT_REJECTED = 3
EXIT_UNAVAILABLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as the user reads it."""

    what: str
    whose: str
    remedy: str
    exit_status: int

    @classmethod
    def usage(cls, what: str) -> Fault:
        return cls(what=what, whose="yours (the command)", remedy="see --help", exit_status=EXIT_USAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """How the errors of one class read. Their own text may end in "; what to do"."""

    module: str
    name: str
    whose: str
    remedy: str
    exit_status: int
    joint: str = "; "
    """What stands between what is wrong and what to do, in the errors' own text."""


# First match wins, so leaves stand above roots. Named by text: an error's module was imported by whoever raised it,
# and importing all of them here would cost every command a second.
_RULES = tuple(
    _Rule(module=module, name=name, whose=whose, remedy=remedy, exit_status=status)
    for module, name, whose, remedy, status in (
        ("edgebounty.chain.deployment", "DeploymentError", "yours (the settings)", "check --deployment", EXIT_REJECTED),
        ("edgebounty.execution", "JobFailed", "the job author's", "change the data or the settings", EXIT_REJECTED),
        ("edgebounty.jobs.check", "JobError", "the job author's", "change the job", EXIT_REJECTED),
        ("edgebounty.worker.settings", "SettingsError", "yours (the settings)", "see --help", EXIT_REJECTED),
        ("edgebounty.chain.errors", "NodeUnreachable", "the node's or the network's", "try again", EXIT_UNAVAILABLE),
        ("edgebounty.chain.errors", "WrongChain", "yours (the settings)", "check --rpc-url and --dir", EXIT_REJECTED),
        ("edgebounty.chain.errors", "AccountError", "yours (the account)", "check the file", EXIT_REJECTED),
        ("edgebounty.chain.errors", "AnvilError", "this machine's", "run `make setup`", EXIT_UNAVAILABLE),
        ("edgebounty.chain.errors", "ContractRejected", "the caller's", "look at the job's state first", EXIT_REJECTED),
        ("edgebounty.chain.errors", "NoGasMoney", "yours (the account)", "send it some coin", EXIT_REJECTED),
        ("edgebounty.chain.errors", "NotIncluded", "the chain's", "look before you send again", EXIT_UNAVAILABLE),
        ("edgebounty.chain.errors", "TransactionFailed", "the chain's", "try again", EXIT_UNAVAILABLE),
        ("edgebounty.chain.errors", "ChainError", "the chain's", "try again", EXIT_UNAVAILABLE),
        ("edgebounty.protocol.cid", "CidError", "yours (the CID)", "copy the whole CID", EXIT_REJECTED),
        ("edgebounty.protocol.manifest", "ManifestError", "the job author's", "fix that field", EXIT_REJECTED),
        (
            "edgebounty.programs.errors",
            "ProgramRejected",
            "the program's author's",
            "change the program",
            EXIT_REJECTED,
        ),
        (
            "edgebounty.programs.compiler.errors",
            "CompilerMissing",
            "yours (the installation)",
            "pip install 'edgebounty[compile]'",
            EXIT_REJECTED,
        ),
        ("edgebounty.programs.compiler.errors", "BadSource", "the program's author's", "change it", EXIT_REJECTED),
        ("edgebounty.programs.errors", "RuntimeUnavailable", "this machine's", "free some memory", EXIT_UNAVAILABLE),
        ("edgebounty.content.store", "ContentMissing", "the content node's", "ask who published it", EXIT_UNAVAILABLE),
        ("edgebounty.content.store", "ContentCorrupt", "the one who served it", "name another gateway", EXIT_REJECTED),
        ("edgebounty.content.store", "ContentError", "the content node's", "try again", EXIT_UNAVAILABLE),
        (
            "edgebounty.worker.journal",
            "JournalError",
            "this machine's",
            "give the worker its own folder",
            EXIT_REJECTED,
        ),
    )
) + tuple(
    _Rule(module=module, name=name, whose=whose, remedy=remedy, exit_status=status, joint=". ")
    for module, name, whose, remedy, status in (
        ("orchestrator.config", "SettingsProblem", "yours (the settings)", "see --help", EXIT_REJECTED),
        ("orchestrator.domain.errors", "DatabaseInUse", "yours (two at once)", "stop the other one", EXIT_REJECTED),
        ("orchestrator.domain.errors", "DatabaseForeign", "yours (the settings)", "name another", EXIT_REJECTED),
        ("orchestrator.domain.errors", "WrongChain", "yours (the settings)", "check rpc_url", EXIT_REJECTED),
        ("orchestrator.domain.errors", "DeepReorganisation", "the chain's", "check the node", EXIT_BROKEN),
        ("orchestrator.domain.errors", "FactRefused", "the node's", "check the node", EXIT_BROKEN),
        (
            "orchestrator.domain.errors",
            "Broken",
            "yours (the settings) or this machine's",
            "correct it, start again",
            EXIT_BROKEN,
        ),
        ("orchestrator.domain.errors", "Unavailable", "the network's or the node's", "try again", EXIT_UNAVAILABLE),
    )
)


def explain(error: BaseException) -> Fault:
    """The fault behind `error`. What nobody foresaw is ours."""
    match error:
        case Rejected():
            return _client_fault(error, EXIT_REJECTED)
        case Unavailable():
            return _client_fault(error, EXIT_UNAVAILABLE)
        case Broken():
            return _client_fault(error, EXIT_BROKEN)
    for rule in _RULES:
        kind = getattr(sys.modules.get(rule.module), rule.name, None)
        if isinstance(kind, type) and isinstance(error, kind):
            what, remedy = _halves(str(error), rule)
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


def _halves(text: str, rule: _Rule) -> tuple[str, str]:
    """What is wrong and what to do, from an error's own text; the rule's remedy where the text has none."""
    for joint in (rule.joint, "; "):
        what, found, remedy = text.rpartition(joint)
        if found:
            return what, remedy
    return text, rule.remedy


def _client_fault(error: ClientError, exit_status: int) -> Fault:
    return Fault(what=error.what, whose=error.whose, remedy=error.remedy, exit_status=exit_status)
