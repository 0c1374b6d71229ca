"""The view of a service: which method answers, whether it may, what the answer is.

Cornice registers a view for each method, media type and content type of a service, and Pyramid
finds out at each request which of them is meant. Here that is settled at start-up, in one view.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cornice.pyramidhook import get_fallback_view, register_service_views, wrap_request
from pyramid.config import Configurator
from pyramid.events import BeforeRender, NewRequest
from pyramid.httpexceptions import HTTPForbidden, HTTPNotModified
from pyramid.interfaces import IDefaultPermission, IRendererFactory, ISecurityPolicy
from pyramid.registry import Registry
from pyramid.renderers import null_renderer, render_to_response
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from zope.interface import implementedBy

from kinto.core.authorization import RouteFactory, make_root
from kinto.core.autocommit import leave_out_transaction
from kinto.core.prepared_requests import look_up_view
from kinto.core.protocol import json_codec
from kinto.core.registry import ask_once
from kinto.core.response import with_json
from kinto.core.view_derivers import are_views_unwrapped


# What a definition may hold for this view to serve it. Anything else (further predicates,
# filters, decorators…) is left to Cornice.
_UNDERSTOOD = frozenset(
    {
        "accept",
        "api_security",
        "content_type",
        "cors_headers",
        "cors_origins",
        "description",
        "error_handler",
        "factory",
        "filters",
        "klass",
        "operation_id",
        "permission",
        "renderer",
        "response_schemas",
        "schema",
        "tags",
        "validators",
    }
)
_FOR_ANY = (None, "*/*")
_BEFORE_RENDER = (implementedBy(BeforeRender),)


def render_json(value: object, **kwargs: object) -> str:
    """The renderer ``json``: one fast codec for all answers."""
    return json_codec.dumps(value)


def is_served_here(service: Any) -> bool:
    """Whether :class:`Endpoint` does all that the definitions of a service ask for."""
    methods = [method for method, _, _ in service.definitions]
    return (
        len(set(methods)) == len(methods)
        and not service.pyramid_route
        and not service.cors_enabled
        and all(_is_understood(arguments) for _, _, arguments in service.definitions)
    )


def _is_understood(arguments: dict[str, Any]) -> bool:
    offered = (*_as_tuple(arguments.get("accept")), *_as_tuple(arguments.get("content_type")))
    return (
        arguments.keys() <= _UNDERSTOOD
        and not arguments.get("filters")
        and all(isinstance(each, str) for each in offered)
    )


def register_endpoint(config: Configurator, service: Any) -> None:
    """Serve a service; with Cornice's own views where it asks for more than usual."""
    if not is_served_here(service):
        _wrap_requests(config)
        register_service_views(config, service)
        return
    prefix = config.route_prefix or ""
    config.registry.cornice_services[prefix + service.path] = service
    factory = getattr(service, "factory", None)
    has_context = factory is not None
    if isinstance(factory, type) and issubclass(factory, RouteFactory):
        factory = partial(make_root, factory)
    route_options = {"factory": factory} if has_context else {}
    config.add_route(service.name, service.path, **route_options)
    config.add_view(
        Endpoint(service, has_context=has_context).answer,
        route_name=service.name,
        permission=NO_PERMISSION_REQUIRED,
        require_csrf=False,
        # It gives responses, which nobody has to look at for that.
        renderer=null_renderer,
    )


def _wrap_requests(config: Configurator) -> None:
    """Have Cornice apply the filters of services, once for an application."""
    registry = config.registry
    if not hasattr(registry, "cornice_wraps_requests"):
        registry.cornice_wraps_requests = True
        config.add_subscriber(wrap_request, NewRequest)


@dataclass(frozen=True, slots=True)
class Method:
    """What a service does for one method of HTTP.

    :param view: a function of the request, or else of an instance of ``klass``.
    :param permission: ``None`` where the application's default counts.
    :param accept: media types offered; empty where the client is not asked.
    :param content_types: of bodies, as requests mostly write them; empty where any is taken.
    :param arguments: those of the definition, which validators are called with.
    """

    view: Any
    klass: type | None
    permission: str | None
    accept: tuple[str, ...]
    content_types: frozenset[str]
    validators: tuple[Any, ...]
    renderer: str
    error_handler: Callable[[Request], Response]
    arguments: dict[str, Any]

    def takes(self, request: Request) -> bool:
        """Whether media types of the request and of its answer suit."""
        environ = request.environ
        if self.accept:
            accepted = environ.get("HTTP_ACCEPT")
            is_usual = accepted in _FOR_ANY or accepted in self.accept
            if not is_usual and not request.accept.acceptable_offers(self.accept):
                return False
        if not self.content_types or environ.get("CONTENT_TYPE", "") in self.content_types:
            return True
        return request.content_type in self.content_types


class Endpoint:
    """Answers the requests of one route.

    :param has_context: classes of views are given the context of the request as well.
    """

    def __init__(self, service: Any, *, has_context: bool) -> None:
        self._methods = {name: _method(view, args) for name, view, args in service.definitions}
        self._fallback = get_fallback_view(service)
        self._has_context = has_context
        self._name = service.name

    def answer(self, context: Any, request: Request) -> Any:  # a Response, of whatever class
        """The answer to a request, or an exception that Pyramid has a view for.

        :raises HTTPException: no such method, unsuitable media types, not permitted.
        """
        method = self._methods.get(request.method)
        if method is None or not method.takes(request):
            return self._fallback(request)
        # Only here is it certain that the request is not another view's.
        if is_rendering_plain(request.registry):
            leave_out_transaction(request)
        if method.permission != NO_PERMISSION_REQUIRED:
            self._permit(context, request, method.permission)
        try:
            return self._execute(context, request, method)
        except HTTPNotModified as unchanged:
            # An answer like others, which needs no exception view; a batch undoes its item.
            if hasattr(request, "parent"):
                raise
            # Its frames refer back to it, and to all that the request holds.
            return unchanged.with_traceback(None)

    def _permit(self, context: Any, request: Request, permission: str | None) -> None:
        registry = request.registry
        policy = registry.queryUtility(ISecurityPolicy)
        if permission is None:
            permission = registry.queryUtility(IDefaultPermission)
        if policy is None or permission in (None, NO_PERMISSION_REQUIRED):
            return
        result = policy.permits(request, context, permission)
        if not result:
            message = f"Unauthorized: {self._name} failed permission check"
            raise HTTPForbidden(message, result=result)

    def _execute(self, context: Any, request: Request, method: Method) -> Any:
        instance = None
        if method.klass is not None:
            options = {"context": context} if self._has_context else {}
            instance = method.klass(request=request, **options)
        for validator in method.validators:
            if isinstance(validator, str):
                validator = getattr(instance, validator)
            validator(request, **method.arguments)
        attributes = request.__dict__
        if attributes.get("errors"):
            return method.error_handler(request)
        result = method.view(request if instance is None else instance)
        # Views may refuse, too.
        if attributes.get("errors"):
            return method.error_handler(request)
        if isinstance(result, Response):
            return result
        return render(request, result, renderer=method.renderer)


def is_answered_here(request: Request) -> bool:
    """Whether nobody else has a say in the answer to a request that was prepared.

    A plugin may have views for the same URL, or wrap those of all.
    """
    view, _ = look_up_view(request)
    # Where there are several, it is one that chooses among them.
    original = getattr(view, "__original_view__", None)
    is_ours = isinstance(getattr(original, "__self__", None), Endpoint)
    return is_ours and are_views_unwrapped(request.registry)


def render(request: Request, value: Any, *, renderer: str) -> Any:
    """The response of the request, with what a view returned as its body."""
    registry = request.registry
    if renderer != "json" or not is_rendering_plain(registry):
        return render_to_response(renderer, value, request=request, response=request.response)
    return with_json(request.response, json_codec.dumps_bytes(value))


def is_rendering_plain(registry: Registry) -> bool:
    """Whether JSON is rendered by us, with nobody who wants to look at it before."""
    return ask_once(registry, BeforeRender, lambda: _find_whether_plain(registry))


def _find_whether_plain(registry: Registry) -> bool:
    factory = registry.queryUtility(IRendererFactory, name="json")
    is_ours = getattr(factory, "serializer", None) is render_json
    return is_ours and not registry.adapters.subscriptions(_BEFORE_RENDER, None)


def _method(view: Any, arguments: dict[str, Any]) -> Method:
    # Cornice wraps the name of a method of `klass` in an object that is no function.
    klass = None if callable(view) else arguments["klass"]
    content_types = _as_tuple(arguments.get("content_type"))
    return Method(
        view=view if klass is None else view.unbound_view,
        klass=klass,
        permission=arguments.get("permission"),
        accept=_as_tuple(arguments.get("accept")),
        content_types=_usual_types(content_types),
        validators=tuple(arguments.get("validators", ())),
        renderer=arguments["renderer"],
        error_handler=arguments["error_handler"],
        arguments=dict(arguments),
    )


def _usual_types(content_types: tuple[str, ...]) -> frozenset[str]:
    """What ``Content-Type`` mostly is, where one of these is wanted."""
    if not content_types:
        return frozenset()
    # A request without body may leave it out.
    return frozenset((*content_types, *[f"{each}; charset=utf-8" for each in content_types], ""))


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
