"""StatsD under its name of Kinto 14 to 26, when it was a plugin.

The setting ``statsd_url`` alone is enough; listing the plugin as well changes nothing.
"""

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

import kinto.core.statsd
from kinto.core.metrics import IMetricsService, NoOpMetricsService
from kinto.core.registry import current_settings
from kinto.core.statsd import StatsDService


try:
    import statsd as statsd_module
except ImportError:  # pragma: no cover  # without the extra
    statsd_module = None


__all__ = ["StatsDService", "includeme", "load_from_config", "statsd_module"]

_MISSING = "kinto.plugins.statsd needs the package statsd: kinto[monitoring]."


def includeme(config: Configurator) -> None:
    """Register the service, unless the start-up did so already, or there is no URL.

    :raises ConfigurationError: the client library is missing.
    """
    registry = config.registry
    if current_settings(registry).monitoring.statsd_url is None:
        return
    service = registry.queryUtility(IMetricsService)
    if service is None or isinstance(service, NoOpMetricsService):
        registry.metrics = load_from_config(config)
        registry.registerUtility(registry.metrics, IMetricsService)


def load_from_config(config: Configurator) -> StatsDService:
    """The service that the settings describe.

    :raises ConfigurationError: the client library is missing.
    """
    if not statsd_module:
        raise ConfigurationError(_MISSING)
    return kinto.core.statsd.load_from_config(config)
