"""Registration of resource classes as services."""

import warnings
from collections.abc import Callable
from typing import Any

import venusian
from pyramid.exceptions import ConfigurationError

from kinto.core.resource.viewset import ViewSet
from kinto.core.service import Service


def register(depth: int = 1, **kwargs: Any) -> Callable[[type], type]:
    """Class decorator: serve a resource. ``kwargs`` are attributes of its view set."""

    def wrapped(resource_cls: type) -> type:
        register_resource(resource_cls, depth=depth + 1, **kwargs)
        return resource_cls

    return wrapped


def register_resource(
    resource_cls: Any,
    settings: dict[str, Any] | None = None,
    viewset: ViewSet | None = None,
    depth: int = 1,
    **kwargs: Any,
) -> Callable[..., None]:
    """Serve a resource from the moment its module is scanned.

    :param settings: those that enable endpoints; those of the application by default.
    :param depth: of the call, for the scan to find the module.
    """
    if viewset is None:
        viewset = resource_cls.default_viewset(**kwargs)
    else:
        viewset.update(**kwargs)
    resource_name = viewset.get_name(resource_cls)

    def callback(context: Any, name: str, ob: object) -> None:
        config = context.config.with_package(info.module)
        if not hasattr(config.registry, "storage"):
            raise ConfigurationError(
                f"Resource '{resource_name}' needs a storage backend: set 'kinto.storage_backend'."
            )
        app_settings = config.registry.settings if settings is None else settings
        for endpoint_type in ("plural", "object"):
            if getattr(viewset, f"{endpoint_type}_path") is not None:
                service = make_service(endpoint_type, resource_cls, viewset, app_settings)
                config.add_cornice_service(service)

    info = venusian.attach(resource_cls, callback, category="pyramid", depth=depth)
    return callback


def make_service(
    endpoint_type: str, resource_cls: Any, viewset: ViewSet, settings: dict[str, Any]
) -> Service:
    """The service of one endpoint, with the methods that settings enable."""
    resource_name = viewset.get_name(resource_cls)
    paths = {
        kind: path.format(resource_name=resource_name)
        for kind in ("plural", "object")
        if (path := getattr(viewset, f"{kind}_path")) is not None
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        service = Service(
            viewset.get_service_name(endpoint_type, resource_cls),
            paths[endpoint_type],
            depth=2,
            **viewset.get_service_arguments(),
        )
    # For plugins and for the OpenAPI document.
    service.viewset = viewset
    service.resource = resource_cls
    service.resource_name = resource_name
    service.type = endpoint_type
    service.plural_path = paths["plural"]
    service.object_path = paths.get("object") or paths["plural"] + "/{id}"
    for method in getattr(viewset, f"{endpoint_type}_methods"):
        if not viewset.is_endpoint_enabled(endpoint_type, resource_name, method.lower(), settings):
            continue
        arguments = viewset.get_view_arguments(endpoint_type, resource_cls, method)
        view = viewset.get_view(endpoint_type, method.lower())
        service.add_view(method, view, klass=resource_cls, **arguments)
    return service
