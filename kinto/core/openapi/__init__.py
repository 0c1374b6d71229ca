"""Description of an application in OpenAPI 2.0, made from the services that it has.

Source: "OpenAPI" of the HTTP API, section 15.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from kinto.core.openapi.operations import Service, operations
from kinto.core.openapi.parameters import path_parameters, plain_path
from kinto.core.types import Request


# Of what is declared for the process, ways that an application may do without.
_OFF_UNLESS_LISTED = ("basicauth", "fxa")


class OpenAPI:
    """The document of one application.

    :param services: the services to describe.
    :param request: knows where the application is reached, and its settings.
    """

    # What authentication plugins declared, for all applications of the process. Any: Swagger
    # objects.
    security_definitions: ClassVar[dict[str, dict[str, Any]]] = {}
    _scopes: ClassVar[dict[str, list[str]]] = {}

    def __init__(self, services: Iterable[Service], request: Request) -> None:
        self.services = list(services)
        self.request = request

    @classmethod
    def expose_authentication_method(cls, name: str, definition: dict[str, Any]) -> None:
        """Declare a way to authenticate, which operations then list with its scopes.

        :param definition: a Swagger 2.0 security definition.
        """
        cls.security_definitions[name] = definition
        cls._scopes[name] = list(definition.get("scopes", {}))

    def generate(self) -> dict[str, Any]:
        """The document, ready to be written as JSON."""
        settings = self.request.registry.settings
        paths = self._paths()
        return {
            "swagger": "2.0",
            "info": {
                "title": str(settings.get("project_name") or "kinto"),
                "version": str(settings.get("http_api_version") or ""),
            },
            "host": self.request.host,
            "schemes": [self.request.scheme],
            "basePath": f"/{self.request.registry.route_prefix}",
            "tags": [{"name": tag} for tag in _tags(paths)],
            "paths": paths,
            "securityDefinitions": self._definitions(),
        }

    def _paths(self) -> dict[str, dict[str, Any]]:
        security = [{name: self._scopes[name]} for name in self._definitions()]
        paths: dict[str, dict[str, Any]] = {}
        for service in self.services:
            described = dict(operations(service))
            if not described:
                continue
            item = paths.setdefault(plain_path(service.path), {})
            if parameters := path_parameters(service.path):
                item["parameters"] = parameters
            for method, operation in described.items():
                item[method] = {"security": security, **operation}
        return paths

    def _definitions(self) -> dict[str, dict[str, Any]]:
        """Those of this application, where not every policy of the process is on."""
        policies = self.request.registry.settings.get("multiauth.policies")
        named = policies.split() if isinstance(policies, str) else policies
        return {
            name: definition
            for name, definition in self.security_definitions.items()
            if name not in _OFF_UNLESS_LISTED or named is None or name in named
        }


def _tags(paths: dict[str, dict[str, Any]]) -> list[str]:
    """Every tag of an operation, once, in order of appearance."""
    tags: dict[str, None] = {}
    for item in paths.values():
        for method, operation in item.items():
            if method != "parameters":
                tags.update(dict.fromkeys(operation["tags"]))
    return list(tags)
