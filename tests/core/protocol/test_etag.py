from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import InvalidETag
from kinto.core.protocol.etag import (
    MAX_TIMESTAMP,
    MIN_TIMESTAMP,
    format_etag,
    format_http_date,
    parse_etag,
)


@given(st.integers(min_value=0, max_value=10**20))
def test_etags_are_read_back(timestamp):
    assert parse_etag(format_etag(timestamp)) == timestamp


@pytest.mark.parametrize(
    ("header", "expected"), [("*", "*"), ('"0012"', 12), ('"0"', 0), ('"000"', 0)]
)
def test_valid_etags(header, expected):
    assert parse_etag(header) == expected


def test_endless_numbers_are_read_at_once_and_equal_no_timestamp():
    assert parse_etag(f'"{"9" * 50_000}"') > MAX_TIMESTAMP


@pytest.mark.parametrize(
    "header", ["abc", "12", '"*"', '"-1"', 'W/"12"', '"12", "13"', '""', '"12"\n', '"٣"', ""]
)
def test_anything_else_is_refused(header):
    with pytest.raises(InvalidETag) as caught:
        parse_etag(header)

    assert str(caught.value) == "The value should be integer between double quotes."
    assert caught.value.header == header


@pytest.mark.parametrize(
    ("timestamp", "date"),
    [
        (1795450216694, "Mon, 23 Nov 2026 16:10:16 GMT"),
        (12, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (MIN_TIMESTAMP, "Mon, 01 Jan 0001 00:00:00 GMT"),
        (MAX_TIMESTAMP + 10**9, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ],
)
def test_http_dates(timestamp, date):
    assert format_http_date(timestamp) == date


@given(st.integers(min_value=0, max_value=MAX_TIMESTAMP))
def test_http_dates_are_the_instant_truncated_to_the_second(timestamp):
    date = parsedate_to_datetime(format_http_date(timestamp))

    assert date.timestamp() == timestamp // 1000
