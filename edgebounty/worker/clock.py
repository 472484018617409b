"""The chain's time. Deadlines are kept by it alone: this machine's own clock may be wrong by hours."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from edgebounty.chain.views import BlockRef

LOCAL_POLL_SECONDS = 0.25
SLOWEST_POLL_SECONDS = 4.0
_KEPT_BLOCKS = 20


class ChainClock:
    """Learns from each block that is seen; between blocks it goes on by the machine's monotonic clock."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._block: BlockRef | None = None
        self._seen_at = monotonic()
        self._ahead = 0.0
        self._times: deque[tuple[int, float]] = deque(maxlen=_KEPT_BLOCKS)

    def observe(self, block: BlockRef) -> bool:
        """Take note of the latest block; True when it is a new one."""
        if self._block is not None and block.hash == self._block.hash:
            return False
        first = self._block is None
        self._block = block
        self._seen_at = self._monotonic()
        self._times.append((block.number, self._seen_at))
        # The first block may be old (a chain that mines on demand); of later ones we saw the arrival.
        self._ahead = 0.0 if first and self._wall() > block.time else self._wall() - block.time
        return True

    def now(self) -> float:
        """Unix seconds on the chain, as far as we can tell between blocks."""
        if self._block is None:
            return self._wall()
        return self._block.time + (self._monotonic() - self._seen_at)

    @property
    def block_age_seconds(self) -> float:
        """Since a new block was last seen."""
        return self._monotonic() - self._seen_at

    @property
    def ahead_seconds(self) -> float:
        """How far this machine's clock is ahead of the chain's; negative when it is behind."""
        return self._ahead

    @property
    def block_interval_seconds(self) -> float:
        """Mean time between the blocks seen lately; 1 until that is known."""
        if len(self._times) < 2:
            return 1.0
        (first, start), (last, end) = self._times[0], self._times[-1]
        return (end - start) / max(last - first, 1)

    @property
    def poll_seconds(self) -> float:
        """How often to look: a quarter of a second on a local chain, half the block time elsewhere."""
        return min(max(self.block_interval_seconds / 2, LOCAL_POLL_SECONDS), SLOWEST_POLL_SECONDS)
