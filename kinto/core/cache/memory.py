"""Cache in the memory of the process."""

import threading
from typing import Any

from kinto.core.cache import CacheBase
from kinto.core.decorators import synchronized
from kinto.core.protocol import json_codec
from kinto.core.protocol.clock import msec_time
from kinto.core.types import Configurator, JSONValue


DEFAULT_MAX_SIZE_BYTES = 524288

# What is dropped when the cache is full brings it below this share of its size.
_SHARE_AFTER_CLEANUP = 0.8
_OVERHEAD_BYTES = 48


class Cache(CacheBase):
    """Values in memory: gone with the process, unknown to other processes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lock = threading.RLock()
        self._store: dict[str, JSONValue] = {}
        # Expiry, creation: ms since the epoch.
        self._ttl: dict[str, float] = {}
        self._created_at: dict[str, int] = {}
        self._quota = 0

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Nothing is needed."""

    @synchronized
    def flush(self) -> None:
        self._store.clear()
        self._ttl.clear()
        self._created_at.clear()
        self._quota = 0

    @synchronized
    def ttl(self, key: str) -> float:
        expires_at = self._ttl.get(self.prefix + key)
        return -1.0 if expires_at is None else (expires_at - msec_time()) / 1000

    @synchronized
    def expire(self, key: str, ttl: float) -> None:
        if self.prefix + key in self._store:
            self._ttl[self.prefix + key] = msec_time() + ttl * 1000

    @synchronized
    def set(self, key: str, value: JSONValue, ttl: float) -> None:
        text = json_codec.dumps_storable(value)
        self._clean_expired()
        self._clean_oversized()
        stored_key = self.prefix + key
        self._remove(stored_key)
        self._store[stored_key] = json_codec.loads_stored(text)
        self._created_at[stored_key] = msec_time()
        self._ttl[stored_key] = msec_time() + ttl * 1000
        self._quota += _size(stored_key, self._store[stored_key])

    @synchronized
    def get(self, key: str) -> JSONValue:
        self._clean_expired()
        if self.prefix + key not in self._store:
            self.metrics_backend.count_miss()
            return None
        self.metrics_backend.count_hit()
        return _copied(self._store[self.prefix + key])

    @synchronized
    def delete(self, key: str) -> JSONValue:
        self._clean_expired()
        return self._remove(self.prefix + key)

    @synchronized
    def _clean_expired(self) -> None:
        now = msec_time()
        for key in [key for key, expires_at in self._ttl.items() if expires_at <= now]:
            self._remove(key)

    def _clean_oversized(self) -> None:
        if self.max_size_bytes is None or self._quota < self.max_size_bytes:
            return
        for key in sorted(self._store, key=lambda key: self._created_at.get(key, 0)):
            if self._quota < self.max_size_bytes * _SHARE_AFTER_CLEANUP:
                break
            self._remove(key)

    def _remove(self, stored_key: str) -> JSONValue:
        self._ttl.pop(stored_key, None)
        self._created_at.pop(stored_key, None)
        if stored_key not in self._store:
            return None
        value = self._store.pop(stored_key)
        self._quota = max(self._quota - _size(stored_key, value), 0)
        return value


def _size(stored_key: str, value: JSONValue) -> int:
    return 3 * len(stored_key) + len(str(value)) + _OVERHEAD_BYTES


def _copied(value: JSONValue) -> JSONValue:
    return json_codec.loads_stored(json_codec.dumps_bytes(value))


def load_from_config(config: Configurator) -> Cache:
    """A new cache, which shares nothing with others."""
    settings = config.get_settings()
    max_size_bytes = settings.get("cache_max_size_bytes", DEFAULT_MAX_SIZE_BYTES)
    return Cache(
        cache_prefix=settings.get("cache_prefix", ""),
        cache_max_size_bytes=None if max_size_bytes is None else int(max_size_bytes),
    )
