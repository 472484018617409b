from __future__ import annotations

from pathlib import Path

import pytest

from edgebounty.worker.settings import SettingsError, WorkerSettings

pytestmark = pytest.mark.unit
NEEDED = {"rpc_url": "http://x", "deployment": "d.json", "data_dir": "data", "key_file": "key"}


def test_load__file_then_environment_then_flags__the_later_wins(tmp_path: Path) -> None:
    file = tmp_path / "worker.toml"
    lines = ['rpc_url = "file"', 'deployment = "d.json"', 'data_dir = "data"', 'key_file = "key"', "cpu_share = 0.5"]
    file.write_text("\n".join([*lines, "max_open = 3", "niceness = 5"]))
    loaded = WorkerSettings.load(
        file=file,
        environ={"EDGEBOUNTY_WORKER_MAX_OPEN": "4", "EDGEBOUNTY_WORKER_NICENESS": "6"},
        flags={"niceness": "7", "cpu_share": None},
    )
    assert (loaded.cpu_share, loaded.max_open, loaded.niceness) == (0.5, 4, 7)
    assert loaded.data_dir == tmp_path / "data"


def test_load__several_missing__all_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"rpc_url is missing; deployment is missing; data_dir is missing"):
        WorkerSettings.load()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cpu_share", "0", "cpu_share"),
        ("cpu_share", "1.5", "cpu_share"),
        ("niceness", "20", "niceness"),
        ("max_open", "0", "max_open"),
        ("max_open", "two", "max_open cannot be 'two'"),
        ("max_open", 1.5, "max_open cannot be 1.5"),
        ("max_memory_bytes", "1000", "1 MiB"),
        ("min_slot_price", "-1", "min_slot_price"),
        ("poll_seconds", "0", "poll_seconds"),
        ("min_task_seconds", "-1", "min_task_seconds"),
        ("max_job_days", "0", "max_job_days"),
        ("withdraw_at_stop", "perhaps", "withdraw_at_stop cannot be 'perhaps'"),
        ("keystore", "k.json", "either key_file or keystore"),
    ],
)
def test_load__bad_value__named(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        WorkerSettings.load(flags={**NEEDED, name: value})


def test_load__unknown_name_in_the_file__refused(tmp_path: Path) -> None:
    file = tmp_path / "worker.json"
    file.write_text('{"cpu_shares": 1}')
    with pytest.raises(SettingsError, match="unknown settings cpu_shares; known are"):
        WorkerSettings.load(file=file)


@pytest.mark.parametrize(("name", "text"), [("w.toml", "a = = 1"), ("w.json", "{"), ("w.json", "[1]")])
def test_load__file_that_is_none__says_so(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=name):
        WorkerSettings.load(file=tmp_path / name)


def test_load__no_such_file__says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        WorkerSettings.load(file=tmp_path / "none.toml")


def test_load__yes_and_no__understood() -> None:
    assert WorkerSettings.load(flags={**NEEDED, "withdraw_at_stop": "yes"}).withdraw_at_stop
    assert not WorkerSettings.load(flags={**NEEDED, "withdraw_at_stop": "false"}).withdraw_at_stop


def test_load__default_of_the_caller__below_file_and_environment(tmp_path: Path) -> None:
    others = {name: value for name, value in NEEDED.items() if name != "data_dir"}
    fallback = {"data_dir": Path("/fallback")}
    assert WorkerSettings.load(flags=others, defaults=fallback).data_dir == Path("/fallback")
    file = tmp_path / "w.toml"
    file.write_text('data_dir = "of-file"\n')
    assert WorkerSettings.load(file=file, flags=others, defaults=fallback).data_dir == tmp_path / "of-file"
    environ = {"EDGEBOUNTY_WORKER_DATA_DIR": "/of-environment"}
    chosen = WorkerSettings.load(file=file, environ=environ, flags=others, defaults=fallback)
    assert chosen.data_dir == Path("/of-environment")
