"""Batches: what is planned under the locks equals what is asked one by one."""

import copy
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.api import Client, memory_app, new_id, postgresql_app, simultaneously
from tests.support.proxy import Proxy, running_proxy


@pytest.fixture(scope="module")
def proxy(new_database: Callable[[], str]) -> Iterator[Proxy]:
    with running_proxy(new_database()) as running:
        yield running


@pytest.fixture(scope="module")
def client(proxy: Proxy) -> Client:
    return Client(postgresql_app(proxy.url, {"batch_max_requests": "100"}))


@pytest.fixture(scope="module")
def memory() -> Client:
    return Client(memory_app({"batch_max_requests": "100"}))


def put(path: str, data: Any = None, **more: Any) -> dict[str, Any]:
    body = {"data": {"n": 1} if data is None else data}
    return {"method": "PUT", "path": path, "body": body, **more}


def statuses(answer: Any) -> list[int]:
    return [item["status"] for item in answer.json["responses"]]


# -- the law ----------------------------------------------------------------------------

ids = st.sampled_from(["a", "b", "c"])
objects = st.fixed_dictionaries({"n": st.integers(0, 3)})
paths = st.one_of(
    ids.map(lambda i: f"/collections/x/records/{i}"),
    ids.map(lambda i: f"/collections/y/records/{i}"),
    ids.map(lambda i: f"/groups/{i}"),
    st.sampled_from(["/collections/x", "/collections/y", "/collections/new"]),
)
permissions = st.fixed_dictionaries(
    {}, optional={"read": st.just(["system.Everyone"]), "write": st.just(["someone"])}
)
bodies = st.fixed_dictionaries({"data": objects}, optional={"permissions": permissions})
items = st.one_of(
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(["PUT", "PATCH"]),
            "path": paths,
            "body": st.fixed_dictionaries(
                {"data": objects}, optional={"permissions": permissions}
            ),
        },
        optional={"headers": st.just({"If-None-Match": "*"})},
    ),
    st.fixed_dictionaries({"method": st.sampled_from(["DELETE", "GET"]), "path": paths}),
    st.fixed_dictionaries(
        {
            "method": st.just("POST"),
            "path": st.sampled_from(["/collections/x/records", "/collections/y/records"]),
            "body": st.fixed_dictionaries({"data": st.fixed_dictionaries({"id": ids})}),
        }
    ),
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(["GET", "DELETE"]),
            "path": st.just("/collections/x/records?_sort=id"),
        }
    ),
)


def prepared(client: Client) -> str:
    bucket = f"/buckets/{new_id()}"
    client.put(bucket)
    for collection in "xy":
        client.put(f"{bucket}/collections/{collection}")
        client.put(f"{bucket}/collections/{collection}/records/a", {"n": 0})
    client.put(f"{bucket}/collections/x/records/b", {"n": 0})
    client.delete(f"{bucket}/collections/x/records/b")
    return bucket


def normalised(value: Any, bucket: str) -> Any:
    """Without what differs from run to run: timestamps, user ids, the bucket's name."""
    if isinstance(value, dict):
        return {
            key: normalised(item, bucket)
            for key, item in value.items()
            if key not in ("last_modified", "ETag", "Last-Modified", "Content-Length")
        }
    if isinstance(value, list):
        found = [normalised(item, bucket) for item in value]
        return sorted(found, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, str):
        return re.sub(r"[0-9]{13}", "T", value.replace(bucket, ""))
    return value


def contents(client: Client, bucket: str) -> Any:
    lists = ["/collections", "/groups", "/collections/x/records", "/collections/y/records"]
    objects = [f"{path}/{name}" for path in lists[1:] for name in "abc"]
    return [
        normalised(answer.json, bucket) if answer.status == 200 else answer.status
        for answer in (client.get(bucket + path) for path in (*lists, *objects))
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(items, min_size=2, max_size=8))
def test_a_batch_answers_and_leaves_what_its_requests_would(
    client: Client, memory: Client, batch: list[dict[str, Any]]
) -> None:
    ours, theirs = prepared(client), prepared(client)
    reference = prepared(memory)

    def below(bucket: str) -> list[dict[str, Any]]:
        return [{**copy.deepcopy(item), "path": bucket + item["path"]} for item in batch]

    answered = client.batch(*below(ours)).json["responses"]
    in_memory = memory.batch(*below(reference)).json["responses"]
    singly = [
        client.call(item["method"], item["path"], item.get("body"), item.get("headers", {})).status
        for item in below(theirs)
    ]

    assert [item["status"] for item in answered] == singly
    assert normalised([dict(i, headers={}) for i in answered], ours) == normalised(
        [dict(i, headers={}) for i in in_memory], reference
    )
    assert contents(client, ours) == contents(client, theirs)
    assert contents(client, ours) == contents(memory, reference)
    for path in ("/collections/x/records", "/collections/y/records"):
        if client.get(ours + path).status == 200:
            total = client.head(ours + path).headers["Total-Objects"]
            assert int(total) == len(client.get(ours + path).data)


# -- cases ------------------------------------------------------------------------------


def test_timestamps_rise_in_the_order_of_the_items(client: Client) -> None:
    uri = client.new_collection()
    before = client.get(f"{uri}/records").timestamp

    answer = client.batch(*(put(f"{uri}/records/r{n}") for n in range(30)))

    times = [item["body"]["data"]["last_modified"] for item in answer.json["responses"]]
    assert times == sorted(set(times))
    assert times[0] > before
    page = client.get(f"{uri}/records", _sort="last_modified")
    assert [record["last_modified"] for record in page.data] == times
    assert page.timestamp == times[-1]


def test_items_see_what_former_ones_wrote(client: Client) -> None:
    uri = client.new_collection()
    record = f"{uri}/records/r"

    answer = client.batch(
        put(record, {"a": 1}),
        {"method": "PATCH", "path": record, "body": {"data": {"b": 2}}},
        {"method": "GET", "path": record},
        {"method": "DELETE", "path": record},
        {"method": "GET", "path": record},
        put(record, {"c": 3}),
        {"method": "GET", "path": f"{uri}/records"},
    ).json["responses"]

    assert [item["status"] for item in answer] == [201, 200, 200, 200, 404, 201, 200]
    seen = {k: v for k, v in answer[2]["body"]["data"].items() if k in "ab"}
    assert seen == {"a": 1, "b": 2}
    assert [each["c"] for each in answer[6]["body"]["data"]] == [3]


def test_an_owner_is_read_like_any_object(client: Client) -> None:
    uri = client.new_collection(title="x")

    answer = client.batch(
        put(f"{uri}/records/a"), {"method": "GET", "path": uri}, put(f"{uri}/records/b")
    )

    assert statuses(answer) == [201, 200, 201]
    assert answer.json["responses"][1]["body"] == client.get(uri).json


def test_a_refused_item_leaves_the_others(client: Client) -> None:
    uri = client.new_collection()
    client.put(f"{uri}/records/old", {"n": 0})

    answer = client.batch(
        put(f"{uri}/records/new"),
        put(f"{uri}/records/old", headers={"If-None-Match": "*"}),
        put(f"{uri}/records/bad", {"id": "other"}),
        put(f"{uri}-missing/records/r"),
        put(f"{uri}/records/last"),
    )

    assert statuses(answer) == [201, 412, 400, 404, 201]
    assert {each["id"] for each in client.get(f"{uri}/records").data} == {"old", "new", "last"}
    assert client.get(f"{uri}/records/old").data["n"] == 0


def test_permissions_changed_on_the_way_count(client: Client) -> None:
    uri = client.new_collection()
    other = client.as_user("other")
    grant = {"permissions": {"write": [other.principal]}}
    client.patch(uri, **grant)

    lost = {"method": "PATCH", "path": uri, "body": {"permissions": {"write": []}}}
    as_other = {"Authorization": "Basic b3RoZXI6c2VjcmV0"}

    # The author of a change keeps the right to write; what others lose, they lose at once.
    answer = client.batch(
        put(f"{uri}/records/a", headers=as_other),
        lost,
        put(f"{uri}/records/b", headers=as_other),
        put(f"{uri}/records/c"),
    )

    assert statuses(answer) == [201, 200, 403, 201]


def test_permissions_granted_on_the_way_count(client: Client) -> None:
    uri = client.new_collection()
    other = client.as_user("other")
    path = f"{uri}/records/r"
    client.put(path, {"n": 0})
    # All items are of the user who must not write, but the second one.
    owner = {"Authorization": "Basic b3duZXI6c2VjcmV0"}
    grant = {
        "method": "PATCH",
        "path": path,
        "body": {"permissions": {"write": [other.principal]}},
        "headers": owner,
    }

    answer = other.batch(put(path, {"n": 1}), grant, put(path, {"n": 2}))

    assert statuses(answer) == [403, 200, 200]
    assert client.get(path).data["n"] == 2


@pytest.mark.parametrize("existing", [[], ["a"], ["a", "b"]])
def test_permissions_of_new_objects_and_of_others_are_as_asked_for(
    client: Client, existing: list[str]
) -> None:
    uri = client.new_collection()
    for name in existing:
        client.call("PUT", f"{uri}/records/{name}", {"permissions": {"read": ["former"]}})

    answer = client.batch(
        *(
            {"method": "PUT", "path": f"{uri}/records/{name}", "body": {"permissions": wanted}}
            for name in "ab"
            for wanted in [{"read": [name, name], "write": [client.principal]}]
        )
    )

    assert statuses(answer) == [200 if name in existing else 201 for name in "ab"]
    for name in "ab":
        permissions = client.get(f"{uri}/records/{name}").json["permissions"]
        assert permissions == {"read": [name], "write": [client.principal]}


def test_items_of_another_user_are_judged_by_his_permissions(client: Client) -> None:
    uri = client.new_collection()
    stranger = {"Authorization": "Basic c3RyYW5nZXI6c2VjcmV0"}
    nobody = {"Authorization": ""}

    answer = client.batch(
        put(f"{uri}/records/a"),
        put(f"{uri}/records/b", headers=stranger),
        put(f"{uri}/records/c", headers=nobody),
        put(f"{uri}/records/d"),
    )

    assert statuses(answer) == [201, 403, 401, 201]


def test_a_batch_of_updates_takes_two_round_trips(client: Client, proxy: Proxy) -> None:
    uri = client.new_collection()
    batch = [put(f"{uri}/records/r{n}") for n in range(10)]
    for _ in range(8):
        client.batch(*batch)
    proxy.forget()

    answer = client.batch(*batch)

    assert statuses(answer) == [200] * 10
    assert proxy.round_trips == 2, proxy.queries


@pytest.mark.parametrize("refused_at", [0, 4, 9])
def test_a_batch_with_a_refused_item_takes_two_round_trips(
    client: Client, proxy: Proxy, refused_at: int
) -> None:
    uri = client.new_collection()
    batch = [put(f"{uri}/records/r{n}") for n in range(10)]
    for _ in range(8):
        client.batch(*batch)
    batch[refused_at]["headers"] = {"If-None-Match": "*"}
    proxy.forget()

    answer = client.batch(*batch)

    expected = [200] * 10
    expected[refused_at] = 412
    assert statuses(answer) == expected
    assert proxy.round_trips == 2, proxy.queries


def test_a_batch_of_reads_takes_two_round_trips(client: Client, proxy: Proxy) -> None:
    uri = client.new_collection()
    for n in range(5):
        client.put(f"{uri}/records/r{n}", {"n": n})
    paths = [uri, *(f"{uri}/records/r{n}" for n in range(6))]
    batch = [{"method": "GET", "path": path} for path in paths]
    for _ in range(8):
        client.batch(*batch)
    proxy.forget()

    answer = client.batch(*batch)

    assert proxy.round_trips == 2, proxy.queries
    assert statuses(answer) == [200] * 6 + [404]
    bodies = [item["body"] for item in answer.json["responses"]]
    assert bodies[:6] == [client.get(path).json for path in paths[:6]]


def test_reads_of_a_batch_wait_for_no_writer(client: Client, proxy: Proxy) -> None:
    uri, other = client.new_collection(), client.new_collection()
    client.put(f"{uri}/records/r", {"n": 0})
    with psycopg2.connect(proxy.target_url) as writer:
        writer.cursor().execute("SELECT kinto_lock_list('record', %s)", (uri,))

        answer = client.batch(
            {"method": "GET", "path": f"{uri}/records/r"},
            put(f"{other}/records/r"),
            {"method": "GET", "path": f"{other}/records/r"},
        )

        assert statuses(answer) == [200, 201, 200]
        writer.rollback()
    writer.close()


@pytest.mark.parametrize("backend", ["postgresql", "memory"])
def test_items_see_what_a_redirected_one_wrote(
    client: Client, memory: Client, backend: str
) -> None:
    """It writes although its own URL is nothing's, so that nobody foresees it."""
    asking = client if backend == "postgresql" else memory
    bucket = f"/buckets/{new_id()}"

    answer = asking.batch(
        {"method": "PUT", "path": f"{bucket}/"},
        {"method": "GET", "path": bucket},
        {"method": "PUT", "path": f"{bucket}/groups/g"},
        {"method": "GET", "path": f"{bucket}/groups/g"},
    )

    assert statuses(answer) == [201, 200, 201, 200]


def test_a_schema_changed_on_the_way_counts(proxy: Proxy) -> None:
    client = Client(postgresql_app(proxy.url, {"experimental_collection_schema_validation": True}))
    uri = client.new_collection()
    bucket = uri.partition("/collections/")[0]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}

    answer = client.batch(
        put(f"{uri}/records/a", {"n": "text"}),
        put(bucket, {"record:schema": schema}),
        put(f"{uri}/records/b", {"n": "text"}),
        put(f"{uri}/records/c", {"n": 1}),
    )

    assert statuses(answer) == [201, 200, 400, 201]


def test_a_batch_that_waited_for_another_writer_does_not_lose_its_write(client: Client) -> None:
    uri = client.new_collection()
    client.put(f"{uri}/records/shared", {"n": 0})

    def add(name: str) -> Any:
        change = {"method": "PATCH", "path": f"{uri}/records/shared", "body": {"data": {name: 1}}}
        return client.batch(change, put(f"{uri}/records/{name}"))

    names = [new_id() for _ in range(8)]
    answers = simultaneously([lambda name=name: add(name) for name in names])  # type: ignore[misc]

    assert [statuses(answer) for answer in answers] == [[200, 201]] * 8
    assert set(names) <= client.get(f"{uri}/records/shared").data.keys()
    times = [each["last_modified"] for each in client.get(f"{uri}/records").data]
    assert len(set(times)) == 9


def test_what_is_not_as_it_was_read_is_tried_again(
    client: Client, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who takes no locks, as SQL by hand does, changes a record in between."""
    uri = client.new_collection()
    client.put(f"{uri}/records/r", {"n": 0})
    storage = client.app.registry.storage
    plan_requests = type(storage).plan_requests
    interfered = []

    def plan_and_interfere(self: Any, queries: Any, **options: Any) -> None:
        plan_requests(self, queries, **options)
        interfered.append(True)
        thread = threading.Thread(target=change_by_hand)
        thread.start()
        thread.join()

    def change_by_hand() -> None:
        connection = psycopg2.connect(proxy.target_url)
        connection.autocommit = True
        connection.cursor().execute(
            "UPDATE objects SET data = '{\"n\": 7}', last_modified = last_modified"
            " + interval '1 millisecond' WHERE parent_id = %s AND id = 'r'",
            (uri,),
        )
        connection.close()

    monkeypatch.setattr(type(storage), "plan_requests", plan_and_interfere)
    change = {"method": "PATCH", "path": f"{uri}/records/r", "body": {"data": {"m": 1}}}

    answer = client.batch(change, put(f"{uri}/records/s"))

    assert interfered == [True]
    assert statuses(answer) == [200, 201]
    found = client.get(f"{uri}/records/r").data
    assert (found["n"], found["m"]) == (7, 1)


def test_the_clock_of_the_database_counts(client: Client) -> None:
    uri = client.new_collection()
    before = time.time() * 1000

    answer = client.batch(put(f"{uri}/records/a"), put(f"{uri}/records/b"))

    times = [item["body"]["data"]["last_modified"] for item in answer.json["responses"]]
    assert before - 1000 < times[0] < before + 60_000
