"""Headers of any content are understood, ignored or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input.strategies import FAMOUS_HEADERS, header_values, many
from tests.bad_input.world import RECORD, RECORDS, World


NAMES = [
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_AUTHORIZATION",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_ACCEPT_CHARSET",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ORIGIN",
    "HTTP_HOST",
    "HTTP_COOKIE",
    "HTTP_RANGE",
    "HTTP_REFERER",
    "HTTP_USER_AGENT",
    "HTTP_CONTENT_ENCODING",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_RESPONSE_BEHAVIOR",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_FORWARDED",
    "HTTP_X_HTTP_METHOD_OVERRIDE",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "wsgi.url_scheme",
    "REMOTE_ADDR",
]
REQUESTS: list[tuple[str, str, bytes | None]] = [
    ("GET", RECORDS, None),
    ("HEAD", RECORD, None),
    ("OPTIONS", RECORDS, None),
    ("POST", RECORDS, b"{}"),
    ("PUT", RECORD, b'{"data":{"n":1}}'),
    ("PATCH", RECORD, b'{"data":{"n":2}}'),
    ("DELETE", RECORD, None),
    ("POST", "/batch", b'{"requests":[{"path":"/buckets"}]}'),
    ("GET", "/", None),
    ("GET", "/unknown", None),
    ("GET", "/__heartbeat__", None),
    ("GET", "/__api__", None),
]
requests = st.sampled_from(REQUESTS)


@many
@given(
    request=requests,
    environ=st.dictionaries(st.sampled_from(NAMES), header_values(), min_size=1, max_size=3),
)
def test_any_headers(
    world: World, request: tuple[str, str, bytes | None], environ: dict[str, str]
) -> None:
    world.check(*request, environ=environ)


@pytest.mark.parametrize("name", NAMES)
def test_famous_values(world: World, name: str) -> None:
    for number, value in enumerate(FAMOUS_HEADERS):
        world.check(*REQUESTS[number % len(REQUESTS)], environ={name: value})


@pytest.mark.parametrize(
    "host",
    [
        "a b",
        "a/b",
        "http://a",
        "a@b",
        "a:b",
        "a:99999999",
        "a:80:80",
        "[::1",
        "::1",
        "a\nb",
        'a"onload=',
        "<script>",
        "a?b",
        "a#b",
        "\xe9.com",
        "a,b",
        "a" * 5_000,
        "a\\b",
        "%00",
    ],
)
def test_a_host_that_is_none_is_400(world: World, host: str) -> None:
    for path in (f"{RECORDS}?_limit=1", "/", "/buckets/"):
        answer = world.check("GET", path, environ={"HTTP_HOST": host})
        assert answer.status == 400
        assert host not in answer.headers.get("Next-Page", "")
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "host", ["a", "a.example", "a:80", "127.0.0.1:8888", "[::1]:8888", "A-b.c"]
)
def test_a_host_is_shown_in_links(world: World, host: str) -> None:
    answer = world.check("GET", f"{RECORDS}?_limit=1", environ={"HTTP_HOST": host})

    assert answer.status == 200
    assert answer.headers["Next-Page"].startswith(f"http://{host.removesuffix(':80')}/v1/")


@pytest.mark.parametrize(
    "forwarded",
    [
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_X_FORWARDED_PROTO": "javascript"},
        {"HTTP_FORWARDED": "host=evil.example;proto=evil"},
    ],
    ids=str,
)
def test_forwarded_headers_are_not_trusted(world: World, forwarded: dict[str, str]) -> None:
    answer = world.check("GET", f"{RECORDS}?_limit=1", environ=forwarded)

    assert answer.headers["Next-Page"].startswith("http://localhost/v1/")


def test_a_scheme_that_is_none_is_400(world: World) -> None:
    answer = world.check("GET", RECORDS, environ={"wsgi.url_scheme": "javascript"})

    assert answer.status == 400


@pytest.mark.parametrize("charset", ["utf-7", "nonsense", "\xff", "base64", "utf-16", '"', ""])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_charsets_are_ignored(world: World, method: str, charset: str) -> None:
    content_type = f"application/json; charset={charset}"
    answer = world.check(
        method, RECORD, '{"data":{"n":"é"}}', environ={"CONTENT_TYPE": content_type}
    )

    assert answer.status in (200, 400, 415)
    if answer.status == 200:
        assert answer.data["n"] == "é"
