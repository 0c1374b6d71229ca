"""What the application keeps on its registry, read with its real type."""

from collections.abc import Callable, Hashable
from typing import Any

from pyramid.registry import Registry as PyramidRegistry
from zope.interface import providedBy

from kinto.core.deprecation import deprecated_name
from kinto.core.settings import CoreSettings, LiveSettings, parse_settings
from kinto.core.types import Registry


def current_settings(registry: Any) -> CoreSettings:  # a Pyramid registry, or a test's stand-in
    """The parsed settings, as they are now (plugins and tests alter ``registry.settings``)."""
    live = getattr(registry, "live_settings", None)
    if not isinstance(live, LiveSettings):
        live = registry.live_settings = LiveSettings(
            parse_settings(registry.settings), registry.settings
        )
    return live.current(registry.settings)


def keep_settings(request: Any, settings: CoreSettings) -> None:
    """Have a request, and those made within it, see the same settings until it is answered."""
    request.__dict__["core_settings"] = settings


def settings_of(request: Any) -> CoreSettings:  # a request, or a test's stand-in
    """The settings that a request goes by."""
    kept: CoreSettings | None = request.__dict__.get("core_settings")
    return current_settings(request.registry) if kept is None else kept


def ask_once(registry: Any, question: Hashable, find: Callable[[], bool]) -> bool:
    """The answer to a question about subscribers and utilities.

    It is found again when one of them has come or gone.

    :param question: names it, among all others.
    :param find: gives the answer.
    """
    known: dict[Hashable, bool] | None = registry.__dict__.get("known_answers")
    if known is None:
        return find()
    answer = known.get(question)
    if answer is None:
        answer = known[question] = find()
    return answer


class ApplicationRegistry(Registry):
    """A registry with the names of older versions.

    Pyramid sends several events for each request, to which mostly nobody has subscribed.

    :ivar known_answers: for :func:`ask_once`.
    """

    # None where nothing was registered yet.
    known_answers: dict[Hashable, bool] | None = None

    def registerHandler(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802  # the framework's
        """Have a subscriber told of events."""
        super().registerHandler(*args, **kwargs)
        self.known_answers = {}

    def unregisterHandler(self, *args: Any, **kwargs: Any) -> bool:  # noqa: N802  # the same
        """Have a subscriber told no more."""
        was_registered: bool = super().unregisterHandler(*args, **kwargs)
        self.known_answers = {}
        return was_registered

    def registerUtility(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802  # the same
        """Have something found by the interface that it provides."""
        super().registerUtility(*args, **kwargs)
        self.known_answers = {}

    def unregisterUtility(self, *args: Any, **kwargs: Any) -> bool:  # noqa: N802  # the same
        """Have it found no more."""
        was_registered: bool = super().unregisterUtility(*args, **kwargs)
        self.known_answers = {}
        return was_registered

    def notify(self, *events: Any) -> None:
        """Send an event to its subscribers."""
        if len(events) > 1:
            super().notify(*events)
            return
        for subscriber in self.adapters.subscriptions((providedBy(events[0]),), None):
            subscriber(events[0])

    def __getattr__(self, name: str) -> Any:
        if name == "statsd":
            deprecated_name("statsd", "metrics")
            return self.metrics
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def adopt_registry(registry: PyramidRegistry) -> None:
    """Add those names to a registry that came with the configurator, whoever made it."""
    if type(registry) is PyramidRegistry:
        registry.__class__ = ApplicationRegistry
