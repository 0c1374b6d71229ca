"""Entity tags: a timestamp, in whole milliseconds since the epoch, between double quotes.

Source: "Timestamps" page of the API documentation; RFC 9110 sections 5.6.7 and 8.8.3.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from kinto.core.exceptions import InvalidETag
from kinto.core.types import Timestamp


# First and last millisecond that a calendar date can show (years 1 to 9999).
MIN_TIMESTAMP = -62_135_596_800_000
MAX_TIMESTAMP = 253_402_300_799_999

_QUOTED_INTEGER = re.compile(r'"([0-9]+)"')
# Longer numbers equal no timestamp, and converting them costs the square of their length.
_MAX_DIGITS = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_etag(header: str) -> Timestamp | Literal["*"]:
    """Read an ``If-Match`` or ``If-None-Match`` header.

    :raises InvalidETag: neither ``*`` nor a quoted whole number.
    """
    if header == "*":
        return "*"
    if match := _QUOTED_INTEGER.fullmatch(header):
        return Timestamp(int(match[1].lstrip("0")[:_MAX_DIGITS] or "0"))
    raise InvalidETag(header)


def format_etag(timestamp: int) -> str:
    """Value of the ``ETag`` header."""
    return f'"{timestamp}"'


def timestamp_headers(timestamp: int) -> dict[str, str]:
    """The headers that tell when what is shown was changed."""
    return {"ETag": format_etag(timestamp), "Last-Modified": format_http_date(timestamp)}


def format_http_date(timestamp: int) -> str:
    """Value of the ``Last-Modified`` header: the same instant, truncated to the second."""
    return _format_seconds(max(MIN_TIMESTAMP, min(timestamp, MAX_TIMESTAMP)) // 1000)


@lru_cache(maxsize=1024)
def _format_seconds(seconds: int) -> str:
    # Not `strftime`: names of days and months must not follow the locale of the server.
    date = _EPOCH + timedelta(seconds=seconds)
    return (
        f"{_DAYS[date.weekday()]}, {date.day:02d} {_MONTHS[date.month - 1]} "
        f"{date.year:04d} {date:%H:%M:%S} GMT"
    )
