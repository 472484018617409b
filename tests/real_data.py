"""Real data to train on, and the models: digits, Fashion-MNIST, the characters of Debian's licences, a large table."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgebounty.client.training import Training
from edgebounty.programs.compiler import api

Arrays = dict[str, np.ndarray[Any, Any]]
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
LICENCES = Path("/usr/share/common-licenses")
GPT = Path(__file__).parent / "edgebounty" / "programs" / "gpt_kit.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something to learn: rows to train on, others to validate with, a model that takes batches of them."""

    train: Arrays
    held_out: Arrays
    model: api.Model
    optimizer: str = "sgd"
    rate: float
    rounds: int
    steps: int  # of each shard in a round
    shards: int
    better_than: float  # the accuracy that shows that something was learnt

    def built(self, shards: int) -> tuple[api.Trained, api.Built]:
        """The training step for so many shards, and the forward pass."""
        rows = -(-len(self.train["x"]) // shards)
        labels = api.ArraySpec(name="y", dtype="i32", shape=(rows, *self.train["y"].shape[1:]))
        kind = api.Optimizer(kind=self.optimizer)
        trained = api.build_training(self.model, rows=rows, labels=labels, optimizer=kind)
        return trained, api.build_forward(self.model, rows=max(256, self.model.batch))

    def run(self, kinds: Any, built: tuple[api.Trained, api.Built], shards: int, **options: Any) -> Training:
        """Trains on a market or here."""
        trained, forward = built
        return kinds.train(  # type: ignore[no-any-return]
            trained,
            self.train,
            rounds=self.rounds,
            shards=shards,
            learning_rate=self.rate,
            params={"local_steps": self.steps},
            validation=self.held_out,
            forward=forward,
            **options,
        )


def digits(*, rounds: int = 8, steps: int = 40) -> Case:
    from sklearn.datasets import load_digits

    data = load_digits()
    x, y = (data.data / 16).astype(np.float32), data.target.astype(np.int32)
    order = np.random.default_rng(0).permutation(len(x))
    return Case(
        train={"x": x[order[:1437]], "y": y[order[:1437]]},
        held_out={"x": x[order[1437:]], "y": y[order[1437:]]},
        model=api.mlp_model("mlp:64-48-10", batch=32),
        rate=0.2,
        rounds=rounds,
        steps=steps,
        shards=4,
        better_than=0.9,
    )


def fashion(*, rows: int = 60_000, rounds: int = 6, steps: int = 60, shards: int = 8) -> Case:
    return Case(
        train=_idx("train", rows),
        held_out=_idx("t10k", min(rows, 10_000)),
        model=api.mlp_model("mlp:784-32-10", batch=64),
        rate=0.2,
        rounds=rounds,
        steps=steps,
        shards=shards,
        better_than=0.8,
    )


def characters(*, tokens: int = 32, wide: int = 64, layers: int = 2, rounds: int = 6, steps: int = 50) -> Case:
    """A GPT that says the next character of the licences that every Debian system carries; every tenth is held out."""
    from tests.edgebounty.programs import gpt_kit

    files = sorted(path for path in LICENCES.iterdir() if not path.is_symlink())
    text = np.frombuffer(b"".join(path.read_bytes() for path in files), np.uint8)
    codes = np.where((text >= 32) & (text < 127), text - 32, 95).astype(np.int32)  # 95: any other character
    rows = (len(codes) - 1) // tokens
    x, y = (codes[i : i + rows * tokens].reshape(rows, tokens) for i in (0, 1))
    out = np.arange(rows) % 10 == 9
    source = api.ArraySpec(name="x", dtype="i32", shape=(16, tokens))
    weights = gpt_kit.first_weights(96, tokens, wide, layers)
    return Case(
        train={"x": x[~out], "y": y[~out]},
        held_out={"x": x[out], "y": y[out]},
        model=api.function_model(f"{GPT}:gpt", source, weights, batch=16),
        optimizer="adam",
        rate=3e-3,
        rounds=rounds,
        steps=steps,
        shards=4,
        better_than=0.35,
    )


def table(*, rows: int = 1_000_000, rounds: int = 5, steps: int = 200, shards: int = 16) -> Case:
    """Eight numbers a row; the class is whether the first two have one sign, which no line separates."""
    random = np.random.default_rng(0)
    x = random.normal(size=(rows + 20_000, 8)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int32)
    return Case(
        train={"x": x[:rows], "y": y[:rows]},
        held_out={"x": x[rows:], "y": y[rows:]},
        model=api.mlp_model("mlp:8-32-2", batch=64),
        optimizer="adam",
        rate=1e-2,
        rounds=rounds,
        steps=steps,
        shards=shards,
        better_than=0.95,
    )


def _idx(kind: str, rows: int) -> Arrays:
    images = gzip.decompress((FASHION / f"{kind}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((FASHION / f"{kind}-labels-idx1-ubyte.gz").read_bytes())
    x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784)[:rows]
    y = np.frombuffer(labels, np.uint8, offset=8)[:rows]
    return {"x": (x / np.float32(255)).astype(np.float32), "y": y.astype(np.int32)}


CASES: Mapping[str, Any] = {"digits": digits, "fashion": fashion, "characters": characters, "table": table}
