"""Everything that clients should not send."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


# More of them find more: a campaign takes some hundreds.
EXAMPLES = int(os.environ.get("KINTO_TEST_EXAMPLES", "12"))
# The time of each request is checked where it is sent.
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

NASTY_TEXTS = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "a\udfffb",
    "\ud83d",
    "\U0010ffff",
    "\ufffe",
    "\x1b[31m",
    "é",
    "\u202e",
    "*",
    "%",
    "%%",
    "%s %(a)s",
    "_",
    "\\",
    "\\u0000",
    "'",
    '"',
    "$1",
    "/",
    "..",
    "null",
    "true",
    "NaN",
    "id",
    "last_modified",
    "deleted",
    "__permissions__",
    "a.b.c",
    ".",
    "a..b",
    "-",
    "+",
    ",",
    "{",
    "[[[[",
    "\n",
    "\r\nX: y",
    "a" * 3_000,
]
NASTY_NUMBERS = [
    0,
    -1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    2**64,
    10**17,
    10**30,
    -(10**400),
    0.1,
    1.5,
    -0.0,
    1e308,
    5e-324,
    253402300800000,
    -62135596800001,
]


def nasty_texts() -> st.SearchStrategy[str]:
    """Any text, lone surrogates and NUL included."""
    return st.sampled_from(NASTY_TEXTS) | st.text(st.characters(), max_size=8)


def nasty_numbers() -> st.SearchStrategy[int | float]:
    """Any number, those that JSON has no form for included."""
    return st.sampled_from(NASTY_NUMBERS) | st.integers() | st.floats()


def nasty_scalars() -> st.SearchStrategy[object]:
    """Any JSON value but lists and objects."""
    return st.none() | st.booleans() | nasty_numbers() | nasty_texts()


def nasty_values() -> st.SearchStrategy[object]:
    """Any JSON value."""
    return st.recursive(
        nasty_scalars(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(nasty_texts(), inner, max_size=3)
        ),
        max_leaves=6,
    )


def with_keys(*names: str) -> st.SearchStrategy[dict[str, object]]:
    """Objects with some of these keys, whose values are anything."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, nasty_values()))


FAMOUS_HEADERS = [
    "",
    "*",
    '"',
    '""',
    '"-1"',
    '"99999999999999999999999"',
    'W/"1"',
    '"1", "2"',
    "null",
    "ÿþ",
    "Basic",
    "Basic !!!",
    "Basic AA==",
    "Basic gICA",
    "Basic " + "QUFB" * 1_000,
    "Bearer a.b.c",
    "application/json; charset=utf-7",
    "application/json; charset=nonsense",
    "application/json; charset=\xff",
    "application/json; charset=base64",
    "application/json; q=x; ;;=",
    "text/html;level=1;q=1.0001",
    "bytes=0-18446744073709551616",
    "Thu, 99 Xyz 99999 99:99:99 GMT",
    "gzip, deflate, \x80",
    "a" * 5_000,
    "," * 1_000,
]


def header_values() -> st.SearchStrategy[str]:
    """What an HTTP server lets through to an application."""
    characters = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")
    return st.sampled_from(FAMOUS_HEADERS) | st.text(characters, max_size=30)
