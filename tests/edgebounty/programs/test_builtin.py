"""Built-in programs are found by name and never used damaged."""

import pytest

from edgebounty.programs import builtin
from edgebounty.programs.errors import ProgramError
from edgebounty.programs.models import UnknownModel, init_state, model_sizes
from edgebounty.protocol.hashing import sha256

pytestmark = pytest.mark.unit

SEED_7 = "34bf11c122c113f221b6c215f519e5f03d48bc6d42dd0cdc5b570eb9ff8763c1"


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


def test_init_state__same_seed__is_the_same_everywhere():
    assert sha256(init_state("mlp:64-128-10", 7)) == sha256(init_state("mlp-64-128-10", 7))
    assert sha256(init_state("mlp:64-128-10", 7)).hex() == SEED_7
    assert init_state("mlp:64-128-10", 8) != init_state("mlp:64-128-10", 7)


@pytest.mark.parametrize("model", ["mlp:64-128-10", "mlp-13-32-3"])
def test_init_state__built_in_model__fits_its_program(model):
    name = f"{model.replace(':', '-')}.train"

    assert len(init_state(model, 0)) == builtin.info(name).layout.role_bytes("state")


@pytest.mark.parametrize("model", ["mlp", "mlp:1-2", "mlp:0-2-3", "cnn:1-2-3", "mlp:1-2-3-4", "mlp:-1-2-3", ""])
def test_model_sizes__other_form__says_what_is_wanted(model):
    with pytest.raises(UnknownModel, match="INPUTS-HIDDEN-CLASSES") as caught:
        model_sizes(model)
    assert isinstance(caught.value, ProgramError)
