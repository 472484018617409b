"""One kernel written anew: what no tile can hold is computed into memory by tinygrad's own C, before or after."""

import hashlib
import re
from dataclasses import replace
from typing import Any

from edgebounty.programs.compiler.tiling.contraction import contraction
from edgebounty.programs.compiler.tiling.expression import Expression, NotTiled, c_type, size, total
from edgebounty.programs.compiler.tiling.small import short_maximum, short_sum

_PART = "@part"  # stands for the kernel's own name, which its content gives
_HELD_ITEMS = 1 << 22  # floats one kernel may keep between its parts


class Kernel:
    """`rewrite` fills `body`; `items` and `held` say how much of the shared scratch it uses."""

    def __init__(self, ast: Any, renderer: Any) -> None:
        self._ast, self._renderer = ast, renderer
        self._parameters = _parameters(ast)
        self._next_slot = max(p.arg.slot for p in self._parameters) + 1
        self.items = (0, 0, 0)
        self.held = 0
        self._functions: list[str] = []
        self._body: list[str] = []
        self._whats: list[str] = []

    def rewrite(self) -> None:
        """Raises `NotTiled` with the reason."""
        ast = self._prepared(self._ast)
        reduces = _reduces(ast)
        reason = NotTiled(f"{len(reduces)} sums at once")
        if len(reduces) == 1:
            store = next(uop for uop in ast.toposort() if uop.op.name == "STORE")
            try:
                made = contraction(reduces[0], list(store.src[0].ranges), store=store)
                self._add(made.code, made.what, made.items)
                return
            except NotTiled as found:
                reason = found
            for short in (short_sum, short_maximum):
                try:
                    self._add(*short(reduces[0], store))
                    return
                except NotTiled:
                    pass
        self._split(ast, reduces, reason)

    def text(self) -> tuple[str, str]:
        """Its name, made of its content (so it is the same in every trace), and its C."""
        signature = ", ".join(f"{c_type(p)} *restrict data{p.arg.slot}" for p in self._parameters)
        body = "\n".join(self._body)
        start = [f"/* {'; '.join(self._whats)} */", f"void @name({signature}) {{"]
        content = "\n".join([*self._functions, *start, body, "}"])
        name = "tiled_" + hashlib.sha256(content.encode()).hexdigest()[:12]
        return name, content.replace("@name", name).replace(_PART, f"{name}_part") + "\n"

    def _add(self, code: str, what: str, items: tuple[int, int, int] = (0, 0, 0)) -> None:
        a, b, c = (max(pair) for pair in zip(self.items, items, strict=True))
        self.items = (a, b, c)
        self._body.append("{" + code + "}")
        self._whats.append(what)

    def _prepared(self, ast: Any) -> Any:
        """Factors of products that hold an exponential, say, are computed once, into memory, not while packing."""
        found: dict[Any, Any] = {}
        for reduce in _reduces(ast):
            if reduce.src[0].op.name != "MUL" or _reduces(reduce.src[0]):
                continue
            for factor in reduce.src[0].src:
                if factor not in found and not _can_be_written(factor):
                    found[factor] = self._compute(ast, factor)
        return ast.substitute(found) if found else ast

    def _compute(self, ast: Any, factor: Any) -> Any:
        """A kernel of tinygrad's that writes `factor` to memory; gives the load that replaces it."""
        from tinygrad.uop.ops import AxisType, Ops, UOp

        loops = sorted(factor.ranges, key=lambda loop: loop.arg)
        if not loops:
            raise NotTiled("a factor that is one number")
        load = self._hold(ast, loops)
        free = {loop: loop.replace(arg=(*loop.arg[:-1], AxisType.WEAK)) for loop in loops}
        store = UOp(Ops.STORE, src=(load, factor)).substitute(free)
        ended = UOp(Ops.END, src=(store, *(free[loop] for loop in loops)))
        self._call(ast.replace(src=(ended,)))
        self._whats.append(f"a factor of {total(loops)}")
        return load

    def _hold(self, ast: Any, loops: list[Any]) -> Any:
        """Room for one float per turn of the loops; gives the load of the current one."""
        from tinygrad.dtype import dtypes

        model = next((p for p in self._parameters if p.dtype == dtypes.float), None)
        index = next((u for u in ast.toposort() if u.op.name == "INDEX" and u.src[0] is model), None)
        if model is None or index is None:
            raise NotTiled("no float array to model a held one on")
        count, place = total(loops), None
        if self.held + count > _HELD_ITEMS:
            raise NotTiled(f"{count} floats to hold")
        for loop in loops:
            place = loop if place is None else place * size(loop) + loop
        source = (model.src[0].const_like(count), *model.src[1:])
        parameter = model.replace(arg=replace(model.arg, slot=self._next_slot), src=source)
        self._body.append(f"float *const data{self._next_slot} = tile_held + {self.held};")
        self._next_slot += 1
        self.held += -(-count // 16) * 16
        return index.replace(src=(parameter, place))

    def _split(self, ast: Any, reduces: list[Any], reason: NotTiled) -> None:
        """Tiles the innermost sums into memory; tinygrad writes the rest of the kernel, reading from there."""
        found: dict[Any, Any] = {}
        for reduce in reduces:
            if any(inner.op.name == "REDUCE" for inner in reduce.backward_slice):
                continue
            try:
                made = contraction(reduce, list(reduce.ranges), target=f"data{self._next_slot}")
                load = self._hold(ast, list(made.order))
            except NotTiled as refused:
                reason = refused
                continue
            found[reduce] = load
            self._add(made.code, made.what, made.items)
        if not found:
            raise reason
        self._call(ast.substitute(found))
        self._whats.append("then the rest")

    def _call(self, ast: Any) -> None:
        """tinygrad's own C of `ast`, as a function beside this kernel, and a call of it."""
        import tinygrad.codegen as codegen
        from tinygrad.uop.ops import Ops, UOp

        # Without a sum, plain loops: clang makes vectors of them, exponentials too, which it does not of unrolled ones.
        choice = None if _reduces(ast) else ()
        named = ast.replace(arg=replace(ast.arg, name="part", opts_to_apply=choice))
        sink = codegen.full_rewrite_to_sink(named, self._renderer, optimize=True)
        whole = UOp(Ops.PROGRAM, src=(sink,), arg=codegen.ProgramInfo.from_sink(sink, self._renderer.target))
        made = codegen.graph_rewrite(whole, codegen.pm_to_program, ctx=self._renderer, name="part")
        text = next(part.arg for part in made.src if part.op is Ops.SOURCE)
        found = re.search(r"^void (\w+)\(", text, re.MULTILINE)
        assert found is not None
        function = f"{_PART}{len(self._functions)}"
        head = f"static __attribute__((noinline)) void {function}("
        self._functions.append(text.replace(f"void {found[1]}(", head, 1))
        arguments = ", ".join(f"data{p.arg.slot}" for p in _parameters(ast))
        self._body.append(f"{function}({arguments});")


def _can_be_written(factor: Any) -> bool:
    try:
        Expression().of(factor)
    except NotTiled as reason:
        return not str(reason).startswith("operator")
    return True


def _reduces(ast: Any) -> list[Any]:
    return [uop for uop in ast.toposort() if uop.op.name == "REDUCE"]


def _parameters(ast: Any) -> list[Any]:
    return sorted((u for u in ast.toposort() if u.op.name == "PARAM"), key=lambda u: u.arg.slot)
