"""A record is written by one statement that commits by itself, unless somebody has a say in it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPServiceUnavailable
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import MAIN

from kinto.core.authentication import BasicAuthAuthenticationPolicy
from kinto.core.events import AfterResourceChanged, ResourceChanged, ResourceRead
from kinto.views.records import Record
from tests.support.api import Client, postgresql_app
from tests.support.proxy import Proxy


HERE = "tests.guarantees.test_single_writes"
READ_AND_WRITE = ["SELECT 1", "SELECT 1"]

MakeClient = Callable[..., Client]


@pytest.fixture
def make_client(proxy: Proxy) -> Iterator[MakeClient]:
    """The owner of what a test makes, with settings."""
    apps = []

    def make(settings: Mapping[str, object] | None = None) -> Client:
        apps.append(postgresql_app(proxy.url, settings))
        return Client(apps[-1])

    yield make
    for app in apps:
        app.registry.storage.client.engine.dispose()


def put_warm(client: Client, proxy: Proxy) -> str:
    """The URI of a record that was put twice; what the second one sent is known to the proxy."""
    uri = f"{client.new_collection()}/records/a"
    client.put(uri, {"n": 1})
    proxy.forget()
    assert client.put(uri, {"n": 2}).status == 200
    return uri


# -- what is written ------------------------------------------------------------------------


def test_each_method_reads_once_and_writes_once(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client()
    uri = put_warm(client, proxy)
    records = uri.removesuffix("/a")

    calls = [
        lambda: client.put(f"{records}/b", {"n": 1}),
        lambda: client.post(records, {"n": 1}),
        lambda: client.put(uri, {"n": 3}),
        lambda: client.patch(uri, {"n": 4}),
        lambda: client.put(uri, {"n": 5}, permissions={"read": ["system.Everyone"]}),
        lambda: client.delete(uri),
    ]
    for call in calls:
        proxy.forget()
        assert call().status in (200, 201)
        # Prepared at their first use, statements bring tags of their own.
        assert [tag for tag in proxy.tags if tag != "PREPARE"] == READ_AND_WRITE


def test_the_permissions_of_a_new_record_are_stored_with_it(make_client: MakeClient) -> None:
    client = make_client()
    uri = f"{client.new_collection()}/records/a"

    created = client.put(uri, {}, permissions={"read": ["system.Everyone"]})

    expected = {"read": ["system.Everyone"], "write": [client.principal]}
    assert created.json["permissions"] == expected
    assert client.get(uri).json["permissions"] == expected
    assert client.as_user(None).get(uri).status == 200


def test_an_update_replaces_the_permissions_that_it_names(make_client: MakeClient) -> None:
    client = make_client()
    uri = f"{client.new_collection()}/records/a"
    client.put(uri, {}, permissions={"read": ["alice", "bob"], "write": ["bob"]})

    client.patch(uri, {}, permissions={"read": ["bob", "carol"]})

    expected = {"read": ["bob", "carol"], "write": sorted(["bob", client.principal])}
    assert client.get(uri).json["permissions"] == expected


def test_nothing_is_left_of_the_permissions_of_a_deleted_record(make_client: MakeClient) -> None:
    client = make_client()
    uri = f"{client.new_collection()}/records/a"
    client.put(uri, {}, permissions={"read": ["system.Everyone"]})

    client.delete(uri)

    permission = client.app.registry.permission
    assert permission.get_object_permissions(uri) == {}


def test_who_is_refused_writes_nothing(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client()
    uri = put_warm(client, proxy)
    stored = client.get(uri).json
    proxy.forget()

    answers = [
        client.as_user("other").put(uri, {"n": 3}),
        client.put(uri, {"n": 3}, headers={"If-Match": '"12"'}),
        client.put(uri, {"n": 3}, headers={"If-None-Match": "*"}),
        client.put(uri, {"id": "b"}),
        client.patch(uri, {"id": "b"}),
    ]

    assert [answer.status for answer in answers] == [403, 412, 412, 400, 400]
    assert set(proxy.tags) == {"SELECT 1"}
    assert client.get(uri).json == stored


def test_a_record_that_somebody_changes_meanwhile_is_judged_anew(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    uri = f"{client.new_collection()}/records/a"
    client.put(uri, {"n": 1}, permissions={"read": ["alice"]})
    process, others = Record.process_object, [{"theirs": 1}]

    def process_object(self: Record, new: Any, old: Any = None) -> Any:
        if others:
            client.patch(uri, others.pop(), permissions={"read": ["bob"]})
        return process(self, new, old)

    monkeypatch.setattr(Record, "process_object", process_object)

    answer = client.patch(uri, {"ours": 1})

    assert answer.data == {**answer.data, "n": 1, "theirs": 1, "ours": 1}
    assert answer.json["permissions"]["read"] == ["bob"]
    assert client.get(uri).data == answer.data


# -- who has a say --------------------------------------------------------------------------


def refuse_the_odd(event: ResourceChanged) -> None:
    for change in event.impacted_objects:
        if change.get("new", {}).get("n", 0) % 2:
            raise HTTPServiceUnavailable


def refusing_subscriber(config: Configurator) -> None:
    config.add_subscriber(refuse_the_odd, ResourceChanged, for_resources=("record",))


def refuse_the_odd_tween_factory(handler: Any, registry: Any) -> Any:
    def refuse_the_odd_tween(request: Request) -> Response:
        response = handler(request)
        if request.method == "PUT" and b'"n":3' in response.body:
            raise HTTPServiceUnavailable
        return response

    return refuse_the_odd_tween


def refusing_tween(config: Configurator) -> None:
    config.add_tween(f"{HERE}.refuse_the_odd_tween_factory", over=MAIN)


def refusing_deriver(config: Configurator) -> None:
    def derive(view: Any, _info: Any) -> Any:
        def wrapped(context: Any, request: Request) -> Response:
            return refuse_the_odd_tween_factory(partial(view, context), None)(request)

        return wrapped

    config.add_view_deriver(derive, name="refusing")


def veto_the_odd(request: Request, response: Response) -> bool:
    return b'"n":3' in response.body


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"includes": f"{HERE}.refusing_subscriber"}, 503),
        ({"includes": f"{HERE}.refusing_tween"}, 503),
        ({"includes": f"{HERE}.refusing_deriver"}, 503),
        ({"tm.commit_veto": f"{HERE}.veto_the_odd"}, 200),
    ],
    ids=["subscriber", "tween", "deriver", "veto"],
)
def test_whoever_has_a_say_after_the_write_has_it_undone(
    make_client: MakeClient, proxy: Proxy, settings: Mapping[str, object], status: int
) -> None:
    client = make_client(settings)
    uri = f"{client.new_collection()}/records/a"
    assert client.put(uri, {"n": 2}).status == 201

    assert client.put(uri, {"n": 3}).status == status

    assert client.get(uri).data["n"] == 2
    assert "ROLLBACK" in proxy.tags


def write_and_fail(request: Request) -> Response:
    storage, key = request.registry.storage, ("record", "/buckets/b/collections/c")
    storage.create(*key, {"id": "first"})
    raise HTTPServiceUnavailable


def test_another_view_of_the_same_route_has_its_transaction(make_client: MakeClient) -> None:
    client = make_client()
    config = Configurator(registry=client.app.registry)
    config.add_view(write_and_fail, route_name="record-object", request_param="plugin")
    config.commit()
    client.put("/buckets/b")
    client.put("/buckets/b/collections/c")

    assert client.put("/buckets/b/collections/c/records/a?plugin=1", {"n": 1}).status == 503

    assert client.get("/buckets/b/collections/c/records").data == []


def ignore(_event: object) -> None:
    """Listen, without doing anything."""


def listening(event: type, **predicates: Any) -> Callable[[Configurator], None]:
    return lambda config: config.add_subscriber(ignore, event, **predicates)


listening_to_records = listening(ResourceChanged, for_resources=("record",))
listening_afterwards = listening(AfterResourceChanged)
listening_to_buckets = listening(ResourceChanged, for_resources=("bucket",))
listening_to_reads = listening(ResourceRead)


class CuriousPolicy(BasicAuthAuthenticationPolicy):
    """One of a plugin: who knows what it looks at, and writes."""


@pytest.mark.parametrize(
    ("settings", "commits"),
    [
        ({"includes": f"{HERE}.listening_to_records"}, 1),
        ({"includes": f"{HERE}.listening_afterwards"}, 1),
        ({"storage_isolation_level": "REPEATABLE READ"}, 1),
        ({"multiauth.policy.basicauth.use": f"{HERE}.CuriousPolicy"}, 1),
        ({"includes": f"{HERE}.listening_to_buckets"}, 0),
        ({"includes": f"{HERE}.listening_to_reads"}, 0),
    ],
)
def test_a_transaction_is_begun_where_something_may_belong_to_it(
    make_client: MakeClient, proxy: Proxy, settings: Mapping[str, object], commits: int
) -> None:
    put_warm(make_client(settings), proxy)

    assert proxy.tags.count("COMMIT") == commits
    assert proxy.round_trips == 2 + commits


def test_objects_that_have_others_below_them_are_written_in_a_transaction(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client()
    uri = client.new_collection()
    proxy.forget()

    client.put(uri, {"n": 1})

    assert proxy.tags.count("COMMIT") == 1
