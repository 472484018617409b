import pytest

from edgebounty.programs.runtime import Runtime


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    """One runtime, so that each program is compiled once."""
    return Runtime()
