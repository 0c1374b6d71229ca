"""No line of any format, at any level, holds what somebody keeps secret."""

import base64
import io
import json
import logging

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logging_color_formatter import ColorFormatter

from kinto.core import JsonLogFormatter, StreamHandlerWithRequestID
from kinto.core.logs import ClassicLogRenderer, MozillaHekaRenderer
from kinto.core.logs.rendering import use_renderer
from tests.support.records import recording
from tests.support.services import MEMORY_SETTINGS, postgresql_settings


FAILING = {"kinto.includes": "tests.support.logged.failing"}
RENDERERS = {
    "none": None,
    "heka": MozillaHekaRenderer({}),
    "classic": ClassicLogRenderer({}),
}
FORMATTERS = (
    logging.Formatter("%(asctime)s %(levelname)s [%(name)s] %(message)s"),
    JsonLogFormatter(),
    ColorFormatter(),
)
SECRET = st.text("abcdefghijklmnop0123456789", min_size=8, max_size=16).map(
    lambda text: f"Zq{text}"
)
METHODS = st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
PATHS = st.sampled_from(
    ["/v1/", "/v1/buckets/b", "/v1/nothing", "/v1/fail", "/v1/batch", "/", "/v1/buckets"]
)


class Echo(logging.Formatter):
    """Everything that a record holds: what a handler of any kind could tell."""

    def format(self, record):
        attributes = {**vars(record), "exc_info": None}
        text = f"{super().format(record)} {attributes!r}"
        return text if record.exc_info is None else f"{text} {record.exc_info[1]!r}"


class Output:
    """What is written in every format."""

    def __init__(self):
        self.stream = io.StringIO()
        self.handlers = []
        for formatter in (*FORMATTERS, Echo()):
            handler = StreamHandlerWithRequestID(self.stream)
            handler.setFormatter(formatter)
            self.handlers.append(handler)

    def __enter__(self):
        root = logging.getLogger()
        for handler in self.handlers:
            root.addHandler(handler)
        return self

    def __exit__(self, *exc_info):
        for handler in self.handlers:
            logging.getLogger().removeHandler(handler)

    def text(self):
        return self.stream.getvalue()


@pytest.fixture(scope="module", params=RENDERERS.values(), ids=RENDERERS.keys())
def renderer(request):
    yield request.param
    use_renderer(None)


@pytest.fixture(scope="module")
def app(make_app):
    return make_app(FAILING)


@pytest.fixture(scope="module")
def output(app, renderer):
    with recording(logging.DEBUG, request_summary=logging.DEBUG), Output() as found:
        use_renderer(renderer, app.app.registry)
        yield found


def credentials(secret):
    return base64.b64encode(f"user:{secret}".encode()).decode()


def send_everywhere(app, secret, *, method, path):
    """A request with a secret in each place where one may be."""
    body = {
        "data": {
            "password": secret,
            "nested": [{"access_token": secret, "list": [{"client_secret": secret}]}],
            "url": f"https://user:{secret}@example.com/?a=1",
            "header": f"Bearer {secret}",
        },
        "defaults": {"headers": {"Authorization": f"Basic {credentials(secret)}"}},
        "requests": [
            {"path": f"/buckets/b?_token={secret}", "headers": {"Cookie": secret}},
            {"path": "/buckets/c", "method": "PUT", "body": {"data": {"password": secret}}},
        ],
    }
    query = f"code={secret}&state={secret}&token={secret}&password={secret};_token={secret}"
    url = f"https%3A%2F%2Fuser%3A{secret}%40example.com"
    return app.request(
        f"{path}?{query}&callback={url}",
        method=method,
        body=json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Basic {credentials(secret)}",
            "Proxy-Authorization": f"Bearer {secret}",
            "Cookie": f"session={secret}",
            "X-Auth-Token": secret,
            "X-Anything": f"Bearer {secret}",
            "Referer": f"http://user:{secret}@example.com/?code={secret}#{secret}",
        },
        expect_errors=True,
    )


def assert_silent(output, secret):
    text = output.text()
    assert text
    assert secret not in text
    assert credentials(secret) not in text
    output.stream.seek(0)
    output.stream.truncate()


@settings(max_examples=40, deadline=None)
@given(secret=SECRET, method=METHODS, path=PATHS)
def test_what_a_request_keeps_secret_is_not_written(app, output, secret, method, path):
    send_everywhere(app, secret, method=method, path=path)

    assert_silent(output, secret)


@settings(max_examples=20, deadline=None)
@given(secret=SECRET, body=st.sampled_from(['{"password": "%s", ', "a=1&access_token=%s"]))
def test_what_is_no_json_is_not_written(app, output, secret, body):
    app.request(
        "/v1/fail",
        method="POST",
        body=(body % secret).encode(),
        headers={"Content-Type": "text/plain"},
        status=500,
    )

    assert_silent(output, secret)


def test_developers_see_the_rest(app):
    with recording(logging.INFO, request_summary=logging.DEBUG) as records:
        app.put_json(
            "/v1/buckets/shown",
            {"data": {"password": "x", "a": 1}},
            headers={"Authorization": "Basic dTpw", "X-Other": "y"},
        )

    fields = records.summary()
    assert fields["headers"]["Authorization"] == "***"
    assert fields["headers"]["X-Other"] == "y"
    assert json.loads(fields["body"]) == {"data": {"password": "***", "a": 1}}
    assert isinstance(fields["body"], bytes)
    assert fields["response"]["headers"]["Content-Type"] == "application/json"
    assert json.loads(fields["response"]["body"])["data"]["password"] == "***"


@pytest.mark.parametrize("level", [logging.INFO, logging.NOTSET])
def test_only_the_level_of_the_logger_itself_shows_bodies(app, level):
    with recording(logging.DEBUG, request_summary=level) as records:
        app.get("/v1/")

    assert "headers" not in records.summary()


def test_a_failing_database_betrays_nothing(make_app, new_database):
    url = new_database()
    app = make_app({**postgresql_settings(url), **FAILING})
    for backend in (app.registry.storage, app.registry.permission, app.registry.cache):
        backend.initialize_schema()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE objects RENAME COLUMN data TO content")

    with recording(logging.DEBUG, request_summary=logging.DEBUG), Output() as output:
        send_everywhere(app, "Zq-in-a-broken-table", method="PUT", path="/v1/buckets/b")
        app.put_json("/v1/buckets/b", {"data": {"field": "of nobody else"}}, expect_errors=True)
        text = output.text()
        assert "PostgreSQL statement failed" in text
        assert "LINE 1" not in text
        assert_silent(output, "Zq-in-a-broken-table")


def test_an_address_betrays_no_password(make_app):
    settings_of_app = {
        **MEMORY_SETTINGS,
        "kinto.storage_backend": "kinto.core.storage.postgresql",
        "kinto.storage_url": "postgresql://user:Zq-in-the-url@127.0.0.1:1/db",
        "kinto.userid_hmac_secret": "Zq-in-the-settings",
    }
    with recording(logging.DEBUG, request_summary=logging.DEBUG), Output() as output:
        app = make_app(settings_of_app)
        app.get("/v1/buckets/b", expect_errors=True)
        app.get("/v1/__heartbeat__", expect_errors=True)

        assert "PostgreSQL is unreachable" in output.text()
        assert "Zq-in-the-settings" not in output.text()
        assert_silent(output, "Zq-in-the-url")
