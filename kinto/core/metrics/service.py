"""The interface of metrics services, with the one that measures nothing.

Source: "Metrics service interface" of the operations guide, section 4.4.
"""

from collections.abc import Callable, Sequence
from typing import Any

from zope.interface import Interface, implementer


Label = tuple[str, str]
Labels = Sequence[Label]


class IMetricsService(Interface):  # type: ignore[misc]  # zope ships no types
    """What a metrics plugin registers."""

    def timer(key: str, value: float | None = None, labels: Labels = ()) -> Any:  # noqa: N805
        """Record ``value`` seconds, or give a decorator that is a context manager too."""

    def observe(key: str, value: float, labels: Labels = ()) -> None:  # noqa: N805
        """Record a value."""

    def count(key: str, count: int = 1, unique: Any = None) -> None:  # noqa: N805
        """Add to a counter; ``unique`` are pairs that tell what is counted."""


class NoOpTimer:
    """Measures nothing, as decorator or as context manager."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None: ...


@implementer(IMetricsService)
class NoOpMetricsService:
    """Registered when no plugin measures."""

    def timer(self, key: str, value: float | None = None, labels: Labels = ()) -> Any:
        return NoOpTimer()

    def observe(self, key: str, value: float, labels: Labels = ()) -> None: ...

    def count(self, key: str, count: int = 1, unique: Any = None) -> None: ...
