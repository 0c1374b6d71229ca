"""What wraps each request: refusals that need no view, headers that every answer has."""

from collections.abc import Callable
from datetime import datetime

from pyramid import httpexceptions
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from kinto.core.errors import ERRORS, http_error, send_alert
from kinto.core.exceptions import InvalidParameter
from kinto.core.headers import add_common_headers, add_unconditional_headers
from kinto.core.origin import settle_origin
from kinto.core.registry import current_settings
from kinto.core.settings import CoreSettings
from kinto.core.storage.transactions import (
    abort_unfinished,
    is_in_request_scope,
    open_request_scope,
)


Handler = Callable[[Request], Response]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

_CYCLES = ("context", "response", "root", "virtual_root")


def http_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Outermost tween: scheme and host, end of service, size of the body, common headers."""

    def http_tween(request: Request) -> Response:
        settings = current_settings(registry)
        refusal = _find_refusal(request, settings)
        if refusal is not None:
            if refusal.status_code == 410:
                add_unconditional_headers(request, refusal)
            else:
                add_common_headers(request, refusal)
            return refusal
        request.add_finished_callback(forget_answer)
        is_outermost = not is_in_request_scope()
        try:
            response = handler(request)
        finally:
            if is_outermost:
                abort_unfinished()
        add_common_headers(request, response)
        return response

    return http_tween


def forget_answer(request: Request) -> None:
    """Let go of what refers back to the request, once it is answered.

    The collector finds such cycles late, and each would keep a body of megabytes until then.
    """
    for name in _CYCLES:
        request.__dict__.pop(name, None)


def transaction_scope_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Have the writes of backends belong to the transaction of the request."""

    def transaction_scope_tween(request: Request) -> Response:
        if current_settings(registry).features.is_transactional:
            open_request_scope(request.tm)
        return handler(request)

    return transaction_scope_tween


def commit_veto(request: Request, response: Response) -> bool:
    """Nothing of a request that failed or was refused is kept."""
    return request.exception is not None or response.status_code >= 500


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
    if request.content_length is not None and limit and request.content_length > limit:
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
