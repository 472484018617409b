"""Errors of the programs package, by who has to act."""


class ProgramError(Exception):
    """Root of every error raised by `edgebounty.programs`."""


class ProgramRejected(ProgramError):
    """A module, or an input given to it, breaks a rule: its author has to change it.

    `rule` is a short stable word (`imports`, `memory_grow`, `counter`, ...); `detail` says what was found and where.
    """

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"program rejected ({rule}): {detail}")
        self.rule = rule
        self.detail = detail


class ProgramInterrupted(ProgramError):
    """The caller stopped a run by `Runtime.interrupt`. This is not a result: run the task again."""


class RuntimeUnavailable(ProgramError):
    """This machine cannot run the program now (no memory left, for example). This is not a result: free some memory."""
