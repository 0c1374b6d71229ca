import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import JSONError, UnstorableText
from kinto.core.protocol.json_codec import (
    MAX_NESTING,
    dumps,
    dumps_bytes,
    dumps_storable,
    loads,
    loads_stored,
)

from .strategies import json_values


@given(json_values)
def test_what_is_written_is_read_back(value):
    assert loads(dumps_bytes(value)) == value
    assert loads_stored(dumps_storable(value)) == value
    assert json.loads(dumps(value)) == value


@given(st.binary() | st.text())
def test_any_input_is_read_or_refused(raw):
    with contextlib.suppress(JSONError):
        loads(raw)


def test_output_is_compact_and_unescaped():
    assert dumps({"é": ["/", 1]}) == '{"é":["/",1]}'


def test_keys_are_sorted_on_demand():
    assert dumps({"b": {"d": 1, "c": 2}, "a": 3}, sort_keys=True) == '{"a":3,"b":{"c":2,"d":1}}'


def test_integers_of_any_size_are_kept():
    assert loads(b"123456789012345678901234567890") == 123456789012345678901234567890
    assert loads(dumps(2**70)) == 2**70


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{'foo>}", "Parse error at offset 1: Missing a name for object member."),
        (b'{"a":1,}', "Parse error at offset 7: Missing a name for object member."),
        (b"[NaN]", "Parse error at offset 1: Invalid value."),
        (b"1e400", "Parse error at offset 0: Number too big to be stored in double."),
        (b"1" * 5000, "Parse error at offset 0: Number too big to be stored in double."),
        (b" ", "Parse error at offset 1: The document is empty."),
        (b"[1", "Parse error at offset 2: The document ends too early."),
        (
            b'{"foo":"baz\xff"}',
            "'utf-8' codec can't decode byte 0xff in position 11: invalid start byte",
        ),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (
            "\ud800",
            "'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed",
        ),
        (b'"\\ud800"', "Parse error at offset 8: The document ends too early."),
    ],
)
def test_errors_have_the_documented_form(raw, message):
    with pytest.raises(JSONError) as caught:
        loads(raw)

    assert str(caught.value) == message


@pytest.mark.parametrize("levels", [MAX_NESTING + 1, 1_001, 100_000])
@pytest.mark.parametrize("as_text", [True, False])
def test_deep_nesting_is_refused(levels, as_text):
    raw = "[" * levels + "]" * levels

    with pytest.raises(JSONError, match="levels of nesting"):
        loads(raw if as_text else raw.encode())


def test_deepest_nesting_is_accepted_as_are_many_flat_objects():
    raw = '{"a":' * MAX_NESTING + "1" + "}" * MAX_NESTING

    assert dumps_storable(loads(raw)) == raw
    assert len(loads(b"[" + b"{}," * 1000 + b"[]]")) == 1001


def test_tuples_are_stored_as_arrays_and_keys_as_text():
    assert dumps_storable({1: (1, (2.5, "é"), {"a": True})}) == '{"1":[1,[2.5,"é"],{"a":true}]}'


@pytest.mark.parametrize("value", [b"x", {"a": b"x"}, [{1, 2}], {None: 1}, {True: 1}, object()])
def test_what_json_does_not_know_is_a_type_error(value):
    with pytest.raises(TypeError):
        dumps_storable(value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a\0", ()),
        ({"a": ["b", "\0"]}, ("a", 1)),
        ({"a": {"\0": 1}}, ("a", "\0")),
        ({"a": "\ud800"}, ("a",)),
        ({"\udfff": 1}, ("\udfff",)),
        ([1.5, float("nan")], (1,)),
        ({"a": float("inf")}, ("a",)),
        (float("nan"), ()),
    ],
)
def test_what_postgresql_cannot_hold_is_found(value, path):
    with pytest.raises(UnstorableText) as caught:
        dumps_storable(value)

    assert caught.value.path == path
    str(caught.value).encode()


def test_escaped_backslash_before_a_nul_escape_is_harmless():
    assert dumps_storable(["\\u0000"]) == '["\\\\u0000"]'


@pytest.mark.parametrize("innermost", [[], ()])
def test_deepest_values_can_be_stored(innermost):
    value = innermost
    for _ in range(MAX_NESTING - 1):
        value = [value]

    assert dumps_storable(value) == "[" * MAX_NESTING + "]" * MAX_NESTING


def test_values_that_are_too_deep_cannot_be_stored():
    value = []
    for _ in range(2_000):
        value = [value]

    with pytest.raises(UnstorableText, match="levels"):
        dumps_storable(value)
