"""What others do, by their published rules, on the same tasks, workers and liars.

Replication   r copies; what most of them say counts; with two unequal ones a third decides.
BOINC         adaptive replication: a host whose replicated results were valid n >= 10 times in a row works alone with
              probability 1 - 1/n, else with a second host (a third if they differ); an invalid result sets n to 0.
              https://github.com/BOINC/boinc/wiki/Adaptive-replication, sched/sched_send.cpp: set_trust
PoCo          iExec's trust rule: a worker with score s weighs max(s / 3, 3) - 1, equal results multiply their weights,
              and one wins when its product exceeds (1 - 1/trust) of 1 + the sum of the products. Winners of a task with
              several contributors gain one point; losers keep two thirds and lose their stake.
              https://docs.iex.ec/poco-trust.html, IexecPoco2Delegate.sol: contribute, checkConsensus, distributeRewards

Nobody is thrown out in any of them and nothing is held back, so the first answer is the final one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.simulation.fleet import Column, Draws, Fleet, Floats, Seats
from bench.simulation.ledger import Outcome
from bench.simulation.liars import Bools, Strategy, values

TRUST: Final = 2_000  # 1 - 1/2000 = 99.95 %: the wrong results per million that `standard` is held to
MOST_COPIES: Final = 16
STAKE: Final = 16.0  # of a PoCo worker, in prices: as in our rules
_TRUSTED_FROM: Final = 10

Ints = NDArray[np.int64]
Play = Callable[["Table"], "Result"]


class Table:
    """One chunk of tasks as dealt, before anybody decides anything."""

    def __init__(self, fleet: Fleet, draws: Draws, strategy: Strategy, liar: Bools, number: int, size: int) -> None:
        self._fleet, self._draws, self._number = fleet, draws, number
        self.size, self.strategy, self.liar = size, strategy, liar
        self.coin = draws.numbers(number, Column.COIN, size)
        self.luck = draws.numbers(number, Column.LUCK, size)
        self.value = values(draws.numbers(number, Column.VALUE, size))
        self.crew = np.empty((size, 0), dtype=np.int32)

    def copies(self, wanted: int) -> Seats:
        """The first `wanted` workers of each task."""
        while self.crew.shape[1] < wanted:
            drawn = self._fleet.drawn(self._draws.numbers(self._number, Column.COPY + self.crew.shape[1], self.size))
            self.crew = np.column_stack([self.crew, self._fleet.apart(drawn, self.crew)])
        return self.crew[:, :wanted]

    def lies(self, copies: Ints) -> Bools:
        """Who of the first copies lies, where each task has `copies` of them."""
        crew = self.copies(int(copies.max()))
        active = np.arange(crew.shape[1]) < copies[:, None]
        return self.strategy.lies(self.liar[crew], active, self.strategy.suits(self.coin, self.value, copies))


class Result:
    """Of one chunk: copies computed, answers that were lies, wrong results, liars paid for them, stake lost."""

    def __init__(self, *, computed: int, lies: int, wrong: Bools, paid: Ints, lost: float = 0.0, hurt: int = 0) -> None:
        self.computed, self.lies, self.wrong, self.paid, self.lost, self.hurt = computed, lies, wrong, paid, lost, hurt


def run_peer(play: Play, fleet: Fleet, draws: Draws, strategy: Strategy, share: float) -> Outcome:
    liar = draws.generator(0, Column.EVENTS).random(fleet.seats) < share
    outcome = Outcome(tasks=draws.tasks, liars_at_start=int(liar.sum()), liars_left=int(liar.sum()))
    for number, size in enumerate(draws.sizes()):
        table = Table(fleet, draws, strategy, liar, number, size)
        result = play(table)
        outcome.computed += result.computed
        outcome.lies += result.lies
        outcome.first_wrong += int(result.wrong.sum())
        outcome.gained += float((result.paid * table.value)[result.wrong].sum())
        outcome.slashed += result.lost
        outcome.honest_hurt += result.hurt
        outcome.curve.append((float(result.wrong.mean()), share))
    outcome.final_wrong, outcome.final_tasks = outcome.first_wrong, outcome.tasks
    return outcome


def replication(copies: int) -> Play:
    """Plain replication: the majority of `copies`, or a third one between two."""

    def play(table: Table) -> Result:
        lies = table.lies(np.full(table.size, copies))
        told = lies.sum(axis=1)
        if copies != 2:
            wrong = 2 * told > copies
            return Result(computed=copies * table.size, lies=int(told.sum()), wrong=wrong, paid=told)
        split = told == 1
        third = split & table.liar[table.copies(3)[:, 2]]
        wrong = (told == 2) | third
        answers = told + third
        return Result(computed=2 * table.size + int(split.sum()), lies=int(answers.sum()), wrong=wrong, paid=answers)

    return play


def boinc(seats: int) -> Play:
    """Adaptive replication; remembers the valid results in a row of each host."""
    valid = np.zeros(seats, dtype=np.int64)

    def play(table: Table) -> Result:
        first = table.copies(1)[:, 0]
        in_a_row = valid[first]
        alone = (in_a_row >= _TRUSTED_FROM) & (table.luck > 1 / np.maximum(1, in_a_row))
        copies = np.where(alone, 1, 2)
        lies = table.lies(copies)
        told = lies.sum(axis=1)
        split = ~alone & (told == 1)
        third = split & table.liar[table.copies(3)[:, 2]]
        wrong = (told == copies) | third
        crew = table.copies(3)
        gave = np.column_stack([np.pad(lies, ((0, 0), (0, 2 - lies.shape[1]))), third])
        computed = np.column_stack([np.ones_like(alone), ~alone, split])
        replicated = computed & ~alone[:, None]
        agreed = gave == wrong[:, None]
        np.add.at(valid, crew[replicated & agreed], 1)
        valid[crew[replicated & ~agreed]] = 0
        answers = told + third
        return Result(
            computed=int(computed.sum()),
            lies=int(answers.sum()),
            wrong=wrong,
            paid=answers,
            hurt=int((replicated & ~agreed & ~gave).sum()),
        )

    return play


def poco(seats: int, trust: int = TRUST) -> Play:
    """The trust rule; remembers the score of each worker."""
    score = np.zeros(seats, dtype=np.int64)

    def play(table: Table) -> Result:
        needed = _copies_if_equal(table, score, trust)
        suits = table.strategy.suits(table.coin, table.value, needed)
        if table.strategy.whole:
            crew = table.copies(int(needed.max()))
            theirs = (table.liar[crew] | (np.arange(crew.shape[1]) >= needed[:, None])).all(axis=1)
            suits = suits & theirs
        lied, right = np.zeros(table.size), np.zeros(table.size)  # products of weights
        liars, copies = np.zeros(table.size, dtype=np.int64), np.zeros(table.size, dtype=np.int64)
        open_tasks, wrong = np.arange(table.size), np.zeros(table.size, dtype=np.bool_)
        for copy in range(MOST_COPIES):
            seat = table.copies(copy + 1)[open_tasks, copy]
            lie = table.liar[seat] & suits[open_tasks]
            weight = weight_of(score[seat])
            lied[open_tasks] = np.where(lie, np.maximum(lied[open_tasks], 1) * weight, lied[open_tasks])
            right[open_tasks] = np.where(lie, right[open_tasks], np.maximum(right[open_tasks], 1) * weight)
            liars[open_tasks] += lie
            copies[open_tasks] += 1
            group = np.where(lie, lied[open_tasks], right[open_tasks])
            won = has_consensus(group, 1 + lied[open_tasks] + right[open_tasks], trust)
            wrong[open_tasks[won]] = lie[won]
            open_tasks = open_tasks[~won]
            if not open_tasks.size:
                break
        settled = np.ones(table.size, dtype=np.bool_)
        settled[open_tasks] = False  # no consensus within the bound: nobody is paid, nobody loses
        lost, hurt = _score(table, score, copies, suits, wrong, settled)
        return Result(computed=int(copies.sum()), lies=int(liars.sum()), wrong=wrong, paid=liars, lost=lost, hurt=hurt)

    return play


def weight_of(score: Ints) -> Ints:
    """The weight of a worker with that score."""
    return np.maximum(score // 3, 3) - 1


def has_consensus(group: Floats, total: Floats, trust: int) -> Bools:
    """Whether a result's product suffices; `total` counts one more than the sum of all products."""
    return group * trust > total * (trust - 1)


def _copies_if_equal(table: Table, score: Ints, trust: int) -> Ints:
    product, needed = np.zeros(table.size), np.full(table.size, MOST_COPIES)
    open_tasks = np.arange(table.size)
    for copy in range(MOST_COPIES):
        seat = table.copies(copy + 1)[open_tasks, copy]
        product[open_tasks] = np.maximum(product[open_tasks], 1) * weight_of(score[seat])
        won = has_consensus(product[open_tasks], 1 + product[open_tasks], trust)
        needed[open_tasks[won]] = copy + 1
        open_tasks = open_tasks[~won]
        if not open_tasks.size:
            break
    return needed


def _score(table: Table, score: Ints, copies: Ints, suits: Bools, wrong: Bools, settled: Bools) -> tuple[float, int]:
    """Points after a chunk; answers the stake that liars lost and how often an honest worker lost."""
    crew = table.copies(int(copies.max()))
    took_part = (np.arange(crew.shape[1]) < copies[:, None]) & settled[:, None]
    lied = table.liar[crew] & suits[:, None]
    won = lied == wrong[:, None]
    several = copies > 1
    losers = crew[took_part & ~won]
    np.add.at(score, crew[took_part & won & several[:, None]], 1)
    score[losers] = score[losers] * 2 // 3
    return STAKE * float((took_part & ~won & lied).sum()), int((took_part & ~won & ~lied).sum())
