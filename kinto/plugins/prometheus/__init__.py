"""Prometheus: ``GET /__metrics__`` shows what is measured.

Source: "Prometheus" of the operations guide, section 4.3; "Metrics" of the HTTP API, section 13.7.
"""

import re

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto.core.metrics import CombinedMetricsService, IMetricsService, NoOpMetricsService
from kinto.core.registry import current_settings
from kinto.core.settings import parse_words
from kinto.plugins.prometheus.multiprocess import find_folder, prepare_folder
from kinto.plugins.prometheus.service import (
    PrometheusService,
    prometheus_module,
    reset_registry,
)


__all__ = ["PrometheusService", "includeme", "prometheus_module", "reset_registry"]

log = structlog.get_logger(__name__)

_MISSING = "kinto.plugins.prometheus needs the package prometheus-client: kinto[monitoring]."
# Names of the command; uWSGI and the like have none.
_SERVING = (None, "start")
_DROPPED = re.compile(r"[^a-z0-9]")


def includeme(config: Configurator) -> None:
    """Measure, together with StatsD where the settings name it, and serve the endpoint.

    :raises ConfigurationError: the client library is missing.
    """
    if not prometheus_module:
        raise ConfigurationError(_MISSING)
    folder = find_folder()
    if folder is None:
        log.warning(
            "Prometheus shows one process only; with several, set PROMETHEUS_MULTIPROC_DIR"
        )
    elif config.registry.command in _SERVING:
        # Other commands leave it to the service that runs beside them.
        prepare_folder(folder)
    service = _make_service(config)
    config.add_api_capability(
        "prometheus",
        description="Prometheus metrics.",
        url="https://github.com/Kinto/kinto/",
        prefix=service.prefix,
        disabled_metrics=list(service.disabled_metrics),
    )
    _register(config, service)
    config.scan("kinto.plugins.prometheus.views")


def _make_service(config: Configurator) -> PrometheusService:
    settings = current_settings(config.registry)
    wanted = settings.prometheus
    prefix = settings.project.name if wanted.prefix is None else wanted.prefix
    disabled = wanted.disabled_metrics or parse_words(
        config.get_settings().get("disabled_metrics")
    )
    if not wanted.created_metrics_enabled:
        prometheus_module.disable_created_metrics()
    return PrometheusService(
        prefix=normalize_prefix(prefix),
        disabled_metrics=disabled,
        histogram_buckets=wanted.histogram_buckets,
        max_label_values=settings.monitoring.metrics_max_label_values,
    )


def normalize_prefix(prefix: str) -> str:
    """What the names of the series begin with: ``kinto-prod`` makes ``kintoprod_``."""
    cleaned = _DROPPED.sub("", prefix.lower())
    # No name begins with a digit.
    return f"{'_' if cleaned[:1].isdigit() else ''}{cleaned}_" if cleaned else ""


def _register(config: Configurator, service: PrometheusService) -> None:
    registry = config.registry
    former = registry.queryUtility(IMetricsService)
    is_fed_too = (
        current_settings(registry).monitoring.statsd_url is not None
        and former is not None
        and not isinstance(former, NoOpMetricsService)
    )
    registry.metrics = CombinedMetricsService(former, service) if is_fed_too else service
    registry.registerUtility(registry.metrics, IMetricsService)
