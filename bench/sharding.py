"""How fast is content cut into blocks and named? Beside plain SHA-256 over the same bytes, which no hasher can beat.

Block size, links and CIDs are those of `ipfs add`: every leaf and node of the tree is made and handed on, none copied.
(`unixfs.build`, which keeps a copy of every block in memory, has about half of that speed: the copy costs as much as
the hash on a processor with SHA instructions. Large files go through `iter_blocks`.)
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from typing import Final

from bench.figure import Figure, interleave
from edgebounty.protocol import unixfs

SIZE: Final = 16 << 20
RUNS: Final = 101


def run() -> list[Figure]:
    data = memoryview(os.urandom(SIZE))
    cut, raw = interleave(
        RUNS, lambda: deque(unixfs.iter_blocks(data), maxlen=1), lambda: hashlib.sha256(data).digest()
    )
    mebibytes = SIZE / (1 << 20)
    figure = Figure(
        name="sharding",
        value=mebibytes / cut,
        unit="MiB/s",
        peer="raw sha256",
        peer_value=mebibytes / raw,
        ratio=raw / cut,
        target=0.9,
        better="higher",
    )
    return [figure.save()]
