import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.masking import (
    MASK,
    MAX_SHOWN_BYTES,
    escape_controls,
    find_secrets,
    is_secret_name,
    mask_body,
    mask_headers,
    mask_json,
    mask_parameters,
    mask_text,
    mask_url,
)


SECRET = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=8).map(
    lambda text: f"Zq{text}9"
)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "password",
        "old_password",
        "passwd",
        "client_secret",
        "userid_hmac_secret",
        "access_token",
        "_token",
        "X-Api-Key",
        "apikey",
        "sentry_dsn",
    ],
)
def test_secret_names(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["Content-Type", "ETag", "WWW-Authenticate", "author", "path"])
def test_other_names(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:pw@h/db", "postgresql://u:***@h/db"),
        ("at postgres://u:p/w@h:1/db?x=1 now", "at postgres://u:***@h:1/db?x=1 now"),
        ("http://localhost:8888/v1/", "http://localhost:8888/v1/"),
        ("redis://:pw@h", "redis://:***@h"),
        ("see http://h/?u=http://a:pw@b, a@b", "see http://h/?u=http://a:***@b, a@b"),
        ("http://h:80/@x", "http://h:***@x"),
        ("http://h/a:b@x", "http://h/a:b@x"),
        ("//x", "//x"),
        ("the secret is abc, not abcd", "the secret is ***, not abcd"),
        ("long-secret/long-secret!", "***/***!"),
    ],
)
def test_masked_texts(text, shown):
    assert mask_text(text, ["abc", "long-secret", " "]) == shown


def test_masked_parameters():
    query = "a=1;token=x&code=y&State=z&u=http%3A%2F%2Fa%3Ab%40c&e=%C3%A9&%0A=%0D&bad=%E9&flag"

    assert mask_parameters(query) == {
        "a": "1",
        "token": MASK,
        "code": MASK,
        "State": MASK,
        "u": "http://a:***@c",
        "e": "é",
        r"\n": r"\r",
        "bad": "\N{REPLACEMENT CHARACTER}",
        "flag": "",
    }


def test_parameters_beyond_the_limit_are_left_out():
    query = "&".join(f"p{number}=1" for number in range(1_000)) + "&a=1&token=x"

    shown = mask_parameters(query)

    assert len(shown) == 1_000
    assert not {"a", "token"} & shown.keys()


@pytest.mark.parametrize(
    "text",
    ["://", "://a:", "@://a:", "a@", ":@", "a-", "password", "a=", "token:'", "[", " :"],
)
def test_no_text_takes_long(text):
    text = text * (200_000 // len(text))
    start = time.process_time()

    mask_text(text, ["secret"])
    mask_url(text)
    mask_parameters(text)
    find_secrets({"QUERY_STRING": text}, text.encode())
    mask_body(text.encode())
    escape_controls(text)

    # Were it quadratic, minutes.
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/v1/x?_token=abc&a=1#frag", "/v1/x?_token=***&a=1#***"),
        ("https://u:p@h/?%63ode=1", "https://u:***@h/?%63ode=***"),
        ("/v1/buckets/b", "/v1/buckets/b"),
    ],
)
def test_masked_urls(url, shown):
    assert mask_url(url) == shown


def test_masked_headers():
    headers = [
        ("Authorization", "Basic abc"),
        ("X-Custom", "Bearer abc"),
        ("Referer", "http://h/?code=abc"),
        ("Location", "https://elsewhere/abc"),
        ("Accept", "text/html"),
        ("X-Echo", "it was abc"),
    ]

    assert mask_headers(headers, ["abc"]) == {
        "Authorization": MASK,
        "X-Custom": MASK,
        "Referer": "http://h/?code=***",
        "Location": MASK,
        "Accept": "text/html",
        "X-Echo": "it was ***",
    }
    assert mask_headers([("Location", "/v1/?token=x")]) == {"Location": "/v1/?token=***"}


def test_masked_json():
    value = {
        "data": {"id": "a", "password": "x", "n": [1, {"token": {"deep": 1}}], "state": "open"},
        "requests": [{"path": "/x?code=1", "headers": {"Authorization": "Basic x"}}],
        "patch": [{"op": "add", "path": "/data/password", "value": "x"}],
    }

    assert mask_json(value) == {
        "data": {"id": "a", "password": MASK, "n": [1, {"token": MASK}], "state": "open"},
        "requests": [{"path": "/x?code=***", "headers": {"Authorization": MASK}}],
        "patch": [{"op": "add", "path": "/data/password", "value": MASK}],
    }


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", b""),
        (b'{"password": "x", "a": 1}', b'{"password": "***", "a": 1}'),
        (b"password=x", b"***"),
        (b"[" * 5000, b"***"),
        (b"\xff", b"***"),
        (b'"' + b"x" * MAX_SHOWN_BYTES + b'"', b"***"),
    ],
)
def test_masked_bodies(body, shown):
    assert mask_body(body) == shown


def test_what_is_nested_too_deep_is_not_shown():
    body = b'{"a":' * 50 + b'{"password": "x"}' + b"}" * 50

    assert b'"x"' not in mask_body(body)
    assert find_secrets({}, body) == frozenset()


def test_secrets_of_a_request():
    credentials = base64.b64encode(b"alice:pass-word").decode()
    environ = {
        "HTTP_AUTHORIZATION": f"Basic {credentials}",
        "HTTP_X_OTHER": "Bearer in-other",
        "HTTP_ACCEPT": "text/html",
        "QUERY_STRING": "code=in-query&a=1",
        "wsgi.input": None,
    }
    body = {"data": [{"password": ["in-list", 123456]}], "x": {"op": "add", "path": "/password"}}

    secrets = find_secrets(environ, json.dumps(body).encode())

    assert {"pass-word", credentials, "in-other", "in-query", "in-list", "123456"} <= secrets
    assert not secrets & {"text/html", "1", "alice"}


@given(SECRET, st.text(max_size=20), st.text(max_size=20))
def test_what_a_request_holds_in_secret_is_in_no_text(secret, before, after):
    credentials = base64.b64encode(f"user:{secret}".encode()).decode()
    environ = {"HTTP_AUTHORIZATION": f"Basic {credentials}", "QUERY_STRING": f"token={secret}"}
    body = json.dumps({"data": {"password": secret}}).encode()
    secrets = find_secrets(environ, body)

    text = mask_text(f"{before}{secret}{after} {credentials} {body!r}", secrets)

    assert secret not in text
    assert credentials not in text


@given(st.text())
def test_escaped_text_is_printable(text):
    escaped = escape_controls(text)

    assert escaped.isprintable()
    assert escaped == text or not text.isprintable()
