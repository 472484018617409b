"""What re-running a secret sample tells: pure arithmetic, drawn without replacement."""

from __future__ import annotations

from math import ceil, exp, lgamma
from typing import Final

SECRET_SHARE: Final = 0.02
"""Of a job's tasks, re-run by the requester. Nobody else knows which, the orchestrator included."""


def sample_size(tasks: int, share: float = SECRET_SHARE) -> int:
    """How many of `tasks` to re-run: the share, rounded up, at least one if there is one."""
    if not 0 < share <= 1:
        raise ValueError(f"the share to re-run is {share}; it has to be above 0 and at most 1")
    return min(tasks, max(1, ceil(share * tasks - 1e-9))) if tasks else 0


def miss_chance(tasks: int, wrong: int, sample: int) -> float:
    """The chance that a sample of `sample` of `tasks` meets none of the `wrong` ones (hypergeometric)."""
    if not 0 <= wrong <= tasks or not 0 <= sample <= tasks:
        raise ValueError(f"{wrong} wrong and {sample} seen do not fit {tasks} tasks")
    if wrong + sample > tasks:
        return 0.0
    right = tasks - wrong
    ways = lgamma(right + 1) - lgamma(right - sample + 1) + lgamma(tasks - sample + 1) - lgamma(tasks + 1)
    return exp(ways)


def most_wrong(tasks: int, sample: int, confidence: float = 0.95) -> int:
    """After a sample without a wrong result: more than this many wrong ones would have shown, with that confidence."""
    least, most = 0, tasks
    while least < most:  # the largest number that is missed with chance above 1 - confidence
        middle = (least + most + 1) // 2
        if miss_chance(tasks, middle, sample) > 1 - confidence:
            least = middle
        else:
            most = middle - 1
    return least
