import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.urls import (
    MAX_PARAMETERS,
    UndecodableURL,
    build_url,
    decode_wsgi_path,
    encode_wsgi_target,
    format_query,
    parse_query,
    quote_path,
)


_text = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(_text, _text).filter(any)))
def test_queries_are_read_back(params):
    assert parse_query(format_query(params)) == params


def test_queries_are_written_as_forms():
    params = [("_sort", "n,-o"), ("a", "é &~"), ("_token", "x=")]

    assert format_query(params) == "_sort=n%2C-o&a=%C3%A9+%26~&_token=x%3D"


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("", []),
        ("a", [("a", "")]),
        ("&a=1;b=2&&", [("a", "1"), ("b", "2")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=%zz", [("a", "%zz")]),
        ("a+b=%20", [("a b", " ")]),
        ("a=\xc3\xa9", [("a", "é")]),
    ],
)
def test_queries(query, params):
    assert parse_query(query) == params


@pytest.mark.parametrize(
    "query", ["a=%ff", "%E2%FC%A7", "a=\xe9", "a=\u20ac", "a&" * (MAX_PARAMETERS + 1)]
)
def test_undecodable_queries(query):
    with pytest.raises(UndecodableURL):
        parse_query(query)


def test_paths_of_wsgi_are_decoded():
    assert decode_wsgi_path("/caf\xc3\xa9") == "/café"
    for path in ("/\x82\xac", "/\u20ac"):
        with pytest.raises(UndecodableURL, match=r"Invalid URL path\."):
            decode_wsgi_path(path)


def test_paths_are_quoted_once():
    assert quote_path("/buckets/a b/é%2F") == "/buckets/a%20b/%C3%A9%2F"
    for path in ("/a%zz", "/a%", "/\ud800"):
        with pytest.raises(UndecodableURL):
            quote_path(path)


def test_urls_with_and_without_parameters():
    assert build_url("http://a/v1/b", [("_limit", "1")]) == "http://a/v1/b?_limit=1"
    assert build_url("http://a/v1/b", []) == "http://a/v1/b"


@pytest.mark.parametrize(
    ("target", "path_info", "query"),
    [
        ("/v1/buckets/a-b_c.~d", "/v1/buckets/a-b_c.~d", ""),
        ("/v1/a b", "/v1/a b", ""),
        ("/v1/a%20b", "/v1/a b", ""),
        ("/v1/é", "/v1/Ã©", ""),
        ("/v1/%C3%A9?x=é&y=%41", "/v1/Ã©", "x=%C3%A9&y=%41"),
        ("/v1/?a=b?c", "/v1/", "a=b?c"),
        ("/v1/x\n", "/v1/x\n", ""),
    ],
)
def test_what_wsgi_makes_of_a_path_with_its_query(target: str, path_info: str, query: str) -> None:
    assert encode_wsgi_target(target) == (path_info, query)
