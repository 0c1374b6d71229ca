"""Requests made within a request: items of a batch, redirections, plugins' own."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from pyramid import httpexceptions
from pyramid.request import Request, apply_request_extensions
from pyramid.response import Response

from kinto.core.protocol import json_codec
from kinto.core.protocol.urls import encode_wsgi_target
from kinto.core.registry import keep_settings, settings_of
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
# Headers of an item: its length is that of its body, its host that of the request.
_IGNORED_HEADERS = frozenset({"CONTENT_LENGTH", "HOST"})
_JSON_TYPE = "application/json; charset=utf-8"


def build_request(original: Request, dict_obj: Mapping[str, Any]) -> Request:
    """A sub-request of ``original``, which shares its user and data.

    :param dict_obj: ``path``, with or without version prefix; optionally ``method``,
        ``headers`` (on top of those of ``original``) and ``body`` (a dict is sent as JSON).
    """
    request = SubrequestBuilder(original).build(dict_obj)
    apply_request_extensions(request)
    return request


class SubrequestBuilder:
    """Makes any number of sub-requests of one request.

    :param original: of which they have the headers and what WSGI tells of the connection.
    """

    def __init__(self, original: Request) -> None:
        self._original = original
        environ = original.environ
        self._environ = type(original).blank("/", environ=_environ(original)).environ
        self._environ |= {
            name: value for name, value in environ.items() if name.startswith("HTTP_")
        }
        self._content_type = environ.get("CONTENT_TYPE")

    def build(self, item: Mapping[str, Any]) -> Request:
        """One sub-request, as :func:`build_request` describes it."""
        environ = dict(self._environ)
        body = item.get("body") or ""
        payload = _payload(body)
        content_type = self._content_type
        for name, value in (item.get("headers") or {}).items():
            variable = name.upper().replace("-", "_")
            if variable == "CONTENT_TYPE":
                content_type = value
            elif variable not in _IGNORED_HEADERS:
                environ[f"HTTP_{variable}"] = value
        if payload:
            content_type = _JSON_TYPE
        if content_type is not None:
            environ["CONTENT_TYPE"] = content_type
        path = _prefixed(self._original, item["path"])
        environ["REQUEST_METHOD"] = item.get("method") or "GET"
        environ["PATH_INFO"], environ["QUERY_STRING"] = encode_wsgi_target(path)
        environ["CONTENT_LENGTH"] = str(len(payload))
        environ["wsgi.input"] = BytesIO(payload)
        environ["webob.is_body_seekable"] = True
        return self._made(environ)

    def build_from_json(self, item: Mapping[str, Any]) -> Request:
        """The same, for an item that was JSON: its body is not read another time."""
        request = self.build(item)
        if body := item.get("body"):
            request.__dict__["json_body"] = body
        return request

    def _made(self, environ: dict[str, Any]) -> Request:
        original = self._original
        request = type(original)(environ)
        request.registry = original.registry
        request.bound_data = original.bound_data
        request.parent = original
        keep_settings(request, settings_of(original))
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


def build_response(response: Response, request: Request) -> dict[str, Any]:
    """An item of the answer to a batch."""
    item = build_raw_response(response, request)
    item["body"] = json_codec.read_raw(item["body"])
    return item


def build_raw_response(response: Response, request: Request) -> dict[str, Any]:
    """The same, with a JSON body that is written as it is."""
    body: JSONValue = ""
    if request.method != "HEAD":
        body = _json_or_text(response)
    path = request.environ.get("SCRIPT_NAME", "") + request.environ["PATH_INFO"]
    return {
        "path": path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace"),
        "status": response.status_code,
        "headers": dict(response.headerlist),
        "body": body,
    }


def _json_or_text(response: Response) -> JSONValue:
    known, chunks = getattr(response, "known_json", None), response.app_iter
    if known is not None and type(chunks) is list and chunks == [known]:
        return json_codec.raw_json(known)
    body: bytes = response.body
    try:
        return json_codec.loads(body) if body else ""
    except ValueError:
        return body.decode("utf-8", "replace")


def follow_subrequest(
    request: Request, subrequest: Request, **kwargs: Any
) -> tuple[Response, Request]:
    """Execute a sub-request, redirections included.

    :returns: the answer, with the request that it answers.
    """
    for _ in range(_MAX_REDIRECTIONS):
        location = None
        try:
            response = request.registry.execute_prepared(subrequest)
            if response is None:
                response = request.invoke_subrequest(subrequest, **kwargs)
            return response, subrequest
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
    apply_request_extensions(redirected)
    return redirected
