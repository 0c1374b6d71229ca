"""Reads write nothing."""

import threading
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import psycopg2
import pytest

from tests.support.api import Answer, Client, postgresql_app, simultaneously
from tests.support.proxy import Proxy


READERS = 12


def test_simultaneous_first_reads_of_a_new_collection_agree(any_client: Client) -> None:
    for _ in range(3):
        uri = any_client.new_collection()
        barrier = threading.Barrier(READERS)

        def read(number: int, uri: str = uri, barrier: threading.Barrier = barrier) -> Answer:
            barrier.wait()
            return any_client.call("HEAD" if number % 3 else "GET", f"{uri}/records")

        answers = simultaneously([partial(read, number) for number in range(READERS)])

        assert {answer.status for answer in answers} == {200}
        assert len({answer.headers["ETag"] for answer in answers}) == 1


def test_the_etag_of_an_empty_list_moves_with_what_is_stored_only(any_client: Client) -> None:
    uri = any_client.new_collection()
    etags = [any_client.get(f"{uri}/records").timestamp]

    refused = [
        any_client.post(f"{uri}/records", "x"),
        any_client.post(f"{uri}/records", {}, {"If-Match": '"1"'}),
        any_client.put(f"{uri}/records/a", {}, {"If-Match": "*"}),
        any_client.as_user("bob").post(f"{uri}/records", {}),
        any_client.patch(f"{uri}/records/a", {}),
        any_client.delete(f"{uri}/records/a"),
    ]
    any_client.delete(f"{uri}/records")
    any_client.batch(
        {"method": "PUT", "path": f"{uri}/records/a", "headers": {"If-Match": "*"}},
        {"method": "DELETE", "path": f"{uri}-unknown/records"},
    )

    assert all(answer.status >= 400 for answer in refused)
    etags.append(any_client.get(f"{uri}/records").timestamp)
    assert etags[0] == etags[1]
    assert any_client.post(f"{uri}/records", {}).timestamp > etags[0]


def reading_paths(uri: str) -> list[str]:
    bucket = uri.rpartition("/collections")[0]
    return [
        "/",
        "/buckets",
        "/buckets?_since=0",
        bucket,
        f"{bucket}/groups",
        f"{bucket}/collections?_sort=id",
        uri,
        f"{uri}/records",
        f"{uri}/records?_since=0&_limit=1",
        f"{uri}/records/a",
        f"{uri}/records/unknown",
        f"{bucket}/collections/unknown/records",
        "/buckets/unknown",
        "/__heartbeat__",
    ]


def test_reads_open_no_transaction(proxied: Client, proxy: Proxy) -> None:
    uri = proxied.new_collection()
    proxied.put(f"{uri}/records/a")
    proxied.get(f"{uri}/records")
    proxy.queries.clear()

    for path in reading_paths(uri):
        if path != "/__heartbeat__":
            proxied.call("GET", path)
            proxied.call("HEAD", path)

    assert proxy.queries
    for query in proxy.queries:
        words = set(query.upper().split())
        assert not words & {"BEGIN", "BEGIN;", "COMMIT", "INSERT", "UPDATE", "DELETE"}, query


@pytest.fixture
def standby(new_database: Callable[[], str]) -> tuple[Client, str]:
    """A server whose database has become one that refuses every write."""
    url = new_database()
    writable = Client(postgresql_app(url))
    uri = writable.new_collection()
    writable.put(f"{uri}/records/a")
    untouched = f"{uri}-empty"
    writable.put(untouched)
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        name = urlsplit(url).path.strip("/")
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    connection.close()
    writable.app.registry.storage.client.engine.dispose()
    return writable, uri


def test_reads_work_on_a_database_that_is_read_only(standby: tuple[Client, str]) -> None:
    client, uri = standby

    for path in reading_paths(uri):
        if path == "/__heartbeat__":
            continue
        for method in ("GET", "HEAD"):
            answer = client.call(method, path)
            assert answer.status in (200, 403, 404), (path, answer.text)
    assert client.get(f"{uri}-empty/records").data == []
    assert client.put(f"{uri}/records/b").status == 503
