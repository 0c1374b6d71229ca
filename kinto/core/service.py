"""Endpoints: routes, methods, validators, with the errors and CORS headers of this API."""

from collections.abc import Callable, Sequence
from typing import Any

import cornice
from cornice.pyramidhook import register_resource_views
from cornice.renderer import CorniceRenderer
from cornice.util import ContentTypePredicate, current_service
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPException
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.cors import COMMON_HEADERS, preflight_view, validate_origin
from kinto.core.endpoint import register_endpoint
from kinto.core.errors import json_error_handler


class Service(cornice.Service):  # type: ignore[misc]  # cornice ships no types
    """A cornice service that answers errors in the JSON form of this API.

    CORS is our own (:mod:`kinto.core.cors`): settings of the application decide about origins,
    not those of the process that made the service.
    """

    renderer = "json"
    default_cors_headers: Sequence[str] = COMMON_HEADERS
    # Set at start-up, for plugins that read them.
    cors_origins: Sequence[str] = ("*",)
    cors_max_age: int | None = 3600

    @property
    def cors_enabled(self) -> bool:
        """Never by cornice itself."""
        return False

    @cors_enabled.setter
    def cors_enabled(self, value: object) -> None: ...

    def add_view(self, method: str, view: Any, **kwargs: Any) -> None:
        """Have ``view`` answer a method; one for HEAD stays, whatever comes for GET."""
        has_head = "HEAD" in self.defined_methods
        super().add_view(method, view, **kwargs)
        if has_head and method.upper() == "GET":
            # Cornice has the view of GET answer HEAD as well.
            self.definitions.pop()

    def head(self, **kwargs: Any) -> Callable[[Any], Any]:
        """Decorator of the view for HEAD, as those that cornice has for the other methods."""
        decorate: Callable[[Any], Any] = self.decorator("head", **kwargs)
        return decorate

    def error_handler(self, request: Request) -> HTTPException:
        """The answer for what validators found."""
        return json_error_handler(request)

    def exposed_headers(self, method: str) -> Sequence[str]:
        """Names for ``Access-Control-Expose-Headers`` of an answer to ``method``."""
        # Start-up is over when this is asked for.
        known: dict[str, Sequence[str]] = self.__dict__.setdefault("_exposed", {})
        if method not in known:
            known[method] = self._find_exposed(method)
        return known[method]

    def exposed_text(self, method: str) -> str:
        """The value of that header."""
        try:
            text: str = self.__dict__["_exposed_texts"][method]
        except KeyError:
            known: dict[str, str] = self.__dict__.setdefault("_exposed_texts", {})
            text = known[method] = ", ".join(self.exposed_headers(method))
        return text

    def _find_exposed(self, method: str) -> Sequence[str]:
        for defined, _, arguments in self.definitions:
            if defined == method:
                # Those of the service are in the list of each method once more.
                names = arguments.get("cors_headers") or self.default_cors_headers
                return tuple(dict.fromkeys(names))
        return self.default_cors_headers


def add_cornice_service(config: Configurator, service: cornice.Service) -> None:
    """Directive of the same name: the service answers CORS requests as well."""
    if isinstance(service, Service):
        if "OPTIONS" not in service.defined_methods:
            service.add_view("options", preflight_view(service), permission=NO_PERMISSION_REQUIRED)
        for _, _, arguments in service.definitions:
            if validate_origin not in arguments["validators"]:
                arguments["validators"].insert(0, validate_origin)
    register_endpoint(config, service)


def include_services(config: Configurator) -> None:
    """What services need of the application.

    Cornice is there to hold services. What it has Pyramid do at each request, for filters,
    translated errors and such, is left until somebody asks for it.
    """
    settings = config.get_settings()
    settings.setdefault("handle_exceptions", False)
    if settings.get("available_languages"):
        config.include("cornice")
    else:
        config.registry.cornice_services = {}
        config.add_view_predicate("content_type", ContentTypePredicate)
        config.add_request_method(current_service, reify=True)
        config.add_renderer("cornicejson", CorniceRenderer())
        config.add_directive("add_cornice_resource", register_resource_views)
    config.add_directive("add_cornice_service", add_cornice_service)
    config.add_view_deriver(describing_options)


def describing_options(view: Any, info: Any) -> Any:
    """View deriver that does nothing: it declares the options that only describe a view."""
    return view


describing_options.options = (  # type: ignore[attr-defined]  # where Pyramid looks for it
    "api_security",
    "description",
    "operation_id",
    "response_schemas",
    "tags",
)
