"""The services that other tests rely on are what they say."""

from collections.abc import Callable

import psycopg2
import pymemcache
import redis

from tests.support.postgresql import PostgreSQLServer


def query(url: str, statement: str) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def test_each_new_database_is_empty_utf8_utc(new_database: Callable[[], str]) -> None:
    first, second = new_database(), new_database()

    assert first != second
    for url in (first, second):
        assert query(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        assert query(url, "SHOW server_encoding") == "UTF8"
        assert query(url, "SHOW timezone") == "UTC"


def test_module_database_stays_the_same(
    postgresql_url: str, postgresql_server: PostgreSQLServer
) -> None:
    assert query(postgresql_url, "SELECT current_database()") in postgresql_server.made


def test_memcached_keeps_what_it_is_given(memcached_server: str) -> None:
    host, port = memcached_server.split(":")
    client = pymemcache.Client((host, int(port)))

    client.set("support:key", b"value")

    assert client.get("support:key") == b"value"
    client.close()


def test_redis_answers(redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client:
        assert client.ping()


def test_postgresql_listens_on_the_loopback_only(postgresql_server: PostgreSQLServer) -> None:
    if postgresql_server.daemon is None:
        return
    assert query(postgresql_server.url, "SHOW listen_addresses") == "127.0.0.1"
