"""URIs of objects, to and from routes.

They are the paths of the URLs without the version prefix.
"""

from typing import Any
from urllib.parse import urlsplit

from pyramid.interfaces import IRoutesMapper
from pyramid.registry import Registry
from pyramid.request import Request


def strip_uri_prefix(path: Any) -> str:  # whatever gives a path as its text
    """A path without its version prefix: ``/v1/buckets/b`` is ``/buckets/b``."""
    text = str(path)
    head, slash, tail = text.lstrip("/").partition("/")
    if head[:1] == "v" and head[1:].isdigit():
        return slash + tail
    return text


def instance_uri(request: Request, resource_name: str, **params: Any) -> str:
    """URI of an object, given the ids in its URL."""
    return strip_uri_prefix(request.route_path(f"{resource_name}-object", **params))


def view_lookup(request: Request, uri: str) -> tuple[str, dict[str, str]]:
    """Name of the resource behind a URI, with the ids in it.

    :raises ValueError: no resource has that URI.
    """
    return view_lookup_registry(request.registry, uri)


def view_lookup_registry(registry: Registry, uri: str) -> tuple[str, dict[str, str]]:
    """As :func:`view_lookup`, without a request."""
    prefix = f"/{registry.route_prefix}"
    path = urlsplit(uri).path
    if not path.startswith(f"{prefix}/"):
        path = prefix + path
    mapper = registry.getUtility(IRoutesMapper)
    for route in mapper.get_routes(include_static=False):
        matchdict = route.match(path)
        if matchdict is None:
            continue
        service = registry.cornice_services.get(route.pattern)
        if service is None or not hasattr(service, "resource_name"):
            break
        return service.resource_name, dict(matchdict)
    raise ValueError(f"No route for {uri}")
