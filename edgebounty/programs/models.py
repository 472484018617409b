"""Starting weights of the built-in models."""

import re

import numpy as np

from edgebounty.programs.errors import ProgramError

_PERCEPTRON = re.compile(r"mlp[:-]([0-9]+)-([0-9]+)-([0-9]+)")


class UnknownModel(ProgramError):
    """A model name that does not follow `mlp:INPUTS-HIDDEN-CLASSES`."""


def model_sizes(model: str) -> tuple[int, int, int]:
    """Inputs, hidden units and classes of `mlp:64-128-10` (or `mlp-64-128-10`). Raises `UnknownModel`."""
    found = _PERCEPTRON.fullmatch(model)
    if found is None or any(int(size) < 1 for size in found.groups()):
        raise UnknownModel(f"model {model!r} is not of the form mlp:INPUTS-HIDDEN-CLASSES, for example mlp:64-128-10")
    return int(found[1]), int(found[2]), int(found[3])


def init_state(model: str, seed: int) -> bytes:
    """The first state of a training job: w1, b1, w2, b2 as float32, drawn after He et al. (arXiv:1502.01852).

    The same seed gives the same bytes on every machine: the draw is integer arithmetic and one exact scaling.
    """
    inputs, hidden, classes = model_sizes(model)
    generator = np.random.PCG64(seed)
    parts = (
        _uniform(generator, inputs * hidden, np.sqrt(6 / inputs)),
        np.zeros(hidden, np.float32),
        _uniform(generator, hidden * classes, np.sqrt(3 / hidden)),
        np.zeros(classes, np.float32),
    )
    return b"".join(part.astype("<f4").tobytes() for part in parts)


def _uniform(generator: np.random.PCG64, count: int, bound: float) -> np.ndarray:
    """`count` numbers from -bound to bound, with 24 random bits each."""
    bits = generator.random_raw(count) >> np.uint64(40)
    return ((bits.astype(np.float64) / (1 << 23) - 1) * bound).astype(np.float32)
