"""Plugins for tests, to be listed in ``kinto.includes`` as ``tests.support.plugins.<name>``."""

from typing import Any

from pyramid.config import Configurator

from kinto.core.events import ACTIONS, ResourceChanged
from kinto.core.metrics import IMetricsService


class Timer:
    """Notes keys when it is left, as decorator or as context manager."""

    def __init__(self, notes: list[Any], key: Any) -> None:
        self.notes, self.key = notes, key

    def __call__(self, function: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return timed

    def __enter__(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None:
        self.notes.append(self.key)


class MetricsService:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.timed: list[Any] = []
        self.counted: list[Any] = []

    def timer(self, key: str, value: Any = None, labels: Any = ()) -> Timer:
        return Timer(self.timed, (key, *labels))

    def observe(self, key: str, value: Any, labels: Any = ()) -> None: ...

    def count(self, key: str, count: int = 1, unique: Any = None) -> None:
        self.counted.append(key)


def metrics(config: Configurator) -> None:
    """Measures."""
    config.registry.registerUtility(MetricsService(), IMetricsService)


def curious(config: Configurator) -> None:
    """Keeps what is there when plugins are included."""
    registry = config.registry
    names = ("storage", "cache", "permission", "metrics", "statsd", "api_capabilities")
    names += ("heartbeats", "public_settings", "id_generators", "settings", "command")
    names += ("route_prefix", "cornice_services", "live_settings")
    registry.seen = {name: getattr(registry, name) for name in names}
    registry.events = []
    config.add_subscriber(
        lambda event: registry.events.append("curious"),
        ResourceChanged,
        for_actions=(ACTIONS.CREATE, "update"),
        for_resources=("bucket",),
    )


def second(config: Configurator) -> None:
    """Comes after :func:`curious`."""
    registry = config.registry
    config.add_subscriber(lambda event: registry.events.append("second"), ResourceChanged)


def load_from_config(config: Configurator, prefix: str) -> Any:
    """A listener that notes events with the prefix of its settings."""

    def listen(event: Any) -> None:
        config.registry.heard = [*getattr(config.registry, "heard", []), (prefix, repr(event))]

    return listen
