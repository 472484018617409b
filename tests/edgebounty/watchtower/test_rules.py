"""What a watchtower draws, when it asks again, and when the books are a finding."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from edgebounty.chain.errors import NodeUnreachable, NoGasMoney
from edgebounty.cli.boundary import run
from edgebounty.cli.watch import watch
from edgebounty.programs.errors import RuntimeUnavailable
from edgebounty.protocol.types import Digest
from edgebounty.watchtower import journal as states
from edgebounty.watchtower import rules
from edgebounty.watchtower.journal import Journal, StateError
from edgebounty.watchtower.rules import Settled
from edgebounty.watchtower.tower import Tower

pytestmark = pytest.mark.unit
SETTLED = Settled(job_id=1, task=2, digest=Digest(b"\1" * 32), tx_hash=b"\2" * 32, block=7)


def open_journal(path: Path, escrow: str = "0x1") -> Journal:
    return Journal(path, chain_id=31337, escrow=escrow, first_block=5)


def test_is_drawn__share__is_met_and_depends_on_the_secret_alone() -> None:
    ours = [rules.is_drawn(b"a" * 32, job, task, 0.05) for job in range(100) for task in range(100)]
    theirs = [rules.is_drawn(b"b" * 32, job, task, 0.05) for job in range(100) for task in range(100)]
    assert 400 < sum(ours) < 600
    assert sum(a and b for a, b in zip(ours, theirs, strict=True)) < 60
    assert ours == [rules.is_drawn(b"a" * 32, job, task, 0.05) for job in range(100) for task in range(100)]


def test_is_drawn__all__every_task() -> None:
    assert all(rules.is_drawn(b"a" * 32, 1, task, 1.0) for task in range(1000))


def test_retry_after__doubles_up_to_an_hour() -> None:
    assert [rules.retry_after(tries) for tries in (1, 2, 3, 11, 10_000)] == [5, 10, 20, 3600, 3600]


@pytest.mark.parametrize(("difference", "surplus"), [(1, 0), (-1, 0), (0, -1)])
def test_insolvent__off_by_one_unit__found(difference: int, surplus: int) -> None:
    found = rules.insolvent(9, difference, surplus)
    assert found is not None
    assert found.is_alarm


def test_insolvent__adds_up_also_with_a_donation__nothing() -> None:
    assert rules.insolvent(9, 0, 0) is None
    assert rules.insolvent(9, 0, 5) is None


def test_journal__opened_again__same_secret_cursor_and_tasks(tmp_path: Path) -> None:
    first = open_journal(tmp_path / "j")
    assert first.next_block == 5
    first.passed(8, [(SETTLED, True)], [])
    secret = first.secret
    first.close()
    again = open_journal(tmp_path / "j")
    assert (again.secret, again.next_block) == (secret, 8)
    assert [one for one, _, _ in again.waiting(0)] == [SETTLED]
    again.passed(8, [(SETTLED, True)], [])
    again.looked(SETTLED, states.RIGHT, [])
    assert again.waiting(None) == []
    assert again.counts()[states.RIGHT] == 1


def test_journal__nothing_served__waits_for_its_time(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "j")
    journal.passed(8, [(SETTLED, True)], [])
    journal.in_vain(SETTLED, "bafk", 100.0, [])
    assert journal.waiting(99.0) == []
    assert journal.waiting(100.0) == [(SETTLED, 1, "bafk")]
    assert journal.counts()["missing"] == 1


def test_tower__machine_too_small__not_judged_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_small(*_: object) -> Digest:
        raise RuntimeUnavailable("no memory")

    monkeypatch.setattr(Tower, "_run", too_small)
    monkeypatch.setattr("edgebounty.watchtower.tower.check_terms", lambda *_: None)
    journal = open_journal(tmp_path / "j")
    journal.passed(8, [(SETTLED, True)], [])
    market = MagicMock()
    market.job.return_value.terms.manifest_digest = Digest(b"\3" * 32)
    Tower(market, journal, share=1, tell=print)._look(SETTLED, 0, None)
    assert [found.kind for _, found in journal.untold()] == [rules.Kind.NOT_RUN]
    assert [one for one, _, _ in journal.waiting(None)] == [SETTLED]
    assert journal.waiting(0) == []
    assert (journal.alarms(), journal.counts()["missing"]) == (0, 0)


@pytest.mark.parametrize(("kept", "state"), [(27, states.SKIPPED), (32, states.UNRUNNABLE)])
def test_tower__task_with_inputs__a_receipts_27_bytes_name_no_output_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int, state: str
) -> None:
    """In the direct lane inputs that were never settled are a fault; in the batch lane they cannot be known."""
    settled = replace(SETTLED, digest=Digest(b"\1" * kept))
    monkeypatch.setattr("edgebounty.watchtower.tower.check_terms", lambda *_: None)
    monkeypatch.setattr("edgebounty.watchtower.tower.describe", lambda *_: MagicMock(input_tasks=(0,), state_task=None))
    journal = open_journal(tmp_path / "j")
    journal.paid([(settled, True)])
    market = MagicMock()
    market.job.return_value.terms.manifest_digest = Digest(b"\3" * 32)
    market.contracts.results.return_value = [None]
    Tower(market, journal, share=1, tell=print)._look(settled, 0, None)
    assert journal.counts()[state] == 1


def test_journal__told__is_told_once(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "j")
    found = rules.unrunnable(SETTLED, "no")
    journal.note([found, found])
    ((number, told),) = journal.untold()
    assert told == found
    journal.told(number)
    journal.note([found])
    assert journal.untold() == []
    assert journal.alarms() == 1


def test_journal__second_watchtower_or_other_market__refused(tmp_path: Path) -> None:
    first = open_journal(tmp_path / "j")
    with pytest.raises(StateError, match="another watchtower"):
        open_journal(tmp_path / "j")
    first.close()
    with pytest.raises(StateError, match="is of the market"):
        open_journal(tmp_path / "j", escrow="0x2")


def test_journal__no_database__refused(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("this is no database, whatever it is called; it is only a text")
    with pytest.raises(StateError, match="cannot be used"):
        open_journal(tmp_path / "j")


def test_watch__node_or_account_in_trouble__says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = [NodeUnreachable("http://node", "it refuses the logs of block 7"), NoGasMoney("0x1", "no coin"), None]

    def one_round(tower: Tower, *, once: bool = False) -> None:
        if not rounds:
            raise KeyboardInterrupt
        trouble = rounds.pop(0)
        if trouble is not None:
            raise trouble

    monkeypatch.setattr(Tower, "round", one_round)
    monkeypatch.setattr("edgebounty.cli.watch.POLL_SECONDS", 0)
    market = MagicMock()
    market.contracts.deployment.chain_id = 31337
    market.contracts.deployment.block = 0
    market.contracts.deployment.escrow = "0x1"
    monkeypatch.setattr("edgebounty.cli.context.open_market", lambda *_, **__: market)
    assert run(watch, ["--state", str(tmp_path / "j")]) == 130
    said = "".join(capsys.readouterr())
    assert "it refuses the logs of block 7" in said
    assert "0x1 cannot pay for gas" in said
    assert rounds == []
