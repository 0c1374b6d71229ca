"""Pools of connections, and PgBouncer in their place (operations 3.1 row 11, 3.2 row 16)."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import NamedTuple

import psycopg2
import pytest

from kinto.core.postgresql import client as client_module
from tests.support.api import Answer, Client, postgresql_app, statuses
from tests.support.old_databases import run_sql
from tests.support.pgbouncer import running_pgbouncer
from tests.support.postgresql import PostgreSQLServer


BACKENDS = ("storage", "permission", "cache")
NULL_POOL = {f"kinto.{name}_poolclass": "sqlalchemy.pool.NullPool" for name in BACKENDS}
OWN_POOL = {f"kinto.{name}_prepared_statements": "false" for name in BACKENDS}
POOL_SIZE, OVERFLOW = 50, 5


class Slow(NamedTuple):
    """A server whose writes wait."""

    client: Client
    count_connections: Callable[[], int]
    release: Callable[[], None]


def everything(client: Client, number: int) -> None:
    """What a client does in its life, through every kind of statement."""
    bucket = f"/buckets/b{number}"
    records = f"{bucket}/collections/c/records"
    assert client.put(bucket).status == 201
    assert client.put(f"{bucket}/collections/c").status == 201
    requests = [
        {"method": "PUT", "path": f"{records}/r{n}", "body": {"data": {"n": n}}} for n in range(25)
    ]
    assert {answer["status"] for answer in client.batch(*requests).json["responses"]} == {201}
    for _ in range(3):
        assert client.patch(f"{records}/r1", {"m": 1}).status == 200
        assert client.get(f"{records}/r1").data["m"] == 1
        assert len(client.get(records, n=3).data) == 1
    etag = client.get(records).headers["ETag"]
    assert client.get(records, {"If-None-Match": etag}).status == 304
    assert client.delete(f"{records}/r2").status == 200
    assert [obj["id"] for obj in client.get(records, _since=etag).data] == ["r2"]
    page = client.get(records, _limit=10, _sort="n")
    assert len(page.data) == 10
    assert client.head(records).headers["Total-Objects"] == "24"
    assert client.delete(records).status == 200
    assert client.get("/__heartbeat__").status == 200


@pytest.fixture(scope="module", params=["embedded", "system"])
def server(request: pytest.FixtureRequest) -> PostgreSQLServer:
    """PostgreSQL 18 of the Python package; and that of the system, 15 on Debian 12."""
    name = {"embedded": "postgresql_server", "system": "system_postgresql_server"}
    found: PostgreSQLServer = request.getfixturevalue(name[request.param])
    return found


@pytest.mark.guide("PgBouncer")
@pytest.mark.parametrize(
    ("pool_mode", "settings"),
    [
        ("session", NULL_POOL),
        ("transaction", NULL_POOL),
        ("transaction", OWN_POOL),
    ],
    ids=["session", "transaction", "transaction-with-pool-of-our-own"],
)
def test_row_11_everything_works_through_pgbouncer(
    pool_mode: str, settings: dict[str, str], server: PostgreSQLServer
) -> None:
    url = server.create_database()
    client_module._CLIENTS.clear()
    # More clients than connections to the server, so that each transaction may get another one.
    size = 12 if pool_mode == "session" else 3
    with running_pgbouncer(
        url, ignored="extra_float_digits,options", pool_mode=pool_mode, pool_size=size
    ) as through:
        client = Client(postgresql_app(through, settings))
        with ThreadPoolExecutor(6) as threads:
            for done in [threads.submit(everything, client, n) for n in range(12)]:
                done.result()
        used = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert run_sql(url, f"{used} AND pid <> pg_backend_pid()")[0][0] <= size
    client_module._CLIENTS.clear()


@pytest.fixture
def slow(new_database: Callable[[], str]) -> Iterator[Slow]:
    """A server as the guide recommends it, whose writes wait."""
    url = new_database()
    client_module._CLIENTS.clear()
    settings = {f"kinto.{name}_pool_size": str(POOL_SIZE) for name in BACKENDS}
    # The guide says how many, not for how long: a machine under load takes its time.
    settings |= {"kinto.storage_pool_timeout": "30", "kinto.storage_lock_timeout": "30"}
    client = Client(postgresql_app(url, {**settings, "kinto.storage_statement_timeout": "60"}))
    client.put("/buckets/b")
    client.put("/buckets/b/collections/c")
    with closing(psycopg2.connect(url)) as blocker, blocker.cursor() as cursor:
        cursor.execute("SELECT * FROM timestamps WHERE resource_name = 'record' FOR UPDATE")
        used = (
            f"SELECT count(*) FROM pg_stat_activity WHERE pid <> {blocker.info.backend_pid}"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )

        def count() -> int:
            return int(run_sql(url, used)[0][0])

        yield Slow(client, count, blocker.rollback)


@pytest.mark.guide("pool sizes")
@pytest.mark.parametrize("simultaneous", [POOL_SIZE, POOL_SIZE + OVERFLOW + 10])
def test_row_16_slow_requests_use_no_more_than_the_pool_and_none_fails(
    simultaneous: int, slow: Slow
) -> None:
    client, count, release = slow
    started = threading.Barrier(simultaneous)

    def write(number: int) -> Answer:
        started.wait(30)
        return client.put(f"/buckets/b/collections/c/records/r{number}")

    with ThreadPoolExecutor(simultaneous) as threads:
        futures = [threads.submit(write, number) for number in range(simultaneous)]
        # Two pools: that of the storage and the permissions, and that of the cache.
        expected = min(simultaneous, POOL_SIZE + OVERFLOW)
        deadline = time.monotonic() + 20
        while count() < expected and time.monotonic() < deadline:
            time.sleep(0.05)
        most = max(count() for _ in range(10))
        assert not any(future.done() for future in futures)
        release()
        answers = [future.result() for future in futures]

    assert statuses(answers) == [201] * simultaneous
    assert expected <= most <= expected + 1  # and perhaps one of the cache
