"""Requests made within a request: items of a batch, redirections, plugins' own."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from pyramid import httpexceptions
from pyramid.request import Request, apply_request_extensions
from pyramid.response import Response

from kinto.core.protocol import json_codec
from kinto.core.types import JSONValue


_MAX_REDIRECTIONS = 5
_NOT_MODIFIED = 304
_KEPT_ENVIRON = (
    "HTTP_HOST",
    "REMOTE_ADDR",
    "SERVER_NAME",
    "SERVER_PORT",
    "retry.attempt",
    "retry.attempts",
    "tm.active",
    "tm.manager",
    "wsgi.url_scheme",
)
# Of the path characters that need no encoding in a URL.
_PATH_SAFE = "/~!$&'()*+,;=:@%"


def build_request(original: Request, dict_obj: Mapping[str, Any]) -> Request:
    """A sub-request of ``original``, which shares its user and data.

    :param dict_obj: ``path``, with or without version prefix; optionally ``method``,
        ``headers`` (on top of those of ``original``) and ``body`` (a dict is sent as JSON).
    """
    method = dict_obj.get("method") or "GET"
    path = _prefixed(original, dict_obj["path"])
    headers = {k: v for k, v in original.headers.items() if k.lower() != "content-length"}
    headers.update(dict_obj.get("headers") or {})
    payload = _payload(dict_obj.get("body") or "")
    if payload:
        headers = {k: v for k, v in headers.items() if k.lower() != "content-type"}
        headers["Content-Type"] = "application/json; charset=utf-8"
    request = type(original).blank(
        path=quote(path.encode("utf-8"), safe=_PATH_SAFE + "?"),
        environ=_environ(original),
        headers=headers,
        body=payload,
        method=method,
    )
    request.registry = original.registry
    request.bound_data = original.bound_data
    request.parent = original
    _apply_extensions(request)
    return request


def _environ(original: Request) -> dict[str, Any]:
    """What a sub-request keeps of the connection: scheme, host, client."""
    environ = original.environ
    return {name: environ[name] for name in _KEPT_ENVIRON if name in environ}


def _prefixed(original: Request, path: str) -> str:
    prefix = f"/{original.registry.route_prefix}"
    if path == prefix or path.startswith((f"{prefix}/", f"{prefix}?")):
        return path
    return prefix + path


def _payload(body: JSONValue) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8")
    return json_codec.dumps_bytes(body)


def _apply_extensions(request: Request) -> None:
    """Give the sub-request the methods that plugins add to requests."""
    apply_request_extensions(request)


def build_response(response: Response, request: Request) -> dict[str, Any]:
    """An item of the answer to a batch."""
    body: JSONValue = ""
    if request.method != "HEAD" and response.body:
        try:
            body = json_codec.loads(response.body)
        except ValueError:
            body = response.body.decode("utf-8", "replace")
    return {
        "path": unquote(request.path),
        "status": response.status_code,
        "headers": dict(response.headers),
        "body": body,
    }


def follow_subrequest(
    request: Request, subrequest: Request, **kwargs: Any
) -> tuple[Response, Request]:
    """Execute a sub-request, redirections included.

    :returns: the answer, with the request that it answers.
    """
    for _ in range(_MAX_REDIRECTIONS):
        location = None
        try:
            return request.invoke_subrequest(subrequest, **kwargs), subrequest
        except httpexceptions.HTTPRedirection as redirection:
            location = redirection.headers.get("Location")
            if location is None or redirection.status_code == _NOT_MODIFIED:
                raise
        except httpexceptions.HTTPNotFound as error:
            # Whether another URL was meant is found out by the view of unknown URLs.
            answer = subrequest.invoke_exception_view((type(error), error, error.__traceback__))
            location = answer.headers.get("Location")
            if location is None:
                raise
        redirected = _redirected(subrequest, location)
        subrequest.followed_by = redirected
        subrequest = redirected
    raise httpexceptions.HTTPBadRequest("Too many redirections")


def last_followed(subrequest: Request) -> Request:
    """The request that was executed in the end, when a sub-request was redirected."""
    while hasattr(subrequest, "followed_by"):
        subrequest = subrequest.followed_by
    return subrequest


def _redirected(subrequest: Request, location: str) -> Request:
    path = location.removeprefix(subrequest.host_url)
    redirected = type(subrequest).blank(
        path=path,
        environ=_environ(subrequest),
        headers=subrequest.headers,
        body=subrequest.body,
        method=subrequest.method,
    )
    redirected.registry = subrequest.registry
    redirected.bound_data = subrequest.bound_data
    redirected.parent = getattr(subrequest, "parent", None)
    _apply_extensions(redirected)
    return redirected
