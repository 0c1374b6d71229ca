import pytest
from hypothesis import given

from kinto.core.protocol.json_codec import dumps
from kinto.core.protocol.text import native_value

from .strategies import json_values


@given(json_values)
def test_json_text_is_decoded(value):
    assert native_value(dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ('"1"', "1"),
        ("true", True),
        ("True", "True"),
        ("null", None),
        ("Ben", "Ben"),
        ("2017-06-01", "2017-06-01"),
        ("01", "01"),
        ("'MoFo'", "'MoFo'"),
        ('"unclosed', '"unclosed'),
        ("Infinity", "Infinity"),
        ("803E5708", "803E5708"),
        ("[" * 5000, "[" * 5000),
        ("", ""),
    ],
)
def test_typing_of_values(text, value):
    assert native_value(text) == value


@pytest.mark.parametrize("value", [None, 3, ["1"], True])
def test_other_types_are_returned_as_they_are(value):
    assert native_value(value) is value
