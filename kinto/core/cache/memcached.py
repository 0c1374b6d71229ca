"""Cache in memcached servers."""

import math
import re
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from pyramid.exceptions import ConfigurationError

from kinto.core.cache import CacheBase
from kinto.core.cache.failures import backend_errors
from kinto.core.protocol import json_codec
from kinto.core.types import Configurator, JSONValue


try:
    import pymemcache as memcache
    from pymemcache import HashClient, MemcacheError, MemcacheUnexpectedCloseError
except ImportError:  # pragma: no cover  # an optional dependency
    memcache = None
    HashClient = object
    MemcacheError = MemcacheUnexpectedCloseError = OSError

DEFAULT_HOST = "127.0.0.1:11211"

_TIMEOUT_SECONDS = 1.0
# A server that does not answer is left alone for this long, instead of delaying each request.
_REST_SECONDS = 1.0
_PLAIN_KEY = re.compile(r"[!-~]{1,250}")
# Longer than this, memcached takes a time to live for a point in time.
_MAX_RELATIVE_SECONDS = 60 * 60 * 24 * 30


class Cache(CacheBase):
    """Values in memcached, as JSON text along with their expiry.

    A server that is gone loses what is written and finds nothing; only the heartbeat minds.
    """

    def __init__(self, *args: Any, hosts: Sequence[str] = (DEFAULT_HOST,), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client = _Client(
            hosts,
            connect_timeout=_TIMEOUT_SECONDS,
            timeout=_TIMEOUT_SECONDS,
            no_delay=True,
            use_pooling=True,
            default_noreply=False,
        )

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Nothing is needed."""

    def flush(self) -> None:
        with backend_errors(MemcacheError):
            self._client.flush_all()

    def ttl(self, key: str) -> float:
        with backend_errors(MemcacheError):
            entry = _read(self._client.get(self._key(key)))
        return -1.0 if entry is None else float(entry["ttl"]) - time.time()

    def expire(self, key: str, ttl: float) -> None:
        stored_key = self._key(key)
        with backend_errors(MemcacheError):
            raw, version = self._client.gets(stored_key) or (None, None)
            if (entry := _read(raw)) is None:
                return
            if ttl <= 0:
                self._client.delete(stored_key)
                return
            # Nothing happens when it was replaced or removed meanwhile.
            raw = _entry(entry["value"], ttl)
            self._client.cas(stored_key, raw, version, expire=_lifetime(ttl))

    def set(self, key: str, value: JSONValue, ttl: float) -> None:
        raw = _entry(value, ttl)
        with backend_errors(MemcacheError):
            if ttl <= 0:
                self._client.delete(self._key(key))
            else:
                self._client.set(self._key(key), raw, expire=_lifetime(ttl))

    def get(self, key: str) -> JSONValue:
        with backend_errors(MemcacheError):
            entry = _read(self._client.get(self._key(key)))
        if entry is None:
            self.metrics_backend.count_miss()
            return None
        self.metrics_backend.count_hit()
        return entry["value"]

    def delete(self, key: str) -> JSONValue:
        stored_key = self._key(key)
        with backend_errors(MemcacheError):
            entry = _read(self._client.get(stored_key))
            self._client.delete(stored_key)
        return entry["value"] if entry else None

    def _key(self, key: str) -> str:
        """What a key is called in memcached, which refuses long keys, blanks, non-ASCII text."""
        stored_key = self.prefix + key
        if _PLAIN_KEY.fullmatch(stored_key):
            return stored_key
        return f"sha256:{sha256(stored_key.encode('utf-8', 'surrogatepass')).hexdigest()}"


class _Client(HashClient):  # type: ignore[misc]  # no types
    """A client that never gives up a server, but waits a moment after each failure.

    Keys do not move to other servers meanwhile: what these hold may be outdated.
    """

    def __init__(self, hosts: Sequence[str], **options: Any) -> None:
        super().__init__(hosts, **options)
        self._resting_until: dict[Any, float] = {}

    def _safely_run_func(
        self, client: Any, func: Any, default_val: Any, *args: Any, **kwargs: Any
    ) -> Any:
        if self._resting_until.get(client.server, 0.0) > time.monotonic():
            return default_val
        try:
            return func(*args, **kwargs)
        except (OSError, MemcacheUnexpectedCloseError):
            self._resting_until[client.server] = time.monotonic() + _REST_SECONDS
            return default_val


def _entry(value: JSONValue, ttl: float) -> bytes:
    text = json_codec.dumps_storable({"value": value, "ttl": time.time() + ttl})
    return text.encode()


def _read(raw: bytes | None) -> dict[str, Any] | None:
    """An entry that has not expired: memcached itself counts whole seconds."""
    if raw is None:
        return None
    entry: dict[str, Any] = json_codec.loads_stored(raw)
    return entry if entry["ttl"] > time.time() else None


def _lifetime(ttl: float) -> int:
    """When memcached may drop an entry: not before it expires."""
    seconds = math.ceil(ttl) + 1
    return seconds if seconds <= _MAX_RELATIVE_SECONDS else int(time.time()) + seconds


def load_from_config(config: Configurator) -> Cache:
    """A cache on the servers that the settings name.

    :raises ConfigurationError: the client library is not installed.
    """
    if memcache is None:
        raise ConfigurationError("pymemcache is not installed: pip install kinto[memcached]")
    settings = config.get_settings()
    # Earlier versions of `kinto init` wrote the hosts into the other setting.
    hosts = settings.get("cache_hosts") or settings.get("cache_url") or DEFAULT_HOST
    if isinstance(hosts, str):
        hosts = hosts.split()
    return Cache(hosts=hosts, cache_prefix=settings.get("cache_prefix", ""))
