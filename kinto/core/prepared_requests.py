"""Requests that are looked at before they are executed.

What they are about is known then, and Pyramid's router has nothing left to find out.
"""

from collections.abc import Callable
from typing import Any

from pyramid.events import BeforeTraversal, ContextFound, NewRequest, NewResponse
from pyramid.exceptions import URLDecodeError
from pyramid.interfaces import (
    IRequest,
    IRootFactory,
    IRouteRequest,
    IRoutesMapper,
    ITraverser,
    IView,
    IViewClassifier,
)
from pyramid.registry import Registry
from pyramid.request import Request, apply_request_extensions
from pyramid.response import Response
from pyramid.threadlocal import RequestContext
from zope.interface import implementedBy, providedBy

from kinto.core.authorization import is_root_known_to_read_nothing
from kinto.core.registry import ask_once


# Of the attributes of a request.
_ROOT = "prepared_root"

_EVENTS = tuple(
    (implementedBy(event),) for event in (NewRequest, BeforeTraversal, ContextFound, NewResponse)
)


def prepare_request(request: Request) -> Any:
    """Route a request that will be executed, to find out what it is about.

    :returns: its :class:`~kinto.core.request_context.ResourceContext`; ``None`` when it is about
        no object or list of ours. Routing is not repeated when the request is executed.
    """
    mapper = request.registry.queryUtility(IRoutesMapper)
    try:
        info = mapper(request)
    except URLDecodeError:
        return None
    attributes, route = request.__dict__, info["route"]
    attributes["known_route"] = (request.environ.get("PATH_INFO"), info)
    if route is None:
        return None
    factory = route.factory or request.registry.queryUtility(IRootFactory)
    if not is_root_known_to_read_nothing(factory):
        return None
    attributes["matchdict"], attributes["matched_route"] = info["match"], route
    root = attributes[_ROOT] = attributes["context"] = factory(request)
    return root.resource_context


def execute_prepared(request: Request) -> Response | None:
    """The answer to a sub-request; ``None`` when it takes the router to find it.

    That is so where somebody wants to be told how far the router has come, or has taught it
    something.
    """
    view = None if has_onlookers(request.registry) else find_view(request)
    if view is None:
        return None
    apply_request_extensions(request)
    with RequestContext(request):
        try:
            response: Response = view(request.context, request)
            if request.response_callbacks:
                request._process_response_callbacks(response)
            return response
        finally:
            if request.finished_callbacks:
                request._process_finished_callbacks()


def find_view(request: Request) -> Callable[[Any, Request], Response] | None:
    """The view of a request that was prepared, which then is as the router leaves it.

    :returns: ``None`` when the router has to find it.
    """
    view, request_iface = look_up_view(request)
    if view is None:
        return None
    attributes = request.__dict__
    root = attributes.pop(_ROOT)
    attributes.update(
        request_iface=request_iface, root=root, context=root, virtual_root=root, view_name="",
        subpath=(), traversed=(), virtual_root_path=(),
    )  # fmt: skip
    return view


def look_up_view(request: Request) -> tuple[Callable[[Any, Request], Response] | None, Any]:
    """The view of a request that was prepared, with the interface of the requests of its route.

    :returns: ``None`` instead of the view when the router has to find it.
    """
    attributes = request.__dict__
    root = attributes.get(_ROOT)
    if root is None:
        return None, None
    registry, route = request.registry, attributes["matched_route"]
    context_iface = providedBy(root)
    request_iface = registry.queryUtility(IRouteRequest, name=route.name, default=IRequest)
    lookup = registry.adapters.lookup
    view: Any = lookup((IViewClassifier, request_iface, context_iface), IView, name="")
    is_found = view is not None and lookup((context_iface,), ITraverser) is None
    return (view if is_found else None), request_iface


def has_onlookers(registry: Registry) -> bool:
    """Whether somebody wants to be told how far the router has come."""
    subscriptions = registry.adapters.subscriptions
    return ask_once(
        registry, "router", lambda: any(subscriptions(event, None) for event in _EVENTS)
    )
