import json
import math
from collections import OrderedDict
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import UnstorableText
from kinto.core.protocol.storable import (
    MAX_NESTING,
    check_storable,
    check_storable_text,
    encode_plain,
    find_text_problem,
)

from .strategies import json_values, storable_text


class _Number(IntEnum):
    ONE = 1


@given(json_values)
def test_json_values_are_storable(value):
    check_storable(value)


@given(storable_text)
def test_text_without_nul_is_storable(text):
    check_storable_text(text)
    assert find_text_problem(text) is None


@pytest.mark.parametrize("text", ["a\0", "\ud800x"])
def test_nul_and_lone_surrogates_are_not_storable(text):
    with pytest.raises(UnstorableText, match="Invalid character 0x"):
        check_storable_text(text)


def test_subclasses_of_known_types_are_storable():
    check_storable([_Number.ONE, (1,)])


def test_accented_text_is_storable():
    check_storable_text("é")


ODD = [b"a", (1,), {1}, {1: "a"}, {True: 1}, math.nan, math.inf, "\0", "\\u0000", "\ud800", 2**70]
ODD += [datetime.now(UTC), object(), {"a": (1, "b")}, {"": None}, OrderedDict(a=1), 10**400]
VALUES = st.recursive(
    st.sampled_from(ODD) | st.none() | st.booleans() | st.floats() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(value=VALUES)
def test_what_is_taken_for_plain_says_the_same_when_it_is_read(value: Any) -> None:
    encoded = encode_plain(value)

    if encoded is not None:
        assert json.loads(encoded) == value
        assert b"\\u0000" not in encoded
        with mock.patch("kinto.core.protocol.storable.encode_plain", return_value=None):
            check_storable([value])


@pytest.mark.parametrize(("depth", "is_plain"), [(MAX_NESTING, True), (MAX_NESTING + 1, False)])
def test_what_is_nested_too_deep_is_not(depth: int, is_plain: bool) -> None:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]

    assert (encode_plain(value) is not None) == is_plain
