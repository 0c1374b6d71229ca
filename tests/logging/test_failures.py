"""Each failure of a backend is one line."""

import contextlib
import logging

import psycopg2
import pytest

from kinto.core.storage import memory
from kinto.core.storage.exceptions import BackendError
from kinto.core.testing import get_user_headers
from tests.support.proxy import Proxy
from tests.support.records import recording
from tests.support.services import MEMORY_SETTINGS, postgresql_settings


ALICE = get_user_headers("alice")
REQUESTS = [
    ("GET", "/v1/buckets/b"),
    ("GET", "/v1/buckets"),
    ("PUT", "/v1/buckets/b"),
    ("DELETE", "/v1/buckets/b"),
    ("POST", "/v1/batch"),
]
BATCH = {"requests": [{"path": f"/buckets/{name}", "method": "PUT"} for name in "abc"]}


def severe(records):
    return [record for record in records.all if record.levelno >= logging.ERROR]


def send(app, method, path, status=503):
    body = BATCH if path == "/v1/batch" else {}
    if method in ("GET", "DELETE"):
        app.request(path, method=method, headers=ALICE, status=status)
    else:
        getattr(app, f"{method.lower()}_json")(path, body, headers=ALICE, status=status)


@pytest.fixture(scope="module")
def database(make_app, new_database):
    """An application, the proxy between it and its database."""
    with contextlib.closing(Proxy(new_database())) as proxy:
        app = make_app(postgresql_settings(proxy.url))
        for backend in (app.registry.storage, app.registry.permission, app.registry.cache):
            backend.initialize_schema()
        yield app, proxy


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_a_database_that_cannot_be_reached_is_one_critical_line(make_app, method, path):
    app = make_app(postgresql_settings("postgresql://user:password@127.0.0.1:1/db"))

    with recording() as records:
        send(app, method, path)

    (record,) = severe(records)
    assert record.levelname == "CRITICAL"
    assert record.getMessage() == "PostgreSQL is unreachable"
    assert "Connection refused" in record.error
    assert records.summary()["code"] == 503
    assert records.summary()["errno"] == 201


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_a_connection_that_breaks_is_one_line_at_most(database, method, path):
    app, proxy = database
    send(app, "PUT", "/v1/buckets/b", status="*")
    proxy.cut_all()

    with recording() as records:
        send(app, method, path, status="*")

    assert len(severe(records)) <= 1


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_a_statement_that_fails_is_one_error(make_app, new_database, method, path):
    url = new_database()
    app = make_app(postgresql_settings(url))
    for backend in (app.registry.storage, app.registry.permission, app.registry.cache):
        backend.initialize_schema()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE objects CASCADE")

    with recording() as records:
        send(app, method, path)

    (record,) = severe(records)
    assert record.getMessage() == "PostgreSQL statement failed"
    assert record.exc_info


def test_a_backend_that_tells_nothing_is_told_of_by_the_view(monkeypatch, make_app):
    app = make_app(MEMORY_SETTINGS)

    def fail(*args, **kwargs):
        raise BackendError(original=OSError("no route"))

    monkeypatch.setattr(memory.Storage, "list_all", fail)

    with recording() as records:
        send(app, "GET", "/v1/buckets")

    (record,) = severe(records)
    assert record.levelname == "CRITICAL"
    assert "OSError: no route" in str(record.exc_info[1])


def test_a_cache_server_that_cannot_be_reached_is_one_critical_line(make_app):
    app = make_app(
        {
            **MEMORY_SETTINGS,
            "kinto.cache_backend": "kinto.core.cache.redis",
            "kinto.cache_url": "redis://127.0.0.1:1/0",
        }
    )

    with recording() as records, pytest.raises(BackendError):
        app.registry.cache.get("key")

    (record,) = severe(records)
    assert record.levelname == "CRITICAL"
    assert record.error_class == "ConnectionError"
