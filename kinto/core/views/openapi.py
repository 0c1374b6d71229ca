"""Description of this API for tools."""

import weakref
from collections.abc import Callable
from typing import Any

from cornice.service import get_services
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.openapi import OpenAPI
from kinto.core.service import Service


openapi = Service(
    name="openapi", path="/__api__", description="OpenAPI description", tags=["Utilities"]
)


# An application, as long as it is there, with its description.
Known = tuple[Callable[[], Any], dict[str, Any]]
_UNKNOWN: Known = (lambda: None), {}


def openapi_view(request: Request) -> dict[str, Any]:
    """Every endpoint of this application, as OpenAPI 2.0, described once."""
    known: dict[int, Known] = openapi_view.__dict__.setdefault("__json__", {})
    registry = request.registry
    of, document = known.get(id(registry), _UNKNOWN)
    if of() is not registry:
        registered = set(registry.cornice_services.values())
        services = [service for service in get_services() if service in registered]
        document = OpenAPI(services, request).generate()
        known[id(registry)] = weakref.ref(registry), document
    return document


@openapi.get(permission=NO_PERMISSION_REQUIRED, operation_id="get_openapi_spec")
def get_openapi(request: Request) -> dict[str, Any]:
    """The same, for whoever asks now: it names the host that they reach."""
    return {**openapi_view(request), "host": request.host, "schemes": [request.scheme]}
