import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import MAX_BYTES, Limits, Manifest, ManifestError, Shard
from tests.edgebounty.builders import make_manifest, make_shard

cids = st.binary(max_size=8).map(Cid.of)
sizes = st.integers(1, 2**32)
plain_text = st.text(st.characters(blacklist_categories=["Cs"]), max_size=10)
numbers = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.floats(allow_nan=False, allow_infinity=False))
shards = st.lists(st.builds(Shard, cid=cids, bytes=sizes, rows=st.integers(0, 2**32)), min_size=1, max_size=5)
limits = st.builds(Limits, work_units=st.integers(1, 2**53 - 1), memory_bytes=sizes, output_bytes=sizes)
manifests = st.builds(
    Manifest,
    kind=st.sampled_from(["train", "infer", "analyze", "wasm"]),
    program=cids,
    reducer=cids,
    state=st.one_of(st.none(), cids),
    state_bytes=sizes,
    shards=shards.map(tuple),
    rounds=st.integers(1, 65_535 // 6),
    params=st.dictionaries(plain_text, numbers, max_size=4),
    limits=limits,
    about=st.dictionaries(plain_text, st.one_of(numbers, plain_text, st.lists(plain_text, max_size=3)), max_size=4),
)
any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(), st.text(max_size=70)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=6,
)


def document(**changes: Any) -> dict[str, Any]:
    value = json.loads(make_manifest().encode())
    return {name: item for name, item in (value | changes).items() if item is not ...}


def text_of(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.property
@settings(deadline=None)
@given(manifests)
def test_parse__any_encoded_manifest__is_that_manifest(manifest: Manifest) -> None:
    data = manifest.encode()

    again = Manifest.parse(data)

    assert again == manifest
    assert again.cid == manifest.cid == unixfs.root_cid(data)
    assert again.digest == manifest.cid.digest


@pytest.mark.property
@settings(deadline=None, max_examples=300)
@given(st.data())
def test_parse__any_field_replaced_by_any_json__raises_nothing_but_manifest_error(data: st.DataObject) -> None:
    value = document()
    where = data.draw(st.sampled_from(["", "limits", "shards.0", "params", "about"]))
    target = value
    for step in filter(None, where.split(".")):
        target = target[int(step)] if isinstance(target, list) else target[step]
    name = data.draw(st.one_of(st.sampled_from(sorted(target)), st.text(max_size=5)))
    target[name] = data.draw(any_json)
    try:
        text = text_of(value)
    except UnicodeEncodeError:
        return
    try:
        manifest = Manifest.parse(text)
    except ManifestError:
        return
    assert manifest.encode() == text


@pytest.mark.property
@given(st.binary(max_size=100))
def test_parse__any_bytes__raises_nothing_but_manifest_error(data: bytes) -> None:
    with pytest.raises(ManifestError):
        Manifest.parse(data)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"version": 2}, "version"),
        ({"version": True}, "version"),
        ({"kind": "mine"}, "kind"),
        ({"kind": ["train"]}, "kind"),
        ({"program": "Qm"}, "program"),
        ({"program": None}, "program"),
        ({"reducer": 5}, "reducer"),
        ({"state": ...}, "document.state"),
        ({"extra": 1}, "document.extra"),
        ({"state_bytes": -1}, "state_bytes"),
        ({"state_bytes": 0}, "state_bytes"),
        ({"state_bytes": 1 << 33}, "state_bytes"),
        ({"shards": []}, "shards"),
        ({"shards": {}}, "shards"),
        ({"shards": [7]}, r"shards\[0\]"),
        ({"shards": [{"bytes": 1, "rows": 1}]}, r"shards\[0\].cid"),
        ({"shards": [{"cid": str(Cid.of(b"")), "bytes": 0, "rows": 1}]}, r"shards\[0\].bytes"),
        ({"shards": [{"cid": str(Cid.of(b"")), "bytes": 1.5, "rows": 1}]}, r"shards\[0\].bytes"),
        ({"rounds": 0}, "rounds"),
        ({"rounds": 65_536}, "rounds"),
        ({"rounds": "1"}, "rounds"),
        ({"reducer": None, "rounds": 2}, "rounds"),
        ({"params": []}, "params"),
        ({"params": {"a": "1"}}, "params.a"),
        ({"params": {"a": True}}, "params.a"),
        ({"limits": {"work_units": 1, "memory_bytes": 1}}, "limits.output_bytes"),
        ({"limits": {"work_units": 0, "memory_bytes": 1, "output_bytes": 1}}, "limits.work_units"),
        ({"limits": {"work_units": 1, "memory_bytes": 1 << 40, "output_bytes": 1}}, "limits.memory_bytes"),
        ({"about": None}, "about"),
    ],
)
def test_parse__one_wrong_field__names_it(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ManifestError, match=f"manifest, {field}") as caught:
        Manifest.parse(text_of(document(**changes)))
    assert caught.value.field in str(caught.value)


@pytest.mark.unit
def test_parse__loose_or_doubled_json__is_refused() -> None:
    good = make_manifest().encode()
    for bad in (b" " + good, good.replace(b":", b": ", 1), good[:-1] + b',"version":1}', good[:-1]):
        with pytest.raises(ManifestError, match="JSON"):
            Manifest.parse(bad)


@pytest.mark.unit
def test_encode__more_shards_than_a_megabyte_holds__says_use_fewer() -> None:
    many = make_manifest(shards=12_000)
    with pytest.raises(ManifestError, match="use fewer, larger shards"):
        many.encode()
    with pytest.raises(ManifestError, match="size"):
        Manifest.parse(bytes(MAX_BYTES + 1))


@pytest.mark.unit
def test_manifest__more_tasks_than_allowed__is_refused_before_it_is_made() -> None:
    with pytest.raises(ManifestError, match="tasks over all rounds"):
        make_manifest(shards=20, rounds=65_535)


@pytest.mark.unit
def test_manifest__counts__follow_from_shards_reducer_and_rounds() -> None:
    folded, joined = make_manifest(shards=3, rounds=4), make_manifest(shards=3, reducer=False)

    assert (folded.map_tasks, folded.reduce_tasks, folded.tasks_per_round, folded.total_tasks) == (3, 1, 4, 16)
    assert (joined.map_tasks, joined.reduce_tasks, joined.tasks_per_round, joined.total_tasks) == (3, 0, 3, 3)


@pytest.mark.unit
def test_encode__anything_changed__has_another_digest() -> None:
    one = make_manifest()
    others = [
        replace(one, rounds=2),
        replace(one, shards=(make_shard("other"), *one.shards[1:])),
        replace(one, params={"learning_rate": 0.06, "epochs": 2}),
        replace(one, about={}),
    ]
    assert len({m.digest for m in (one, *others)}) == 5


@pytest.mark.unit
def test_encode__about_without_json_form__is_refused() -> None:
    with pytest.raises(ManifestError, match="about"):
        make_manifest(about={"x": float("nan")}).encode()


@pytest.mark.unit
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1 << 53, -(1 << 53)])
def test_manifest__parameter_without_a_plain_number__is_refused_by_name(value: float) -> None:
    with pytest.raises(ManifestError, match=r"params\.rate"):
        make_manifest(params={"rate": value})


@pytest.mark.unit
def test_manifest__largest_limits__can_be_written_and_read() -> None:
    largest = Limits(work_units=(1 << 53) - 1, memory_bytes=1 << 32, output_bytes=1 << 32)
    assert Manifest.parse(make_manifest(limits=largest).encode()).limits == largest
    with pytest.raises(ManifestError, match=r"limits\.work_units"):
        make_manifest(limits=replace(largest, work_units=1 << 53))
