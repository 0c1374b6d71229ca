"""Each cache keeps the contract of cache backends."""

import unittest
from typing import Any
from unittest import mock

import pymemcache
import pytest
import redis.exceptions

from kinto.core.cache import memcached, memory
from kinto.core.cache import redis as redis_cache
from kinto.core.cache.testing import CacheTest


class MemoryCacheTest(CacheTest, unittest.TestCase):
    backend = memory

    def get_backend_prefix(self, prefix: str) -> Any:
        """One that shares its store."""
        other = super().get_backend_prefix(prefix)
        other._store, other._ttl = self.cache._store, self.cache._ttl
        return other

    def test_backend_error_is_raised_anywhere(self) -> None:
        """There is no service that could fail."""

    test_backend_error_provides_original_exception = test_backend_error_is_raised_anywhere
    test_ping_returns_false_if_unavailable = test_backend_error_is_raised_anywhere
    test_ping_logs_error_if_unavailable = test_backend_error_is_raised_anywhere


@pytest.fixture(scope="class")
def memcached_settings(request: pytest.FixtureRequest, memcached_server: str) -> None:
    request.cls.settings = {"cache_hosts": memcached_server}


@pytest.fixture(scope="class")
def redis_settings(request: pytest.FixtureRequest, redis_server: str) -> None:
    request.cls.settings = {"cache_url": redis_server, "cache_pool_size": "3"}


@pytest.mark.usefixtures("memcached_settings")
class MemcachedCacheTest(CacheTest, unittest.TestCase):
    backend = memcached

    def get_backend_prefix(self, prefix: str) -> Any:
        other = super().get_backend_prefix(prefix)
        self.addCleanup(other._client.close)
        return other

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.cache._client.close)
        methods = ("get", "gets", "set", "cas", "delete", "flush_all")
        self.client_error_patcher = mock.patch.multiple(
            self.cache._client,
            **{name: mock.Mock(side_effect=pymemcache.MemcacheError) for name in methods},
        )


@pytest.mark.usefixtures("redis_settings")
class RedisCacheTest(CacheTest, unittest.TestCase):
    backend = redis_cache

    def get_backend_prefix(self, prefix: str) -> Any:
        other = super().get_backend_prefix(prefix)
        self.addCleanup(other._client.connection_pool.disconnect)
        return other

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.cache._client.connection_pool.disconnect)
        self.client_error_patcher = mock.patch.object(
            self.cache._client,
            "execute_command",
            side_effect=redis.exceptions.ConnectionError,
        )
