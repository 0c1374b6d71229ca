"""JSON bodies of error answers.

Source: "Error format and error codes" of the HTTP API.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NoReturn

from pyramid import httpexceptions
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from kinto.core.exceptions import InvalidRequest
from kinto.core.protocol import json_codec
from kinto.core.protocol.urls import UndecodableURL, parse_query


class ERRORS(Enum):
    """What an ``errno`` means; several have no raiser any more but keep their number."""

    MISSING_AUTH_TOKEN = 104
    INVALID_AUTH_TOKEN = 105
    BADJSON = 106
    INVALID_PARAMETERS = 107
    MISSING_PARAMETERS = 108
    INVALID_POSTED_DATA = 109
    INVALID_RESOURCE_ID = 110
    MISSING_RESOURCE = 111
    MISSING_CONTENT_LENGTH = 112
    REQUEST_TOO_LARGE = 113
    MODIFIED_MEANWHILE = 114
    METHOD_NOT_ALLOWED = 115
    VERSION_NOT_AVAILABLE = 116
    CLIENT_REACHED_CAPACITY = 117
    FORBIDDEN = 121
    CONSTRAINT_VIOLATED = 122
    BACKEND = 201
    SERVICE_DEPRECATED = 202
    UNDEFINED = 999


def http_error(
    httpexception: httpexceptions.HTTPException,
    errno: ERRORS | int | None = None,
    code: int | None = None,
    error: str | None = None,
    message: str | None = None,
    info: str | None = None,
    details: Any = None,  # any JSON value
) -> httpexceptions.HTTPException:
    """The same exception with a JSON body, to be raised or returned.

    :param errno: 999 by default; also set as attribute ``errno`` (an integer).
    """
    number = errno.value if isinstance(errno, Enum) else errno or ERRORS.UNDEFINED.value
    body: dict[str, Any] = {
        "code": code or httpexception.code,
        "errno": number,
        "error": error or httpexception.title,
    }
    for key, value in (("message", message), ("info", info), ("details", details)):
        if value is not None:
            body[key] = value
    httpexception.errno = number
    httpexception.body = json_codec.dumps_bytes(body)
    httpexception.content_type = "application/json"
    httpexception.charset = None
    return httpexception


def has_json_body(response: Response) -> bool:
    """Whether an HTTP exception was already given its JSON body."""
    return bool(response.body) and response.content_type == "application/json"


def describe_error(error: Mapping[str, Any]) -> str:
    """The message for one entry of ``details``."""
    name, location = error["name"], error["location"]
    description = error["description"]
    if name is None:
        return f"{location}: {description}"
    if str(name) in description:
        return str(description)
    return f"{name} in {location}: {description}"


def json_error_handler(request: Request) -> httpexceptions.HTTPException:
    """The 400 (or 406, 415) for what is in ``request.errors``."""
    details = [_readable(error) for error in request.errors]
    details.sort(key=lambda error: "" if error["name"] is None else str(error["name"]))
    return http_error(
        httpexceptions.status_map[request.errors.status](),
        errno=ERRORS.INVALID_PARAMETERS,
        error="Invalid parameters",
        message=describe_error(details[0]),
        details=details,
    )


def _readable(error: Mapping[str, Any]) -> dict[str, Any]:
    description = error["description"]
    if isinstance(description, bytes):
        description = description.decode("utf-8", "replace")
    elif not isinstance(description, str):
        description = str(description)
    return {**error, "description": description}


def raise_invalid(
    request: Request,
    location: str = "body",
    name: str | int | None = None,
    description: str | bytes | None = None,
    **kwargs: Any,  # further keys of the entry in `details`
) -> NoReturn:
    """Refuse the request with a 400 that names what was wrong."""
    request.errors.add(location, name, description, **kwargs)
    raise json_error_handler(request)


def raise_invalid_request(request: Request, error: InvalidRequest) -> NoReturn:
    """Refuse the request for every fact of ``error``."""
    add_errors(request, error)
    raise json_error_handler(request)


def add_errors(request: Request, error: InvalidRequest) -> None:
    """Note every fact of ``error``, for an answer that holds all of them."""
    for fact in error.errors:
        request.errors.add(fact.location, fact.name, fact.description)


def send_alert(
    request: Request, message: str | None = None, url: str | None = None, code: str = "soft-eol"
) -> None:
    """Tell the client, in the header ``Alert``, that something is going to end."""
    alert = {
        "code": code,
        "message": message,
        "url": url or request.registry.settings.get("project_docs"),
    }
    request.response.headers["Alert"] = json_codec.dumps(alert)


def request_GET(request: Request) -> Any:  # noqa: N802 # name fixed by the extension API; WebOb's
    """The query string as a mapping.

    :raises HTTPBadRequest: it is not UTF-8.
    """
    try:
        return request.GET
    except UnicodeDecodeError:
        raise _badly_encoded(request)


def request_params(request: Request) -> list[tuple[str, str]]:
    """Names and values of the query string, in its order.

    :raises HTTPBadRequest: it is not UTF-8, or has too many parameters.
    """
    try:
        return parse_query(request.environ.get("QUERY_STRING", ""))
    except UndecodableURL as error:
        if isinstance(error.__cause__, UnicodeError):
            raise _badly_encoded(request)
        raise_invalid(request, "querystring", None, str(error))


def _badly_encoded(request: Request) -> httpexceptions.HTTPException:
    raw = request.environ.get("QUERY_STRING", "").encode("latin-1").decode("utf-8", "replace")
    return http_error(
        httpexceptions.HTTPBadRequest(),
        errno=ERRORS.INVALID_PARAMETERS,
        message="A request with an incorrect encoding in the querystring was"
        f"received. Please make sure your requests are encoded in UTF-8: {raw}",
    )


def not_found(
    resource_name: str, object_id: str, *, errno: ERRORS = ERRORS.INVALID_RESOURCE_ID
) -> httpexceptions.HTTPException:
    """The 404 of a missing object (errno 110) or of a missing parent (errno 111)."""
    return http_error(
        httpexceptions.HTTPNotFound(),
        errno=errno,
        details={"id": object_id, "resource_name": resource_name},
    )


def retry_after(response: Response, registry: Registry) -> Response:
    """Say when to try again, on the answers that another attempt may turn into a success."""
    response.headers["Retry-After"] = str(registry.settings.get("retry_after_seconds", 30))
    return response
