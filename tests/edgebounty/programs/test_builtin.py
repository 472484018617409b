"""Built-in programs are found by name and never used damaged."""

import pytest

from edgebounty.programs import builtin

pytestmark = pytest.mark.unit


def test_names__package__ships_what_the_three_jobs_need():
    assert set(builtin.names()) >= {
        *("table.stats", "table.stats.reduce", "table.stats.large", "table.stats.large.reduce"),
        *("mlp-64-128-10.train", "mlp-64-128-10.infer", "mean.mlp-64-128-10"),
        *("mlp-13-32-3.train", "mlp-13-32-3.infer", "mean.mlp-13-32-3"),
    }


@pytest.mark.parametrize("name", ["mlp-2-2-2.train", "", "../builtin/table.stats", "table.stats.wasm"])
def test_load__unknown_name__names_the_extra_to_install(name):
    with pytest.raises(builtin.UnknownProgram, match=r"edgebounty\[compile\]"):
        builtin.load(name)


def test_load__damaged_file__is_refused(tmp_path, monkeypatch):
    for change in (lambda b: b[:-1], lambda b: b + b"\0", lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:]):
        (tmp_path / "table.stats.wasm").write_bytes(change(builtin.load("table.stats")))
        with monkeypatch.context() as patched:
            patched.setattr(builtin, "FOLDER", tmp_path)
            with pytest.raises(builtin.DamagedProgram, match="install the package again"):
                builtin.load("table.stats")


def test_load__missing_file__is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(builtin, "FOLDER", tmp_path)

    with pytest.raises(builtin.DamagedProgram):
        builtin.load("table.stats")
