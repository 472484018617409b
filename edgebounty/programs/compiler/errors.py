"""What can go wrong while a program is made."""

from edgebounty.programs.errors import ProgramError


class CompilerMissing(ProgramError):
    """The extra `compile` is not installed; the message names it."""

    def __init__(self) -> None:
        super().__init__("build it with the extra: pip install 'edgebounty[compile]'")


class CompilerFailed(ProgramError):
    """The C compiler refused the source; carries its words."""


class CaptureFailed(ProgramError):
    """The function could not be turned into C; says why."""


class BadSource(ProgramError):
    """The model, function or array given to the compiler cannot become a program: its author has to change it.

    The text says what was found, where (a node, an argument, a line) and, after "; ", what to do.
    """
