"""Query strings of any content are understood or refused."""

import base64
import json
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input.strategies import (
    many,
    nasty_numbers,
    nasty_scalars,
    nasty_texts,
    nasty_values,
    with_keys,
)
from tests.bad_input.world import BUCKET, COLLECTION, RECORD, RECORDS, World


OPERATORS = (
    "",
    "eq_",
    "not_",
    "min_",
    "max_",
    "gt_",
    "lt_",
    "in_",
    "exclude_",
    "like_",
    "has_",
    "contains_",
    "contains_any_",
)
FIELDS = (
    "n",
    "text",
    "list",
    "o",
    "o.p",
    "id",
    "last_modified",
    "deleted",
    "",
    ".",
    "a..b",
    "missing",
)
NAMES = ("_since", "_before", "_to", "_sort", "_limit", "_token", "_fields", "_foo", "__x")

operators = st.sampled_from(OPERATORS)
fields = st.sampled_from(FIELDS) | nasty_texts()
names = st.sampled_from(NAMES) | st.builds(str.__add__, operators, fields)
plurals = st.sampled_from(["/buckets", f"{BUCKET}/groups", f"{BUCKET}/collections", RECORDS])


def encode(text: str) -> str:
    """Percent-encoded, lone surrogates as the bytes that would stand for them."""
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


def raw_or_json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


values = nasty_values().map(raw_or_json)


@many
@given(path=plurals, params=st.lists(st.tuples(names, values), max_size=4))
def test_any_parameters(world: World, path: str, params: list[tuple[str, str]]) -> None:
    query = "&".join(f"{encode(name)}={encode(value)}" for name, value in params)

    world.check("GET", f"{path}?{query}")


@many
@given(operator=operators, field=st.sampled_from(FIELDS), value=nasty_scalars().map(raw_or_json))
def test_any_filter(world: World, operator: str, field: str, value: str) -> None:
    world.check("GET", f"{RECORDS}?{encode(operator + field)}={encode(value)}")


@many
@given(query=st.binary(max_size=30).map(lambda raw: raw.decode("latin-1")))
def test_any_query_string(world: World, query: str) -> None:
    world.check("GET", RECORDS, environ={"QUERY_STRING": query})


@many
@given(method=st.sampled_from(["GET", "HEAD", "DELETE"]), name=names, value=values)
def test_any_method(world: World, method: str, name: str, value: str) -> None:
    world.check(method, f"{RECORDS}?{encode(name)}={encode(value)}")


@many
@given(name=names, value=values)
def test_any_parameter_of_an_object(world: World, name: str, value: str) -> None:
    world.check("GET", f"{RECORD}?{encode(name)}={encode(value)}")
    world.check("DELETE", f"{RECORD}?{encode(name)}={encode(value)}")


FAMOUS = [
    "_since=99999999999999999",
    "_since=9223372036854775807",
    "_since=9223372036854775808",
    "_since=-1",
    "_since=1.5",
    "_since=1e400",
    "_since=NaN",
    "_since=null",
    "_since=%22%22",
    "_since={}",
    "_since=" + "9" * 5_000,
    "_before=253402300800000",
    "last_modified=-99999999999999999",
    "gt_last_modified=1.5",
    "min_last_modified=true",
    "in_last_modified=a",
    "min_id=9999999999999999999999999",
    "max_id={}",
    "not_id=[]",
    "id=12",
    "in_id=%00",
    "in_id=" + ",".join("abc" for _ in range(2_000)),
    "like_text=%5C",
    "like_text=" + "*a" * 3_000,
    "like_text=" + quote("%" * 1_000),
    "contains_list=" + quote("[" * 10_000),
    "contains_any_list=" + quote(json.dumps(list(range(3_000)))),
    "n=" + quote("[" * 10_000 + "]" * 10_000),
    "n=" + "9" * 5_000,
    "n=1e400",
    "n=%00",
    "%00=1",
    "a%00b=1",
    "n=%ED%A0%80",
    "n=%FF",
    "%FF=1",
    "_sort=%00",
    "_sort=" + ",".join(f"f{n}" for n in range(3_000)),
    "_sort=" + ".".join("a" for _ in range(3_000)),
    "_fields=" + ",".join(f"f{n}" for n in range(3_000)),
    "_fields=" + ".".join("a" for _ in range(3_000)),
    "_limit=0",
    "_limit=-1",
    "_limit=99999999999999999999",
    "_limit=1&_limit=2",
    "_limit=%22%22",
    "&".join(f"f{n}=1" for n in range(3_000)),
    "&".join(f"min_f{n}=1" for n in range(900)),
    "&".join(f"_sort=f{n}" for n in range(900)),
    ";;;&&&===",
    ".".join("a" for _ in range(3_000)) + "=1",
]


@pytest.mark.parametrize("query", FAMOUS, ids=lambda query: query[:30])
def test_famous_queries(world: World, query: str) -> None:
    for method, path in (("GET", RECORDS), ("HEAD", RECORDS), ("GET", "/buckets")):
        world.check(method, f"{path}?{query}")
    world.check("GET", f"{RECORD}?{query}")
    world.check("GET", f"/permissions?{query}")


@pytest.mark.parametrize(
    "last_modified", ["abc", "1.5", "%00", "9" * 17, "9" * 30, "-1", "", "[]"]
)
def test_a_deletion_with_a_bad_timestamp(world: World, last_modified: str) -> None:
    world.check("DELETE", f"{RECORD}?last_modified={last_modified}")


def make_token(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return quote(base64.b64encode(text.encode("utf-8", "surrogatepass")).decode())


SORTS = st.sampled_from(["", "&_sort=n", "&_sort=-text,n", "&_sort=o.p", "&_sort=id"])
NONCE = "pagination-token-6dcff2a8-9f0a-4bb5-8b24-6ad3d2b4ff1b"


@many
@given(
    last_object=with_keys("last_modified", "n", "text", "o.p", "id") | nasty_values(),
    offset=st.integers(0, 3) | nasty_values(),
    nonce=st.just(NONCE) | nasty_values(),
    sort=SORTS,
    method=st.sampled_from(["GET", "DELETE"]),
)
def test_any_token(
    world: World, last_object: object, offset: object, nonce: object, sort: str, method: str
) -> None:
    token = make_token({"last_object": last_object, "offset": offset, "nonce": nonce})

    world.check(method, f"{RECORDS}?_limit=1&_token={token}{sort}")


@many
@given(last_modified=nasty_numbers(), value=nasty_scalars(), sort=SORTS)
def test_any_position_in_a_token(
    world: World, last_modified: float, value: object, sort: str
) -> None:
    last_object = {"last_modified": last_modified, "n": value, "text": value, "id": value}
    token = make_token({"last_object": last_object, "offset": 1, "nonce": NONCE})

    world.check("GET", f"{RECORDS}?_limit=1&_token={token}{sort}")


@many
@given(token=st.binary(max_size=40).map(quote_from_bytes) | values.map(make_token))
def test_what_is_no_token(world: World, token: str) -> None:
    for path in (RECORDS, "/permissions", f"{BUCKET}/collections"):
        world.check("GET", f"{path}?_limit=1&_token={token}")


@pytest.mark.parametrize("path", [RECORDS, "/permissions", "/buckets"])
def test_a_token_with_one_character_changed(world: World, path: str) -> None:
    first = world.check("GET", f"{path}?_limit=1&_sort=id")
    token = first.headers.get("Next-Page", "_token=e30").rpartition("_token=")[2]

    for position in range(0, len(token), 7):
        tampered = f"{token[:position]}A{token[position + 1 :]}"
        world.check("GET", f"{path}?_limit=1&_sort=id&_token={tampered}")


def test_a_name_as_deep_as_the_server_reads(world: World) -> None:
    world.check("PUT", COLLECTION, {"data": {"a": {"b": 1}}})
    for depth in (2, 50, 500):
        name = ".".join(["a"] * depth)
        world.check("GET", f"{BUCKET}/collections?{name}=1&_sort={name}&_fields={name}")
