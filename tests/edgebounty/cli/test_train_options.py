"""What `train` is told: options that contradict each other are refused before anything is read or sent."""

from pathlib import Path

import click
import numpy as np
import pytest

from edgebounty.cli.root import root
from edgebounty.client.errors import Rejected

pytestmark = pytest.mark.integration


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    np.savez(tmp_path / "s.npz", x=np.zeros((40, 13)), y=np.zeros(40))
    return tmp_path / "s.npz"


def train(samples: Path, *options: object) -> None:
    arguments = ["job", "run-local", "train", "--data", samples, "--model", "mlp:13-32-3", *options]
    root([str(argument) for argument in arguments], standalone_mode=False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--outer-rate", 0.5), "is for --outer nesterov"),
        (("--trim", 0.2, "--outer", "median"), "is for --outer trimmed"),
        (("--warmup-steps", 5), "are for --schedule"),
        (("--total-steps", 5), "are for --schedule"),
        (("--validation", "v.npz", "--validation-share", 0.5), "name the rows to validate with once"),
        (("--validation-share", 1), "is not in the range"),
        (("--optimizer", "lion"), "'lion' is not one of"),
        (("--local-steps", 0), "is not in the range"),
        (("--trim", 0.7, "--outer", "trimmed"), "is not in the range"),
        (("--outer-momentum", 1, "--outer", "nesterov"), "is not in the range"),
    ],
)
def test_options__that_do_not_go_together__are_refused(samples: Path, options: tuple[object, ...], said: str) -> None:
    with pytest.raises(click.UsageError) as told:
        train(samples, *options)
    assert said in told.value.format_message()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--patience", 2), "without a better validation"),
        (("--resume",), "no folder to go on from"),
        (("--validation-share", 0.001), "is 0 of them"),
        (("--validation", "none.npz"), "cannot read none.npz"),
        (("--fan-in", 2, "--outer", "median"), "median of medians"),
        (("--model", "net"), "is no model"),
        (("--model", "none.onnx"), "cannot be read"),
        (("--shards", 41), "cannot be cut into 41 shards"),
    ],
)
def test_training__that_makes_no_job__is_refused(samples: Path, options: tuple[object, ...], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        train(samples, *options)


@pytest.mark.parametrize("options", [(), ("--optimizer", "adam")])
def test_label__out_of_range__is_refused_with_its_row(tmp_path: Path, options: tuple[object, ...]) -> None:
    """By the built-in programs and by one compiled now: its tasks would all fail, after money was escrowed."""
    np.savez(tmp_path / "s.npz", x=np.zeros((40, 13)), y=[0] * 7 + [3] + [0] * 32)
    with pytest.raises(Rejected, match=r"row 8 has label 3; .* knows classes 0 to 2"):
        train(tmp_path / "s.npz", *options)


def test_resume__all_rounds_done__is_refused(samples: Path, tmp_path: Path) -> None:
    train(samples, "--rounds", 1, "--folder", tmp_path / "kept")
    with pytest.raises(Rejected, match="1 of 1 rounds are in"):
        train(samples, "--rounds", 1, "--folder", tmp_path / "kept", "--resume")
