"""Description of this API for tools."""

from typing import Any

from cornice.service import get_services
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.decorators import cache_forever
from kinto.core.openapi import OpenAPI
from kinto.core.service import Service


openapi = Service(
    name="openapi", path="/__api__", description="OpenAPI description", tags=["Utilities"]
)


@cache_forever
def openapi_view(request: Request) -> dict[str, Any]:
    """Every endpoint of this application, as OpenAPI 2.0."""
    registered = set(request.registry.cornice_services.values())
    services = [service for service in get_services() if service in registered]
    document: dict[str, Any] = OpenAPI(services, request).generate()
    return document


@openapi.get(permission=NO_PERMISSION_REQUIRED, operation_id="get_openapi_spec")
def get_openapi(request: Request) -> dict[str, Any]:
    """The same, for whoever asks now: it names the host that they reach."""
    return {**openapi_view(request), "host": request.host, "schemes": [request.scheme]}
