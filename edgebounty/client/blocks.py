"""Where the blocks of a planned job are: in memory, or on disk when there are many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from edgebounty.content.store import MemoryStore, check_block
from edgebounty.protocol.cid import Cid


class DiskBlocks(MutableMapping[Cid, bytes]):
    """Blocks by CID in a temporary folder, which goes when nobody holds this object any more."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="edgebounty-plan-")
        self._cids: dict[Cid, None] = {}

    def __setitem__(self, cid: Cid, block: bytes) -> None:
        if cid not in self._cids:
            self._path(cid).write_bytes(block)
            self._cids[cid] = None

    def __getitem__(self, cid: Cid) -> bytes:
        if cid not in self._cids:
            raise KeyError(cid)
        return self._path(cid).read_bytes()

    def __delitem__(self, cid: Cid) -> None:
        del self._cids[cid]
        self._path(cid).unlink()

    def __iter__(self) -> Iterator[Cid]:
        return iter(self._cids)

    def __len__(self) -> int:
        return len(self._cids)

    def __contains__(self, cid: object) -> bool:
        return cid in self._cids

    def _path(self, cid: Cid) -> Path:
        return Path(self._folder.name, str(cid))


class PlannedStore(MemoryStore):
    """A planned job's blocks where they lie, and what is added in memory."""

    def __init__(self, planned: Mapping[Cid, bytes]) -> None:
        super().__init__()
        self._planned = planned

    def get_block(self, cid: Cid) -> bytes:
        try:
            block = self._planned[cid]
        except KeyError:
            return super().get_block(cid)
        check_block(cid, block)
        return block

    def has(self, cid: Cid) -> bool:
        return cid in self._planned or super().has(cid)

    def add(self, blocks: Mapping[Cid, bytes]) -> None:
        """Keeps more blocks."""
        for cid, block in blocks.items():
            self.put_block(cid, block)
