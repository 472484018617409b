"""A training job as its requester follows it: a checkpoint and a validation after every round, early stop, resume."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edgebounty.client.curves import curve_svg
from edgebounty.client.errors import Rejected, Unavailable
from edgebounty.client.export import load_safetensors, save_safetensors, save_trained
from edgebounty.client.jobs import POLL_SECONDS, Cost, Job, Progress, ProgressBar
from edgebounty.client.results import JobResult
from edgebounty.client.verification import Verification
from edgebounty.jobs.arrays import Array
from edgebounty.jobs.train import decode_train
from edgebounty.protocol.unixfs import root_cid

CURVE: Final = "curve.json"
Validate = Callable[[dict[str, Array]], float]
"""How good weights (by name) are: more is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the requester does after each round; all of it on her own machine."""

    validate: Validate | None = None
    folder: Path | None = None
    """Where checkpoints and the learning curve are kept."""
    patience: int | None = None
    """Stop after so many rounds without a better validation."""
    budget: float | None = None
    """Stop before a round that would take what workers and orchestrator are paid above so many tokens."""
    on_round: OnRound | None = None
    """Told of every round when all of the above is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One finished round. `metric` is what validation said, `seconds` since the start."""

    number: int
    metric: float | None
    seconds: float
    state_cid: str


class Training(Job):
    """A train job. `wait` is where rounds are validated and kept: without it the job trains all the same."""

    def __init__(self, job: Job, watch: Watch, *, model: str, source: str | None = None, first_round: int = 0) -> None:
        """`source`: the model as its requester named it, where that is more than `model`: for saving it as ONNX."""
        super().__init__(job.plan)
        self.job = job
        self.watch = watch
        self.model = model
        self.source = source or model
        self.curve: list[Round] = []
        self._first = first_round
        self._states = job.rounds()
        self._best: tuple[float, bytes] | None = None
        self._last: bytes | None = None
        self._ended_early = False
        self._started = time.monotonic()
        if first_round and watch.folder is not None:
            self.curve = read_curve(watch.folder)[:first_round]

    def wait(self, *, timeout: float | None = None, bar: bool = True) -> Training:
        """Returns when it has ended, or was ended early. Raises `Unavailable` when `timeout` seconds are over."""
        until = None if timeout is None else time.monotonic() + timeout
        with ProgressBar("train", self.plan.parts[0].manifest.rounds, show=bar) as advance:
            for number, state in self._states:
                self._finished(self._first + number, state)
                advance(number)
                if self._enough():
                    self._ended_early = True
                    self.job.stop()
                    break
                if until is not None and time.monotonic() > until:
                    raise Unavailable(f"not finished after {timeout:g} s", remedy="wait() again: it goes on")
        while not self._ended_early and self.job.progress().state == "open":
            time.sleep(POLL_SECONDS)  # all rounds are there; the job's last block is being counted
        return self

    def progress(self) -> Progress:
        return self.job.progress()

    def cost(self) -> Cost:
        return self.job.cost()

    def stop(self) -> None:
        self.job.stop()

    def verify(self, *, sample: int | None = None) -> Verification:
        return self.job.verify(sample=sample)

    def rounds(self) -> Iterator[tuple[int, bytes]]:
        return self.job.rounds()

    def result(self) -> JobResult:
        """The last round's weights; after an early stop the best ones that validation saw."""
        if not self._ended_early:
            return self.job.result()
        content = self._best[1] if self._best is not None else self._last
        if content is None:
            raise Rejected("no round was finished", remedy="give it more time or budget")
        weights = decode_train(self.plan.parts[0].manifest, content)
        cid = root_cid(content)
        document = {"model": self.model, "rounds": len(self.curve), "result_cid": str(cid)}
        return JobResult(kind="train", cid=cid, content=content, document=document, arrays=weights)

    def weights(self) -> dict[str, Array]:
        """The trained arrays by name."""
        return dict(self.result().arrays)

    def save(self, path: Path | str) -> None:
        """`.safetensors`: all of the state; `.onnx`: the model. Raises `Rejected` for another ending."""
        path, result = Path(path), self.result()
        if not save_trained(result.arrays, path, model=self.model, source=self.source, cid=str(result.cid)):
            raise Rejected(
                f"the weights are not saved as {path.suffix or 'a file without ending'}",
                remedy="use .safetensors or .onnx",
            )

    @property
    def ended_early(self) -> bool:
        """Whether patience or budget ended it."""
        return self._ended_early

    def _repr_svg_(self) -> str:
        return self.curve_svg()

    def curve_svg(self) -> str:
        """The learning curve as a picture."""
        points = [(r.number, r.metric) for r in self.curve if r.metric is not None]
        best = f"best {max(metric for _, metric in points):.4g}" if points else "no validation"
        return curve_svg(points, title=f"{self.model}: validation after each round", up=best)

    def _finished(self, number: int, state: bytes) -> None:
        weights = decode_train(self.plan.parts[0].manifest, state)
        metric = None if self.watch.validate is None else float(self.watch.validate(weights))
        self._last = state
        if metric is not None and (self._best is None or metric > self._best[0]):
            self._best = metric, state
        cid = str(root_cid(state))
        seconds = round(time.monotonic() - self._started, 3)
        self.curve.append(Round(number=number, metric=metric, seconds=seconds, state_cid=cid))
        if self.watch.folder is not None:
            self.watch.folder.mkdir(parents=True, exist_ok=True)
            about = {"model": self.model, "round": str(number), "state_cid": cid}
            save_safetensors(weights, checkpoint_path(self.watch.folder, number), about)
            (self.watch.folder / CURVE).write_text(json.dumps([asdict(r) for r in self.curve], indent=1) + "\n")
            (self.watch.folder / "curve.svg").write_text(self.curve_svg(), encoding="utf-8")
        if self.watch.on_round is not None:
            self.watch.on_round(self.curve[-1])

    def _enough(self) -> bool:
        watch = self.watch
        if self.curve[-1].number - self._first >= self.plan.parts[0].manifest.rounds:
            return False
        if watch.budget is not None:
            cost, done = self.job.cost(), self.curve[-1].number - self._first
            if cost.escrowed and cost.spent * (done + 1) > watch.budget * 10**cost.decimals * done:
                return True  # one more round like those before would be above it
        seen = [r.metric for r in self.curve if r.metric is not None]
        return watch.patience is not None and bool(seen) and len(seen) - 1 - int(np.argmax(seen)) >= watch.patience


OnRound = Callable[[Round], None]


def checkpoint_path(folder: Path, number: int) -> Path:
    return folder / f"round-{number:05}.safetensors"


def read_curve(folder: Path) -> list[Round]:
    """The curve that training kept in `folder`; empty when there is none. Raises `Rejected` for a damaged file."""
    try:
        return [Round(**entry) for entry in json.loads((folder / CURVE).read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise Rejected(f"{folder / CURVE} is damaged: {error}", remedy="delete it") from error


def resume_from(folder: Path | None, rounds: int) -> tuple[int, Mapping[str, Array] | None]:
    """How many of `rounds` rounds are in the folder, and the state after them. Raises `Rejected` when all are."""
    before = None if folder is None else last_checkpoint(folder)
    if before is not None and before[0] >= rounds:
        raise Rejected(f"{before[0]} of {rounds} rounds are in {folder} already", remedy="ask for more rounds")
    return (0, None) if before is None else before


def last_checkpoint(folder: Path) -> tuple[int, Mapping[str, Array]] | None:
    """Number and arrays of the newest checkpoint; None when there is none. Raises `Rejected` for a damaged one."""
    found = sorted(folder.glob("round-*.safetensors")) if folder.is_dir() else []
    if not found:
        return None
    arrays, about = load_safetensors(found[-1])
    return int(about.get("round", "0")), arrays
