"""Hooks into tinygrad's code generator: kernels that match are written anew, the others keep their order of sums."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebounty.programs.compiler.tiling.contraction import ARRAYS
from edgebounty.programs.compiler.tiling.expression import NotTiled, total
from edgebounty.programs.compiler.tiling.kernel import Kernel

_HEADER = Path(__file__).parent.parent / "c" / "tiles.h"
_WORTH_NAMING = 1 << 16  # additions; smaller kernels that stay plain are not mentioned


@dataclass(slots=True)
class Tiling:
    """What one process has rewritten: kernels by name, the scratch they share, and remarks on those it left alone."""

    enabled: bool = True
    kernels: dict[str, str] = field(default_factory=dict)
    items: list[int] = field(default_factory=lambda: [0, 0, 0])
    held_items: int = 0
    plain: dict[str, int] = field(default_factory=dict)  # remark -> additions

    def preamble(self) -> str:
        """C that must stand before the kernels; empty when none was rewritten."""
        if not self.kernels:
            return ""
        sizes = dict(zip(ARRAYS, self.items, strict=True)) | {"tile_held": self.held_items}
        arrays = [
            f"static float {name}[{count + 16}] __attribute__((aligned(64)));" for name, count in sizes.items() if count
        ]
        return "\n".join([_HEADER.read_text(encoding="utf-8"), *arrays]) + "\n"

    def notes(self) -> tuple[str, ...]:
        """The kernels that were not tiled and are worth a thought, most work first."""
        ranked = sorted(self.plain.items(), key=lambda item: -item[1])
        return tuple(f"not tiled: {remark} ({additions:,} additions a step)" for remark, additions in ranked)

    def rewrite(self, ast: Any, renderer: Any) -> str | None:
        """The name of the C that stands for the kernel, or None to leave it to tinygrad."""
        stores = [uop for uop in ast.toposort() if uop.op.name == "STORE"]
        reduces = _reduces(ast)
        if not reduces:
            return None
        kernel = Kernel(ast, renderer)
        try:
            if len(stores) != 1:
                raise NotTiled(f"{len(stores)} results at once")
            kernel.rewrite()
        except NotTiled as reason:
            additions = max(total(list(u.src[1:])) * total(list(u.ranges)) for u in reduces)
            if additions >= _WORTH_NAMING:
                self.plain[f"{reason}"] = self.plain.get(f"{reason}", 0) + additions
            return None
        self.items = [max(pair) for pair in zip(self.items, kernel.items, strict=True)]
        self.held_items = max(self.held_items, kernel.held)
        name, text = kernel.text()
        self.kernels[name] = text
        return name


def _reduces(ast: Any) -> list[Any]:
    return [uop for uop in ast.toposort() if uop.op.name == "REDUCE"]


def install(tiling: Tiling) -> None:
    """From here on every kernel of this process goes through `tiling`; all sums run in the order of their index."""
    import tinygrad.codegen as codegen
    from tinygrad.codegen.opt import KernelOptError, OptOps
    from tinygrad.codegen.opt.postrange import Scheduler

    original = codegen.apply_opts
    reordering = (OptOps.UNROLL, OptOps.GROUP, OptOps.GROUPTOP)

    def apply_opts(ast: Any, renderer: Any, beam: int = 0) -> Any:
        if ast.tag is not None:
            return original(ast, renderer, beam)
        if not tiling.enabled:
            return Scheduler(ast, renderer).get_optimized_ast()
        name = tiling.rewrite(ast, renderer)
        if name is not None:
            return Scheduler(ast, renderer).get_optimized_ast(name_override=name)
        chosen = original(ast, renderer, beam)
        if not any(opt.op in reordering for opt in chosen.arg.applied_opts):
            return chosen
        again = Scheduler(ast, renderer)
        try:
            for opt in chosen.arg.applied_opts:
                if opt.op not in reordering:
                    again.apply_opt(opt)
        except KernelOptError:  # the rest does not fit without what was left out
            again = Scheduler(ast, renderer)
        return again.get_optimized_ast()

    codegen.apply_opts = apply_opts
