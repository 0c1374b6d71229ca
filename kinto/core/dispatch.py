"""From the innermost tween to the view, where that is one of ours.

Pyramid's router tells subscribers how far it has come, traverses, chooses among views: for
routes whose view is settled, there is nobody to tell and nothing to choose.
"""

from collections.abc import Callable

from pyramid.config import Configurator
from pyramid.exceptions import PredicateMismatch
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.router import Router
from pyramid.tweens import EXCVIEW, MAIN

from kinto.core.prepared_requests import find_view, has_onlookers, prepare_request


Handler = Callable[[Request], Response]


def dispatch_directly(config: Configurator) -> None:
    """Add the tween that stands in for the router."""
    config.add_tween(
        "kinto.core.dispatch.dispatch_tween_factory",
        # An application may do without the first one.
        under=("kinto.core.events.event_tween_factory", EXCVIEW),
        over=MAIN,
    )


def dispatch_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Innermost tween; none where a plugin has one that is further inside."""
    if getattr(handler, "__func__", None) is not Router.handle_request:
        return handler

    def dispatch(request: Request) -> Response:
        if not has_onlookers(registry):
            prepare_request(request)
            view = find_view(request)
            if view is not None:
                try:
                    return view(request.context, request)
                except PredicateMismatch:  # it is not meant after all: the router knows others
                    pass
        return handler(request)

    return dispatch
