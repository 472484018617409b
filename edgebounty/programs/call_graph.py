"""Refuses recursion and deep frames.

How deep a native stack goes differs between engines: a program that reaches its end would trap on one device and not on
the next. So the call graph must have no cycle (an indirect call counts as a call of every function in the table with
that type) and the values that the frames of its longest chain may hold are bounded.
"""

from collections.abc import Iterator

from edgebounty.programs import binary, leb, opcodes
from edgebounty.programs.binary import Section
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.frames import operand_height

FRAME_VALUES = 4_096  # locals and operands of one function
STACK_VALUES = 12_288  # of the deepest chain of calls; 16 bytes each at most, so under 200 kB
CALL_DEPTH = 200


def check(sections: list[Section], limit: int) -> None:
    """Raises `ProgramRejected("recursion" | "stack")`."""
    calls, frames = _edges(sections, limit)
    depth = [0] * len(calls)  # 0: not seen, -1: on the path, else chain length
    values = [0] * len(calls)
    for root in range(len(calls)):
        if depth[root]:
            continue
        path = [(root, iter(calls[root]))]
        depth[root] = -1
        while path:
            function, rest = path[-1]
            callee = next(rest, None)
            if callee is None:
                depth[function] = 1 + max((depth[c] for c in calls[function]), default=0)
                values[function] = frames[function] + max((values[c] for c in calls[function]), default=0)
                if depth[function] > CALL_DEPTH or values[function] > STACK_VALUES:
                    raise ProgramRejected(
                        "stack",
                        f"calls from function {function} go {depth[function]} deep and hold {values[function]} values; "
                        f"at most {CALL_DEPTH} and {STACK_VALUES} are allowed",
                    )
                path.pop()
            elif depth[callee] == -1:
                raise ProgramRejected("recursion", f"function {callee} can call itself (indirect calls count)")
            elif depth[callee] == 0:
                depth[callee] = -1
                path.append((callee, iter(calls[callee])))


def read_elements(body: bytes, segments: int, elements: int) -> Iterator[tuple[int, list[int]]]:
    """(offset, function indices) of each segment, which must be active and of the plain form."""
    count, at = binary.vector(body, 0, segments, "element segments")
    for _ in range(count):
        mode, at = leb.unsigned(body, at)
        if mode:
            raise ProgramRejected("bulk_memory", "passive and typed element segments are not allowed")
        offset, at = binary.read_constant(body, at)
        if offset is None:
            raise ProgramRejected("malformed", "a segment's offset must be an i32 constant")
        length, at = binary.vector(body, at, elements, "table elements")
        functions = []
        for _ in range(length):
            index, at = leb.unsigned(body, at)
            functions.append(index)
        yield offset % (1 << 32), functions


def _edges(sections: list[Section], limit: int) -> tuple[list[frozenset[int]], list[int]]:
    """Per function: which functions it may call, and how many values its frame may hold."""
    type_section, function_section, code = (
        binary.find(sections, section) for section in (binary.TYPE, binary.FUNCTION, binary.CODE)
    )
    assert type_section is not None  # the exports were checked before
    assert function_section is not None
    assert code is not None
    types = binary.read_types(type_section.body, limit)
    functions = binary.read_functions(function_section.body, limit)
    bodies = list(binary.read_bodies(code.body, limit))
    if len(bodies) != len(functions) or any(t >= len(types) for t in functions):
        raise ProgramRejected("malformed", f"{len(functions)} functions are declared, {len(bodies)} have a body")

    in_table: dict[binary.FunctionType, set[int]] = {}
    elements = binary.find(sections, binary.ELEMENT)
    if elements is not None:
        for _, listed in read_elements(elements.body, limit, limit):
            for index in listed:
                if index >= len(functions):
                    raise ProgramRejected("malformed", f"the table names function {index}, which does not exist")
                in_table.setdefault(types[functions[index]], set()).add(index)

    calls, frames = [], []
    for number, body in enumerate(bodies):
        found: set[int] = set()
        at = 0
        while at < len(body.code):
            start = at
            op, at = opcodes.next_op(body.code, at)
            if op == opcodes.CALL:
                callee = leb.unsigned(body.code, start + 1)[0]
                if callee >= len(functions):
                    raise ProgramRejected("malformed", f"function {number} calls {callee}, which does not exist")
                found.add(callee)
            elif op == opcodes.CALL_INDIRECT_OP:
                signature = leb.unsigned(body.code, start + 1)[0]
                if signature >= len(types):
                    raise ProgramRejected("malformed", f"function {number} calls by type {signature}: there is none")
                found |= in_table.get(types[signature], set())
        held = len(types[functions[number]].parameters) + sum(count for count, _ in body.locals)
        held += operand_height(body.code, types, functions)
        if held > FRAME_VALUES:
            raise ProgramRejected("stack", f"function {number} holds {held} values, at most {FRAME_VALUES}")
        calls.append(frozenset(found))
        frames.append(held)
    return calls, frames
