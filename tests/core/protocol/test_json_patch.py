import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import PatchError
from kinto.core.protocol.json_patch import (
    MAX_OPERATIONS,
    apply_json_patch,
    validate_json_patch_body,
)

from .strategies import json_values


OBJ = {"id": "a", "n": 1, "o": {"x": 1}, "l": [1]}
PERMISSIONS = {"write": ["me"], "read": ["alice"]}


def apply(*operations, **kwargs):
    return apply_json_patch(OBJ, PERMISSIONS, list(operations), **kwargs)


def op(name, path, **members):
    return {"op": name, "path": path, **members}


def messages(operations):
    return [(error.name, error.description) for error in validate_json_patch_body(operations)]


NOT_A_MAPPING = "is not a mapping type: Does not implement dict-like functionality."


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], []),
        ([op("add", "/a", value=None)], []),
        ([op("move", "/a", **{"from": "/b"})], []),
        ([op("add", "/a", **{"from": ""})], []),
        ({}, [("", '"{}" is not iterable')]),
        ([1], [("0", f'"1" {NOT_A_MAPPING}')]),
        ([None, "a"], [("0", f'"None" {NOT_A_MAPPING}'), ("1", f'"a" {NOT_A_MAPPING}')]),
        ([{"path": "/a"}], [("0.op", "Required")]),
        (
            [{"op": "bogus"}],
            [
                ("0.op", '"bogus" is not one of test, add, remove, replace, move, copy'),
                ("0.path", "Required"),
            ],
        ),
        ([op("add", "")], [("0.path", "Required")]),
        ([op("add", None)], [("0.path", "Required")]),
        ([op("add", "a")], [("0.path", "String does not match expected pattern")]),
        ([op(1, "/a")], [("0.op", "1 is not a string: {'op': ''}")]),
        ([op("add", 1)], [("0.path", "1 is not a string: {'path': ''}")]),
        ([op("move", "/a", **{"from": 1})], [("0.from", "1 is not a string: {'from': ''}")]),
        (
            [op("move", "/a", **{"from": "x"})],
            [("0.from", "String does not match expected pattern")],
        ),
        (
            [op("add", "/a", bar=1)],
            [("0", "Unrecognized keys in mapping: \"{'bar': 1}\"")],
        ),
        ([{}] * (MAX_OPERATIONS + 1), [("", "At most 5000 operations")]),
    ],
)
def test_form_of_the_body(operations, expected):
    assert messages(operations) == expected


def test_attributes_and_permissions_are_patched():
    data, permissions = apply(
        op("add", "/data/l/-", value=2),
        op("replace", "/data/o", value={"y": 2}),
        op("copy", "/data/p", **{"from": "/data/o"}),
        op("move", "/data/m", **{"from": "/data/n"}),
        op("test", "/permissions/read/alice"),
        op("add", "/permissions/read/~1buckets~1t~1groups~1g"),
        op("remove", "/permissions/read/alice"),
        op("replace", "/permissions/write", value=["bob"]),
        op("add", "/foo", value=1),
    )

    assert data == {"id": "a", "l": [1, 2], "o": {"y": 2}, "p": {"y": 2}, "m": 1}
    assert permissions == {"read": {"/buckets/t/groups/g"}, "write": {"bob"}}


def test_nothing_given_is_altered():
    before = copy.deepcopy((OBJ, PERMISSIONS))
    value = {"deep": []}

    apply(op("add", "/data/v", value=value), op("add", "/data/v/deep/-", value=1))
    apply(op("add", "/data/o/z", value=1))

    assert before == (OBJ, PERMISSIONS)
    assert value == {"deep": []}


def test_empty_patch_changes_nothing():
    assert apply() == (OBJ, {"write": {"me"}, "read": {"alice"}})


def test_removal_of_a_whole_permission_leaves_it_out():
    assert apply(op("remove", "/permissions/read"))[1] == {"write": {"me"}}


def test_known_permissions_without_principals_can_be_added_to():
    known = ("read", "write", "record:create")

    _, permissions = apply(op("add", "/permissions/record:create/bob"), known_permissions=known)

    assert permissions["record:create"] == {"bob"}


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (op("remove", "/data/zzz"), "can't remove a non-existent object 'zzz'"),
        (op("replace", "/data/zzz", value=1), "can't replace a non-existent object 'zzz'"),
        (op("test", "/data/zzz", value=1), "member 'zzz' not found in {'id'"),
        (op("test", "/data/n", value=2), "1 (<class 'int'>) is not equal to tested value 2"),
        (op("add", "/data/x"), "The operation does not contain a 'value' member"),
        (op("copy", "/data/x"), "The operation does not contain a 'from' member"),
        (op("copy", "/data/x", **{"from": "/data/nope"}), "nope"),
        (op("move", "/data/x", **{"from": "/data/nope"}), "nope"),
        (op("move", "/data/o/p", **{"from": "/data/o"}), "Cannot move values into"),
        (op("add", "/data/n/x", value=1), "does not support indexing"),
        (op("add", "/data/l/9", value=1), "can't insert outside of list"),
        (op("add", "/data/l/x", value=1), "is not a valid sequence index"),
        (op("add", "/data/a~2b", value=1), "Found invalid escape"),
        (op("add", "/permissions/destroy/me"), "The operation does not contain a 'value' member"),
        (op("add", "/permissions/destroy", value=["me"]), "'destroy' is not one of read, write"),
        (op("remove", "/data"), "/data must be an object"),
        (op("replace", "/data", value=[1]), "/data must be an object"),
        (op("add", "", value=[1]), "/data must be an object"),
        (op("remove", "/permissions"), "/permissions must be an object"),
        (op("add", "/permissions/read", value="bob"), "/permissions/read must be a list"),
        (op("add", "/permissions/read", value=[1]), "/permissions/read must be a list"),
        (op("add", "/permissions/read", value=None), "/permissions/read must be a list"),
        (op("add", "/permissions/read/a\0"), "Invalid character 0x00"),
        (op("add", "/data/x", value="\0"), "Invalid character 0x00"),
        (op("test", "/data", value="x" * 10_000), "…"),
    ],
)
def test_what_cannot_be_applied_has_a_reason(operation, reason):
    with pytest.raises(PatchError) as caught:
        apply(operation, known_permissions=("read", "write"))

    assert reason in caught.value.reason
    assert len(caught.value.reason) < 600


def test_any_permission_is_accepted_unless_they_are_known():
    assert apply(op("add", "/permissions/destroy", value=["me"]))[1]["destroy"] == {"me"}


@pytest.mark.parametrize("path", ["/data/l/-", "/data/l/0"])
def test_repeated_copies_do_not_explode(path):
    operations = [op("copy", path, **{"from": "/data/l"})] * 60

    with pytest.raises(PatchError, match="too large"):
        apply(*operations)


def test_long_texts_and_names_count_as_copies_too():
    operations = [
        op("add", "/data/t", value={"k" * 1000: "x" * 1_000_000}),
        op("copy", "/data/t2", **{"from": "/data/t"}),
        op("copy", "/data/t3", **{"from": "/data/t"}),
    ]

    assert len(apply(*operations[:2])[0]["t2"]) == 1
    with pytest.raises(PatchError, match="too large"):
        apply(*operations)


def test_nesting_cannot_grow_without_end():
    operations = [
        op("add", "/data/d", value={}),
        *(op("add", "/data/d" + "/a" * level, value={}) for level in range(1, 600)),
    ]

    with pytest.raises(PatchError, match="levels of nesting"):
        apply(*operations)


_paths = st.sampled_from(
    [
        "/",
        "/foo",
        "/data",
        "/data/n",
        "/data/l/0",
        "/data/o/x",
        "/data/zz",
        "/permissions",
        "/permissions/read",
        "/permissions/read/alice",
        "/permissions/read/bob",
    ]
)
_operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["test", "add", "remove", "replace", "move", "copy"]), "path": _paths},
    optional={"from": _paths, "value": json_values},
)


@given(st.lists(_operations, max_size=6))
def test_any_patch_is_applied_or_refused(operations):
    assert validate_json_patch_body(operations) == []
    try:
        data, permissions = apply(*operations, known_permissions=("read", "write"))
    except PatchError:
        return
    assert isinstance(data, dict)
    assert all(isinstance(name, str) for names in permissions.values() for name in names)


@given(json_values)
def test_an_added_attribute_leaves_the_others_alone(value):
    data, permissions = apply(op("add", "/data/new", value=value))

    assert data == {**OBJ, "new": value}
    assert permissions == {"write": {"me"}, "read": {"alice"}}
