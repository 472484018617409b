"""How the service is: one value that the loops write and the HTTP side shows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Health:
    """`faults` holds what each loop last complained of; a loop that works again takes its complaint back."""

    faults: dict[str, str] = field(default_factory=dict)
    cycles: dict[str, int] = field(default_factory=dict)
    last_worked: dict[str, float] = field(default_factory=dict)
    stopped: str = ""

    def worked(self, loop: str, now: float) -> None:
        self.faults.pop(loop, None)
        self.cycles[loop] = self.cycles.get(loop, 0) + 1
        self.last_worked[loop] = now

    def failed(self, loop: str, reason: str) -> None:
        self.faults[loop] = reason
