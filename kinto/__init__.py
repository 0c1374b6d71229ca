"""Kinto: JSON storage, synchronisation and sharing over HTTP."""

import logging
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pyramid.config import Configurator

import kinto.core
from kinto.authorization import RouteFactory
from kinto.core.settings import KINTO_DEFAULT_SETTINGS as DEFAULT_SETTINGS
from kinto.core.settings import parse_bool
from kinto.core.setup.requests import settle_request_class


try:
    __version__ = version("kinto")
except PackageNotFoundError:  # pragma: no cover  # a copy that was not installed
    __version__ = "27.0.0"

HTTP_API_VERSION = "1.23"

logger = logging.getLogger(__name__)

__all__ = ["DEFAULT_SETTINGS", "HTTP_API_VERSION", "__version__", "logger", "main"]

_SCHEMA_DOCS = (
    "https://kinto.readthedocs.io/en/latest/api/1.x/collections.html#collection-json-schema"
)
_PERMISSIONS_DOCS = (
    "https://kinto.readthedocs.io/en/latest/configuration/settings.html"
    "#activating-the-permissions-endpoint"
)


def main(
    global_config: Any,  # a dict, pairs, or something falsy: PasteDeploy's choice
    config: Configurator | None = None,
    **settings: Any,  # values of the INI file
) -> Any:  # a WSGI application
    """Make the WSGI application.

    :param config: to be used instead of a new one; ``settings`` are ignored then.
    """
    variables: Mapping[str, Any] = dict(global_config or {})
    if config is None:
        if folder := variables.get("here"):
            # That of the configuration file, where relative ones start.
            settings.setdefault("here", folder)
        config = Configurator(settings=settings, root_factory=RouteFactory)
    else:
        config.set_root_factory(RouteFactory)
    config.registry.command = variables.get("command")
    kinto.core.initialize(
        config,
        version=__version__,
        settings_prefix="kinto",
        default_settings=DEFAULT_SETTINGS,
    )
    _add_views(config)
    config.commit()
    settle_request_class(config)
    app = config.make_wsgi_app()
    return kinto.core.install_middlewares(app, config.get_settings())


def _add_views(config: Configurator) -> None:
    settings = config.get_settings()
    ignored = []
    if parse_bool(settings.get("experimental_permissions_endpoint")):
        config.add_api_capability(
            "permissions_endpoint",
            description="The permissions endpoint can be used to list all user objects"
            " permissions.",
            url=_PERMISSIONS_DOCS,
        )
    else:
        ignored.append("kinto.views.permissions")
    if parse_bool(settings.get("experimental_collection_schema_validation")):
        config.add_api_capability(
            "schema",
            description="Validates collection records with JSON schemas.",
            url=_SCHEMA_DOCS,
        )
    config.scan("kinto.views", ignore=ignored)
