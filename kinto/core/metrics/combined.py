"""One metrics service that feeds several."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from zope.interface import implementer

from kinto.core.metrics.service import IMetricsService, Labels


class CombinedTimer:
    """Several timers of one block or function."""

    def __init__(self, timers: Sequence[Any]) -> None:
        self._timers = timers
        self._entered: list[ExitStack] = []

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        for timer in self._timers:
            function = timer(function)
        return function

    def __enter__(self) -> "CombinedTimer":
        stack = ExitStack()
        for timer in self._timers:
            stack.enter_context(timer)
        self._entered.append(stack)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._entered.pop().__exit__(*exc_info)


@implementer(IMetricsService)
class CombinedMetricsService:
    """Tells each of its services everything."""

    def __init__(self, *services: Any) -> None:
        self.services = services

    def timer(self, key: str, value: float | None = None, labels: Labels = ()) -> Any:
        """Record ``value`` seconds, or give a decorator that is a context manager too."""
        if value is None:
            return CombinedTimer([each.timer(key, labels=labels) for each in self.services])
        for service in self.services:
            service.timer(key, value=value, labels=labels)
        return None

    def observe(self, key: str, value: float, labels: Labels = ()) -> None:
        """Record a value."""
        for service in self.services:
            service.observe(key, value, labels=labels)

    def count(self, key: str, count: int = 1, unique: Any = None) -> None:
        """Add to a counter."""
        for service in self.services:
            service.count(key, count=count, unique=unique)
