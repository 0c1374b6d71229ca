"""What wraps each request: refusals that need no view, headers that every answer has."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

from pyramid import httpexceptions
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid_tm import tm_tween_factory

from kinto.core.authorization import RouteFactory
from kinto.core.errors import ERRORS, http_error, send_alert
from kinto.core.exceptions import InvalidParameter
from kinto.core.headers import add_common_headers, add_unconditional_headers
from kinto.core.origin import settle_origin
from kinto.core.registry import current_settings, keep_settings, settings_of
from kinto.core.settings import CoreSettings
from kinto.core.storage.transactions import (
    LazyManager,
    abort_unfinished,
    is_in_request_scope,
    lazy_manager,
    open_request_scope,
)


Handler = Callable[[Request], Response]

# Of the attributes of a request.
_IS_OUTERMOST = "is_outermost"
_OUTCOME = "outcome_of_read"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

_CYCLES = ("context", "response", "root", "virtual_root")


def http_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Outermost tween: scheme and host, end of service, size of the body, common headers."""

    is_lazy = registry.settings.get("tm.manager_hook") is lazy_manager

    def http_tween(request: Request) -> Response:
        settings = current_settings(registry)
        keep_settings(request, settings)
        refusal = _find_refusal(request, settings)
        if refusal is not None:
            if refusal.status_code == 410:
                add_unconditional_headers(request, refusal)
            else:
                add_common_headers(request, refusal)
            return refusal
        if is_lazy and "tm.manager" not in request.environ:
            # What the hook would do, each time somebody asks for the first time.
            request.__dict__.setdefault("tm", lazy_manager(request))
        is_first = request.__dict__[_IS_OUTERMOST] = not is_in_request_scope()
        # A read that is no sub-request is let go of by the execution policy, for less.
        if not is_first or request.environ["REQUEST_METHOD"] not in SAFE_METHODS:
            request.add_finished_callback(forget_answer)
        try:
            response = handler(request)
        finally:
            if is_first:
                abort_unfinished()
        add_common_headers(request, response)
        return response

    return http_tween


def is_outermost(request: Request) -> bool:
    """Whether a request came through the tweens, and is not made within another one."""
    return bool(request.__dict__.get(_IS_OUTERMOST))


def forget_answer(request: Request) -> None:
    """Let go of what refers back to the request, once it is answered.

    The collector finds such cycles late, and each would keep a body of megabytes until then.
    """
    attributes = request.__dict__
    root = attributes.get("root")
    if isinstance(root, RouteFactory):
        root.__dict__.pop("resource_context", None)
    for name in _CYCLES:
        if name in attributes:
            del attributes[name]


def needs_transaction(request: Request) -> bool:
    """Whether pyramid_tm has to do with a request: reads come to it when they began one."""
    is_write = request.environ["REQUEST_METHOD"] not in SAFE_METHODS
    return is_write or _OUTCOME in request.__dict__


def transaction_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Have the writes of backends belong to the transaction of the request.

    Reads are spared what comes with a transaction, unless somebody asks for it. Then pyramid_tm
    is given their outcome, to commit or abort as for every request.
    """

    def give_outcome(request: Request) -> Response:
        outcome: Callable[[], Response] = request.__dict__[_OUTCOME]
        return outcome()

    finish = tm_tween_factory(give_outcome, registry)

    def transaction_tween(request: Request) -> Response:
        manager = request.tm
        is_within = "tm.active" in request.environ  # a write, or a request within another one
        if is_within or not isinstance(manager, LazyManager):
            _open_scope(request, manager)
            return handler(request)
        try:
            response = _handle_read(request, manager)
        except Exception as error:
            if not manager.has_begun():
                raise
            return _finish(request, manager, partial(_raise, error))
        if not manager.has_begun():
            return response
        return _finish(request, manager, partial(_give, response))

    def _open_scope(request: Request, manager: Any) -> None:
        if settings_of(request).features.is_transactional:
            open_request_scope(manager)

    def _handle_read(request: Request, manager: LazyManager) -> Response:
        environ = request.environ
        manager.begin()
        environ["tm.active"], environ["tm.manager"] = True, manager
        _open_scope(request, manager)
        try:
            return handler(request)
        finally:
            del environ["tm.active"], environ["tm.manager"]

    def _finish(
        request: Request, manager: LazyManager, outcome: Callable[[], Response]
    ) -> Response:
        request.__dict__[_OUTCOME] = outcome
        manager.adopt()
        return finish(request)

    return transaction_tween


def _give(response: Response) -> Response:
    return response


def _raise(error: Exception) -> NoReturn:
    raise error


def commit_veto(request: Request, response: Response) -> bool:
    """Nothing of a request that failed or was refused is kept."""
    is_refused = request.exception is not None or response.status_code >= 500
    return is_refused or response.status_code == httpexceptions.HTTPNotModified.code


def _find_refusal(request: Request, settings: CoreSettings) -> Response | None:
    try:
        settle_origin(request, settings.deployment)
    except InvalidParameter as error:
        return _bad_request(error)
    deprecation = settings.deprecation
    if deprecation.eos is not None:
        if deprecation.eos <= datetime.now(deprecation.eos.tzinfo):
            send_alert(request, deprecation.message, url=deprecation.url, code="hard-eol")
            return http_error(
                httpexceptions.HTTPGone(),
                errno=ERRORS.SERVICE_DEPRECATED,
                message="The service you are trying to connect no longer exists at this location.",
            )
        send_alert(request, deprecation.message, url=deprecation.url)
    limit = settings.limits.max_body_size_bytes
    has_body = "CONTENT_LENGTH" in request.environ
    if has_body and limit and (request.content_length or 0) > limit:
        return http_error(
            httpexceptions.HTTPRequestEntityTooLarge(),
            errno=ERRORS.REQUEST_TOO_LARGE,
            message=f"The body has more than {limit} bytes.",
        )
    return None


def _bad_request(error: InvalidParameter) -> Response:
    location, name, description = error.location, error.name, error.description
    details = [{"location": location, "name": name, "description": description}]
    return http_error(
        httpexceptions.HTTPBadRequest(),
        errno=ERRORS.INVALID_PARAMETERS,
        error="Invalid parameters",
        message=f"{name} in {location}: {description}",
        details=details,
    )
