"""Timers: of blocks, of functions, of the methods of an object, of subscribers."""

import functools
import types
from collections.abc import Callable, Container
from time import perf_counter
from typing import Any

from pyramid.config import Configurator

from kinto.core.metrics.service import IMetricsService


class Timer:
    """Tells how many seconds something takes, as decorator or as context manager.

    :param record: called with them, whether what was timed succeeded or not.
    """

    __slots__ = ("_record", "_started")

    def __init__(self, record: Callable[[float], None]) -> None:
        self._record = record
        self._started: list[float] = []

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        record = self._record

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                record(perf_counter() - started)

        # Callables without a name, such as partial functions, stay without one.
        return functools.update_wrapper(timed, function, updated=())

    def __enter__(self) -> "Timer":
        self._started.append(perf_counter())
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._record(perf_counter() - self._started.pop())


def watch_execution_time(
    metrics_service: Any,
    obj: object,
    prefix: str = "",
    classname: str | None = None,
    *,
    without: Container[str] = (),
) -> None:
    """Time each public method of ``obj``, as ``<prefix>.<classname>.seconds``.

    The timed functions are set on the object, marked with ``is_timer``, so that they do not count
    as an override by a plugin.

    :param without: names of methods to leave alone.
    """
    name = classname or type(obj).__name__.lower()
    for attribute in dir(obj):
        if attribute.startswith("_") or attribute in without:
            continue
        if isinstance(getattr(type(obj), attribute, None), property):
            continue
        method = getattr(obj, attribute)
        if not isinstance(method, types.MethodType):
            continue
        timer = metrics_service.timer(f"{prefix}.{name}.seconds", labels=[("method", attribute)])
        timed = timer(method)
        if timed is not method:
            setattr(obj, attribute, mark_as_timer(timed))


def mark_as_timer(timed: Any) -> Any:
    """The timed function, known as ours."""
    if isinstance(timed, types.FunctionType):
        timed.is_timer = True  # type: ignore[attr-defined]  # read by `is_overridden`
        return timed

    def marked(*args: Any, **kwargs: Any) -> Any:
        return timed(*args, **kwargs)

    marked.is_timer = True  # type: ignore[attr-defined]
    return marked


def listener_with_timer(
    config: Configurator, key: str, func: Callable[..., Any]
) -> Callable[..., Any]:
    """Time a subscriber as ``<key>.seconds``, with the service that is registered at the call."""

    @functools.wraps(func, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        metrics_service = config.registry.queryUtility(IMetricsService)
        if metrics_service is None:
            return func(*args, **kwargs)
        with metrics_service.timer(f"{key}.seconds"):
            return func(*args, **kwargs)

    return wrapped
