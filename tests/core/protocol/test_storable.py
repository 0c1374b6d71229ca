from enum import IntEnum

import pytest
from hypothesis import given

from kinto.core.exceptions import UnstorableText
from kinto.core.protocol.storable import check_storable, check_storable_text, find_text_problem

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
