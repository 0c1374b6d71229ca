"""The metrics service that sends to StatsD, on its client library."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pyramid.exceptions import ConfigurationError
from zope.interface import implementer

from kinto.core.metrics import IMetricsService, Label, Labels, Timer
from kinto.core.metrics.labels import warn_about_text
from kinto.core.metrics.names import older_counter, older_timer
from kinto.core.statsd.sender import DatagramSender


# What has a meaning in a datagram.
_REMOVED = dict.fromkeys(map(ord, ":|@\r\n"))
_DOTTED = {**_REMOVED, ord(":"): "."}


@implementer(IMetricsService)
class StatsDService:
    """Sends each metric as a datagram of its own.

    :param has_older_names: send the names of Kinto 3 as well.
    :raises ConfigurationError: the client library is missing.
    """

    def __init__(self, host: str, port: int, prefix: str, *, has_older_names: bool = True) -> None:
        self._has_older_names = has_older_names
        self._client = _make_client(DatagramSender(host, port), prefix.translate(_REMOVED))
        self._names = lru_cache(maxsize=4096)(self._find_names)

    def timer(self, key: str, value: float | None = None, labels: Labels = ()) -> Any:
        """Send ``value`` seconds, or give a decorator that is a context manager too."""
        names = self._names(key, tuple(labels))
        timing = self._client.timing

        def record(seconds: float) -> None:
            milliseconds = seconds * 1000
            for name in names:
                timing(name, milliseconds)

        if value is None:
            return Timer(record)
        record(value)
        return None

    def observe(self, key: str, value: float, labels: Labels = ()) -> None:
        """Send a gauge; its labels stay behind, as there is one gauge of a name."""
        self._client.gauge(key, value)

    def count(self, key: str, count: int = 1, unique: Any = None) -> None:
        """Send a counter; a set, where it is told what is counted."""
        if unique is None:
            self._client.incr(key, count=count)
        elif isinstance(unique, str):
            warn_about_text()
            self._client.set(key, unique.translate(_DOTTED))
        else:
            self._client.set(key, _as_path(unique))
            older = older_counter(key, unique) if self._has_older_names else None
            if older is not None:
                self._client.incr(older.translate(_REMOVED), count=count)

    def _find_names(self, key: str, labels: tuple[Label, ...]) -> tuple[str, ...]:
        parts = [key, *(f"{label}.{value}".translate(_REMOVED) for label, value in labels)]
        older = older_timer(key, labels) if self._has_older_names else None
        name = ".".join(parts)
        return (name,) if older is None else (name, older.translate(_REMOVED))


def _as_path(unique: Sequence[Label]) -> str:
    return ".".join(f"{label}.{value}".translate(_DOTTED) for label, value in unique)


def _make_client(sender: DatagramSender, prefix: str) -> Any:  # untyped library
    """The library's client, with datagrams of our own."""
    try:
        from statsd.client.base import StatsClientBase
        from statsd.client.udp import Pipeline
    except ImportError as error:
        message = "Setting 'kinto.statsd_url' needs the package statsd: kinto[monitoring]."
        raise ConfigurationError(message) from error

    class Client(StatsClientBase):  # type: ignore[misc]
        """What the library wants of a client: how to send."""

        _prefix = prefix
        _maxudpsize = 512

        def _send(self, data: str) -> None:
            sender.send(data)

        def pipeline(self) -> Any:
            return Pipeline(self)

    return Client()
