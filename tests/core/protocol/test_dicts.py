import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.dicts import (
    copy_json,
    dict_merge,
    dict_subset,
    find_nested_value,
    merge_dicts,
    recursive_update_dict,
)

from .strategies import json_objects, json_values


@pytest.mark.parametrize(
    ("obj", "path", "expected"),
    [
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a": {"b": None}}, "a.b", None),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", 1),
        ({"a.b": {"c": 1}}, "a.b.c", 1),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a.b": {"x": 1}, "a": {"b": {"c": 2}}}, "a.b.c", 2),
        ({"a": 1}, "a.b", "default"),
        ({"a": 1}, "b", "default"),
        ({}, "a.b", "default"),
        ("text", "a", "default"),
        ({"": 1}, "", 1),
    ],
)
def test_find_nested_value(obj, path, expected):
    assert find_nested_value(obj, path, "default") == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["n", "nope"], {"n": 1}),
        (["n.x"], {"n": 1}),
        (["o.x"], {"o": {"x": 1}}),
        (["o.p.q", "o.p.r"], {"o": {"p": {"q": 1, "r": 2}}}),
        (["o.p.nope"], {"o": {"p": {}}}),
        (["o", "o.x"], {"o": {"x": 1, "p": {"q": 1, "r": 2}}}),
        (["o.x", "o"], {"o": {"x": 1, "p": {"q": 1, "r": 2}}}),
        (["a.b"], {"a.b": 3}),
        (["zz.x"], {}),
    ],
)
def test_dict_subset(keys, expected):
    obj = {"n": 1, "o": {"x": 1, "p": {"q": 1, "r": 2}}, "a.b": 3}
    untouched = copy.deepcopy(obj)

    assert dict_subset(obj, keys) == expected
    assert obj == untouched


def test_dict_merge_is_deep_and_new():
    first, second = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 4}, "d": {"e": 5}}

    assert dict_merge(first, second) == {"a": {"b": 4, "c": 2}, "d": {"e": 5}}
    assert first == {"a": {"b": 1, "c": 2}, "d": 3}


@given(json_objects)
def test_dict_merge_with_itself_or_nothing_changes_nothing(obj):
    assert dict_merge(obj, obj) == obj
    assert dict_merge(obj, {}) == dict_merge({}, obj) == obj


def test_merge_dicts_never_overwrites():
    first = {"a": {"b": 1}, "c": 2}

    merge_dicts(first, {"a": {"b": 3, "d": 4}, "c": {"e": 5}, "f": {"g": 6}})

    assert first == {"a": {"b": 1, "d": 4}, "c": 2, "f": {"g": 6}}


def test_recursive_update_dict():
    root = {"a": {"b": 1, "x": 0}, "c": 2, "d": 3}

    recursive_update_dict(root, {"a": {"b": None, "e": 4}, "c": {"f": None}, "d": 5}, [None])

    assert root == {"a": {"e": 4, "x": 0}, "c": {}, "d": 5}


def test_recursive_update_dict_without_changes_or_ignores():
    root = {"a": 1}

    recursive_update_dict(root, None)
    recursive_update_dict(root, {"b": None})

    assert root == {"a": 1, "b": None}


def test_ignored_values_are_compared_with_their_type():
    root = {"a": 1}

    recursive_update_dict(root, {"a": 0}, [False])

    assert root == {"a": 0}


@given(json_values)
def test_copies_are_equal_and_apart(value):
    copied = copy_json(value)

    assert copied == value
    assert not isinstance(value, (dict, list)) or copied is not value


@given(st.integers(0, 400))
def test_copies_reach_any_accepted_depth(levels):
    value = {}
    for _ in range(levels):
        value = {"a": [value]} if levels < 200 else {"a": value}

    assert copy_json(value) == value
