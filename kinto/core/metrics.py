"""Measurements that plugins may collect.

Without a metrics plugin nothing is recorded, and nobody has to test for that.
"""

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

from pyramid.config import Configurator
from zope.interface import Interface, implementer


Label = tuple[str, str]


class IMetricsService(Interface):  # type: ignore[misc]  # zope ships no types
    """What a metrics plugin registers."""

    def timer(key: str, value: float | None = None, labels: Sequence[Label] = ()) -> Any:  # noqa: N805
        """Record ``value`` seconds, or give a decorator that is a context manager too."""

    def observe(key: str, value: float, labels: Sequence[Label] = ()) -> None:  # noqa: N805
        """Record a value."""

    def count(key: str, count: int = 1, unique: Any = None) -> None:  # noqa: N805
        """Add to a counter."""


class NoOpTimer:
    """Measures nothing, as decorator or as context manager."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None: ...


@implementer(IMetricsService)
class NoOpMetricsService:
    """Registered when no plugin measures."""

    def timer(self, key: str, value: float | None = None, labels: Sequence[Label] = ()) -> Any:
        return NoOpTimer()

    def observe(self, key: str, value: float, labels: Sequence[Label] = ()) -> None: ...

    def count(self, key: str, count: int = 1, unique: Any = None) -> None: ...


def watch_execution_time(
    metrics_service: Any, obj: object, prefix: str = "", classname: str | None = None
) -> None:
    """Time each public method of ``obj``, as ``<prefix>.<classname>.seconds``.

    The timed functions are set on the object; those that are ours are marked with ``is_timer``,
    so that they do not count as an override by a plugin.
    """
    name = classname or type(obj).__name__.lower()
    for attribute in dir(obj):
        if attribute.startswith("_"):
            continue
        if isinstance(getattr(type(obj), attribute, None), property):
            continue
        method = getattr(obj, attribute)
        if not isinstance(method, types.MethodType):
            continue
        timer = metrics_service.timer(f"{prefix}.{name}.seconds", labels=[("method", attribute)])
        timed = timer(method)
        if timed is method:
            continue
        setattr(obj, attribute, _marked(timed))


def _marked(timed: Any) -> Any:
    """The timed function, known as ours."""

    @functools.wraps(timed)
    def marked(*args: Any, **kwargs: Any) -> Any:
        return timed(*args, **kwargs)

    marked.is_timer = True  # type: ignore[attr-defined]  # read by `is_overridden`
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
