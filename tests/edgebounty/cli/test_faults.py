"""The rules that turn errors into words: named by text, so nothing else would notice when a class moves."""

from __future__ import annotations

import importlib
import os

import click
import pytest

from edgebounty.chain.errors import ContractRejected
from edgebounty.cli import boundary, faults
from edgebounty.cli.fault_rules import CONTRACT_REMEDIES, RULES, Rule
from edgebounty.cli.output import Output
from edgebounty.worker.settings import SettingsError
from orchestrator.domain.errors import DatabaseInUse

pytestmark = pytest.mark.unit


def class_of(rule: Rule) -> type[Exception]:
    found = getattr(importlib.import_module(rule.module), rule.name)
    assert isinstance(found, type)
    assert issubclass(found, Exception)
    return found


def test_rules__every_class__exists_and_no_root_hides_a_leaf() -> None:
    classes = [class_of(rule) for rule in RULES]
    for i, early in enumerate(classes):
        assert not [late for late in classes[i + 1 :] if issubclass(late, early)], early


def test_rules__contract_errors__are_errors_of_our_contracts() -> None:
    from edgebounty.chain.rejections import error_shapes

    known = {shape.name for shape in error_shapes().values()} | {"Unknown"}
    assert CONTRACT_REMEDIES.keys() <= known


def test_explain__error_that_says_what_to_do__split_there() -> None:
    told = faults.explain(DatabaseInUse(database="d", holder="pid 7"))
    assert told.what == "the database d is in use by another orchestrator (pid 7)"
    assert told.remedy == "Stop that one first, or give this one its own database"
    assert told.exit_status == faults.EXIT_REJECTED


def test_explain__several_wrong_settings__all_stay_in_what_is_wrong() -> None:
    told = faults.explain(SettingsError("worker settings: a is missing; b is missing"))
    assert told.what.endswith("a is missing; b is missing")
    assert "--help" in told.remedy


def test_explain__contracts_own_error__says_what_to_do_about_that_one() -> None:
    told = faults.explain(ContractRejected("NotTheRequester", {}, "the contract refused: not the requester"))
    assert told.remedy == "use the account that posted the job"


def test_confirm__no__nothing_was_sent(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def spend() -> None:
        Output(as_json=False).confirm("Escrow 5 EDGE?")
        raise AssertionError("went on after a no")

    reader, writer = os.openpty()
    os.write(reader, b"n\n")
    with os.fdopen(writer) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        assert boundary.run(spend, []) == boundary.EXIT_INTERRUPTED
    os.close(reader)
    assert "Not done: nothing was sent." in capfd.readouterr().err
