"""Patterns and ranges say the same."""

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.postgresql.patterns import (
    like_pattern,
    pattern_range,
    prefix_range,
    segment_regexp,
)
from kinto.core.storage.wildcards import matches, segment_pattern


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
IDS = st.text(st.sampled_from("ab/*_%\\.\n(é[^$"), max_size=6)


@given(prefix=TEXT, text=TEXT)
def test_range_of_a_prefix_holds_what_begins_with_it(prefix: str, text: str) -> None:
    low, high = prefix_range(prefix)

    for candidate in (text, prefix + text):
        assert candidate.startswith(prefix) == (
            low <= candidate and (high is None or candidate < high)
        )


@pytest.mark.parametrize(
    ("prefix", "high"),
    [("", None), ("\U0010ffff", None), ("a\U0010ffff", "b"), ("\ud7ff", "\ue000")],
    ids=["empty", "last", "carry", "surrogates"],
)
def test_range_ends_before_the_next_prefix(prefix: str, high: str | None) -> None:
    assert prefix_range(prefix).high == high


@pytest.fixture(scope="module")
def cursor(postgresql_url: str) -> psycopg2.extensions.cursor:
    connection = psycopg2.connect(postgresql_url)
    yield connection.cursor()
    connection.close()


@given(pattern=IDS, text=IDS)
def test_patterns_match_as_in_memory(
    cursor: psycopg2.extensions.cursor, pattern: str, text: str
) -> None:
    low, high = pattern_range(pattern)
    cursor.execute(
        'SELECT %(text)s COLLATE "C" LIKE %(like)s, %(text)s COLLATE "C" ~ %(regexp)s,'
        ' %(text)s COLLATE "C" >= %(low)s AND coalesce(%(text)s COLLATE "C" < %(high)s, true)',
        {
            "text": text,
            "like": like_pattern(pattern),
            "regexp": segment_regexp(pattern),
            "low": low,
            "high": high,
        },
    )
    is_like, is_segment, is_in_range = cursor.fetchone()

    assert is_like == matches(pattern, text)
    assert is_segment == bool(segment_pattern(pattern).fullmatch(text))
    assert is_in_range or not is_like
