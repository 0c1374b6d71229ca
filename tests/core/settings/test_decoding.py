import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.settings import decode_value, read_env


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("25", 25),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("null", None),
        ('"Client is too old"', "Client is too old"),
        ('["a","b"]', ["a", "b"]),
        ("[\n 1,\n 2\n]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("True", "True"),
        ("yes", "yes"),
        ("None", "None"),
        ("", ""),
        ("egg:kinto", "egg:kinto"),
        ("\nkinto.plugins.a\nkinto.plugins.b", "\nkinto.plugins.a\nkinto.plugins.b"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("1e400", "1e400"),
        ("[" * 100_000, "[" * 100_000),
        ("1" * 5000, "1" * 5000),
        (25, 25),
        (None, None),
        (("a",), ("a",)),
    ],
)
def test_values_are_decoded_when_they_are_json(text, value):
    assert decode_value(text) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_written_json_is_read_back(value):
    assert decode_value(json.dumps(value)) == value


@given(st.text())
def test_no_text_fails(text):
    decode_value(text)


def test_variable_is_decoded_and_default_is_not():
    environ = {"KINTO_MAIL_MAX_SIZE": "10"}

    assert read_env("kinto.mail.max-size", 5, environ) == 10
    assert read_env("kinto.mail.other", "10", environ) == "10"


def test_environment_of_the_process_is_read(monkeypatch):
    monkeypatch.setenv("KINTO_SOME_SETTING", "true")

    assert read_env("kinto.some.setting", None) is True
