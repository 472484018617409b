"""Small faults to put into Solidity, found in the compiler's syntax tree: what mutate.py tries.

Left out are `emit` (the brownie tests read every event, the forge tests only some), loop counters (the fault would not
end), constructors and what only they call (forge deploys them another way when tests are linked late), and what every
test notices: a guard `if (…) revert` is removed but never made constant, `==` never becomes `!=`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Node = dict[str, Any]

_OTHER_OPERATOR = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "<<": ">>",
    ">>": "<<",
    "&": "|",
    "|": "&",
}
_OTHER_FUNCTION = {"Math.min": "Math.max", "Math.max": "Math.min", "Math.ceilDiv": "rounded down"}


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """One fault: bytes `start` to `end` of the file become `text`."""

    path: str
    start: int
    end: int
    text: str

    def applied_to(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def line(self, source: bytes) -> int:
        return source.count(b"\n", 0, self.start) + 1

    def shown(self, source: bytes) -> tuple[str, str]:
        """The lines that it touches, as they are and as it makes them, each on one line."""
        first = source.rfind(b"\n", 0, self.start) + 1
        last = source.find(b"\n", self.end)
        before = source[first:last].decode()
        after = source[first : self.start].decode() + self.text + source[self.end : last].decode()
        return " ".join(before.split()), " ".join(after.split())


def mutants_of(path: str, source: bytes, tree: Node) -> list[Mutant]:
    """Every fault that we know for this file, in the order of the text, each once."""
    only_theirs = _only_of_constructors(tree)
    found = {Mutant(path, *change) for node in _nodes(tree, only_theirs) for change in _changes(node, source)}
    return sorted(mutant for mutant in found if source[mutant.start : mutant.end] != mutant.text.encode())


def _nodes(tree: Any, left_out: frozenset[int] = frozenset()) -> Iterator[Node]:
    """Everything but constructors, loop counters and the definitions with these ids."""
    if isinstance(tree, list):
        for each in tree:
            yield from _nodes(each, left_out)
    elif isinstance(tree, dict):
        if tree.get("kind") == "constructor" or tree.get("id") in left_out:
            return
        if "nodeType" in tree:
            yield tree
        for key, value in tree.items():
            if key != "loopExpression":
                yield from _nodes(value, left_out)


def _only_of_constructors(tree: Node) -> frozenset[int]:
    """Ids of private functions that nothing but constructors calls."""
    own = {node["id"] for node in _nodes(tree) if node.get("visibility") == "private" and "implemented" in node}
    return frozenset(own - {node.get("referencedDeclaration") for node in _nodes(tree)})


def _span(node: Node) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def _changes(node: Node, source: bytes) -> Iterator[tuple[int, int, str]]:
    start, end = _span(node)
    match node["nodeType"]:
        case "BinaryOperation":
            yield from _operator(node, source)
        case "UnaryOperation" if node["operator"] in "!~" and node["prefix"]:
            yield start, start + 1, ""
        case "IfStatement":
            yield from _condition(node, node["trueBody"], source)
        case "Conditional":
            condition = _span(node["condition"])
            yield (*condition, "true")
            yield (*condition, "false")
        case "ExpressionStatement" if not _is_revert(node):
            yield start, end + 1, "{}"
        case "FunctionCall" if (name := _text(node["expression"], source)) in _OTHER_FUNCTION:
            yield from _other_function(node, name, source)
        case "FunctionDefinition" if node["kind"] == "function":
            for modifier in node["modifiers"]:
                yield (*_span(modifier), "")
        case "VariableDeclaration" if node.get("constant") and node["value"]["nodeType"] == "Literal":
            yield (*_span(node["value"]), f"({_text(node['value'], source)}) - 1")
            yield (*_span(node["value"]), f"({_text(node['value'], source)}) + 1")


def _operator(node: Node, source: bytes) -> Iterator[tuple[int, int, str]]:
    start, end = _span(node)
    operator = node["operator"]
    (_, left_end), (right_start, _) = _span(node["leftExpression"]), _span(node["rightExpression"])
    if operator in ("&&", "||"):
        yield start, end, _text(node["leftExpression"], source)
        yield start, end, _text(node["rightExpression"], source)
    elif operator in _OTHER_OPERATOR:
        between = source[left_end:right_start].decode()
        yield left_end, right_start, between.replace(operator, _OTHER_OPERATOR[operator], 1)


def _condition(node: Node, body: Node, source: bytes) -> Iterator[tuple[int, int, str]]:
    condition = _span(node["condition"])
    yield (*condition, "false")
    statements = body.get("statements") or [body]
    if not _is_revert(statements[0]):
        yield (*condition, "true")


def _other_function(node: Node, name: str, source: bytes) -> Iterator[tuple[int, int, str]]:
    start, end = _span(node)
    if name == "Math.ceilDiv":
        first, second = (_text(each, source) for each in node["arguments"])
        yield start, end, f"(({first}) / ({second}))"
    else:
        yield (*_span(node["expression"]), _OTHER_FUNCTION[name])


def _is_revert(node: Node) -> bool:
    return bool(node["nodeType"] == "RevertStatement")


def _text(node: Node, source: bytes) -> str:
    start, end = _span(node)
    return source[start:end].decode()
