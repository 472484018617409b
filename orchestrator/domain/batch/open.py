"""The tasks of a job that a worker could be given, found without looking at all tasks."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence

from orchestrator.domain.batch.auditing import awaits_auditor
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Stage


def is_free(terms: BatchTerms, task: BatchTask) -> bool:
    """Whether a worker could be given a place in the task."""
    return task.stage is Stage.OPEN and (len(task.taken) < terms.copies or awaits_auditor(terms, task))


class OpenTasks:
    """Tasks of one job with a free place, of which all that they read is here. `needs[i]`: what task i reads."""

    def __init__(self, needs: Sequence[Sequence[int]]) -> None:
        self._needs = [tuple(each) for each in needs]
        self._lacks = [set(each) for each in needs]
        self._readers: dict[int, list[int]] = defaultdict(list)
        for index, needed in enumerate(self._lacks):
            for each in needed:
                self._readers[each].append(index)
        self._is_free = [True] * len(needs)
        self._open = [index for index, needed in enumerate(self._lacks) if not needed]

    def moved(self, index: int, free: bool) -> None:
        """Whether the task has a free place now."""
        if free == self._is_free[index]:
            return
        self._is_free[index] = free
        if not self._lacks[index]:
            self._toggle(index)

    def brought(self, index: int) -> None:
        """The task's output is here."""
        for reader in self._readers.pop(index, ()):
            self._lacks[reader].discard(index)
            if not self._lacks[reader] and self._is_free[reader]:
                self._toggle(reader)

    def waits(self, index: int) -> bool:
        """Whether something that the task reads is not here."""
        return bool(self._lacks[index])

    def below(self, end: int) -> Iterator[int]:
        """Those with numbers below `end`, ascending."""
        for index in self._open:
            if index >= end:
                return
            yield index

    def waiting(self) -> Iterator[tuple[int, ...]]:
        """What each task reads that lacks some of it."""
        return (needs for needs, lacks in zip(self._needs, self._lacks, strict=True) if lacks)

    def _toggle(self, index: int) -> None:
        at = bisect_left(self._open, index)
        if at < len(self._open) and self._open[at] == index:
            del self._open[at]
        else:
            insort(self._open, index)
