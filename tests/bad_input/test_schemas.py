"""JSON schemas of any content are stored or refused, and never stop a worker."""

import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input.strategies import many, nasty_texts, nasty_values
from tests.bad_input.world import BUCKET, COLLECTION, RECORDS, World


KEYWORDS = (
    "$ref",
    "$id",
    "$schema",
    "type",
    "enum",
    "const",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "required",
    "uniqueItems",
    "minItems",
    "dependencies",
    "propertyNames",
)
IN_SCHEMAS = ("items", "contains", "not", "if", "then", "else", "additionalProperties")
PATTERNS = ["(a+)+$", "^(.*)*$", "[", "(?P<a>.)", "\\p{L}", "a{1,99999}", "(?<=a)b", "\0", "$^"]
REFS = ["#", "#/definitions/a", "#/nope", "http://127.0.0.1:1/x", "file:///etc/passwd", "a b", "%"]

_leaves = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(KEYWORDS, nasty_values())
) | st.fixed_dictionaries(
    {},
    optional={
        "$ref": st.sampled_from(REFS),
        "pattern": st.sampled_from(PATTERNS),
        "type": st.sampled_from(["string", "object", "array", "number", "null", "nope"]),
        "multipleOf": st.sampled_from([0, -1, 1e-308, 0.1, 2**70]),
        "minLength": st.sampled_from([-1, 0, 2**70, 1.5]),
        "format": nasty_texts(),
    },
)
schemas = st.recursive(
    _leaves | st.booleans(),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(["n", "text", "list"]), inner),
            "patternProperties": st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=2),
            "definitions": st.dictionaries(st.sampled_from(["a", "b"]), inner),
            "allOf": st.lists(inner, max_size=2),
            "anyOf": st.lists(inner, max_size=2),
            **dict.fromkeys(IN_SCHEMAS, inner),
        },
    ),
    max_leaves=5,
)
RECORD_DATA = {"n": 1.5, "text": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "list": [1, [], {}, "a"]}


@many
@given(schema=schemas, data=st.just(RECORD_DATA) | nasty_values())
def test_any_schema(world: World, schema: object, data: object) -> None:
    if world.check("PUT", COLLECTION, {"data": {"schema": schema}}).status < 400:
        world.check("POST", RECORDS, {"data": data})


@many
@given(
    schema=schemas,
    name=st.sampled_from(["collection:schema", "group:schema", "record:schema"]),
)
def test_any_schema_of_a_bucket(world: World, schema: object, name: str) -> None:
    if world.check("PUT", BUCKET, {"data": {name: schema}}).status < 400:
        world.check("POST", RECORDS, {"data": RECORD_DATA})
        world.check("POST", f"{BUCKET}/groups", {"data": {"members": ["a"]}})
        world.check("POST", f"{BUCKET}/collections", {"data": {}})


def chain(length: int) -> dict[str, object]:
    """Each definition asks twice for the next one."""
    definitions = {
        f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(length)
    }
    definitions[f"d{length}"] = {"type": "object"}
    return {"definitions": definitions, "$ref": "#/definitions/d0"}


def deep(depth: int, key: str) -> str:
    return f'{{"{key}":' * depth + "{}" + "}" * depth


FAMOUS = {
    "itself": {"$ref": "#"},
    "cycle": {
        "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}},
        "$ref": "#/definitions/a",
    },
    "all of itself": {"allOf": [{"$ref": "#"}]},
    "not itself": {"not": {"$ref": "#"}},
    "any of itself": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
    "tree": {"properties": {"list": {"$ref": "#"}}, "items": {"$ref": "#"}},
    "doubling": chain(60),
    "exploding pattern": {"properties": {"text": {"pattern": "^(a+)+$"}}},
    "nested stars": {"properties": {"text": {"pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}}},
    "huge repetition": {"properties": {"text": {"pattern": "(((a{1,100}){1,100}){1,100})$"}}},
    "pattern properties": {"patternProperties": {"^(a+)+$": {"type": "string"}}},
    "bad pattern": {"properties": {"text": {"pattern": "["}}},
    "file": {"$ref": "file:///etc/passwd"},
    "no pointer": {"$ref": "#/definitions/missing"},
    "bad reference": {"$ref": 12},
    "tiny multiple": {"properties": {"n": {"multipleOf": 1e-308}}},
    "no multiple": {"properties": {"n": {"multipleOf": 0}}},
    "huge enumeration": {"enum": list(range(50_000))},
    "many properties": {"properties": {f"p{n}": {"type": "string"} for n in range(20_000)}},
    "many required": {"required": [f"p{n}" for n in range(20_000)]},
    "many patterns": {"patternProperties": {f"^a{{{n}}}b*$": {} for n in range(500)}},
    "unique": {"properties": {"list": {"uniqueItems": True}}},
    "NUL": {"properties": {"\0": {}}},
    "surrogate": {"description": "\ud800"},
}


@pytest.mark.parametrize("name", FAMOUS)
def test_famous_schemas(world: World, name: str) -> None:
    answer = world.check("PUT", COLLECTION, {"data": {"schema": FAMOUS[name]}})
    if answer.status >= 400:
        return
    for data in (
        RECORD_DATA,
        {"text": "a" * 5_000 + "!", "a" * 5_000 + "!": 1},
        {"list": [{"n": n} for n in range(5_000)]},
    ):
        world.check("POST", RECORDS, {"data": data})


@pytest.mark.parametrize("depth", [100, 1_000, 10_000])
@pytest.mark.parametrize("key", ["not", "items", "additionalProperties"])
def test_deep_schemas(world: World, key: str, depth: int) -> None:
    body = '{"data":{"schema":' + deep(depth, key) + "}}"
    if world.check("PUT", COLLECTION, body).status < 400:
        world.check("POST", RECORDS, {"data": RECORD_DATA})


def test_a_recursive_schema_against_a_deep_record(world: World) -> None:
    schema = {"properties": {"a": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}}
    assert world.check("PUT", COLLECTION, {"data": {"schema": schema}}).status == 200
    for depth in (50, 400, 900):
        body = '{"data":' + '{"a":' * depth + "{}" + "}" * depth + "}"
        world.check("POST", RECORDS, body)


def test_nothing_is_fetched_for_a_remote_reference(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/schema.json"
        for schema in ({"$ref": url}, {"$id": url, "$ref": "other.json"}, {"$schema": url}):
            answer = world.check("PUT", COLLECTION, {"data": {"schema": schema}})
            if answer.status < 400:
                world.check("POST", RECORDS, {"data": RECORD_DATA})
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_schema_of_twenty_thousand_properties_is_compiled_once(world: World) -> None:
    schema = {"properties": {f"p{n}": {"type": "string"} for n in range(20_000)}}
    if world.check("PUT", COLLECTION, {"data": {"schema": schema}}).status >= 400:
        return
    world.check("POST", RECORDS, {"data": {"p1": "x"}})

    batch = {
        "requests": [
            {"method": "POST", "path": RECORDS, "body": {"data": {"p1": "x"}}} for _ in range(25)
        ]
    }
    answer = world.check("POST", "/batch", json.dumps(batch))

    assert {item["status"] for item in answer.json["responses"]} == {201}
