"""Order, text, containment of JSON values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.criteria import MISSING
from kinto.core.storage import wildcards
from kinto.core.storage.ordering import contains, json_text, sort_key


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(json_values, json_values)
def test_any_two_values_compare(first: Any, second: Any) -> None:
    one, other = sort_key(first), sort_key(second)
    assert (one < other) + (one == other) + (one > other) == 1
    assert one < sort_key(MISSING)


@given(json_values)
def test_equal_values_have_equal_keys(value: Any) -> None:
    assert sort_key(json.loads(json.dumps(value))) == sort_key(value)
    assert hash(sort_key(value)) == hash(sort_key(value))


def test_values_that_are_no_json_have_no_place() -> None:
    with pytest.raises(TypeError):
        sort_key(b"")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (-0.0, "0.0"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        ('a"é', '"a\\"é"'),
        ([1, [2, "x"]], '[1, [2, "x"]]'),
        ({"bb": 1, "a": {}, "c": []}, '{"a": {}, "c": [], "bb": 1}'),
    ],
)
def test_text_is_that_of_jsonb(value: Any, text: str) -> None:
    assert json_text(value) == text


@pytest.mark.parametrize(
    ("stored", "part", "expected"),
    [
        ([1, 2, 3], [3, 1], True),
        ([1], [1.0, 1], True),
        ([1], ["1"], False),
        ([1], [True], False),
        ([[1, 2]], [[2]], True),
        ([1, 2], [[1]], False),
        ([{"a": 1, "b": [1, 2]}], [{"b": [2]}], True),
        ([{"a": 1}], [{"a": 1, "b": 2}], False),
        ({"a": None}, {"a": None}, True),
        ({}, {"a": None}, False),
        ("x", ["x"], False),
        (["x"], {"x": 1}, False),
    ],
)
def test_containment_is_that_of_jsonb(stored: Any, part: Any, expected: bool) -> None:
    assert contains(stored, part) is expected


@given(json_values)
def test_values_contain_themselves(value: Any) -> None:
    assert contains(value, value)


texts = st.text(alphabet="ab*/", max_size=8)


@given(pattern=texts, text=texts)
def test_wildcards_match_like_a_naive_search(pattern: str, text: str) -> None:
    def naive(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(naive(pattern[1:], text[cut:]) for cut in range(len(text) + 1))
        return text[:1] == pattern[0] and naive(pattern[1:], text[1:])

    assert wildcards.matches(pattern, text) is naive(pattern, text)


def test_many_wildcards_take_no_time() -> None:
    assert not wildcards.matches("*a" * 2000 + "b", "a" * 20000)


def test_segments_hold_no_slash() -> None:
    pattern = wildcards.segment_pattern("/a/*/b.*")
    assert pattern.fullmatch("/a/x/b.y")
    assert not pattern.fullmatch("/a//b.y")
    assert not pattern.fullmatch("/a/x/bzy")
    assert not pattern.fullmatch("/a/x/b.y/z")
