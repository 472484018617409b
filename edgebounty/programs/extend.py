"""More state for a finished program: arrays that its reducer needs and the program itself never looks at."""

from collections.abc import Sequence

from edgebounty.programs import binary, leb
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.validator import validate
from edgebounty.protocol.layout import SECTION, Buffer, Layout


def with_state(module: bytes, more: Sequence[tuple[str, str, tuple[int, ...]]]) -> bytes:
    """The module with further state buffers (name, element type, shape) after its own, in memory behind the rest.

    The code is untouched and the counter stays valid. Raises `ProgramRejected` if the result is too large.
    """
    sections = binary.read_sections(module)
    layout = Layout.of_module(module)
    memory = binary.find(sections, binary.MEMORY)
    if memory is None:
        raise ProgramRejected("memory", "a program has exactly one memory")
    _, pages, _, _ = binary.read_limits(memory.body, 1)
    at = pages * binary.PAGE_BYTES
    added = []
    for name, dtype, shape in more:
        buffer = Buffer(name=name, dtype=dtype, shape=shape, offset=at, role="state")
        added.append(buffer)
        at += -(-buffer.nbytes // 64) * 64
    memory.body = b"\x01\x01" + leb.encode_unsigned(-(-at // binary.PAGE_BYTES)) * 2
    own = [buffer for buffer in layout.buffers if buffer.role == "state"]
    rest = [buffer for buffer in layout.buffers if buffer.role != "state"]
    widened = Layout(name=layout.name, kind=layout.kind, simd=layout.simd, buffers=(*own, *added, *rest))
    for section in sections:
        if section.id == binary.CUSTOM and section.name == SECTION:
            section.body = widened.encode()
    found = binary.write_module(sections)
    validate(found)
    return found
