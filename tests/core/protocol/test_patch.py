import pytest
from hypothesis import given

from kinto.core.protocol.patch import (
    ResponseBehavior,
    is_same_json,
    merge_patch,
    respond_diff,
    respond_light,
    shallow_merge,
)

from .strategies import json_objects, json_values


@pytest.mark.parametrize(
    ("stored", "changes", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {"a": None}),
        ({"a": {"b": "c"}}, {"a": {"d": "e"}}, {"a": {"d": "e"}}),
    ],
)
def test_shallow_merge(stored, changes, expected):
    assert shallow_merge(stored, changes) == expected


@given(json_objects, json_objects)
def test_a_shallow_merge_keeps_other_fields(stored, changes):
    result = shallow_merge(stored, changes)

    assert result == {**stored, **changes}
    assert all(result[key] == stored[key] for key in stored.keys() - changes.keys())


# Examples of RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("stored", "changes", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(stored, changes, expected):
    assert merge_patch(stored, changes) == expected


@given(json_objects, json_objects)
def test_a_merge_patch_keeps_other_fields_and_can_be_repeated(stored, changes):
    result = merge_patch(stored, changes)

    assert all(result[key] == stored[key] for key in stored.keys() - changes.keys())
    assert merge_patch(result, changes) == result


@pytest.mark.parametrize(
    ("sent", "light", "diff"),
    [
        ({"a": "x"}, {"a": "x"}, {}),
        ({"a": "x", "b": 2, "n": 1}, {"a": "x", "n": 1}, {}),
        ({"a": "x", "last_modified": 5}, {"a": "x", "last_modified": 9}, {"last_modified": 9}),
        ({"id": "r", "gone": None}, {}, {}),
        ({"flag": True}, {"flag": True}, {}),
        ({"o": {"x": 5}}, {"o": {"x": 5, "z": 1}}, {"o": {"x": 5, "z": 1}}),
        ({}, {}, {}),
    ],
)
def test_response_behaviors(sent, light, diff):
    before = {"id": "r", "last_modified": 1, "a": 1, "b": 2, "flag": 1, "gone": 1, "o": {"z": 1}}
    after = {
        "id": "r",
        "last_modified": 9,
        "a": "x",
        "b": 2,
        "n": 1,
        "flag": True,
        "o": {"x": 5, "z": 1},
    }

    assert respond_light(sent, before=before, after=after) == light
    assert respond_diff(sent, after=after) == diff


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (False, 0, False),
        (1, 2, False),
        (1, "1", False),
        (None, 0, False),
        ([1, {"a": True}], [1, {"a": 1}], False),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        ("a", "a", True),
    ],
)
def test_equality_of_json(first, second, expected):
    assert is_same_json(first, second) is expected
    assert is_same_json(second, first) is expected


@given(json_values)
def test_every_value_is_the_same_as_itself(value):
    assert is_same_json(value, value)


def test_behaviors_are_named_as_in_the_header():
    assert [behavior.value for behavior in ResponseBehavior] == ["full", "light", "diff"]
