"""The contract of cache backends: values with a time to live."""

import secrets
from collections.abc import Callable
from typing import Any

import structlog

from kinto.core.types import JSONValue, Request


logger = structlog.get_logger(__name__)

_HEARTBEAT_KEY = "__heartbeat__"
_HEARTBEAT_TTL_SECONDS = 60


class CacheMetricsBackend:
    """Counts hits or misses, on a metrics service if there is one."""

    def __init__(self, backend: Any = None) -> None:
        self._backend = backend

    def count_hit(self) -> None:
        if self._backend is not None:
            self._backend.count(key="cache_hits")

    def count_miss(self) -> None:
        if self._backend is not None:
            self._backend.count(key="cache_misses")


class CacheBase:
    """What every cache backend offers.

    Each method raises :class:`~kinto.core.storage.exceptions.BackendError` when the service
    behind the backend fails.

    :param cache_prefix: put before each stored key, unknown to callers.
    """

    def __init__(
        self,
        *args: Any,
        cache_prefix: str = "",
        cache_max_size_bytes: int | None = None,
        metrics_backend: Any = None,
        **kwargs: Any,
    ) -> None:
        self.prefix = cache_prefix
        self.max_size_bytes = cache_max_size_bytes
        self.set_metrics_backend(metrics_backend)

    def set_metrics_backend(self, metrics_backend: Any) -> None:
        """Count hits or misses of :meth:`get` on this service from now on."""
        self.metrics_backend = CacheMetricsBackend(metrics_backend)

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Make what the backend needs; idempotent.

        :param dry_run: change nothing.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Remove everything."""
        raise NotImplementedError

    def ttl(self, key: str) -> float:
        """Seconds left; negative when the key is unknown, at most 0 when it has expired."""
        raise NotImplementedError

    def expire(self, key: str, ttl: float) -> None:
        """Give a key a new time to live, from now on; 0 expires it at once.

        :param ttl: seconds.
        """
        raise NotImplementedError

    def set(self, key: str, value: JSONValue, ttl: float) -> Any:
        """Store a value, with its time to live, whatever was there.

        :param ttl: seconds.
        :raises TypeError: bytes.
        """
        raise NotImplementedError

    def get(self, key: str) -> JSONValue:
        """The value, ``None`` when it is unknown or has expired."""
        raise NotImplementedError

    def delete(self, key: str) -> JSONValue:
        """Remove a key; gives the value it had, ``None`` when it is unknown."""
        raise NotImplementedError


def heartbeat(backend: CacheBase) -> Callable[[Request | None], bool]:
    """A check of a cache: whether it gives back what was written."""

    def ping(request: Request | None) -> bool:
        """Whether the cache works; never raises."""
        try:
            return _answers(backend)
        except Exception:
            logger.exception("Heartbeat failure")
            return False

    return ping


def _answers(backend: CacheBase) -> bool:
    # A key of its own: the check of another process must not take it for that of its own.
    value = secrets.token_hex(8)
    key = f"{_HEARTBEAT_KEY}{value}"
    backend.set(key, value, _HEARTBEAT_TTL_SECONDS)
    found = backend.get(key)
    backend.delete(key)
    return bool(found == value)
