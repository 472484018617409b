"""The same learning and the same statistics by other people's code, to compare with."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier


def train_and_score(
    train: tuple[NDArray[np.float32], NDArray[np.int64]],
    test: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    hidden: int,
    passes: int,
    learning_rate: float,
    seed: int,
) -> float:
    """Test accuracy of scikit-learn's MLP, one hidden layer, plain SGD, `passes` passes over the same samples."""
    model = MLPClassifier(
        hidden_layer_sizes=(hidden,),
        activation="relu",
        solver="sgd",
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=32,
        learning_rate_init=learning_rate,
        max_iter=passes,
        tol=0.0,
        n_iter_no_change=passes,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as many passes as we made, converged or not
        model.fit(*train)
    return float(model.score(*test))


def describe_columns(values: NDArray[np.float64], columns: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Count, mean, population variance, minimum and maximum of each column, by numpy."""
    return {
        name: {
            "count": float(len(column)),
            "mean": float(column.mean()),
            "variance": float(column.var()),
            "minimum": float(column.min()),
            "maximum": float(column.max()),
        }
        for name, column in zip(columns, values.T, strict=True)
    }
