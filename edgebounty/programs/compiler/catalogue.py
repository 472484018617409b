"""The built-in programs and how each is made."""

from collections.abc import Callable, Iterator

from edgebounty.programs.compiler.analyses import analyses, analysis
from edgebounty.programs.compiler.perceptron import perceptron
from edgebounty.programs.compiler.spec import ModuleSpec
from edgebounty.programs.compiler.tables import table_stats

# A shard is 8 bytes of counts and the cells: exactly 64 KiB, and exactly one 1 MiB block.
SMALL_CELLS, LARGE_CELLS = (1 << 13) - 1, (1 << 17) - 1


def _tables(*, simd: bool) -> Iterator[ModuleSpec]:
    yield from table_stats("table.stats", cells=SMALL_CELLS, columns=32, bins=16, simd=simd)
    yield from table_stats("table.stats.large", cells=LARGE_CELLS, columns=1024, bins=64, simd=simd)


def _analyses(*, simd: bool) -> Iterator[ModuleSpec]:
    small = analyses("", cells=SMALL_CELLS, columns=16, cells_out=512, slots=8)
    large = analyses(".large", cells=LARGE_CELLS, columns=128, cells_out=16_384, slots=64)
    for what in (*small, *large):
        yield from analysis(what, simd=simd)


def _models(*, simd: bool) -> Iterator[ModuleSpec]:
    yield from perceptron((64, 128, 10), simd=simd)
    yield from perceptron((13, 32, 3), simd=simd)


FAMILIES: tuple[Callable[..., Iterator[ModuleSpec]], ...] = (_tables, _analyses, _models)


def specs(*, simd: bool = True) -> Iterator[ModuleSpec]:
    """Every built-in program. Capturing the models takes a few seconds."""
    for family in FAMILIES:
        yield from family(simd=simd)
