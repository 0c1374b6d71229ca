"""Cache servers that are gone, silent, or back again."""

import socket
from collections.abc import Iterator

import pytest
from pyramid import testing
from pyramid.exceptions import ConfigurationError

from kinto.core.cache import heartbeat, memcached
from kinto.core.cache import redis as redis_cache
from kinto.core.storage.exceptions import BackendError
from tests.support.processes import free_port


def memcached_at(*hosts: str) -> memcached.Cache:
    return memcached.Cache(hosts=hosts)


@pytest.fixture
def silent_server() -> Iterator[int]:
    """Port of a server that accepts connections, no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_memcached_that_is_gone_finds_nothing() -> None:
    cache = memcached_at(f"127.0.0.1:{free_port()}")
    ping = heartbeat(cache)
    for _ in range(3):
        cache.set("key", "value", 10)
        assert cache.get("key") is None
        cache.expire("key", 10)
        assert cache.ttl("key") < 0
        assert cache.delete("key") is None
        cache.flush()
        assert ping(None) is False


def test_memcached_that_is_silent_is_left_alone(
    silent_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memcached, "_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(memcached, "_REST_SECONDS", 60)
    cache = memcached_at(f"127.0.0.1:{silent_server}")
    for _ in range(100):
        assert cache.get("key") is None
    assert heartbeat(cache)(None) is False


def test_memcached_recovers_after_its_rest(
    memcached_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = memcached_at(memcached_server)
    monkeypatch.setattr(memcached, "_REST_SECONDS", 0)
    cache._client._resting_until = dict.fromkeys(
        (client.server for client in cache._client.clients.values()), float("inf")
    )
    assert heartbeat(cache)(None) is False
    cache._client._resting_until.clear()
    assert heartbeat(cache)(None) is True
    cache._client.close()


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, {"127.0.0.1:11211"}),
        ({"cache_hosts": "a:1 b:2"}, {"a:1", "b:2"}),
        ({"cache_hosts": ["a:1", "b:2"], "cache_url": "c:3"}, {"a:1", "b:2"}),
        ({"cache_hosts": "", "cache_url": "127.0.0.1:11212"}, {"127.0.0.1:11212"}),
    ],
)
def test_memcached_hosts(settings: dict[str, object], hosts: set[str]) -> None:
    cache = memcached.load_from_config(testing.setUp(settings=settings))
    assert set(cache._client.clients) == hosts


def test_memcached_needs_its_client_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memcached, "memcache", None)
    with pytest.raises(ConfigurationError, match=r"pymemcache.*kinto\[memcached\]"):
        memcached.load_from_config(testing.setUp())


def test_redis_that_is_gone_is_a_failure() -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    cache = redis_cache.load_from_config(testing.setUp(settings={"cache_url": url}))
    with pytest.raises(BackendError) as raised:
        cache.get("key")
    assert raised.value.original is raised.value.__cause__
    assert heartbeat(cache)(None) is False


def test_redis_reconnects(redis_server: str) -> None:
    cache = redis_cache.load_from_config(testing.setUp(settings={"cache_url": redis_server}))
    cache.set("reconnect", 1, 10)
    pool = cache._client.connection_pool
    connection = pool.get_connection()
    connection._sock.shutdown(socket.SHUT_RDWR)
    pool.release(connection)
    assert cache.get("reconnect") == 1
    pool.disconnect()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("localhost", 6379, 0)),
        ({"cache_url": ""}, ("localhost", 6379, 0)),
        ({"cache_url": "redis://:pw@cache.example:7000/3"}, ("cache.example", 7000, 3)),
        ({"cache_url": "redis://cache.example/1"}, ("cache.example", 6379, 1)),
    ],
)
def test_redis_url(settings: dict[str, str], expected: tuple[str, int, int]) -> None:
    cache = redis_cache.load_from_config(testing.setUp(settings=settings))
    options = cache._client.connection_pool.connection_kwargs
    found = (options["host"], options.get("port", 6379), options.get("db", 0))
    assert found == expected


def test_redis_pool() -> None:
    settings = {"cache_pool_size": "3", "cache_pool_timeout": "0.5"}
    pool = redis_cache.load_from_config(testing.setUp(settings=settings))._client.connection_pool
    assert (pool.max_connections, pool.timeout) == (3, 0.5)


def test_redis_refuses_urls_of_other_kinds() -> None:
    with pytest.raises(ConfigurationError, match="cache_url"):
        redis_cache.load_from_config(testing.setUp(settings={"cache_url": "http://example"}))


def test_redis_needs_its_client_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_cache, "redis", None)
    with pytest.raises(ConfigurationError, match=r"redis.*kinto\[redis\]"):
        redis_cache.load_from_config(testing.setUp())
