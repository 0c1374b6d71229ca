"""Responses that are made without Pyramid's detours: they are what Pyramid makes."""

import pytest
from pyramid.httpexceptions import HTTPNotModified
from pyramid.response import Response

from kinto.core.response import LightNotModified, LightResponse, set_headers, with_json


def sent(response: Response, method: str = "GET") -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers, body as a server is given them."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    environ = {"REQUEST_METHOD": method, "wsgi.url_scheme": "http", "HTTP_HOST": "localhost"}
    chunks = response(environ, lambda status, headers, *_: started.append((status, headers)))
    return (*started[0], b"".join(chunks))


@pytest.mark.parametrize(
    ("light", "usual"), [(LightResponse, Response), (LightNotModified, HTTPNotModified)]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_light_responses_are_what_pyramid_makes(light, usual, method):
    made, expected = vars(light()), vars(usual())
    # A view of the headers, made when somebody asks for it.
    del made["_headers"], expected["_headers"]
    assert made == expected
    assert sent(light(), method) == sent(usual(), method)


def test_responses_share_no_headers():
    LightResponse().headerlist.append(("X", "1"))
    assert LightResponse().headerlist == Response().headerlist


def test_light_responses_take_arguments():
    assert sent(LightResponse(b"a", status=201)) == sent(Response(b"a", status=201))


@pytest.mark.parametrize(
    "change",
    [
        lambda response: None,
        lambda response: setattr(response, "content_type", "application/problem+json"),
        lambda response: setattr(response, "body", b"before"),
        lambda response: setattr(response, "app_iter", [b"before"]),
        lambda response: response.headers.pop("Content-Type"),
        lambda response: response.headers.update({"ETag": "1"}),
    ],
    ids=["nothing", "type", "body", "chunks", "no type", "header"],
)
def test_json_replaces_what_was_there(change):
    light, usual = LightResponse(), Response()
    for response in (light, usual):
        change(response)
        with_json(response, b"{}")
    assert sent(light) == sent(usual)
    assert light.body == b"{}"
    assert light.content_length == 2


def test_headers_that_are_given_again_stay_in_their_place():
    response = LightResponse()
    set_headers(response, {"ETag": "1", "Last-Modified": "2"})
    set_headers(response, {"ETag": "3", "Cache-Control": "4"})
    assert response.headerlist[2:] == [
        ("ETag", "3"),
        ("Last-Modified", "2"),
        ("Cache-Control", "4"),
    ]
