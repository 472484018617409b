"""Which analysis a manifest speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from edgebounty.jobs.analyses.base import Analysis, Finished, Found
from edgebounty.jobs.analyses.describe import Describe
from edgebounty.jobs.analyses.groups import GroupBy
from edgebounty.jobs.analyses.kmeans import KMeans
from edgebounty.jobs.analyses.logistic import LogisticRegression
from edgebounty.jobs.analyses.moments import Correlation, LinearRegression, PrincipalComponents
from edgebounty.jobs.analyses.quantiles import Quantiles
from edgebounty.jobs.check import JobError

# To read a result everything is in the manifest, so what is asked here does not matter.
_READERS: Final[Mapping[str, Analysis]] = {
    reader.name: reader
    for reader in (
        Describe(),
        Correlation(),
        LinearRegression(""),
        PrincipalComponents(),
        GroupBy(""),
        Quantiles(),
        KMeans(1),
        LogisticRegression(""),
    )
}
NAMES: Final = tuple(_READERS)


def read_analysis(parts: Sequence[Finished]) -> Found:
    """What the finished jobs of one analysis found. Raises `JobError`."""
    name = parts[0][0].about.get("analysis", Describe.name)
    reader = _READERS.get(name) if isinstance(name, str) else None
    if reader is None:
        raise JobError(f"the manifest's analysis {str(name)[:40]!r} is not known: a newer release may know it")
    try:
        return reader.read(parts)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, JobError):
            raise
        raise JobError(f"the result is no {name}: {error}") from error
