"""What the settings say about HTTP: scheme, redirections, read-only servers, JSON."""

import warnings

from pyramid.config import Configurator
from pyramid.events import NewRequest
from pyramid.httpexceptions import HTTPMethodNotAllowed
from pyramid.renderers import JSON

from kinto.core.endpoint import render_json
from kinto.core.service import Service
from kinto.core.settings import parse_bool


_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def setup_requests_scheme(config: Configurator) -> None:
    """Warn where clients could be spied upon; the scheme itself is applied by the tween."""
    if config.get_settings().get("http_scheme") != "https":
        warnings.warn("HTTPS is not enabled", stacklevel=2)


def setup_json_serializer(config: Configurator) -> None:
    """One fast codec for all answers."""
    renderer = JSON(serializer=render_json)
    config.add_renderer("json", renderer)
    name = config.get_settings().get("json_renderer")
    if name and name != "json":
        config.add_renderer("ultrajson", renderer)


def restrict_http_methods_if_readonly(config: Configurator) -> None:
    """Refuse all but reads on read-only servers, in views of plugins as well."""
    if not parse_bool(config.get_settings().get("readonly", False)):
        return

    def refuse_writes(event: NewRequest) -> None:
        if event.request.method not in _SAFE_METHODS:
            refusal = HTTPMethodNotAllowed()
            refusal.allow = _SAFE_METHODS
            raise refusal

    config.add_subscriber(refuse_writes, NewRequest)


def setup_cors(config: Configurator) -> None:
    """Show the settings on the class of the services, for plugins that read them there."""
    settings = config.get_settings()
    origins = settings.get("cors_origins") or "*"
    Service.cors_origins = tuple(origins.split() if isinstance(origins, str) else origins)
    Service.cors_max_age = settings.get("cors_max_age_seconds") or None
