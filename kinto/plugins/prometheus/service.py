"""The metrics service that keeps series for Prometheus."""

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from threading import Lock
from typing import Any
from weakref import WeakSet

import structlog
from zope.interface import implementer

from kinto.core.metrics import BoundedLabels, IMetricsService, Label, Labels, NoOpTimer, Timer
from kinto.core.metrics.labels import pairs_of
from kinto.core.settings import DEFINITIONS, parse_words


try:
    import prometheus_client
except ImportError:  # pragma: no cover  # without the extra
    prometheus_client = None  # type: ignore[assignment]

# The library; nothing where it is not installed.
prometheus_module: Any = prometheus_client

log = structlog.get_logger(__name__)

_SEPARATORS = re.compile(r"[-. ]")
_MAX_LABEL_VALUES = 1000
_CACHED_SERIES = 4096
# Methods that add a value, by kind of series.
_RECORDERS = {"Histogram": "observe", "Summary": "observe", "Counter": "inc"}

# Series of this process, by name: the library has them once, however many applications there are.
_collectors: dict[str, Any] = {}
_services: WeakSet["PrometheusService"] = WeakSet()
_lock = Lock()
# Said once: whoever has lost the folder has lost it for every request.
_has_warned = False


def reset_registry() -> None:
    """Forget every series."""
    for collector in _collectors.values():
        prometheus_module.REGISTRY.unregister(collector)
    _collectors.clear()
    for service in _services:
        service.forget()


@implementer(IMetricsService)
class PrometheusService:
    """Keeps histograms, summaries, counters.

    :param prefix: of all names.
    :param disabled_metrics: names that are not kept, with or without the prefix.
    :param histogram_buckets: upper bounds, in seconds.
    :param max_label_values: how many values of a label are told apart.
    """

    def __init__(
        self,
        prefix: str = "",
        disabled_metrics: Sequence[str] = (),
        histogram_buckets: Sequence[float] = (),
        max_label_values: int = _MAX_LABEL_VALUES,
    ) -> None:
        self.prefix = prefix
        self.disabled_metrics = tuple(disabled_metrics)
        self._buckets = tuple(sorted(set(histogram_buckets))) or _default_buckets()
        self._bounded = BoundedLabels(max_label_values)
        self._series = lru_cache(maxsize=_CACHED_SERIES)(self._find_series)
        _services.add(self)
        self._disabled = {self._name_of(name.removeprefix(prefix)) for name in disabled_metrics}

    def timer(self, key: str, value: float | None = None, labels: Labels = ()) -> Any:
        """Record ``value`` seconds, or give a decorator that is a context manager too."""
        if value is not None:
            self._add("Histogram", key, labels, value)
            return None
        name = self._name_of(key)
        if name in self._disabled:
            return NoOpTimer()
        series = self._series("Histogram", name, tuple(labels))
        return Timer(partial(_record, _RECORDERS["Histogram"], series))

    def observe(self, key: str, value: float, labels: Labels = ()) -> None:
        """Add to a summary."""
        self._add("Summary", key, labels, value)

    def count(self, key: str, count: int = 1, unique: Any = None) -> None:
        """Add to a counter, whose labels are what is counted."""
        self._add("Counter", key, () if unique is None else pairs_of(unique), count)

    def _add(self, kind: str, key: str, labels: Labels, value: float) -> None:
        name = self._name_of(key)
        if name in self._disabled:
            return
        try:
            series = self._series(kind, name, tuple(labels))
        except OSError as error:
            _warn(error)
        else:
            _record(_RECORDERS[kind], series, value)

    def forget(self) -> None:
        """Look series up again: they were unregistered."""
        self._series.cache_clear()

    def _name_of(self, key: str) -> str:
        return self.prefix + _SEPARATORS.sub("_", key)

    def _find_series(self, kind: str, name: str, labels: tuple[Label, ...]) -> Any:
        """What is kept for these labels.

        :raises RuntimeError: that name is one of another kind.
        """
        collector = _collectors.get(name)
        names = [_SEPARATORS.sub("_", label) for label, _ in labels]
        if collector is None:
            collector = self._new_collector(kind, name, names)
        elif type(collector).__name__ != kind:
            existing = type(collector).__name__
            raise RuntimeError(f"{name} already exists with different type {existing}, not {kind}")
        if not labels:
            return collector
        bound = self._bounded.bound
        values = [bound((name, label), str(value)) for label, value in labels]
        return collector.labels(**dict(zip(names, values, strict=True)))

    def _new_collector(self, kind: str, name: str, label_names: list[str]) -> Any:
        with _lock:
            if name not in _collectors:
                options = {"buckets": self._buckets} if kind == "Histogram" else {}
                make = getattr(prometheus_module, kind)
                _collectors[name] = make(
                    name, f"{kind} of {name}", labelnames=label_names, **options
                )
            return _collectors[name]


def _record(record: str, series: Any, value: float) -> None:
    """Add to a series; what cannot be kept, because the folder has gone, is lost."""
    try:
        getattr(series, record)(value)
    except OSError as error:
        _warn(error)


def _warn(error: OSError) -> None:
    global _has_warned
    if not _has_warned:
        _has_warned = True
        log.warning("Metrics cannot be kept", setting="PROMETHEUS_MULTIPROC_DIR", error=str(error))


def _default_buckets() -> tuple[float, ...]:
    default = DEFINITIONS["prometheus_histogram_buckets"].default
    return tuple(map(float, parse_words(default)))
