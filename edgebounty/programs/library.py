"""A program by name: shipped with the package, or built on the spot where the compiler is installed."""

from edgebounty.programs import builtin
from edgebounty.programs.builtin import UnknownProgram


def load(name: str) -> bytes:
    """The module called `name`.

    Perceptrons of any size (`mlp-A-B-C.train`, `mlp-A-B-C.infer`, `mean.mlp-A-B-C`) that are not built in are compiled,
    which takes seconds. Raises `UnknownProgram`, naming the extra to install where the compiler is missing, and
    `ProgramRejected` where a program of that size would break a limit.
    """
    if name in builtin.names():
        return builtin.load(name)
    try:
        from edgebounty.programs.compiler.perceptron import perceptron_program
    except ImportError:  # a package cut down to what running needs
        return builtin.load(name)
    from edgebounty.programs.compiler.errors import CompilerMissing

    try:
        module = perceptron_program(name)
    except CompilerMissing as error:
        raise UnknownProgram(
            f"no built-in program {name!r}; there are {', '.join(builtin.names())}; {error}"
        ) from error
    return builtin.load(name) if module is None else module
