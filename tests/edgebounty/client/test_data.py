"""The requester's files."""

from pathlib import Path

import numpy as np
import pytest

from edgebounty.client.data import load_samples, load_table
from edgebounty.client.errors import Rejected

pytestmark = pytest.mark.unit


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


def refusal(call: object, *arguments: object, **named: object) -> str:
    assert callable(call)
    with pytest.raises(Rejected) as told:
        call(*arguments, **named)
    assert told.value.remedy
    return told.value.what


def test_table__csv_with_header__columns_and_numbers(tmp_path: Path) -> None:
    table = load_table(write(tmp_path, "a, b\n1,2\n\n3,4.5\n"))
    assert table.columns == ("a", "b")
    assert table.values.tolist() == [[1, 2], [3, 4.5]]


def test_table__npz__columns_and_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", values=np.arange(6).reshape(3, 2), columns=["a", "b"])
    table = load_table(tmp_path / "t.npz")
    assert table.columns == ("a", "b")
    assert table.values.dtype == np.float64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a,b\n", "header but no rows"),
        ("a,b\n1,nan\n", "row 1, column b is nan"),
        ("a,b\n1,2\n1,inf\n", "row 2, column b is inf"),
        ("a,b\n1,two\n", "row 1, column b is 'two'"),
        ("a,b\n1,\n", "row 1, column b is ''"),
        ("a,b\n1,2,3\n", "row 1 has 3 cells, the header has 2"),
        ("1,2\n3,4\n", "numbers, not names"),
        ("a,a\n1,2\n", "two columns are called 'a'"),
    ],
)
def test_table__bad_csv__says_where(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(load_table, write(tmp_path, text))


def test_table__missing_file__says_so(tmp_path: Path) -> None:
    assert "No such file" in refusal(load_table, tmp_path / "none.csv")


def test_table__binary_file__is_no_csv(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    assert "not a CSV file" in refusal(load_table, path)


def test_table__npz_with_pickle__never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, values=np.array([{"a": 1}], dtype=object))
    assert "not an NPZ file of plain arrays" in refusal(load_table, path)


def test_samples__images__flattened_to_rows(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=np.ones((5, 8, 8)), y=np.arange(5))
    samples = load_samples(tmp_path / "s.npz", labels_required=True)
    assert samples.inputs.shape == (5, 64)
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 1, 2, 3, 4]


def test_samples__csv_with_label_column__taken_out(tmp_path: Path) -> None:
    samples = load_samples(write(tmp_path, "a,label,b\n1,0,2\n3,1,4\n"), labels_required=True)
    assert samples.inputs.tolist() == [[1, 2], [3, 4]]
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.ones((3, 2))}, "has no labels"),
        ({"y": np.ones(3)}, "has the arrays y"),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, "is empty"),
        ({"x": np.array([[1, np.nan]]), "y": np.ones(1)}, "row 1, column 2 is nan"),
        ({"x": np.ones((3, 2)), "y": np.ones(4)}, "3 samples but labels of shape (4,)"),
        ({"x": np.ones((2, 2)), "y": np.array([0, 1.5])}, "row 2 has the label 1.5"),
        ({"x": np.ones((2, 2)), "y": np.array([0, -1])}, "row 2 has the label -1"),
        ({"x": np.full((1, 2), 1e300), "y": np.zeros(1)}, "is inf"),
        ({"x": np.array([["a", "b"]]), "y": np.zeros(1)}, "not numbers"),
    ],
)
def test_samples__bad_npz__says_what(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    np.savez(tmp_path / "s.npz", **arrays)
    assert said in refusal(load_samples, tmp_path / "s.npz", labels_required=True)
