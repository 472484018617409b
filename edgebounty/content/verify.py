"""Whole files checked without reading any block twice, several blocks at a time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from edgebounty.content.store import ContentCorrupt, ContentStore, node_links
from edgebounty.protocol.cid import RAW, Cid

THREADS: Final = 4
"""Hashing and reading leave Python's lock, so threads do help."""
MOST_DEPTH: Final = 8


class FileChecker:
    """Checks files block by block, and remembers what it has seen: one block in a thousand files is hashed once.

    So the work is bounded by the bytes that are stored, however often a hostile tree or manifest names them.
    """

    def __init__(self, store: ContentStore) -> None:
        self._store = store
        self._leaves: dict[Cid, int] = {}
        self._nodes: dict[Cid, tuple[int, int]] = {}  # length and depth below

    def length(self, root: Cid) -> int:
        """Bytes of the file, every block of it re-hashed. Raises like `edgebounty.content.store.get_file`."""
        self._read_leaves(self._leaves_below(root))
        return self._length(root, MOST_DEPTH)[0]

    def _leaves_below(self, root: Cid) -> list[Cid]:
        """The leaves that were not read yet."""
        leaves: dict[Cid, None] = {}
        known: set[Cid] = set()
        waiting = [root]
        while waiting:
            cid = waiting.pop()
            if cid in known or cid in self._nodes or cid in self._leaves:
                continue
            known.add(cid)
            if cid.codec == RAW:
                leaves[cid] = None
            else:
                waiting += [child for child, _ in reversed(node_links(self._store, cid))]
        return list(leaves)

    def _read_leaves(self, leaves: Iterable[Cid]) -> None:
        leaves = list(leaves)
        if len(leaves) < 2:
            self._leaves.update((cid, len(self._store.get_block(cid))) for cid in leaves)
            return
        with ThreadPoolExecutor(THREADS, thread_name_prefix="check") as pool:
            lengths = pool.map(lambda cid: len(self._store.get_block(cid)), leaves)
            try:
                self._leaves.update(zip(leaves, lengths, strict=True))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _length(self, cid: Cid, most_depth: int) -> tuple[int, int]:
        if cid.codec == RAW:
            return self._leaves[cid], 0
        known = self._nodes.get(cid)
        if known is None:
            if most_depth == 0:
                raise ContentCorrupt(cid, "a tree deeper than any file")
            total = depth = 0
            for child, said in node_links(self._store, cid):
                length, below = self._length(child, most_depth - 1)
                if length != said:
                    raise ContentCorrupt(child, f"{length} bytes where the file's tree says {said}")
                total, depth = total + length, max(depth, below + 1)
            known = self._nodes[cid] = (total, depth)
        if known[1] > most_depth:
            raise ContentCorrupt(cid, "a tree deeper than any file")
        return known
