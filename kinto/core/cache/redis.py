"""Cache in a Redis server."""

from typing import Any

from pyramid.exceptions import ConfigurationError

from kinto.core.cache import CacheBase
from kinto.core.cache.failures import backend_errors
from kinto.core.protocol import json_codec
from kinto.core.types import Configurator, JSONValue


try:
    import redis
except ImportError:  # pragma: no cover  # an optional dependency
    redis = None  # type: ignore[assignment]

DEFAULT_URL = "redis://localhost:6379/0"
DEFAULT_POOL_SIZE = 25
DEFAULT_POOL_TIMEOUT_SECONDS = 3.0

_SOCKET_TIMEOUT_SECONDS = 3.0
_UNKNOWN = -1.0


class Cache(CacheBase):
    """Values in Redis, as JSON text.

    :param client: a ``redis.Redis``.
    """

    def __init__(self, client: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client = client

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Nothing is needed."""

    def flush(self) -> None:
        """Empty the whole database of Redis."""
        with backend_errors(redis.RedisError):
            self._client.flushdb()

    def ttl(self, key: str) -> float:
        with backend_errors(redis.RedisError):
            milliseconds = self._client.pttl(self.prefix + key)
        return milliseconds / 1000 if milliseconds >= 0 else _UNKNOWN

    def expire(self, key: str, ttl: float) -> None:
        with backend_errors(redis.RedisError):
            self._client.pexpire(self.prefix + key, int(ttl * 1000))

    def set(self, key: str, value: JSONValue, ttl: float) -> None:
        text = json_codec.dumps_storable(value)
        milliseconds = int(ttl * 1000)
        with backend_errors(redis.RedisError):
            if milliseconds > 0:
                self._client.psetex(self.prefix + key, milliseconds, text)
            else:
                self._client.delete(self.prefix + key)

    def get(self, key: str) -> JSONValue:
        with backend_errors(redis.RedisError):
            raw = self._client.get(self.prefix + key)
        if raw is None:
            self.metrics_backend.count_miss()
            return None
        self.metrics_backend.count_hit()
        return json_codec.loads_stored(raw)

    def delete(self, key: str) -> JSONValue:
        with backend_errors(redis.RedisError):
            raw = self._client.getdel(self.prefix + key)
        return None if raw is None else json_codec.loads_stored(raw)


def load_from_config(config: Configurator) -> Cache:
    """A cache on the server that the settings name.

    :raises ConfigurationError: the client library is not installed, or the URL is wrong.
    """
    if redis is None:
        raise ConfigurationError("redis is not installed: pip install kinto[redis]")
    settings = config.get_settings()
    url = settings.get("cache_url") or DEFAULT_URL
    try:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=int(settings.get("cache_pool_size", DEFAULT_POOL_SIZE)),
            timeout=float(settings.get("cache_pool_timeout", DEFAULT_POOL_TIMEOUT_SECONDS)),
            socket_timeout=_SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=_SOCKET_TIMEOUT_SECONDS,
            # Once, at once: connections of the pool outlive a restart of the server.
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 1),
        )
    except ValueError as error:
        raise ConfigurationError(f"Invalid cache_url {url!r}: {error}") from error
    client = redis.Redis(connection_pool=pool)
    return Cache(client, cache_prefix=settings.get("cache_prefix", ""))
