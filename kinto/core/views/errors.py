"""Exception views: the JSON answer to everything that is raised.

Source: "Error format and error codes" of the HTTP API, sections 1.1, 1.2 and 3.
"""

import re
from typing import Any

import structlog
from pyramid import httpexceptions
from pyramid.exceptions import URLDecodeError
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import forget
from pyramid.view import exception_view_config, forbidden_view_config, notfound_view_config
from pyramid_retry import is_error_retryable

from kinto.core.cors import apply_cors
from kinto.core.errors import (
    ERRORS,
    has_json_body,
    http_error,
    json_error_handler,
    retry_after,
)
from kinto.core.exceptions import InvalidRequest
from kinto.core.logs.events import log_unhandled
from kinto.core.protocol.masking import mask_parameters
from kinto.core.registry import settings_of
from kinto.core.response import header_names
from kinto.core.storage.exceptions import BackendError, IntegrityError, ReadonlyError


log = structlog.get_logger(__name__)

_VERSION = re.compile(r"/v[0-9]+(?=/|$)")
_UNAVAILABLE = (
    "Service temporary unavailable due to overloading or maintenance, please retry later."
)


@forbidden_view_config()
def authorization_required(response: Response, request: Request) -> Response:
    """401 for anonymous clients, 403 for known users."""
    if has_json_body(response):
        return response
    if request.prefixed_userid is not None:
        return http_error(
            httpexceptions.HTTPForbidden(),
            errno=ERRORS.FORBIDDEN,
            message="This user cannot access this resource.",
        )
    unauthorized = http_error(
        httpexceptions.HTTPUnauthorized(),
        errno=ERRORS.MISSING_AUTH_TOKEN,
        message="Please authenticate yourself to use this endpoint.",
    )
    challenges = [value for name, value in forget(request) if name == "WWW-Authenticate"]
    if challenges:
        unauthorized.headers["WWW-Authenticate"] = ", ".join(challenges)
    return unauthorized


@notfound_view_config()
def page_not_found(response: Response, request: Request) -> Response:
    """404, or a redirection to the URL that was meant."""
    if has_json_body(response):
        return response
    path = request.path_info
    prefix = f"/{request.registry.route_prefix}"
    version = _VERSION.match(path)
    if version is None:
        return _without_version(request, path, prefix)
    if version[0] != prefix:
        return _version_not_available()
    redirects = settings_of(request).redirects
    if redirects.trailing_slash_enabled and (path == prefix or path.endswith("/")):
        target = f"{prefix}/" if path == prefix else request.path.rstrip("/")
        if target != request.path:
            return _redirect(request, target, redirects.trailing_slash_ttl_seconds)
    return http_error(
        httpexceptions.HTTPNotFound(),
        errno=ERRORS.MISSING_RESOURCE,
        message="The resource you are looking for could not be found.",
    )


def _without_version(request: Request, path: str, prefix: str) -> Response:
    redirects = settings_of(request).redirects
    # Line ends and other control characters must not get into a header.
    if not redirects.version_prefix_enabled or not path.isprintable():
        return _version_not_available()
    if request.method == "OPTIONS":
        return Response(status=200)
    return _redirect(request, prefix + request.path, redirects.version_prefix_ttl_seconds)


def _redirect(request: Request, path: str, ttl_seconds: int) -> Response:
    query = f"?{request.query_string}" if request.query_string else ""
    # The header gets scheme and host when it is sent.
    response = httpexceptions.HTTPTemporaryRedirect(f"{path}{query}")
    if ttl_seconds >= 0:
        response.cache_expires(ttl_seconds)
    return response


def _version_not_available() -> Response:
    return http_error(
        httpexceptions.HTTPNotFound(),
        errno=ERRORS.VERSION_NOT_AVAILABLE,
        message="The requested API version is not available on this server.",
    )


@exception_view_config(URLDecodeError)
def invalid_path(error: URLDecodeError, request: Request) -> Response:
    """400 for a path that is not UTF-8."""
    return http_error(
        httpexceptions.HTTPBadRequest(),
        errno=ERRORS.INVALID_PARAMETERS,
        message="Invalid URL path.",
    )


@exception_view_config(httpexceptions.HTTPMethodNotAllowed)
def method_not_allowed(error: Response, request: Request) -> Response:
    """405 with the methods that the URL has."""
    if has_json_body(error):
        return error
    response = http_error(
        httpexceptions.HTTPMethodNotAllowed(),
        errno=ERRORS.METHOD_NOT_ALLOWED,
        message="Method not allowed on this endpoint.",
    )
    if error.allow:
        response.allow = error.allow
    return response


@exception_view_config(httpexceptions.HTTPServiceUnavailable)
def service_unavailable(error: Response, request: Request) -> Response:
    """503 raised by the code of a view."""
    return error if has_json_body(error) else _unavailable(request, _UNAVAILABLE)


@exception_view_config(BackendError)
def backend_error(error: BackendError, request: Request) -> Response:
    """503: a backend failed; 409 where two writes contradict each other."""
    if isinstance(error, IntegrityError):
        response = http_error(
            httpexceptions.HTTPConflict(),
            errno=ERRORS.CONSTRAINT_VIOLATED,
            message="Integrity constraint violated, please retry.",
        )
        return retry_after(response, request.registry)
    message = str(error) if isinstance(error, ReadonlyError) else _UNAVAILABLE
    if not error.is_logged and not is_error_retryable(request, error):
        log.critical("Backend failure", exc_info=error, path=request.path, method=request.method)
    return _unavailable(request, message)


def _unavailable(request: Request, message: str) -> Response:
    response = http_error(
        httpexceptions.HTTPServiceUnavailable(), errno=ERRORS.BACKEND, message=message
    )
    return retry_after(response, request.registry)


@exception_view_config(InvalidRequest)
def invalid_request(error: InvalidRequest, request: Request) -> Response:
    """400 naming what was wrong."""
    for fact in error.errors:
        request.errors.add(fact.location, fact.name, fact.description)
    return json_error_handler(request)


@exception_view_config(httpexceptions.HTTPException)
def http_exception(error: Response, request: Request) -> Response:
    """Answers that code raised are answers as they are."""
    return error


@exception_view_config(Exception)
def unexpected_error(error: Exception, request: Request) -> Response:
    """500, with nothing of what happened but in the log."""
    errno = getattr(error, "errno", ERRORS.UNDEFINED.value)
    log_unhandled(
        error,
        path=_safe_path(request),
        method=request.method,
        querystring=mask_parameters(request.environ.get("QUERY_STRING", "")),
        errno=errno,
    )
    return http_error(
        httpexceptions.HTTPInternalServerError(),
        errno=ERRORS.UNDEFINED,
        message="A programmatic error occurred, developers have been informed.",
        info=settings_of(request).project.error_info_url,
    )


def _safe_path(request: Request) -> str:
    try:
        path: str = request.path
    except UnicodeDecodeError:
        return ""
    return path


def render_exception(request: Request, error: Exception) -> Any:
    """The answer to an exception of a sub-request, in the form it has outside of a batch."""
    response = request.invoke_exception_view((type(error), error, error.__traceback__))
    if response.status_code != httpexceptions.HTTPUnauthorized.code:
        apply_cors(request, response, header_names(response))
    return response
