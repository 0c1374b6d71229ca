"""The steps that ``initialization_sequence`` may name.

Several of them have nothing left to do, as what they stand for is read from the settings at
each request; their names stay, since configuration files hold them.
"""

from pyramid.config import Configurator

from kinto.core.setup.authentication import setup_authentication
from kinto.core.setup.backends import setup_cache, setup_permission, setup_storage
from kinto.core.setup.http import (
    restrict_http_methods_if_readonly,
    setup_json_serializer,
    setup_requests_scheme,
)
from kinto.core.setup.listeners import setup_listeners
from kinto.core.setup.logging import setup_logging
from kinto.core.setup.metrics import setup_metrics
from kinto.core.setup.sentry import setup_sentry


__all__ = [
    "restrict_http_methods_if_readonly",
    "setup_authentication",
    "setup_backoff",
    "setup_cache",
    "setup_csp_headers",
    "setup_deprecation",
    "setup_json_serializer",
    "setup_listeners",
    "setup_logging",
    "setup_metrics",
    "setup_permission",
    "setup_request_bound_data",
    "setup_requests_scheme",
    "setup_sentry",
    "setup_statsd",
    "setup_storage",
    "setup_vary_headers",
    "setup_version_redirection",
]


def setup_request_bound_data(config: Configurator) -> None:
    """Part of the request class."""


def setup_csp_headers(config: Configurator) -> None:
    """Part of the outermost tween."""


def setup_version_redirection(config: Configurator) -> None:
    """Part of the view of unknown URLs."""


def setup_deprecation(config: Configurator) -> None:
    """Part of the outermost tween."""


def setup_backoff(config: Configurator) -> None:
    """Part of the outermost tween."""


def setup_vary_headers(config: Configurator) -> None:
    """Part of the outermost tween."""


def setup_statsd(config: Configurator) -> None:
    """Older name of what :func:`setup_metrics` does; both may be listed."""
    setup_metrics(config)
