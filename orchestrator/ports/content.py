"""What the rules need of content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Digest
from orchestrator.domain.facts import ManifestAwaited, ManifestLoaded, ManifestRefused
from orchestrator.domain.values import Job

ManifestFact = ManifestLoaded | ManifestRefused | ManifestAwaited


class ContentKeeper(Protocol):
    """Keeps jobs' bytes: checks every block against its name, pins, and brings back what others withhold."""

    async def load(self, job: Job) -> ManifestFact:
        """Check all inputs of the job and pin them. Missing bytes are no error: the answer says who must bring them."""
        ...

    async def keep(self, data: bytes) -> Digest:
        """Stores and pins a file of ours; what its CID names it by."""
        ...

    async def manifest(self, digest: Digest) -> Manifest:
        """The manifest itself. Raises `Unavailable` if it is not here."""
        ...

    async def ensure_output(
        self, manifest: Manifest, task: int, digest: Digest, results: dict[int, Digest] | None = None
    ) -> bool:
        """Whether the bytes of a task's accepted output are here. With `results`, run the task if they are not.

        `results` holds the accepted digest of every task of the job so far. Raises `Rejected` if the computed
        output is not the accepted one.
        """
        ...

    async def compute(self, manifest: Manifest, task: int, results: dict[int, Digest]) -> Digest:
        """Run the task on accepted results; its output is here then. Raises `Unavailable` if it cannot be run now."""
        ...

    async def unpin(self, job: Job, results: dict[int, Digest], others: Sequence[Job]) -> int:
        """Let go of a job's inputs and outputs, but of nothing that the `others` need; returns how many files."""
        ...

    async def sweep(self) -> str:
        """Delete what nothing needs, down to the size that is set, and catch up with copies; says what was freed."""
        ...
