"""Deliberate differences with Kinto 26.5, those that one request or a few in turn show.

Concurrency, failures, who sees what: `tests/guarantees`. Refused input: `tests/bad_input`.
"""

import time
from collections.abc import Callable

import pytest

from tests.support.api import Client, memory_app, postgresql_app


SETTINGS = {
    "experimental_collection_schema_validation": "true",
    "experimental_permissions_endpoint": "true",
}


@pytest.fixture(scope="module", params=["memory", "postgresql"])
def client(request: pytest.FixtureRequest, new_database: Callable[[], str]) -> Client:
    if request.param == "memory":
        return Client(memory_app(SETTINGS))
    return Client(postgresql_app(new_database(), SETTINGS))


@pytest.fixture
def records(client: Client) -> str:
    """The list of a new collection."""
    return f"{client.new_collection()}/records"


def ids(client: Client, path: str, **query: object) -> list[str]:
    answer = client.get(path, **query)
    assert answer.status == 200, answer.text
    return [obj["id"] for obj in answer.data]


# -- D: data


def test_d3_a_409_inside_a_batch_leaves_the_others_as_they_claim(
    client: Client, records: str
) -> None:
    body = {"data": {"last_modified": 12}}
    answer = client.batch(
        {"method": "PUT", "path": f"{records}/a", "body": body},
        {"method": "PUT", "path": f"{records}/b", "body": body},
        {"method": "PUT", "path": f"{records}/c"},
    )

    assert [item["status"] for item in answer.json["responses"]] == [201, 409, 201]
    stored = [client.get(f"{records}/{name}").status for name in "abc"]
    assert stored == [200, 404, 200]


def test_d5_a_create_only_put_of_what_exists_is_412(client: Client, records: str) -> None:
    client.put(f"{records}/a", {"n": 1})

    again = client.put(f"{records}/a", {"n": 2}, {"If-None-Match": "*"})
    posted = client.post(records, {"id": "a", "n": 2})

    assert again.status == 412
    assert (posted.status, posted.data["n"]) == (200, 1)


def test_d8_a_post_with_the_etag_of_the_list_succeeds_once(client: Client, records: str) -> None:
    etag = client.get(records).headers["ETag"]

    assert client.post(records, {}, {"If-Match": etag}).status == 201
    assert client.post(records, {}, {"If-Match": etag}).status == 412
    assert client.post(records, {}, {"If-Match": "*"}).status == 412
    newer = client.get(records).headers["ETag"]
    assert client.post(records, {}, {"If-Match": newer}).status == 201


def test_d9_a_refused_write_leaves_the_etag_of_an_empty_list(client: Client, records: str) -> None:
    before = client.get(records).headers["ETag"]

    client.put(f"{records}/a", {}, {"If-Match": '"12"'})
    client.post(records, "junk")
    client.delete(records)

    assert client.get(records).headers["ETag"] == before


# -- S: security


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "(.*)*z"]
)
def test_s5_no_pattern_stops_a_worker(client: Client, records: str, pattern: str) -> None:
    collection = records.removesuffix("/records")
    client.put(collection, {"schema": {"properties": {"a": {"pattern": pattern}}}})
    start = time.thread_time()

    answer = client.post(records, {"a": "aaaaaaaaaaxxxxxxxxxx" * 50 + "!"})

    assert answer.status == 400
    assert time.thread_time() - start < 1


def test_s6_a_host_that_is_none_is_400(client: Client, records: str) -> None:
    client.put(f"{records}/a")
    client.put(f"{records}/b")
    for host in ("evil/x", "a b", "a:b"):
        answer = client.call("GET", f"{records}?_limit=1", environ={"HTTP_HOST": host})
        assert answer.status == 400
        assert answer.json["errno"] == 107


def test_s6_the_setting_of_the_scheme_wins() -> None:
    client = Client(memory_app({"http_scheme": "https", "http_host": "kinto.example:8443"}))

    answer = client.call("GET", "/", environ={"HTTP_HOST": "evil.example"})

    assert answer.json["url"] == "https://kinto.example:8443/v1/"


@pytest.mark.guide("cache and concurrency headers")
@pytest.mark.parametrize("path", ["/", "/buckets", "/unknown", "/__heartbeat__", "/buckets/nope"])
def test_s8_every_answer_varies(client: Client, path: str) -> None:
    for user in (client, client.as_user(None)):
        vary = user.get(path).headers["Vary"]
        assert {"Authorization", "Origin"} <= {name.strip() for name in vary.split(",")}


def test_s8_a_304_varies(client: Client, records: str) -> None:
    etag = client.get(records).headers["ETag"]

    answer = client.get(records, {"If-None-Match": etag})

    assert answer.status == 304
    assert "Authorization" in answer.headers["Vary"]
    assert "Origin" in answer.headers["Vary"]


# -- E: errors and availability


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("n=%00", "n"),
        ("a%00b=1", "a\0b"),
        ("last_modified=99999999999999999", "last_modified"),
        ("last_modified=true", "last_modified"),
        ("last_modified=", "last_modified"),
        ("min_id=9999999999999999999999999", "min_id"),
        ("max_id={}", "max_id"),
        ("gt_last_modified=1.5", "gt_last_modified"),
    ],
)
def test_e2_a_400_names_what_can_never_succeed(
    client: Client, records: str, query: str, name: str
) -> None:
    answer = client.get(f"{records}?{query}")

    assert answer.status == 400
    assert answer.json["details"][0]["location"] == "querystring"
    assert name in answer.json["message"]


def test_e2_thousands_of_sort_fields_are_400(client: Client, records: str) -> None:
    fields = ",".join(f"f{n}" for n in range(3_000))

    assert client.get(records, _sort=fields).status == 400


@pytest.mark.parametrize("last_modified", [-62135596800001, 253402300800000, 10**17, 2**63])
def test_e3_no_time_is_a_500(client: Client, records: str, last_modified: int) -> None:
    written = client.put(f"{records}/a", {"last_modified": last_modified})

    assert written.status in (201, 400)
    assert client.get(f"{records}/a").status in (200, 404)
    assert client.get(records, _since=0).status == 200
    assert client.put(f"{records}/b").status == 201


def test_e3_a_304_is_an_item_of_a_batch(client: Client, records: str) -> None:
    etag = client.get(records).headers["ETag"]

    answer = client.batch({"path": records, "headers": {"If-None-Match": etag}})

    assert answer.json["responses"][0]["status"] == 304


@pytest.mark.parametrize("body", [[-1], ["null"], [], [{}]], ids=str)
def test_e3_a_list_is_no_batch(client: Client, body: object) -> None:
    assert client.call("POST", "/batch", body).status == 400


def test_e3_a_version_file_that_is_missing_is_404() -> None:
    client = Client(memory_app({"version_json_path": "/nonexistent/version.json"}))

    answer = client.get("/__version__")

    assert (answer.status, answer.json["errno"]) == (404, 111)


@pytest.mark.parametrize("charset", ["nonsense", "utf-7"])
def test_e3_charsets_are_ignored(client: Client, records: str, charset: str) -> None:
    content_type = f"application/json; charset={charset}"

    answer = client.call("POST", records, '{"data":{"a":"é"}}', {"Content-Type": content_type})

    assert answer.data["a"] == "é"


@pytest.mark.parametrize("name", ["batches", "batch", "batch-2"])
def test_e4_only_the_batch_itself_is_refused_in_a_batch(client: Client, name: str) -> None:
    bucket = client.new_collection().rpartition("/collections")[0]

    answer = client.batch({"method": "PUT", "path": f"{bucket}/collections/{name}"})

    assert answer.json["responses"][0]["status"] == 201


@pytest.mark.parametrize("path", ["/batch", "/v1/batch", "/batch/", "/batch?x=1", "/batch//"])
def test_e4_the_batch_itself_is_refused(client: Client, path: str) -> None:
    answer = client.batch({"method": "POST", "path": path, "body": {"requests": []}})

    assert answer.status == 400
    assert "Recursive call on /batch" in answer.json["message"]


def test_e5_a_large_schema_is_compiled_once(client: Client, records: str) -> None:
    schema = {"properties": {f"p{n}": {"type": "string"} for n in range(20_000)}}
    stored = client.put(records.removesuffix("/records"), {"schema": schema})
    if stored.status == 400:
        return
    client.post(records, {})

    start = time.thread_time()
    answers = [client.post(records, {"p5": "x"}) for _ in range(10)]

    assert {answer.status for answer in answers} == {201}
    assert time.thread_time() - start < 2
    assert client.post(records, {"p5": 1}).status == 400


def test_e6_too_many_items_are_refused_before_any_is_looked_at(client: Client) -> None:
    answer = client.call("POST", "/batch", {"requests": [{"method": "junk"}] * 26})

    assert answer.status == 400
    assert [fact["description"] for fact in answer.json["details"]] == [
        "Number of requests is limited to 25"
    ]


def test_e6_a_body_over_the_limit_is_413() -> None:
    client = Client(memory_app({"max_body_size_bytes": "100"}))

    answer = client.put("/buckets/a", {"n": "x" * 100})

    assert (answer.status, answer.json["errno"]) == (413, 113)
    assert client.get("/buckets").data == []


def test_e8_the_etag_of_permissions_never_hides_a_change(client: Client) -> None:
    reader = client.as_user("e8-reader")
    uri = client.new_collection()
    before = reader.get("/permissions")

    client.patch(uri, permissions={"read": [reader.principal]})

    headers = {"If-None-Match": before.headers["ETag"]} if "ETag" in before.headers else {}
    after = reader.get("/permissions", headers)
    assert after.status == 200
    assert uri in [entry["uri"] for entry in after.data]


# -- where the two backends of the reference disagree


@pytest.fixture
def filled(client: Client, records: str) -> str:
    objects: dict[str, dict[str, object]] = {
        "a": {
            "n": 1,
            "text": "x%y",
            "list": ["p", 1, {"k": 1, "l": 2}],
            "ok": True,
            "o": {"z": 1},
        },
        "b": {"n": 2, "text": "xay", "list": "p", "ok": 1, "o": {"a": 2}},
        "c": {"n": 2**70, "text": "x_y", "ok": "true", "o": {}},
        "d": {"text": "x\\y", "list": []},
        "e": {"n": None},
    }
    for name, data in objects.items():
        assert client.put(f"{records}/{name}", data).status == 201
    return records


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"like_text": "x"}, "abcd"),
        ({"like_text": "x%y"}, "a"),
        ({"like_text": "x_y"}, "c"),
        ({"like_text": "\\"}, "d"),
        ({"like_text": "x\\y"}, "d"),
        ({"like_text": "x*y"}, "abcd"),
        ({"like_missing": "x"}, ""),
        ({"contains_list": "p"}, "a"),
        ({"contains_list": '{"k":1}'}, "a"),
        ({"contains_list": "[]"}, "ad"),
        ({"contains_any_list": '["p"]'}, "a"),
        ({"contains_any_list": "[]"}, ""),
        ({"contains_missing": "p"}, ""),
        ({"contains_any_missing": "p"}, ""),
        ({"has_n": "false", "has_text": "true"}, "d"),
        ({"has_n": "false", "text": "nope"}, ""),
        ({"in_ok": "1"}, "b"),
        ({"in_ok": "true"}, "a"),
        ({"ok": "1"}, "b"),
        ({"n": str(2**70)}, "c"),
        ({"min_n": str(2**69)}, "cd"),
        ({"_since": "null"}, "abcde"),
    ],
    ids=str,
)
def test_filters_mean_the_same_on_every_backend(
    client: Client, filled: str, query: dict[str, str], expected: str
) -> None:
    assert sorted(ids(client, filled, **query)) == list(expected)


@pytest.mark.parametrize(
    "query", [{"_sort": "o"}, {"_sort": "-o"}, {"min_o": "1"}, {"gt_o": "{}"}]
)
def test_objects_compare_in_some_stable_order(
    client: Client, filled: str, query: dict[str, str]
) -> None:
    first = ids(client, filled, **query)

    assert ids(client, filled, **query) == first
    if "_sort" in query:
        assert len(first) == 5


def test_since_null_lists_no_tombstones(client: Client, filled: str) -> None:
    client.delete(f"{filled}/a")

    assert sorted(ids(client, filled, _since="null")) == list("bcde")


def test_strings_are_ordered_by_code_point(client: Client, records: str) -> None:
    texts = ["a", "B", "Z", "é", "z", "_", "\U0001f600", "\ue000"]
    for number, text in enumerate(texts):
        client.put(f"{records}/r{number}", {"text": text})

    listed = [obj["text"] for obj in client.get(records, _sort="text").data]

    assert listed == sorted(texts)
    assert sorted(obj["text"] for obj in client.get(records, gt_text="Z").data) == sorted(
        text for text in texts if text > "Z"
    )


@pytest.mark.parametrize("number", [2**64, 2**70, -(2**80), 123456789012345678901234567890])
def test_numbers_beyond_64_bits_keep_their_value(
    client: Client, records: str, number: int
) -> None:
    written = client.put(f"{records}/a", {"n": number})

    assert written.data["n"] == number
    assert client.get(f"{records}/a").data["n"] == number
    assert client.get(records).data[0]["n"] == number
    assert ids(client, records, n=number) == ["a"]


@pytest.mark.parametrize("sort", [None, "n", "-n"])
def test_tombstones_of_a_plural_deletion_come_in_the_order_of_the_sort(
    client: Client, records: str, sort: str | None
) -> None:
    for n in (2, 1, 3):
        client.put(f"{records}/r{n}", {"n": n})
    query = f"?_sort={sort}" if sort else ""
    listed = ids(client, f"{records}{query}")

    deleted = client.delete(f"{records}{query}").data

    assert [tombstone["id"] for tombstone in deleted] == listed
    stamps = [tombstone["last_modified"] for tombstone in deleted]
    assert stamps == sorted(set(stamps))


def test_a_timestamp_in_the_past_that_is_taken_is_409(client: Client, records: str) -> None:
    client.put(f"{records}/a", {"last_modified": 12})

    answer = client.put(f"{records}/b", {"last_modified": 12})

    assert (answer.status, answer.json["errno"]) == (409, 122)
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get(f"{records}/b").status == 404
    assert client.put(f"{records}/b").status == 201
