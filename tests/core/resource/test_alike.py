"""Items of a batch that are like a former one are answered as each would be by itself."""

import json
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyramid.config import Configurator
from pyramid.events import NewRequest
from pyramid.httpexceptions import HTTPServiceUnavailable
from pyramid.request import Request
from pyramid.response import Response

from kinto.core.events import ResourceChanged
from kinto.core.resource.alike import AlikeItem, FirstItem
from kinto.views.records import Record
from tests.support.api import Answer, Client, new_id, postgresql_app


# Where records may have to match schemas, they are judged one by one.
SETTINGS = {"kinto.experimental_collection_schema_validation": True}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
ALIKE = 4


@pytest.fixture(scope="module")
def client(new_database: Callable[[], str]) -> Client:
    return Client(postgresql_app(new_database(), SETTINGS))


@pytest.fixture(scope="module")
def plain_client(new_database: Callable[[], str]) -> Client:
    return Client(postgresql_app(new_database(), {}))


@pytest.fixture
def answered_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many items were answered without a request for each, each time this was tried."""
    counts: list[int] = []
    answer = FirstItem.answer_plain

    def noted(first: FirstItem, alikes: Iterable[AlikeItem | None]) -> list[dict[str, Any]]:
        found = answer(first, alikes)
        counts.append(len(found))
        return found

    monkeypatch.setattr(FirstItem, "answer_plain", noted)
    return counts


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each item that was tried in this way, whether it was answered so."""
    outcomes: list[bool] = []
    answer = FirstItem.answer

    def noted(first: FirstItem, alike: AlikeItem) -> dict[str, Any] | None:
        found = answer(first, alike)
        outcomes.append(found is not None)
        return found

    monkeypatch.setattr(FirstItem, "answer", noted)
    return outcomes


def make_collection(client: Client, **data: object) -> str:
    bucket = f"/buckets/{new_id()}"
    client.put(bucket)
    client.put(f"{bucket}/collections/c", data)
    return f"{bucket}/collections/c/records"


def puts(records: str, count: int = ALIKE) -> list[dict[str, Any]]:
    return [
        {"method": "PUT", "path": f"{records}/r{number}", "body": {"data": {"n": number}}}
        for number in range(count)
    ]


# -- when ----------------------------------------------------------------------------------


def test_all_but_the_first_are_answered_so(client: Client, answered: list[bool]) -> None:
    records = make_collection(client)

    for status in (201, 200):
        answer = client.batch(*puts(records))

        assert [each["status"] for each in answer.json["responses"]] == [status] * ALIKE
    assert answered == [True] * (2 * ALIKE - 2)
    assert {each["n"] for each in client.get(records).data} == set(range(ALIKE))


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_so_are_changes_and_deletions(client: Client, answered: list[bool], method: str) -> None:
    records = make_collection(client)
    client.batch(*puts(records))
    answered.clear()
    items = [{**item, "method": method} for item in puts(records, ALIKE + 1)]

    answer = client.batch(*items)

    assert [each["status"] for each in answer.json["responses"]] == [200] * ALIKE + [404]
    assert answered == [True] * (ALIKE - 1) + [False]
    assert len(client.get(records).data) == (0 if method == "DELETE" else ALIKE)


def test_who_may_only_create_and_change_what_is_theirs(
    client: Client, answered: list[bool]
) -> None:
    records = make_collection(client)
    collection = records.removesuffix("/records")
    client.call("PATCH", collection, {"permissions": {"record:create": ["system.Authenticated"]}})
    somebody = client.as_user("somebody")

    for status in (201, 200):
        answer = somebody.batch(*puts(records))
        assert [each["status"] for each in answer.json["responses"]] == [status] * ALIKE
    assert answered == [True] * (2 * ALIKE - 2)

    other = client.as_user("other").batch(*puts(records))
    assert [each["status"] for each in other.json["responses"]] == [403] * ALIKE


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PATCH"},
        {"path": "/buckets/b?x"},
        {"headers": {"Authorization": "Basic b3RoZXI6"}},
        {"headers": {"X-Other": "1"}},
    ],
)
def test_what_is_not_alike_is_executed_by_itself(
    client: Client, answered: list[bool], change: dict[str, Any]
) -> None:
    records = make_collection(client)
    first, second, *_ = puts(records)

    client.batch(first, {**second, **change})

    assert answered == []


def test_who_listens_to_requests_is_told_of_each(client: Client, answered: list[bool]) -> None:
    records = make_collection(client)
    told: list[str] = []

    def note(event: NewRequest) -> None:
        told.append(event.request.path)

    client.app.registry.registerHandler(note, (NewRequest,))
    try:
        client.batch(*puts(records))
    finally:
        client.app.registry.unregisterHandler(note, (NewRequest,))

    assert answered == []
    assert told[1:] == [f"/v1{item['path']}" for item in puts(records)]


def test_items_that_are_logged_are_executed_by_themselves(
    client: Client, answered: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="subrequest.summary")

    client.batch(*puts(make_collection(client)))

    assert answered == []
    assert len([each for each in caplog.records if each.name == "subrequest.summary"]) == ALIKE


def refuse_the_second(view: Any, _info: Any) -> Any:
    def wrapped(context: Any, request: Request) -> Response:
        # Not the view of that exception, too.
        if request.path.endswith("/r1") and request.exception is None:
            raise HTTPServiceUnavailable
        return view(context, request)

    return wrapped


def wrap_views(config: Configurator) -> None:
    config.add_view_deriver(refuse_the_second, name="refusing")


def test_who_wraps_views_has_a_say_about_each(
    new_database: Callable[[], str], answered: list[bool]
) -> None:
    settings = {"includes": f"{__name__}.{wrap_views.__name__}"}
    client = Client(postgresql_app(new_database(), settings))

    answer = client.batch(*puts(make_collection(client)))

    assert [each["status"] for each in answer.json["responses"]] == [201, 503, 201, 201]
    assert answered == []


def refuse(_request: Request) -> Response:
    raise HTTPServiceUnavailable


def test_a_view_of_a_plugin_answers_what_it_is_for(
    new_database: Callable[[], str], answered: list[bool]
) -> None:
    client = Client(postgresql_app(new_database()))
    config = Configurator(registry=client.app.registry)
    config.add_view(refuse, route_name="record-object", match_param="id=r1")
    config.commit()

    answer = client.batch(*puts(make_collection(client)))

    assert [each["status"] for each in answer.json["responses"]] == [201, 503, 201, 201]
    assert answered == []


def test_a_sub_class_has_to_say_so_for_itself(
    client: Client, answered: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Record, "has_alike_items", False)

    client.batch(*puts(make_collection(client)))

    assert answered == []


# -- when without a request ----------------------------------------------------------------


def test_no_requests_are_made_where_nobody_is_asked(
    plain_client: Client, answered_at_once: list[int], answered: list[bool]
) -> None:
    records = make_collection(plain_client)

    for status in (201, 200):
        answer = plain_client.batch(*puts(records))
        assert [each["status"] for each in answer.json["responses"]] == [status] * ALIKE

    assert (answered_at_once, answered) == ([ALIKE - 1] * 2, [])
    assert {each["n"] for each in plain_client.get(records).data} == set(range(ALIKE))


def test_what_is_in_doubt_leaves_the_others_alone(
    plain_client: Client, answered_at_once: list[int]
) -> None:
    records = make_collection(plain_client)
    items = puts(records, 6)
    items[3]["headers"] = {"If-Match": '"1"'}

    answer = plain_client.batch(*items)

    assert [each["status"] for each in answer.json["responses"]] == [201, 201, 201, 412, 201, 201]
    assert answered_at_once == [2, 0, 2]


def test_they_are_judged_one_by_one_where_schemas_are_asked(
    client: Client, answered_at_once: list[int], answered: list[bool]
) -> None:
    client.batch(*puts(make_collection(client)))

    assert (answered_at_once, answered) == ([0] * (ALIKE - 1), [True] * (ALIKE - 1))


def test_who_listens_to_changes_is_told_of_each(
    plain_client: Client, answered_at_once: list[int]
) -> None:
    records = make_collection(plain_client)
    told: list[Any] = []

    def note(event: ResourceChanged) -> None:
        told.extend(each["new"]["id"] for each in event.impacted_objects)

    registry = plain_client.app.registry
    registry.registerHandler(note, (ResourceChanged,))
    try:
        plain_client.batch(*puts(records))
    finally:
        registry.unregisterHandler(note, (ResourceChanged,))

    assert not any(answered_at_once)
    assert told == [f"r{number}" for number in range(ALIKE)]


@pytest.mark.parametrize(
    ("hook", "times"),
    [
        # Which method answers the first one was settled when the application was made.
        ("put", ALIKE - 1),
        ("postprocess", ALIKE),
        ("_create", ALIKE),
        ("process_object", ALIKE),
    ],
)
def test_methods_that_were_replaced_are_called(
    plain_client: Client,
    answered_at_once: list[int],
    monkeypatch: pytest.MonkeyPatch,
    hook: str,
    times: int,
) -> None:
    called: list[str] = []
    method = getattr(Record, hook)

    def replaced(*args: Any, **kwargs: Any) -> Any:
        called.append(hook)
        return method(*args, **kwargs)

    monkeypatch.setattr(Record, hook, replaced)

    plain_client.batch(*puts(make_collection(plain_client)))

    assert not any(answered_at_once)
    assert called == [hook] * times


# -- how -----------------------------------------------------------------------------------

PERMISSIONS = st.dictionaries(
    st.sampled_from(["read", "write", "create"]),
    st.lists(st.sampled_from(["system.Everyone", "basicauth:a"]), max_size=2),
    max_size=2,
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "n": st.sampled_from([0, 1, 1.5, "one", None, 2**70]),
        "id": st.sampled_from(["r0", "r1", 5]),
        "text": st.sampled_from(["é", "\0", "\U0001f600"]),
        "last_modified": st.sampled_from([1, 2_000_000_000_000, "x"]),
    },
)
BODIES = st.fixed_dictionaries(
    {}, optional={"data": DATA, "permissions": PERMISSIONS, "more": st.just(1)}
)
CONDITIONS = st.sampled_from(
    [
        {},
        {},
        {},
        {"If-None-Match": "*"},
        {"if-none-match": "*"},
        {"If-Match": '"1"'},
        {"If-Match": "x"},
    ]
)
BEHAVIORS = st.sampled_from([{}, {}, {"Response-Behavior": "light"}, {"Host": "a.b"}])
HEADERS = st.builds(lambda conditions, more: conditions | more, CONDITIONS, BEHAVIORS)
METHODS = st.sampled_from(["PUT", "PUT", "PUT", "GET", "DELETE", "DELETE", "PATCH", "PATCH"])
ITEMS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["r0", "r1", "r2", "r3", "r 4", "-", "r5?_fields=n"]),
            "headers": HEADERS,
        },
        optional={
            "body": BODIES,
            "method": METHODS,
        },
    ),
    min_size=2,
    max_size=8,
)


@pytest.fixture(params=["client", "plain_client"])
def either(request: pytest.FixtureRequest) -> Client:
    client: Client = request.getfixturevalue(request.param)
    return client


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(items=ITEMS, has_schema=st.booleans())
def test_answers_are_those_of_items_executed_by_themselves(
    either: Client, monkeypatch: pytest.MonkeyPatch, items: list[dict[str, Any]], has_schema: bool
) -> None:
    client, seen = either, []
    for may_be_alike in (True, False):
        schema = {"schema": SCHEMA} if has_schema else {}
        records = make_collection(client, **schema)
        for name in ("r1", "r2", "r3"):
            client.put(f"{records}/{name}", {"n": 7})
        made = [make_item(records, item) for item in items]
        with monkeypatch.context() as patch:
            patch.setattr(Record, "has_alike_items", may_be_alike)
            answer = client.batch(*made)
        listed = client.get(records, _sort="id")
        stored = [client.get(f"{records}/{record['id']}") for record in listed.data]
        seen.append([neutral(each, records) for each in (answer, listed, *stored)])

    assert seen[0] == seen[1]


def make_item(records: str, item: dict[str, Any]) -> dict[str, Any]:
    made = {name: item[name] for name in ("headers", "body") if name in item}
    return {**made, "method": item.get("method", "PUT"), "path": f"{records}/{item['name']}"}


def neutral(answer: Answer, records: str) -> Any:
    """The body without what differs from collection to collection, and with the time."""
    text = answer.text.replace(records.split("/")[2], "b")
    text = re.sub(r"\b1[789]\d{11}\b", "0", text)
    return json.loads(re.sub(r'"[A-Z][a-z]{2}, [^"]* GMT"', '"date"', text))
