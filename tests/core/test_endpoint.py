"""The one view of a service, and what is left to Cornice."""

from typing import Any

import pytest
import webob
from pyramid.config import Configurator
from pyramid.events import BeforeRender, NewRequest
from pyramid.interfaces import IRendererFactory
from pyramid.renderers import JSON
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core import Service
from kinto.core.endpoint import is_rendering_plain, is_served_here, render_json
from kinto.core.registry import adopt_registry
from tests.core.test_extension_services import app  # noqa: F401  # a fixture


def make_service(name: str = "probe", **arguments: Any) -> Service:
    service = Service(name=name, path=f"/{name}", description="Probe")
    arguments.setdefault("permission", NO_PERMISSION_REQUIRED)
    service.add_view("post", lambda request: {"ok": True}, **arguments)
    return service


@pytest.mark.parametrize(
    ("arguments", "is_ours"),
    [
        ({}, True),
        ({"accept": "application/json", "content_type": ("application/json",)}, True),
        ({"filters": [lambda response, request: response]}, False),
        ({"content_type": lambda request: ["text/plain"]}, False),
        ({"header": "X-Mine"}, False),
    ],
    ids=["plain", "media types", "filters", "callable media types", "further predicate"],
)
def test_services_that_ask_for_more_are_left_to_cornice(arguments: Any, is_ours: bool) -> None:
    assert is_served_here(make_service(**arguments)) is is_ours


def test_two_views_of_one_method_are_left_to_cornice() -> None:
    service = make_service(content_type="text/plain")
    service.add_view("post", lambda request: {}, content_type="application/json")

    assert not is_served_here(service)


@pytest.mark.parametrize("filtered", [False, True], ids=["ours", "cornice"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Accept": "*/*"}, 200),
        ({"Accept": "application/*;q=0.5"}, 200),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "text/html, application/json"}, 200),
        ({"Content-Type": "application/json"}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": ""}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "text/plain", "Accept": "text/html"}, 406),
    ],
    ids=str,
)
def test_media_types_are_judged_as_cornice_does(
    app: Any,  # noqa: F811  # the fixture
    headers: dict[str, str],
    status: int,
    filtered: bool,
) -> None:
    more = {"filters": [lambda response, request: response]} if filtered else {}
    service = make_service(accept="application/json", content_type="application/json", **more)
    app.config.add_cornice_service(service)
    app.config.commit()

    response = app.client.request("/v1/probe", method="POST", headers=headers, status=status)

    assert status != 200 or response.json == {"ok": True}
    app.client.request("/v1/probe", method="PUT", status=405)


def test_answers_say_how_long_they_are(app: Any) -> None:  # noqa: F811
    """Without it a client that keeps the connection waits for more."""
    sent: list[tuple[str, str]] = []
    request = webob.Request.blank("/v1/")

    # As a WSGI server sees it: WebOb and WebTest give a length to what they read.
    chunks = app.client.app(request.environ, lambda status, headers, *_: sent.extend(headers))

    assert dict(sent)["Content-Length"] == str(len(b"".join(chunks)))


def test_who_comes_late_may_look_at_what_is_rendered() -> None:
    config = Configurator(settings={})
    adopt_registry(config.registry)
    config.add_renderer("json", JSON(serializer=render_json))
    config.add_subscriber(lambda event: None, NewRequest)
    config.commit()
    registry = config.registry
    assert is_rendering_plain(registry)

    config.add_subscriber(lambda event: None, BeforeRender)
    config.commit()
    assert not is_rendering_plain(registry)


def test_who_comes_late_may_render() -> None:
    config = Configurator(settings={})
    adopt_registry(config.registry)
    config.add_renderer("json", JSON(serializer=render_json))
    config.commit()
    registry, ours = config.registry, config.registry.getUtility(IRendererFactory, name="json")
    assert is_rendering_plain(registry)

    registry.registerUtility(JSON(), IRendererFactory, name="json")
    assert not is_rendering_plain(registry)

    registry.registerUtility(ours, IRendererFactory, name="json")
    assert is_rendering_plain(registry)

    assert registry.unregisterUtility(ours, IRendererFactory, name="json")
    assert not is_rendering_plain(registry)
