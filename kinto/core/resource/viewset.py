"""How the endpoints of a resource are declared: URLs, methods, content types, headers.

Source: extension API, section 5.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from kinto.core.authorization import DYNAMIC, RouteFactory
from kinto.core.deprecation import deprecated_name
from kinto.core.resource.schema import has_required_attributes, object_body_schema
from kinto.core.resource.validation import (
    PATCH_CONTENT_TYPES,
    validate_patch_request,
    validate_resource_request,
)
from kinto.core.settings import is_endpoint_enabled, parse_bool


_COMMON_HEADERS = ("Backoff", "Retry-After", "Alert", "Content-Length", "Content-Type")
_OBJECT_HEADERS = (*_COMMON_HEADERS, "ETag", "Last-Modified", "Cache-Control", "Expires", "Pragma")
_PLURAL_HEADERS = (*_OBJECT_HEADERS, "Next-Page")
_COUNT_HEADERS = (*_PLURAL_HEADERS, "Total-Objects", "Total-Records")

Settings = Mapping[str, Any]


class ViewSet:
    """Declares the two services of a resource; each attribute can be given to ``register``."""

    service_name = "{resource_name}-{endpoint_type}"
    plural_path = "/{resource_name}s"
    object_path = "/{resource_name}s/{{id}}"

    plural_methods: tuple[str, ...] = ("HEAD", "GET", "POST", "DELETE")
    object_methods: tuple[str, ...] = ("GET", "PUT", "PATCH", "DELETE")
    readonly_methods: tuple[str, ...] = ("GET", "OPTIONS", "HEAD")

    factory: type[RouteFactory] = RouteFactory

    # Further descriptions of answers, for the OpenAPI document.
    responses: Any = None

    service_arguments: dict[str, Any] = {"description": "Set of {resource_name}"}
    default_arguments: dict[str, Any] = {
        "permission": DYNAMIC,
        "accept": "application/json",
        "cors_headers": _COMMON_HEADERS,
    }
    default_post_arguments: dict[str, Any] = {"content_type": ["application/json"]}
    default_put_arguments: dict[str, Any] = {"content_type": ["application/json"]}
    default_patch_arguments: dict[str, Any] = {"content_type": list(PATCH_CONTENT_TYPES)}
    default_plural_arguments: dict[str, Any] = {}
    default_object_arguments: dict[str, Any] = {}

    plural_get_arguments: dict[str, Any] = {"cors_headers": _PLURAL_HEADERS}
    plural_head_arguments: dict[str, Any] = {"cors_headers": _COUNT_HEADERS}
    plural_post_arguments: dict[str, Any] = {}
    plural_delete_arguments: dict[str, Any] = {}
    object_get_arguments: dict[str, Any] = {"cors_headers": _OBJECT_HEADERS}
    object_head_arguments: dict[str, Any] = {"cors_headers": _OBJECT_HEADERS}
    object_put_arguments: dict[str, Any] = {}
    object_patch_arguments: dict[str, Any] = {}
    object_delete_arguments: dict[str, Any] = {}

    def __init__(self, **kwargs: Any) -> None:
        self.update(**kwargs)

    def update(self, **kwargs: Any) -> None:
        """Override attributes of this instance."""
        for name, value in kwargs.items():
            setattr(self, name, value)

    def get_view_arguments(
        self, endpoint_type: str, resource_cls: Any, method: str
    ) -> dict[str, Any]:
        """Arguments of the view of one method, from the general to the particular."""
        method = method.lower()
        arguments: dict[str, Any] = {**self.default_arguments}
        arguments.update(getattr(self, f"default_{endpoint_type}_arguments", {}))
        arguments.update(getattr(self, f"default_{method}_arguments", {}))
        arguments.update(getattr(self, f"{endpoint_type}_{method}_arguments", {}))
        if "validators" not in arguments:
            arguments["validators"] = [self._validator(resource_cls, method)]
        return arguments

    def _validator(self, resource_cls: Any, method: str) -> Callable[..., None]:
        if method == "patch":
            return functools.partial(
                validate_patch_request, permissions=tuple(resource_cls.permissions)
            )
        body = self.get_object_schema(resource_cls, method) if method in ("post", "put") else None
        return functools.partial(validate_resource_request, body_schema=body)

    def get_object_schema(self, resource_cls: Any, method: str = "put") -> Any:
        """Schema of the body that creates or replaces objects, made once, at start-up."""
        schema = resource_cls.schema
        node = schema() if isinstance(schema, type) else schema
        return object_body_schema(
            node,
            tuple(resource_cls.permissions),
            is_data_required=has_required_attributes(node),
        )

    def get_view(self, endpoint_type: str, method: str) -> str:
        """Name of the method of the resource class that answers."""
        method = method.lower()
        return f"plural_{method}" if endpoint_type == "plural" else method

    def get_name(self, resource_cls: Any) -> str:
        """Name of the resource: given, or that of the class in lower case."""
        name: str | None = self.__dict__.get("name") or getattr(resource_cls, "name", None)
        return name or str(resource_cls.__name__).lower()

    def get_service_name(self, endpoint_type: str, resource_cls: Any) -> str:
        """Name of the service, which is that of the route."""
        return self.service_name.format(
            resource_name=self.get_name(resource_cls), endpoint_type=endpoint_type
        )

    def get_service_arguments(self) -> dict[str, Any]:
        """Arguments of both services."""
        return {**self.service_arguments, "factory": self.factory}

    def is_endpoint_enabled(
        self, endpoint_type: str, resource_name: str, method: str, settings: Settings
    ) -> bool:
        """Whether settings leave the method of the endpoint in place."""
        if method.upper() not in self.readonly_methods and parse_bool(
            settings.get("readonly", False)
        ):
            return False
        return is_endpoint_enabled(
            settings, endpoint_type, resource_name=resource_name, method=method
        )


class ShareableViewSet(ViewSet):
    """Old name of :class:`ViewSet`."""

    def __init__(self, **kwargs: Any) -> None:
        deprecated_name("ShareableViewSet", "ViewSet")
        super().__init__(**kwargs)
