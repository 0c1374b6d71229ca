"""Bodies of any shape are stored or refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input.strategies import many, nasty_texts, nasty_values, with_keys
from tests.bad_input.world import BUCKET, COLLECTION, GROUP, RECORD, RECORDS, World
from tests.support.api import Client, memory_app


ENDPOINTS = [
    ("POST", "/buckets"),
    ("POST", f"{BUCKET}/groups"),
    ("POST", f"{BUCKET}/collections"),
    ("POST", RECORDS),
    *(
        (method, path)
        for path in (BUCKET, COLLECTION, GROUP, RECORD)
        for method in ("PUT", "PATCH")
    ),
    ("PUT", f"{RECORDS}/new"),
]
# One of each way that a body is read.
FAMOUS = [("POST", "/buckets"), ("PUT", GROUP), ("PUT", RECORD), ("PATCH", RECORD)]
endpoints = st.sampled_from(ENDPOINTS)
ATTRIBUTES = (
    "id",
    "last_modified",
    "deleted",
    "schema",
    "cache_expires",
    "members",
    "collection:schema",
    "group:schema",
    "record:schema",
    "n",
)
PERMISSIONS = ("read", "write", "collection:create", "group:create", "record:create")


@many
@given(
    endpoint=endpoints,
    data=with_keys(*ATTRIBUTES) | nasty_values(),
    permissions=with_keys(*PERMISSIONS) | nasty_values(),
)
def test_any_data_and_permissions(
    world: World, endpoint: tuple[str, str], data: object, permissions: object
) -> None:
    world.check(*endpoint, {"data": data, "permissions": permissions})


@many
@given(endpoint=endpoints, data=with_keys(*ATTRIBUTES))
def test_any_attributes(world: World, endpoint: tuple[str, str], data: object) -> None:
    world.check(*endpoint, {"data": data})


@many
@given(endpoint=endpoints, principals=st.lists(nasty_texts(), max_size=3))
def test_any_principals(world: World, endpoint: tuple[str, str], principals: list[str]) -> None:
    world.check(*endpoint, {"data": {}, "permissions": {"read": principals}})


@many
@given(members=st.lists(nasty_texts(), max_size=4))
def test_any_members(world: World, members: list[str]) -> None:
    world.check("PUT", GROUP, {"data": {"members": members}})


@many
@given(endpoint=endpoints, body=nasty_values() | st.binary(max_size=30))
def test_any_body(world: World, endpoint: tuple[str, str], body: object) -> None:
    world.check(*endpoint, body if isinstance(body, bytes) else json.dumps(body))


@many
@given(value=nasty_values())
def test_what_is_stored_is_given_back(world: World, value: object) -> None:
    answer = world.check("PUT", f"{RECORDS}/echo", {"data": {"value": value}})

    if answer.status < 400:
        assert answer.data["value"] == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "body",
    [
        "[" * 10_000,
        "[" * 10_000 + "]" * 10_000,
        '{"data":' * 10_000 + "{}" + "}" * 10_000,
        '{"data":{"n":' + "[" * 10_000 + "]" * 10_000 + "}}",
        '{"data":' + '{"a":' * 10_000 + "1" + "}" * 10_001,
        '{"permissions":{"read":' + "[" * 10_000 + "]" * 10_000 + "}}",
        '{"data":{"n":1e400}}',
        '{"data":{"n":-1e400}}',
        '{"data":{"n":NaN}}',
        '{"data":{"n":' + "9" * 5_000 + "}}",
        '{"data":{"n":1e-99999999}}',
        '{"data":{"n":"\\ud800"}}',
        '{"data":{"\\ud800":1}}',
        '{"data":{"n":"\\u0000"}}',
        '{"data":{"\\u0000":1}}',
        '{"data":{"members":["\\u0000"]}}',
        '{"data":{"id":"\\u0000"}}',
        '{"permissions":{"read":["\\ud800"]}}',
        '{"permissions":{"\\u0000":[]}}',
        b'{"data":{"n":"\xff"}}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        '{"data":{"last_modified":99999999999999999}}',
        '{"data":{"last_modified":-99999999999999999}}',
        '{"data":{"last_modified":1e300}}',
        '{"data":{"last_modified":true}}',
        '{"data":{"last_modified":""}}',
        "[]",
        "[1]",
        '{"data":[1]}',
        "1",
        "null",
        '"a"',
        "{",
        " ",
    ],
    ids=lambda body: str(body[:24]),
)
def test_famous_bodies(world: World, body: str | bytes) -> None:
    for method, path in FAMOUS:
        world.check(method, path, body)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "x\udfff"], ids=ascii)
@pytest.mark.parametrize(
    "make",
    [
        lambda text: {"data": {"n": text}},
        lambda text: {"data": {text: 1}},
        lambda text: {"data": {"n": [{"a": {text: [text]}}]}},
        lambda text: {"data": {"id": text}},
        lambda text: {"permissions": {"read": [text]}},
        lambda text: {"permissions": {text: ["a"]}},
    ],
    ids=["value", "key", "nested", "id", "principal", "permission"],
)
def test_text_that_cannot_be_stored_is_400(world: World, text: str, make) -> None:
    for method, path in ENDPOINTS:
        assert world.check(method, path, make(text)).status == 400, (method, path)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"x" * 2_000, 413), (b'{"data":{"n":"' + b"x" * 2_000 + b'"}}', 413), (b"{}", 201)],
    ids=["junk", "json", "small"],
)
def test_a_body_over_the_limit_is_413(body: bytes, status: int) -> None:
    client = Client(memory_app({"max_body_size_bytes": "1000"}))
    answer = client.call("POST", "/buckets", body)

    assert answer.status == status
    if status == 413:
        assert answer.json["errno"] == 113
        assert client.get("/buckets").data == []


@pytest.mark.parametrize("value", [True, 5, [], {"read": ["system.Everyone"]}])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_permissions_are_no_attribute(method: str, value: object) -> None:
    client = Client(memory_app())
    client.put("/buckets/b")
    client.put("/buckets/b/collections/c")
    records = "/buckets/b/collections/c/records"
    if method == "PATCH":
        client.put(f"{records}/r")
    path = records if method == "POST" else f"{records}/r"

    answer = client.call(method, path, {"data": {"__permissions__": value, "n": 1}})

    assert answer.status in (200, 201)
    assert answer.json["permissions"].keys() == {"write"}
    assert answer.data.keys() == {"id", "last_modified", "n"}
