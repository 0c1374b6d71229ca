"""Metrics service, with what it measures by itself."""

from typing import Any

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated

from kinto.core.metrics import IMetricsService, NoOpMetricsService
from kinto.core.registry import current_settings
from kinto.core.setup.refusals import naming_setting
from kinto.core.setup.request_metrics import RequestMetrics
from kinto.core.setup.watching import watch_backends, watch_policies


_IS_SET_UP = "has_metrics_set_up"


def setup_metrics(config: Configurator) -> None:
    """Register the service that the settings name, and measure once the application is made.

    Where nothing is measured, requests are answered as if there were no metrics. The second of
    two calls does nothing.
    """
    registry = config.registry
    if getattr(registry, _IS_SET_UP, False):
        return
    setattr(registry, _IS_SET_UP, True)
    if registry.queryUtility(IMetricsService) is None:
        registry.registerUtility(NoOpMetricsService(), IMetricsService)
    if current_settings(registry).monitoring.statsd_url is not None:
        registry.registerUtility(_load_statsd(config), IMetricsService)
    config.add_subscriber(start_measuring, ApplicationCreated)


def _load_statsd(config: Configurator) -> Any:
    dotted = current_settings(config.registry).monitoring.statsd_backend
    with naming_setting("kinto.statsd_backend", dotted):
        return config.maybe_dotted(dotted).load_from_config(config)


def start_measuring(event: ApplicationCreated) -> None:
    """Time backends and policies, and watch requests, where a service measures."""
    app, registry = event.app, event.app.registry
    service = registry.queryUtility(IMetricsService)
    if service is None or isinstance(service, NoOpMetricsService):
        return
    registry.metrics = service
    watch_backends(service, registry)
    watch_policies(service, registry)
    cache = getattr(registry, "cache", None)
    if cache is not None:
        cache.set_metrics_backend(service)
    if hasattr(app, "invoke_request") and not hasattr(app.invoke_request, "is_timer"):
        # The router answers requests and those within others, with or without tweens; but for
        # items of a batch that need no router.
        prefix = getattr(registry, "route_prefix", "")
        settings = current_settings(registry).monitoring
        metrics = RequestMetrics(service, settings, route_prefix=prefix)
        app.invoke_request = metrics.watch(app.invoke_request)
        registry.execute_prepared = metrics.watch(registry.execute_prepared)
