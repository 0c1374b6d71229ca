"""Requests that reach their view without Pyramid's router, and those that do not."""

import gc
from typing import Any

import pytest
import webob
from pyramid.config import Configurator
from pyramid.events import BeforeTraversal, ContextFound, NewRequest, NewResponse
from pyramid.response import Response
from pyramid.router import Router
from pyramid.tweens import MAIN

from kinto.core.request_context import ResourceContext
from tests.support.api import Client, memory_app


BUCKET = "/buckets/b"


@pytest.fixture
def routed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the requests that came to the router."""
    paths: list[str] = []
    handle = Router.handle_request

    def handle_request(self: Router, request: Any) -> Response:
        paths.append(request.path)
        return handle(self, request)

    monkeypatch.setattr(Router, "handle_request", handle_request)
    return paths


def make_client(**settings: object) -> Client:
    client = Client(memory_app({f"kinto.{name}": value for name, value in settings.items()}))
    client.put(BUCKET)
    return client


def test_requests_of_our_routes_do_not_come_to_the_router(routed: list[str]) -> None:
    client = make_client()

    paths = [BUCKET, "/buckets", "/", "/__lbheartbeat__"]
    assert [client.get(path).status for path in paths] == [200] * 4
    assert routed == []


@pytest.mark.parametrize("path", ["/nowhere", "/buckets/"])
def test_unknown_paths_do(routed: list[str], path: str) -> None:
    client = make_client()

    client.get(path)

    assert routed == [f"/v1{path}"]


@pytest.mark.parametrize("event", [NewRequest, BeforeTraversal, ContextFound, NewResponse])
def test_who_listens_to_the_router_has_it_asked(routed: list[str], event: type) -> None:
    client = make_client()
    told: list[str] = []
    client.app.registry.registerHandler(lambda event: told.append(event.request.path), (event,))

    assert client.get(BUCKET).status == 200
    assert routed == told == [f"/v1{BUCKET}"]


def test_a_listener_may_send_a_request_elsewhere() -> None:
    client = make_client()
    client.put("/buckets/other", {"is": "other"})

    def send(event: NewRequest) -> None:
        event.request.environ["PATH_INFO"] = "/v1/buckets/other"

    client.app.registry.registerHandler(send, (NewRequest,))

    assert client.get(BUCKET).json["data"]["is"] == "other"


def header_tween_factory(handler: Any, registry: Any) -> Any:
    def tween(request: Any) -> Response:
        response = handler(request)
        response.headers["X-Innermost"] = type(request.environ).__name__
        return response

    return tween


def includeme(config: Configurator) -> None:
    """A plugin whose tween is closer to the views than ours."""
    config.add_tween(
        f"{__name__}.header_tween_factory",
        under="kinto.core.dispatch.dispatch_tween_factory",
        over=MAIN,
    )


def test_a_tween_of_a_plugin_sees_each_request(routed: list[str]) -> None:
    client = make_client(includes=__name__)
    routed.clear()

    assert client.get(BUCKET).headers["X-Innermost"] == "dict"
    assert routed == [f"/v1{BUCKET}"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
def test_an_answered_request_leaves_nothing_to_the_collector(method: str) -> None:
    client = make_client()
    body = None if method == "GET" else {"data": {}}
    client.call(method, BUCKET, body)
    gc.collect()
    gc.disable()
    try:
        before = count_contexts()
        assert client.call(method, BUCKET, body).status == 200
        assert count_contexts() == before
    finally:
        gc.enable()


def count_contexts() -> int:
    """How many there are in this process, those of other applications included."""
    return sum(isinstance(each, ResourceContext) for each in gc.get_objects())


@pytest.mark.parametrize("path", ["/v1/", f"/v1{BUCKET}", "/v1/buckets?_limit=1"])
def test_a_server_may_leave_out_where_it_mounts_us(path: str) -> None:
    client = make_client()
    client.put("/buckets/c")
    request = webob.Request.blank(path, authorization=("Basic", "b3duZXI6c2VjcmV0"))
    del request.environ["SCRIPT_NAME"]

    response = request.get_response(client.app)

    assert response.status_code == 200
    assert "Next-Page" in response.headers or "_limit" not in path
