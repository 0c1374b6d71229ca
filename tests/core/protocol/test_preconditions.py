import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import InvalidParameters
from kinto.core.protocol.preconditions import (
    Outcome,
    Preconditions,
    evaluate,
    parse_preconditions,
)


CURRENT = 12
PROCEED, NOT_MODIFIED, FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.FAILED

# Columns of the table of the specification.
GET_OBJECT = {"current": CURRENT, "exists": True, "is_safe": True}
PUT_EXISTING = {"current": CURRENT, "exists": True, "is_safe": False}
PUT_NEW = {"current": None, "exists": False, "is_safe": False}
POST_NEW = {"current": CURRENT, "exists": False, "is_safe": False}
SITUATIONS = (GET_OBJECT, PUT_EXISTING, PUT_NEW, POST_NEW)


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("if_none_match", 12, (NOT_MODIFIED, PROCEED, PROCEED, PROCEED)),
        ("if_none_match", 11, (PROCEED, PROCEED, PROCEED, PROCEED)),
        ("if_none_match", 13, (PROCEED, PROCEED, PROCEED, PROCEED)),
        ("if_none_match", "*", (FAILED, FAILED, PROCEED, PROCEED)),
        ("if_match", 12, (PROCEED, PROCEED, FAILED, PROCEED)),
        ("if_match", 11, (FAILED, FAILED, FAILED, FAILED)),
        ("if_match", 13, (FAILED, FAILED, FAILED, FAILED)),
        ("if_match", "*", (PROCEED, PROCEED, FAILED, FAILED)),
    ],
)
def test_table_of_preconditions(header, value, expected):
    preconditions = Preconditions(**{header: value})

    assert tuple(evaluate(preconditions, **case) for case in SITUATIONS) == expected


@pytest.mark.parametrize("situation", SITUATIONS)
def test_unconditional_requests_proceed(situation):
    assert evaluate(Preconditions(), **situation) is PROCEED


def test_not_modified_wins_over_a_failing_if_match():
    both = Preconditions(if_match=3, if_none_match=CURRENT)

    assert evaluate(both, **GET_OBJECT) is NOT_MODIFIED
    assert evaluate(both, **PUT_EXISTING) is FAILED


_etags = st.none() | st.just("*") | st.integers(0, 3)


@given(_etags, _etags, st.integers(0, 3), st.booleans())
def test_writes_are_never_answered_by_not_modified(if_match, if_none_match, current, exists):
    outcome = evaluate(
        Preconditions(if_match, if_none_match), current=current, exists=exists, is_safe=False
    )

    assert outcome is not NOT_MODIFIED
    if if_match not in (None, "*", current):
        assert outcome is FAILED


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_empty_headers_are_ignored(empty):
    assert not parse_preconditions(empty, empty)


def test_headers_are_read():
    parsed = parse_preconditions(' "12" ', "*")

    assert parsed == Preconditions(if_match=12, if_none_match="*")
    assert parsed
    assert parse_preconditions(None, '"0"')


def test_each_bad_header_is_reported():
    with pytest.raises(InvalidParameters) as caught:
        parse_preconditions("abc", 'W/"12"')

    assert [(e.location, e.name, e.description) for e in caught.value.errors] == [
        ("header", "If-Match", "The value should be integer between double quotes."),
        ("header", "If-None-Match", "The value should be integer between double quotes."),
    ]
    assert "double quotes.; The value" in str(caught.value)
