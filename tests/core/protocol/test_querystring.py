import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.querystring import (
    MAX_NUMBER,
    group_params,
    parse_names,
    parse_number,
    parse_whole_number,
    validate_querystring,
)


def messages(*params):
    errors = validate_querystring(group_params(params))
    return [(error.name, error.description) for error in errors]


def test_repeated_parameters_are_grouped_in_order():
    params = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")]

    assert list(group_params(params).items()) == [("a", ["1", "3", "4"]), ("b", "2")]


@pytest.mark.parametrize("name", ["_since", "_before", "_to", "_limit", "last_modified"])
@pytest.mark.parametrize(
    ("raw", "description"),
    [
        ("abc", '"abc" is not a number'),
        ('"abc"', '"abc" is not a number'),
        ('"null"', '"null" is not a number'),
        ("true", '"true" is not a number'),
        ("[1]", '"[1]" is not a number'),
        ("1e400", '"1e400" is not a number'),
        ('"1e400"', '"1e400" is not a number'),
        ('a"b', '"a"b" is not a number'),
        ("1_0", '"1_0" is not a number'),
        ("-1", "-1 is less than minimum value 0"),
        ("-1.5", "-1 is less than minimum value 0"),
        (
            "100000000000000000000",
            f"100000000000000000000 is greater than maximum value {MAX_NUMBER}",
        ),
    ],
)
def test_bad_numbers(name, raw, description):
    assert messages((name, raw)) == [(name, description)]


@pytest.mark.parametrize("raw", ["", '""', "null", "{}", "[]"])
def test_empty_numbers(raw):
    assert parse_number(raw) is None


@pytest.mark.parametrize(
    ("raw", "number"),
    [('"2"', 2), ("1.5", 1), (" 1 ", 1), ("0", 0), ("1e3", 1000), ("-0.5", 0), ("+4", 4)],
)
def test_spellings_of_numbers(raw, number):
    assert parse_number(raw) == number


@given(st.integers(0, MAX_NUMBER))
def test_numbers_are_exact(number):
    assert parse_number(str(number)) == number
    assert parse_number(f'"{number}"') == number


@given(st.text())
def test_any_text_is_a_number_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        parse_number(text)
    parse_whole_number(text)


def test_repeated_single_values_are_refused():
    repeated = [(name, value) for name in ("_limit", "_token", "id") for value in "12"]

    assert messages(*repeated) == [
        ("_limit", "\"['1', '2']\" is not a number"),
        ("_token", "['1', '2'] is not a string: {'_token': ''}"),
        ("id", "['1', '2'] is not a string: {'id': ''}"),
    ]


def test_ids_are_strings():
    assert messages(("id", "12")) == [("id", "12 is not a string: {'id': ''}")]
    assert messages(("id", '"12"'), ("_token", "12"), ("n", "x"), ("_sort", "n")) == []


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("12", 12),
        ('" 12 "', 12),
        ("1.5", None),
        ("-1", None),
        ("true", None),
        ("", None),
        ("[1]", None),
        (["1", "2"], None),
        ("99999999999999999999999", 99999999999999999999999),
    ],
)
def test_whole_numbers(raw, number):
    assert parse_whole_number(raw) == number


def test_names_are_separated_by_commas():
    assert parse_names(",a, b,,") == ["a", "b"]
    assert parse_names(["a,b", "c"]) == ["a", "b", "c"]
    assert parse_names(None) == []
