import pytest

from edgebounty.programs.runtime import Runtime


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    return Runtime()
