"""Events as plugins see them: payloads, merging, order, failures, the transaction."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import transaction
from pyramid import httpexceptions
from pyramid.config import Configurator
from pyramid.events import NewRequest
from webtest import TestApp

from kinto import main
from kinto.core.errors import http_error
from kinto.core.events import (
    ACTIONS,
    AfterResourceChanged,
    AfterResourceRead,
    ResourceChanged,
    ResourceRead,
)
from kinto.core.utils import build_request
from tests.support.extensions import (
    ALICE,
    BUCKET,
    COLLECTION,
    RECORDS,
    Extended,
    warns_once,
)
from tests.support.services import MEMORY_SETTINGS


@pytest.fixture
def app() -> Iterator[Extended]:
    extended = Extended()
    extended.record_events()
    extended.make_collection()
    yield extended
    transaction.abort()


def seen(app: Extended, event_class: type = ResourceChanged) -> list[Any]:
    return [event for event in app.events if type(event) is event_class]


def summary(app: Extended, event_class: type = ResourceChanged) -> list[tuple[str, str, int]]:
    return [
        (e.payload["action"], e.payload["resource_name"], len(e.impacted_objects))
        for e in seen(app, event_class)
    ]


# -- classes ----------------------------------------------------------------------------


def test_actions_from_texts_and_members():
    assert ACTIONS.from_string_list(["create", ACTIONS.READ]) == (ACTIONS.CREATE, ACTIONS.READ)
    with pytest.raises(ValueError, match="unknown"):
        ACTIONS.from_string_list(["unknown"])


@pytest.mark.parametrize(
    ("event_class", "attribute", "deprecated"),
    [
        (ResourceRead, "read_objects", "read_records"),
        (AfterResourceRead, "read_objects", "read_records"),
        (ResourceChanged, "impacted_objects", "impacted_records"),
        (AfterResourceChanged, "impacted_objects", "impacted_records"),
    ],
)
def test_events_can_be_built_by_hand(event_class, attribute, deprecated):
    payload = {"action": "create", "uri": "/buckets/b"}
    event = event_class(payload, [1], None)
    assert (event.payload, getattr(event, attribute), event.request) == (payload, [1], None)
    by_keyword = event_class(**{"payload": None, attribute: [], "request": None})
    assert by_keyword.payload is None
    assert event_class.__module__ == "kinto.core.events"
    assert repr(event) == f"<{event_class.__name__} action=create uri=/buckets/b>"
    expected = f"`{deprecated}` is deprecated, use `{attribute}` instead."
    with warns_once(expected):
        assert getattr(event, deprecated) == [1]


def test_events_after_the_commit_are_of_their_own_kind():
    assert not issubclass(AfterResourceChanged, ResourceChanged)
    assert not issubclass(AfterResourceRead, ResourceRead)


# -- what is sent -----------------------------------------------------------------------


def test_creation(app):
    record = app.call("put", f"{RECORDS}/r", {"data": {"n": 1}}).json["data"]
    (event,) = seen(app)
    userid = app.call("get", "/v1/").json["user"]["id"]
    assert event.payload == {
        "timestamp": record["last_modified"],
        "action": "create",
        "uri": "/buckets/b/collections/c/records/r",
        "user_id": userid,
        "resource_name": "record",
        "bucket_id": "b",
        "collection_id": "c",
        "record_id": "r",
    }
    assert event.impacted_objects == [{"new": record}]


def test_plural_endpoints_have_no_id_of_the_object(app):
    app.call("post", RECORDS, {"data": {"id": "r"}})
    (event,) = seen(app)
    assert "record_id" not in event.payload
    assert event.payload["uri"] == "/buckets/b/collections/c/records"


def test_update_and_delete_hold_old_and_new(app):
    old = app.call("put", f"{RECORDS}/r", {"data": {"n": 1}}).json["data"]
    app.events.clear()
    new = app.call("patch", f"{RECORDS}/r", {"data": {"n": 2}}).json["data"]
    tombstone = app.call("delete", f"{RECORDS}/r").json["data"]
    update, delete = seen(app)
    assert update.payload["action"] == "update"
    assert update.impacted_objects == [{"new": new, "old": old}]
    assert delete.payload["action"] == "delete"
    assert delete.impacted_objects == [{"new": tombstone, "old": new}]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_patch_without_effect_is_an_update(app, method):
    app.call("put", f"{RECORDS}/r", {"data": {"n": 1}})
    app.events.clear()
    app.call(method, f"{RECORDS}/r", {"data": {"n": 1}})
    assert summary(app) == [("update", "record", 1)]


def test_deletion_of_a_list_is_one_event_with_matching_pairs(app):
    for name in "abc":
        app.call("put", f"{RECORDS}/{name}", {})
    app.events.clear()
    app.call("delete", f"{RECORDS}?_sort=id")
    (event,) = seen(app)
    assert event.payload["action"] == "delete"
    assert [c["old"]["id"] for c in event.impacted_objects] == ["a", "b", "c"]
    assert all(c["old"]["id"] == c["new"]["id"] for c in event.impacted_objects)
    assert all(c["new"]["deleted"] for c in event.impacted_objects)


def test_deletion_of_nothing_is_a_read(app):
    app.call("delete", RECORDS)
    assert seen(app) == []
    assert [event.read_objects for event in seen(app, ResourceRead)] == [[]]


def test_deletion_says_nothing_of_descendants(app):
    app.call("put", f"{RECORDS}/r", {})
    app.events.clear()
    app.call("delete", BUCKET)
    assert summary(app) == [("delete", "bucket", 1)]


@pytest.mark.parametrize(
    ("method", "path", "ids"),
    [
        ("get", f"{RECORDS}/r", ["r"]),
        ("head", f"{RECORDS}/r", ["r"]),
        ("get", RECORDS, ["r"]),
        ("head", RECORDS, []),
        ("get", f"{RECORDS}?n=5", []),
    ],
)
def test_reads(app, method, path, ids):
    app.call("put", f"{RECORDS}/r", {})
    app.events.clear()
    app.call(method, path)
    (event,) = seen(app, ResourceRead)
    assert event.payload["action"] == "read"
    assert [obj["id"] for obj in event.read_objects] == ids
    assert len(seen(app, AfterResourceRead)) == 1
    assert all("__permissions__" not in obj for obj in event.read_objects)


def test_post_of_an_existing_id_is_a_read(app):
    app.call("put", f"{RECORDS}/r", {})
    app.events.clear()
    app.call("post", RECORDS, {"data": {"id": "r"}}, status=200)
    assert seen(app) == []
    assert [obj["id"] for obj in seen(app, ResourceRead)[0].read_objects] == ["r"]


def test_304_and_errors_send_nothing(app):
    etag = app.call("put", f"{RECORDS}/r", {}).headers["ETag"]
    app.events.clear()
    app.call("get", f"{RECORDS}/r", headers={"If-None-Match": etag}, status=304)
    app.call("get", f"{RECORDS}/unknown", status=404)
    app.call("put", f"{RECORDS}/r", {}, headers={"If-None-Match": "*"}, status=412)
    app.call("put", f"{RECORDS}/r", {"data": 1}, status=400)
    assert app.events == []


def test_objects_have_no_permissions(app):
    app.call("put", f"{RECORDS}/r", {})
    app.call("put", f"{RECORDS}/r", {})
    app.call("delete", f"{RECORDS}/r")
    objects = [obj for e in seen(app) for change in e.impacted_objects for obj in change.values()]
    assert objects
    assert all("__permissions__" not in obj for obj in objects)


# -- predicates -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predicates", "expected"),
    [
        ({}, ["create", "update", "delete"]),
        ({"for_actions": ("create", ACTIONS.UPDATE)}, ["create", "update"]),
        ({"for_actions": ()}, ["create", "update", "delete"]),
        ({"for_resources": ("record",)}, ["create", "update", "delete"]),
        ({"for_resources": ()}, ["create", "update", "delete"]),
        ({"for_resources": ("bucket",)}, []),
        ({"for_actions": (ACTIONS.DELETE,), "for_resources": ("record", "x")}, ["delete"]),
    ],
)
def test_predicates_select_events(predicates, expected):
    app = Extended()
    app.make_collection()
    got: list[str] = []
    app.subscribe(lambda e: got.append(e.payload["action"]), ResourceChanged, **predicates)
    app.call("put", f"{RECORDS}/r", {})
    app.call("put", f"{RECORDS}/r", {})
    app.call("delete", f"{RECORDS}/r")
    assert got == expected


def test_predicates_pass_payloads_without_the_key(app):
    got: list[Any] = []
    app.subscribe(
        got.append, ResourceChanged, for_actions=(ACTIONS.CREATE,), for_resources=("record",)
    )
    app.registry.notify(ResourceChanged({}, [], None))
    app.registry.notify(ResourceChanged({"action": "update"}, [], None))
    assert len(got) == 1


# -- nobody listens ---------------------------------------------------------------------


def test_events_are_only_made_for_those_who_listen():
    app = Extended()
    app.make_collection()
    queues: list[bool] = []
    app.registry.heartbeats.clear()

    def note_queue(success: bool, request: Any) -> None:
        queues.append("resource_events" in request.bound_data)

    def hook(event: NewRequest) -> None:
        if not hasattr(event.request, "parent"):
            transaction.get().addAfterCommitHook(note_queue, args=(event.request,))

    app.subscribe(hook, NewRequest)
    app.call("put", f"{RECORDS}/r", {})
    app.call("get", f"{RECORDS}/r")
    app.call("put", f"{BUCKET}/groups/g", {})
    assert queues == [False, False, True]
    app.subscribe(lambda event: None, AfterResourceChanged, for_resources=("record",))
    app.call("put", f"{RECORDS}/r", {})
    app.call("get", f"{RECORDS}/r")
    app.call("put", f"{BUCKET}/collections/other", {})
    assert queues[3:] == [True, False, False]


def test_who_listens_to_everything_gets_everything():
    app = Extended()
    app.make_collection()
    got: list[Any] = []
    app.subscribe(got.append)
    app.call("get", f"{COLLECTION}")
    assert any(type(event) is ResourceRead for event in got)


def test_a_replaced_notify_gets_everything(monkeypatch):
    app = Extended()
    got: list[Any] = []
    notify = app.registry.notify

    def replaced(*events: Any) -> None:
        got.extend(events)
        notify(*events)

    monkeypatch.setattr(app.registry, "notify", replaced)
    app.call("get", "/v1/buckets")
    assert any(type(event) is ResourceRead for event in got)


# -- merging and order ------------------------------------------------------------------


def test_a_batch_merges_events_of_one_list_and_action(app):
    app.batch(
        ("PUT", f"{RECORDS}/a", {}),
        ("PUT", f"{RECORDS}/b", {}),
        ("PUT", f"{COLLECTION}", {}),
        ("PUT", f"{RECORDS}/a", {}),
        ("PUT", f"{RECORDS}/c", {}),
    )
    expected = [("create", "record", 3), ("update", "collection", 1), ("update", "record", 1)]
    assert summary(app) == expected
    assert summary(app, AfterResourceChanged) == expected
    assert seen(app)[0].payload["record_id"] == "a"
    assert seen(app)[0].payload["uri"] == "/buckets/b/collections/c/records/a"


def test_a_refused_item_of_a_batch_sends_nothing(app):
    app.batch(("PUT", f"{RECORDS}/a", {}), ("PUT", f"{RECORDS}/b", {"data": 1}))
    assert summary(app) == [("create", "record", 1)]


def write_elsewhere(event: Any, object_id: str, **kwargs: Any) -> None:
    obj = event.request.registry.storage.create(
        resource_name="record", parent_id="/buckets/b/collections/c", obj={"id": object_id}
    )
    event.request.notify_resource_event(
        parent_id="/buckets/b/collections/c",
        timestamp=obj["last_modified"],
        data=obj,
        action=ACTIONS.CREATE,
        resource_name="record",
        resource_data={"bucket_id": "b", "collection_id": "c", "id": object_id},
        **kwargs,
    )


def test_what_a_subscriber_queues_is_of_the_second_level(app):
    ids = iter(["two", "three"])

    def cascade(event: Any) -> None:
        object_id = next(ids, None)
        if object_id:
            write_elsewhere(event, object_id)

    app.subscribe(cascade, ResourceChanged)
    app.call("put", f"{RECORDS}/one", {})
    # The first event never gets the objects of the cascade, whatever their key.
    assert [[c["new"]["id"] for c in e.impacted_objects] for e in seen(app)] == [
        ["one"],
        ["two"],
        ["three"],
    ]
    (after,) = seen(app, AfterResourceChanged)
    assert [c["new"]["id"] for c in after.impacted_objects] == ["one", "two", "three"]
    assert after.payload is seen(app)[0].payload
    assert after.request is seen(app)[0].request


def test_second_level_events_that_still_wait_are_joined(app):
    def twice(event: Any) -> None:
        if event.payload.get("record_id") == "one":
            write_elsewhere(event, "two")
            write_elsewhere(event, "three")

    app.subscribe(twice, ResourceChanged)
    app.call("put", f"{RECORDS}/one", {})
    assert [[c["new"]["id"] for c in e.impacted_objects] for e in seen(app)] == [
        ["one"],
        ["two", "three"],
    ]


def test_attributes_left_on_the_request_are_there_after_the_commit(app):
    got: list[Any] = []

    def leave(event: Any) -> None:
        event.request.left = "something"

    app.subscribe(leave, ResourceChanged)
    app.subscribe(lambda event: got.append(event.request.left), AfterResourceChanged)
    app.call("put", f"{RECORDS}/r", {})
    assert got == ["something"]


def test_subscribers_given_with_the_configurator_come_first():
    config = Configurator(settings=MEMORY_SETTINGS)
    got: list[str] = []
    config.add_subscriber(lambda event: got.append("first"), ResourceChanged)
    config.commit()
    client = TestApp(main(None, config=config))
    config.add_subscriber(lambda event: got.append("second"), ResourceChanged)
    config.commit()
    client.put_json(BUCKET, {}, headers=ALICE)
    assert got == ["first", "second"]


def test_neither_matchdict_is_altered(app):
    given = {"bucket_id": "b", "collection_id": "c", "id": "x"}
    matchdicts: list[Any] = []

    def announce(event: Any) -> None:
        if event.payload["record_id"] == "r":
            event.request.notify_resource_event(
                parent_id="/elsewhere",
                timestamp=5,
                data={"id": "x", "last_modified": 5},
                action=ACTIONS.CREATE,
                resource_name="record",
                resource_data=given,
            )
            matchdicts.append(dict(event.request.matchdict))

    app.subscribe(announce, ResourceChanged, for_resources=("record",))
    app.call("put", f"{RECORDS}/r", {})
    assert given == {"bucket_id": "b", "collection_id": "c", "id": "x"}
    assert matchdicts == [{"bucket_id": "b", "collection_id": "c", "id": "r"}]
    announced = seen(app)[1].payload
    assert (announced["record_id"], announced["timestamp"]) == ("x", 5)


def test_lists_of_deleted_objects_are_paired_by_id(app):
    def announce(event: Any) -> None:
        if event.payload["action"] == "create":
            event.request.notify_resource_event(
                parent_id="/elsewhere",
                timestamp=5,
                data=[{"id": "a", "deleted": True}, {"id": "b", "deleted": True}],
                old=[{"id": "b", "n": 2}, {"id": "a", "n": 1}],
                action=ACTIONS.DELETE,
                resource_name="record",
            )

    app.subscribe(announce, ResourceChanged)
    app.call("put", f"{RECORDS}/r", {})
    assert seen(app)[1].impacted_objects == [
        {"new": {"id": "a", "deleted": True}, "old": {"id": "a", "n": 1}},
        {"new": {"id": "b", "deleted": True}, "old": {"id": "b", "n": 2}},
    ]


def test_a_fake_request_queues_into_the_real_one(app):
    def announce(event: Any) -> None:
        if event.payload["resource_name"] != "record":
            return
        request = event.request
        previous = request.registry.storage.get("collection", "/buckets/b", "c")
        obj = request.registry.storage.update("collection", "/buckets/b", "c", {"n": 1})
        fake = build_request(request, {"method": "PUT", "path": "/buckets/b/collections/c"})
        fake.matchdict = {"bucket_id": "b", "id": "c"}
        fake.bound_data = request.bound_data
        fake.authn_type, fake.selected_userid = "plugin", "my-plugin"
        assert fake.prefixed_userid == "plugin:my-plugin"
        fake.current_resource_name = "collection"
        fake.notify_resource_event(
            parent_id="/buckets/b",
            timestamp=obj["last_modified"],
            data=obj,
            action=ACTIONS.UPDATE,
            old=previous,
        )

    app.subscribe(announce, ResourceChanged)
    app.call("put", f"{RECORDS}/r", {})
    event = seen(app)[1]
    assert event.payload["user_id"] == "plugin:my-plugin"
    assert event.payload["uri"] == "/buckets/b/collections/c"
    assert event.payload["collection_id"] == "c"
    assert event.payload["bucket_id"] == "b"
    assert summary(app, AfterResourceChanged)[1] == ("update", "collection", 1)


# -- failures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (httpexceptions.HTTPForbidden("no"), 403),
        (http_error(httpexceptions.HTTPConflict(), errno=1, message="later"), 409),
        (ValueError("oops"), 500),
    ],
)
@pytest.mark.parametrize("is_batch", [False, True])
def test_a_subscriber_that_raises_undoes_everything(app, error, status, is_batch):
    def refuse(event: Any) -> None:
        raise error

    app.subscribe(refuse, ResourceChanged, for_resources=("record",))
    if is_batch:
        app.batch(("PUT", f"{RECORDS}/r", {}), ("PUT", f"{BUCKET}/groups/g", {}), status=status)
    else:
        app.call("put", f"{RECORDS}/r", {}, status=status)
    assert app.registry.storage.list_all("record", "/buckets/b/collections/c") == []
    assert app.registry.storage.list_all("group", "/buckets/b") == []
    assert app.registry.permission.get_object_permissions("/buckets/b/groups/g") == {}
    assert seen(app, AfterResourceChanged) == []


def test_a_failing_read_subscriber_is_an_answer_too(app):
    def refuse(event: Any) -> None:
        raise httpexceptions.HTTPPaymentRequired()

    app.subscribe(refuse, ResourceRead)
    app.call("get", RECORDS, status=402)
    assert seen(app, AfterResourceRead) == []


def test_failures_after_the_commit_are_logged_only(app, caplog):
    def fail(event: Any) -> None:
        raise ValueError("oops")

    app.subscribe(fail, AfterResourceChanged, for_resources=("record",))
    with caplog.at_level(logging.ERROR):
        app.batch(("PUT", f"{RECORDS}/r", {}), ("PUT", f"{BUCKET}/groups/g", {}))
    app.call("get", f"{RECORDS}/r", status=200)
    delivered = [e.payload["resource_name"] for e in seen(app, AfterResourceChanged)]
    assert delivered[-1] == "group"
    assert [r.levelname for r in caplog.records].count("ERROR") == 1


# -- the transaction --------------------------------------------------------------------


def hook_transaction(app: Extended, hook: Any) -> None:
    def on_new_request(event: NewRequest) -> None:
        if not hasattr(event.request, "parent"):
            hook(event.request)

    app.subscribe(on_new_request, NewRequest)


def test_hooks_before_the_commit_write_with_the_request(app):
    order: list[str] = []

    def write(request: Any) -> None:
        order.append("hook")
        request.registry.storage.create("record", "/hooks", {"id": "h"})

    def add_hook(request: Any) -> None:
        assert request.tm.get() is transaction.get()
        transaction.get().addBeforeCommitHook(write, args=(request,))

    hook_transaction(app, add_hook)
    app.subscribe(lambda event: order.append("event"), ResourceChanged)
    app.subscribe(lambda event: order.append("after"), AfterResourceChanged)
    app.call("put", f"{RECORDS}/r", {})
    assert order == ["event", "hook", "after"]
    assert app.registry.storage.get("record", "/hooks", "h")


def test_hooks_run_for_reads_and_not_for_errors(app):
    calls: list[str] = []
    hook_transaction(
        app, lambda request: transaction.get().addBeforeCommitHook(calls.append, (request.path,))
    )
    app.call("get", "/v1/")
    app.call("get", RECORDS)
    app.call("get", f"{RECORDS}/unknown", status=404)
    assert calls == ["/v1/", RECORDS]


@pytest.mark.parametrize("is_read", [True, False])
def test_a_hook_that_raises_commits_nothing(app, is_read):
    def fail() -> None:
        raise ValueError("oops")

    hook_transaction(app, lambda request: transaction.get().addBeforeCommitHook(fail))
    if is_read:
        app.call("get", RECORDS, status=500)
    else:
        app.call("put", f"{RECORDS}/r", {}, status=500)
    assert app.registry.storage.list_all("record", "/buckets/b/collections/c") == []
    assert not any(type(e).__name__.startswith("After") for e in app.events)


def test_hooks_after_the_commit_tell_the_outcome(app):
    outcomes: list[Any] = []

    def note(success: bool, path: str) -> None:
        outcomes.append((success, path))

    hook_transaction(
        app, lambda request: transaction.get().addAfterCommitHook(note, (request.path,))
    )
    app.call("put", f"{RECORDS}/r", {})
    app.call("get", f"{RECORDS}/unknown", status=404)
    assert outcomes == [(True, f"{RECORDS}/r")]


def test_a_doomed_transaction_keeps_nothing(app):
    hook_transaction(app, lambda request: transaction.get().doom())
    app.call("put", f"{RECORDS}/r", {}, status="*")
    assert app.registry.storage.list_all("record", "/buckets/b/collections/c") == []


def test_data_managers_take_part(app):
    calls: list[str] = []

    class Manager:
        transaction_manager = transaction.manager

        def sortKey(self) -> str:  # noqa: N802 # name of the transaction package
            return "a"

        def __getattr__(self, name: str) -> Any:
            if name.startswith("tpc_") or name in ("commit", "abort"):
                return lambda *args: calls.append(name)
            raise AttributeError(name)

    hook_transaction(app, lambda request: transaction.get().join(Manager()))
    app.call("put", f"{RECORDS}/r", {})
    # The package aborts all managers once more when hooks ran after the commit.
    assert calls[:4] == ["tpc_begin", "commit", "tpc_vote", "tpc_finish"]


def test_sub_requests_share_the_transaction_of_their_parent(app):
    found: list[tuple[bool, Any]] = []
    app.subscribe(
        lambda e: found.append((hasattr(e.request, "parent"), transaction.get())), NewRequest
    )
    app.batch(("PUT", f"{RECORDS}/a", {}), ("GET", f"{RECORDS}/a", None))
    assert [is_sub for is_sub, _ in found] == [False, True, True]
    assert len({id(t) for _, t in found}) == 1


@pytest.mark.parametrize("backend", ["memory", "postgresql"])
def test_events_and_hooks_on_each_backend(backend, request):
    settings = {}
    if backend == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        for kind in ("storage", "permission", "cache"):
            settings[f"kinto.{kind}_backend"] = f"kinto.core.{kind}.postgresql"
            settings[f"kinto.{kind}_url"] = url
    app = Extended(settings)
    for kind in ("storage", "permission", "cache"):
        getattr(app.registry, kind).initialize_schema()
    app.record_events()
    app.make_collection()

    def write_then_fail(event: Any) -> None:
        write_elsewhere(event, "second")
        raise httpexceptions.HTTPForbidden()

    app.subscribe(write_then_fail, ResourceChanged, for_actions=("delete",))

    def fail_before_commit(event: NewRequest) -> None:
        if event.request.path.endswith("hook"):
            transaction.get().addBeforeCommitHook(lambda: 1 / 0)

    app.subscribe(fail_before_commit, NewRequest)
    app.call("put", f"{RECORDS}/r", {})
    app.call("delete", f"{RECORDS}/r", status=403)
    app.call("put", f"{RECORDS}/hook", {}, status=500)
    stored = app.registry.storage.list_all("record", "/buckets/b/collections/c")
    assert [obj["id"] for obj in stored] == ["r"]
    assert summary(app, AfterResourceChanged) == [("create", "record", 1)]
