"""Headers and bodies of answers, written with as little as can be.

WebOb looks at every header for each one that is read or set.
"""

from typing import Any

from pyramid.response import Response


_JSON = "application/json"
# What a response has from the start.
_UNCHOSEN_TYPE = "text/html; charset=UTF-8"


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
    # In this order: the body that is set takes the length of the former one away.
    response.app_iter = [body]
    response.headerlist = kept
    # A batch takes it over as it is, unless somebody has put another one in its place.
    response.known_json = body
    return response
