"""Headers and bodies of answers, written with as little as can be.

WebOb looks at every header for each one that is read or set.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotModified
from pyramid.interfaces import IResponseFactory
from pyramid.request import Request
from pyramid.response import Response


_JSON = "application/json"
# What a response has from the start.
_UNCHOSEN_TYPE = "text/html; charset=UTF-8"
_UNCHOSEN_HEADERS = [("Content-Type", _UNCHOSEN_TYPE), ("Content-Length", "0")]
_JSON_TYPE = ("Content-Type", _JSON)


class _SentDirectly:
    """Sends a response of WebOb, which this is mixed into, with fewer detours."""

    _status: str
    _headerlist: list[tuple[str, str]]
    _app_iter: Iterable[bytes]
    conditional_response: bool

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, by the interface of WSGI."""
        headers = self._headerlist
        is_usual = environ["REQUEST_METHOD"] != "HEAD" and not self.conditional_response
        if not is_usual or _has_location(headers):
            return super().__call__(environ, start_response)  # type: ignore[misc,no-any-return]
        start_response(self._status, headers)
        return self._app_iter


class LightResponse(_SentDirectly, Response):  # type: ignore[misc]  # Pyramid ships no types
    """The response of a request, as Pyramid has it, made with fewer detours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            super().__init__(*args, **kwargs)
            return
        # What that would find out, step by step.
        self._status = "200 OK"
        self._headers = None
        self._headerlist = _UNCHOSEN_HEADERS.copy()
        self._app_iter = [b""]
        self.conditional_response = self.default_conditional_response

    def replace_body(self, body: bytes) -> None:
        """Have this body, of a length that the headers tell already."""
        self._app_iter = [body]

    def take_json(self, body: bytes) -> bool:
        """Have this JSON body, unless something was done about a body already."""
        headers = self._headerlist
        if headers[:2] != _UNCHOSEN_HEADERS:
            return False
        headers[0] = _JSON_TYPE
        del headers[1]
        headers.append(("Content-Length", str(len(body))))
        self._app_iter = [body]
        return True


def use_light_responses(config: Configurator) -> None:
    """Have the responses of requests be of this class, unless the application chose another."""
    if config.registry.queryUtility(IResponseFactory) is None:
        config.set_response_factory(make_response)


def make_response(request: Request) -> LightResponse:
    """What ``request.response`` is at first."""
    return LightResponse()


def _has_location(headers: list[tuple[str, str]]) -> bool:
    """Whether one of the headers is ``Location``, which has to be made absolute."""
    for name, _ in headers:  # noqa: SIM110  # without the calls that a generator takes
        # Most names need no call to be told apart.
        if name[:1] in "Ll" and name.lower() == "location":
            return True
    return False


class LightNotModified(_SentDirectly, HTTPNotModified):  # type: ignore[misc]  # Pyramid ships no types
    """The answer 304, without the body and the headers that Pyramid makes to take them away."""

    def __init__(self) -> None:
        self._status = f"{self.code} {self.title}"
        self._headers = None
        self._headerlist = []
        self._app_iter = [b""]
        self.conditional_response = self.default_conditional_response
        self.detail = self.message = self.comment = None


def header_names(response: Response) -> set[str]:
    """Names of the headers that a response has, in lower case."""
    return {name.lower() for name, _ in response.headerlist}


def set_headers(response: Response, given: dict[str, str]) -> None:
    """Give headers that have one value each; their names in the same letters everywhere."""
    headers = response.headerlist
    for position, (name, _) in enumerate(headers):
        if name in given:
            headers[position] = (name, given.pop(name))
    headers.extend(given.items())


def with_json(response: Response, body: bytes) -> Any:  # the response, of whatever class
    """The response with a JSON body; a content type that a view has chosen stays."""
    # A batch takes it over as it is, unless somebody has put another one in its place.
    response.known_json = body
    if type(response) is LightResponse and response.take_json(body):
        return response
    kept = []
    for name, text in response.headerlist:
        if name == "Content-Type":
            kept.append((name, _JSON if text == _UNCHOSEN_TYPE else text))
        elif name != "Content-Length":
            kept.append((name, text))
    kept.append(("Content-Length", str(len(body))))
    if type(response) is LightResponse:
        response.replace_body(body)
    else:
        # In this order: the body that is set takes the length of the former one away.
        response.app_iter = [body]
    response.headerlist = kept
    return response
