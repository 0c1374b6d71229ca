"""Patterns: the results of Python's ``re``, in bounded time."""

import contextlib
import re
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinto.json_schema.outcome import UnusableSchema, Work
from kinto.json_schema.patterns import finds, is_regular_expression
from kinto.json_schema.patterns.machine import search
from kinto.json_schema.patterns.program import assemble


ATOMS = st.sampled_from(
    [
        "a", "b", "é", "ß", r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", ".", "^", "$", r"\b", r"\B",
        r"\A", r"\Z", "[a-c]", "[^a]", r"[\w-]", r"[^\d\s]", "\n", "(?i:k)", "(?i:[a-s])",
        "(?s:.)", "(?m:^b$)", r"(?a:\w)", "İ", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "()",
    ]
)  # fmt: skip


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifiers = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "*?", "+?", "{0,2}?"])
    prefixes = st.sampled_from(["(?:", "(", "(?>", "(?=", "(?!", "(?<=", "(?<!"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(prefixes, inner).map(lambda two: f"{two[0]}{two[1]})"),
        st.tuples(inner, quantifiers).map(lambda two: f"(?:{two[0]}){two[1]}"),
        st.tuples(inner, inner).map(lambda two: rf"(?:({two[0]})\1{two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"(?:(a)?(?(1){two[0]}|{two[1]}))"),
    )


PATTERNS = st.recursive(ATOMS, _extend, max_leaves=8)
TEXTS = st.text(st.sampled_from("ab\n -1éßsSkKıİ\x1c_cſ"), max_size=7)


def python_finds(pattern: str, text: str) -> bool | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.search(pattern, text) is not None
        except re.error:
            return None


@settings(max_examples=400, deadline=None)
@given(flags=st.sampled_from(["", "(?i)", "(?s)", "(?m)"]), pattern=PATTERNS, text=TEXTS)
def test_what_is_found_is_what_python_finds(flags: str, pattern: str, text: str) -> None:
    expected = python_finds(flags + pattern, text)

    assert is_regular_expression(flags + pattern) is (expected is not None)
    if expected is not None:
        assert finds(flags + pattern, text, Work()) is expected


@settings(max_examples=300, deadline=None)
@given(pattern=PATTERNS, text=TEXTS)
def test_our_own_matcher_agrees_where_re2_would_be_used(pattern: str, text: str) -> None:
    expected = python_finds(pattern, text)

    if expected is not None:
        assert search(assemble(pattern, Work()), text, Work()) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("^a$", "a\n", True, id="dollar before a last line feed"),
        pytest.param(r"^\w+$", "é", True, id="letters beyond ASCII are word characters"),
        pytest.param(r"^\d$", "٣", True, id="digits beyond ASCII"),
        pytest.param(r"(a)\1", "aa", True, id="back reference"),
        pytest.param(r"(?i)(é)\1", "éÉ", True, id="back reference, any case"),
        pytest.param(r"^(?!x)", "xb", False, id="negative look-ahead"),
        pytest.param(r"(?<!a)b", "ab", False, id="negative look-behind"),
        pytest.param(r"(?>a+)ab", "aaab", False, id="atomic group"),
        pytest.param(r"a++b", "aab", True, id="possessive repetition"),
        pytest.param(r"a{2000}", "a" * 2000, True, id="more repetitions than RE2 takes"),
        pytest.param(r"\bé\b", "x é y", True, id="word boundary beyond ASCII"),
        pytest.param(r"$\n", "a\n", True, id="dollar within"),
        pytest.param(r"(?m)^b$", "a\nb\nc", True, id="multi-line"),
        pytest.param(r"[^\x00-\U0010ffff]", "a", False, id="nothing"),
    ],
)
def test_engine_for_each_construct(pattern: str, text: str, expected: bool) -> None:
    assert python_finds(pattern, text) is expected

    assert finds(pattern, text, Work()) is expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(a+)+$", "a" * 60 + "!"),
        (r"^(\w+\s?)*$", "aaaa " * 2_000 + "!"),
        (r"(?=(a+)+b)", "a" * 5_000),
        (r"(.*)\1{3}z", "a" * 3_000),
        (r"(a*)*\1b", "é" * 3_000),
        (r"[\w-]{1,1000}@" * 3, "a" * 1_000_000),
        (r"[\w-]{1,1000}@" * 3, "é" * 100_000),
        (r"((a{0,1000}){0,1000}){0,1000}x", "a" * 1_000),
        ("a" * 20_000, "a" * 1_000_000),
        ("a?" * 9_000, "a" * 9_000),
        (r"(?i)[\x00-\U0010ffff]*é$", "é" * 100_000),
    ],
    ids=range(11),
)
def test_no_pattern_takes_long(pattern: str, text: str) -> None:
    started = time.process_time()

    with contextlib.suppress(UnusableSchema):
        finds(pattern, text, Work())

    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "pattern",
    ["(", "[", "a{99999999999}", "(?<=a+)", "(?<!a|bc)", r"\p{L}", "(" * 3_000, "a" * 20_001],
    ids=range(8),
)
def test_what_is_no_regular_expression(pattern: str) -> None:
    assert not is_regular_expression(pattern)


def test_validity_is_found_without_compiling() -> None:
    started = time.process_time()

    assert is_regular_expression(r"(?i:[\x00-\U0010ffff])" * 900)

    assert time.process_time() - started < 1
