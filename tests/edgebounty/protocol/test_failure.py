import json

import pytest

from edgebounty.protocol.failure import (
    code_of_status,
    explain,
    failure_bytes,
    failure_digest,
    failure_of,
    failure_of_digest,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("code", ["nan", "trap", "work_limit", "status_2", "status_255"])
def test_failure__of_each_kind__is_known_from_its_bytes_and_its_digest(code: str) -> None:
    assert json.loads(failure_bytes(code)) == {"failure": code}
    assert failure_of(failure_bytes(code)) == code
    assert failure_of_digest(failure_digest(code)) == code
    assert len(explain(code)) > 20


@pytest.mark.parametrize("code", ["", "status_0", "status_1", "status_256", "NaN", 'nan"}'])
def test_failure_bytes__code_that_does_not_exist__is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="no failure code"):
        failure_bytes(code)


def test_failure_of__other_bytes__is_none() -> None:
    assert failure_of(b'{"failure": "nan"}') is None
    assert failure_of(bytes(1 << 20)) is None
    assert failure_of_digest(bytes(32)) is None


def test_code_of_status__every_i32__has_one_code() -> None:
    assert [code_of_status(n) for n in (0, 1, 2, 254)] == [None, "nan", "status_2", "status_254"]
    assert {code_of_status(n) for n in (255, 256, 2**31 - 1, -1, -(2**31))} == {"status_255"}
