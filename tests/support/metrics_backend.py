"""A module for the setting ``statsd_backend``."""

from pyramid.config import Configurator

from tests.support.plugins import MetricsService


def load_from_config(config: Configurator) -> MetricsService:
    """A service that keeps what it is told."""
    return MetricsService()
