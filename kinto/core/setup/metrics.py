"""Metrics service, with what it measures by itself."""

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated
from pyramid.interfaces import ISecurityPolicy

from kinto.core.metrics import IMetricsService, NoOpMetricsService, watch_execution_time


def setup_metrics(config: Configurator) -> None:
    """Register a service, and time backends and policies with it once the application is made."""
    registry = config.registry
    if registry.queryUtility(IMetricsService) is None:
        registry.registerUtility(NoOpMetricsService(), IMetricsService)

    def on_application_created(event: ApplicationCreated) -> None:
        service = event.app.registry.queryUtility(IMetricsService)
        if service is None or isinstance(service, NoOpMetricsService):
            return
        for kind in ("storage", "cache", "permission"):
            backend = getattr(event.app.registry, kind, None)
            if backend is not None:
                watch_execution_time(service, backend, prefix="backend", classname=kind)
        policies = event.app.registry.queryUtility(ISecurityPolicy)
        for name, policy in getattr(policies, "get_policies", list)():
            watch_execution_time(service, policy, prefix="authentication", classname=name)
        cache = getattr(event.app.registry, "cache", None)
        if cache is not None:
            cache.set_metrics_backend(service)

    config.add_subscriber(on_application_created, ApplicationCreated)
