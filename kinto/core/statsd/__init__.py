"""Metrics sent to a StatsD server: what the setting ``statsd_backend`` names by default.

Source: "statsd" of the operations guide, sections 1.9, 4.1 and 4.2.
"""

from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto.core.registry import current_settings
from kinto.core.statsd.service import StatsDService


__all__ = ["StatsDService", "load_from_config"]

_DEFAULT_PORT = 8125
_DEFAULT_PREFIX = "kinto.core"


def load_from_config(config: Configurator) -> StatsDService:
    """The service that the settings describe.

    :raises ConfigurationError: there is no URL, or the client library is missing.
    """
    settings = current_settings(config.registry)
    monitoring = settings.monitoring
    if monitoring.statsd_url is None:
        raise ConfigurationError("Setting 'kinto.statsd_url' is missing.")
    url = urlsplit(monitoring.statsd_url)
    prefix = monitoring.statsd_prefix or settings.project.name or _DEFAULT_PREFIX
    return StatsDService(
        url.hostname or "",
        url.port or _DEFAULT_PORT,
        prefix,
        has_older_names=monitoring.statsd_legacy_names,
    )
