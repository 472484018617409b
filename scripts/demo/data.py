"""The demo's real data, from scikit-learn's bundled sets, written as files that the command line reads too."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_wine

HELD_OUT = 360
SPLIT_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoData:
    """1,797 handwritten digits of 8 x 8 pixels (1,437 to train, 360 held out), and 178 wines with 13 properties."""

    train_file: Path
    test_file: Path
    wine_file: Path
    train_inputs: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_inputs: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    wine: NDArray[np.float64]
    wine_columns: tuple[str, ...]


def write(folder: Path) -> DemoData:
    """Splits and writes the sets; the same files each time."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs, labels = load_digits(return_X_y=True)
    inputs = (inputs / 16).astype(np.float32)  # pixels are 0 to 16
    order = np.random.default_rng(SPLIT_SEED).permutation(len(inputs))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    train_file, test_file, wine_file = folder / "digits.npz", folder / "digits-test.npz", folder / "wine.csv"
    np.savez(train_file, x=inputs[train], y=labels[train])
    np.savez(test_file, x=inputs[test], y=labels[test])
    wine = load_wine()
    with wine_file.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(wine.feature_names)
        rows.writerows([repr(float(value)) for value in row] for row in wine.data)
    return DemoData(
        train_file=train_file,
        test_file=test_file,
        wine_file=wine_file,
        train_inputs=inputs[train],
        train_labels=labels[train].astype(np.int64),
        test_inputs=inputs[test],
        test_labels=labels[test].astype(np.int64),
        wine=wine.data,
        wine_columns=tuple(wine.feature_names),
    )
