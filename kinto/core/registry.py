"""What the application keeps on its registry, read with its real type."""

from typing import Any

from kinto.core.settings import CoreSettings, LiveSettings, parse_settings


def current_settings(registry: Any) -> CoreSettings:  # a Pyramid registry, or a test's stand-in
    """The parsed settings, as they are now (plugins and tests alter ``registry.settings``)."""
    live = getattr(registry, "live_settings", None)
    if not isinstance(live, LiveSettings):
        live = registry.live_settings = LiveSettings(
            parse_settings(registry.settings), registry.settings
        )
    return live.current(registry.settings)
