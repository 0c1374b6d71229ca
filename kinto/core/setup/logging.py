"""Logs through the standard library, so that configuration files decide about them."""

from collections.abc import Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.path import DottedNameResolver

from kinto.core.logs.events import configure_structlog
from kinto.core.logs.rendering import Renderer, use_renderer
from kinto.core.setup.refusals import naming_setting, require_callable


_NAME = "kinto.logging_renderer"


def setup_logging(config: Configurator) -> None:
    """Have structlog hand its events to the standard loggers, and records rendered as set."""
    configure_structlog()
    use_renderer(make_renderer(config.get_settings()), config.registry)


def make_renderer(settings: Mapping[str, Any]) -> Renderer | None:
    """What the setting ``logging_renderer`` names; ``None`` where it names nothing.

    :raises ConfigurationError: it cannot be made.
    """
    dotted = settings.get("logging_renderer")
    if not dotted or str(dotted).lower() == "none":
        return None
    with naming_setting(_NAME, dotted):
        cls = DottedNameResolver().resolve(dotted)
    make = require_callable(_NAME, dotted, cls)
    with naming_setting(_NAME, dotted):
        renderer = make(settings)
    checked: Renderer = require_callable(_NAME, dotted, renderer)
    return checked
