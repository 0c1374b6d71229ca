"""Headers and bodies of answers, written with as little as can be.

WebOb looks at every header for each one that is read or set.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IResponseFactory
from pyramid.request import Request
from pyramid.response import Response


_JSON = "application/json"
_LOCATION_LENGTH = len("location")
# What a response has from the start.
_UNCHOSEN_TYPE = "text/html; charset=UTF-8"


class LightResponse(Response):  # type: ignore[misc]  # Pyramid ships no types
    """The response of a request, as Pyramid has it, sent with fewer detours."""

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, by the interface of WSGI."""
        headers: list[tuple[str, str]] = self._headerlist
        is_usual = environ["REQUEST_METHOD"] != "HEAD" and not self.conditional_response
        if not is_usual or _has_location(headers):
            chunks: Iterable[bytes] = super().__call__(environ, start_response)
            return chunks
        start_response(self._status, headers)
        return self._app_iter

    def replace_body(self, body: bytes) -> None:
        """Have this body, of a length that the headers tell already."""
        self._app_iter = [body]


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
        if len(name) == _LOCATION_LENGTH and name.lower() == "location":
            return True
    return False


def header_names(response: Response) -> set[str]:
    """Names of the headers that a response has, in lower case."""
    return {name.lower() for name, _ in response.headerlist}


def set_header(response: Response, name: str, value: str) -> None:
    """Give a header that has one value; its name in the same letters everywhere."""
    headers = response.headerlist
    for position, (known, _) in enumerate(headers):
        if known == name:
            headers[position] = (name, value)
            return
    headers.append((name, value))


def with_json(response: Response, body: bytes) -> Any:  # the response, of whatever class
    """The response with a JSON body; a content type that a view has chosen stays."""
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
    # A batch takes it over as it is, unless somebody has put another one in its place.
    response.known_json = body
    return response
