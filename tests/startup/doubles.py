"""Modules that a configuration file may name, some of which are not what it says they are."""

from typing import Any

from kinto.core.listeners import ListenerBase


class Listener(ListenerBase):
    """Hears everything, does nothing."""

    def __call__(self, event: Any) -> None: ...


def load_from_config(config: Any, prefix: str = "") -> Listener:
    """A listener, which is no backend."""
    return Listener()


def includeme(config: Any) -> None:
    """A plugin with a capability that may be announced once."""
    config.add_api_capability("double", description="First come", url="https://example.org/")


def broken_step(config: Any) -> None:
    """A step of the start-up that is refused by what it finds."""


class NeedsArguments:
    """No policy, no generator: nobody gives it what it wants."""

    def __init__(self, first: str, second: str, third: str) -> None: ...
