"""Which optimiser a training program carries, with its fixed numbers."""

from dataclasses import dataclass

from edgebounty.programs.compiler.errors import BadSource

KINDS = ("sgd", "momentum", "adam", "adamw")
SCHEDULES = ("constant", "linear", "cosine")
LOSSES = ("cross_entropy", "mse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer:
    """`sgd`, `momentum`, `adam` or `adamw`. The learning rate is a parameter of the job, the rest is built in.

    `weight_decay` is added to the gradient, but for adamw, where it acts on the weights alone.
    """

    kind: str = "sgd"
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadSource(f"optimiser {self.kind!r} is not known; choose one of {', '.join(KINDS)}")
        for name in ("momentum", "beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise BadSource(f"{name} is {getattr(self, name)}; it lies within 0 and 1")
        if not self.epsilon > 0 or not self.weight_decay >= 0:
            raise BadSource("epsilon must be above 0, weight decay not below")

    @property
    def has_moments(self) -> bool:
        return self.kind in ("adam", "adamw")

    @property
    def decoupled(self) -> bool:
        return self.kind == "adamw"

    @property
    def slots(self) -> tuple[str, ...]:
        """The arrays it keeps for each weight."""
        return {"sgd": (), "momentum": ("m",)}.get(self.kind, ("m", "v"))
