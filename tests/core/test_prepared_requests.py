"""Items of a batch that the router does not see are no different from those that it does."""

from typing import Any

import pytest
from pyramid.events import BeforeTraversal, ContextFound, NewRequest, NewResponse
from pyramid.interfaces import ITraverser
from pyramid.threadlocal import get_current_request
from pyramid.traversal import ResourceTreeTraverser
from zope.interface import Interface

from kinto.core.events import ResourceChanged
from tests.support.api import Client, memory_app, new_id


@pytest.fixture
def client() -> Client:
    return Client(memory_app())


def put_groups(client: Client) -> tuple[list[str], list[int]]:
    bucket = f"/buckets/{new_id()}"
    client.put(bucket)
    paths = [f"{bucket}/groups/{name}" for name in "ab"]
    answer = client.batch(*({"method": "PUT", "path": path} for path in paths))
    return [f"/v1{path}" for path in paths], [r["status"] for r in answer.json["responses"]]


@pytest.mark.parametrize("event", [NewRequest, BeforeTraversal, ContextFound, NewResponse])
def test_who_listens_to_the_router_is_told_of_each_item(client: Client, event: type) -> None:
    told: list[str] = []
    client.app.registry.registerHandler(lambda event: told.append(event.request.path), (event,))

    paths, statuses = put_groups(client)

    assert statuses == [201, 201]
    assert [path for path in told if path in paths] == paths


def test_a_traverser_of_the_application_is_asked(client: Client) -> None:
    traversed: list[str] = []

    class Traverser(ResourceTreeTraverser):  # type: ignore[misc]  # Pyramid ships no types
        def __call__(self, request: Any) -> Any:
            traversed.append(request.path)
            return super().__call__(request)

    client.app.registry.registerAdapter(Traverser, (Interface,), ITraverser)

    paths, statuses = put_groups(client)

    assert statuses == [201, 201]
    assert [path for path in traversed if path in paths] == paths


def test_a_view_finds_what_the_router_sets(client: Client) -> None:
    seen: list[Any] = []

    def look(event: Any) -> None:
        request = event.request
        seen.append(
            {
                "is current": get_current_request() is request.parent,
                "route": request.matched_route.name,
                "id": request.matchdict["id"],
                "names": (request.view_name, tuple(request.subpath), tuple(request.traversed)),
                "transaction": request.tm is not None,
                "service": request.current_service.name,
            }
        )

    client.app.registry.registerHandler(look, (ResourceChanged,))
    bucket = f"/buckets/{new_id()}"
    client.batch(
        {"method": "PUT", "path": bucket}, {"method": "PUT", "path": f"{bucket}/groups/g"}
    )

    assert [each["route"] for each in seen] == ["bucket-object", "group-object"]
    assert [each["id"] for each in seen] == [bucket.rpartition("/")[2], "g"]
    assert all(each["is current"] and each["transaction"] for each in seen)
    assert [each["names"] for each in seen] == [("", (), ())] * 2


def test_callbacks_of_an_item_are_called(client: Client) -> None:
    called: list[str] = []
    make = client.app.registry.storage.create

    def create(*args: Any, **kwargs: Any) -> Any:
        request = get_current_request()
        request.add_response_callback(lambda request, response: called.append("response"))
        request.add_finished_callback(lambda request: called.append("finished"))
        return make(*args, **kwargs)

    client.app.registry.storage.create = create

    put_groups(client)

    assert called == ["response", "finished"] * 3
