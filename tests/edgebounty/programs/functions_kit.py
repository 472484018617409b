"""Functions that the compiler's tests build. They are traced in a process of their own."""

import random
import time

import numpy as np
from tinygrad import Tensor

COUNTS = np.arange(3, dtype=np.float32)
KEPT = Tensor(np.ones(3, np.float32)).realize()


def moments(x, rows):
    mask = (Tensor.arange(x.shape[0]).reshape(-1, 1) < rows).cast(x.dtype)
    return {"total": (x * mask).sum(0), "squares": (x * x * mask).sum(0), "rows": rows}


def affine(x, w, bias):
    return (x @ w + bias).relu()


def wide_sum(x):
    return x.sum(0)


def carries_an_array(x):
    return x * Tensor(COUNTS)


def reads_a_kept_tensor(x):
    return x * KEPT


def uses_python_randomness(x):
    return x * random.random()


def uses_the_clock(x):
    return x + time.time_ns() % 1_000_003


def uses_random_tensors(x):
    return x + Tensor.rand(*x.shape)


def has_wrong_shapes(x):
    return x.reshape(7, 11)


def gives_a_number(x):
    return 3


def needs_gigabytes(x):
    return (x.reshape(-1, 1) * Tensor.arange(1 << 29).reshape(1, -1)).contiguous().max(1)


class Mean:
    """Adds totals and rows, then divides."""

    def start(self):
        return {"total": np.zeros(3, np.float32), "count": np.zeros(1, np.int64), "first": np.full(1, 7, np.int32)}

    def step(self, acc, output):
        count = acc["count"] + output["out_rows"]
        return {"total": acc["total"] + output["total"], "count": count, "first": acc["first"]}

    def finish(self, state, acc):
        return {"mean": acc["total"] / acc["count"].float(), "first": acc["first"]}


class Unfinished:
    def start(self):
        return {"total": np.zeros(3, np.float32)}


def linear_model(x, weights):
    return x @ weights["w"]


def products(a, b, c):
    return (a @ b).relu(), a @ c.transpose(1, 2) + 1


def integer_products(a, b, c, d):
    return a.int() @ b.int(), (a.int() @ c.int()).relu(), c.int() @ d.int()


def long_maximum(x):
    return x.max(1)


def pooled(x):
    return x.max_pool2d(kernel_size=(2, 2)), x.max_pool2d(kernel_size=(3, 2), stride=1)
