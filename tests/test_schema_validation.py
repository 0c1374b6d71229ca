"""Validation of objects, and of the schemas that clients store."""

import time
from typing import Any

import colander
import jsonschema
import pytest

from kinto.schema_validation import (
    JSONSchemaMapping,
    SchemaError,
    check_object,
    compiled_validator,
    find_schema_problem,
    validate_schema,
)


def titled(**keywords: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"title": {"type": "string"}}, **keywords}


def name_of_error(record: dict[str, Any], schema: dict[str, Any]) -> str | int | None:
    error = check_object(record, schema)
    return error and error.name


@pytest.mark.parametrize(
    ("schema", "record", "name", "description"),
    [
        pytest.param(titled(), {"title": 3}, "title", "3 is not of type 'string'", id="type"),
        pytest.param(
            {"properties": {"file": {"properties": {"size": {"type": "number"}}}}},
            {"file": {"size": "hi"}},
            "size",
            "'hi' is not of type 'number'",
            id="nested",
        ),
        pytest.param(
            {"properties": {"tags": {"items": {"type": "string"}}}},
            {"tags": [0]},
            0,
            "0 is not of type 'string'",
            id="in an array",
        ),
        pytest.param(
            titled(required=["id", "title", "body"]),
            {"title": "x"},
            "body",
            "'body' is a required property",
            id="required",
        ),
        pytest.param(
            titled(additionalProperties=False),
            {"extra": 1},
            "additionalProperties",
            "Additional properties are not allowed ('extra' was unexpected)",
            id="additional properties",
        ),
        pytest.param(
            {"minProperties": 2},
            {"a": 1},
            "minProperties",
            "{'a': 1} does not have enough properties",
            id="keyword of the whole",
        ),
        pytest.param(
            {"if": {"required": ["a"]}, "then": False},
            {"a": 1},
            "then",
            "False schema does not allow {'a': 1}",
            id="false",
        ),
        pytest.param(
            {"$ref": "#/definitions/t"},
            {"a": 1},
            "schema",
            "PointerToNowhere: '/definitions/t' does not exist within {'$ref': '#/definitions/t'}",
            id="reference to nowhere",
        ),
        pytest.param(
            {"$ref": "http://127.0.0.1:1/x.json"},
            {"a": 1},
            "schema",
            "Unresolvable: http://127.0.0.1:1/x.json",
            id="remote reference",
        ),
        pytest.param(
            {"type": "zz"},
            {"a": 1},
            "schema",
            "Invalid schema: type'zz' is not valid under any of the given schemas",
            id="stored before it was checked",
        ),
    ],
)
def test_name_and_description_of_errors(
    schema: dict[str, Any], record: dict[str, Any], name: str, description: str
) -> None:
    assert check_object(record, schema) == SchemaError(name, description)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}]},
        {"properties": {"a": {"pattern": r"(?=(x+)+y)"}}},
    ],
    ids=["cycle", "cycle in anyOf", "exploding pattern"],
)
def test_schemas_without_end_are_an_error(schema: dict[str, Any]) -> None:
    started = time.process_time()

    error = check_object({"a": "x" * 5_000}, schema)

    assert error is not None
    assert error.name == "schema"
    assert time.process_time() - started < 5


def test_server_fields_are_left_out_of_account() -> None:
    schema = titled(
        additionalProperties=False, required=["id", "schema", "last_modified", "title"]
    )
    record = {"id": "abc", "schema": 42, "last_modified": 12, "title": "x"}

    assert check_object(record, schema, ignore_fields=("schema", "last_modified")) is None
    assert record["schema"] == 42
    assert schema["required"] == ["id", "schema", "last_modified", "title"]


def test_id_counts_if_the_schema_has_it() -> None:
    schema = {"required": ["id"], "properties": {"id": {"pattern": "^zz"}}}

    assert check_object({"id": "zz1"}, schema) is None
    assert name_of_error({"id": "abc"}, schema) == "id"
    assert name_of_error({}, schema) == "id"


def test_validate_schema_raises_the_error_of_jsonschema() -> None:
    validate_schema({"title": "x", "id": 1}, titled(), "id")

    with pytest.raises(jsonschema.ValidationError) as error:
        validate_schema({"title": 3}, titled(), "id", ignore_fields=["schema"])

    assert list(error.value.path) == ["title"]
    assert error.value.validator == "type"
    with pytest.raises(jsonschema.ValidationError):
        validate_schema({}, {"$ref": "#"}, "id")


def test_draft_7_whatever_the_schema_says() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"a": {"prefixItems": [{"type": "string"}]}},
        "dependencies": {"b": ["c"]},
    }

    assert check_object({"a": [1]}, schema) is None
    assert name_of_error({"b": 1}, schema) == "dependencies"


def test_schemas_are_compiled_once_for_each_content() -> None:
    schema = titled(required=["x"])
    same = {**titled(), "required": ["x"]}

    assert compiled_validator(schema) is compiled_validator(same)
    same["required"] = ["y"]
    assert compiled_validator(schema) is not compiled_validator(same)


def test_schema_of_many_properties_is_checked_once() -> None:
    schema = {"properties": {f"p{n}": {"type": "string"} for n in range(20_000)}}
    check_object({"p1": "x"}, schema)
    started = time.process_time()

    assert name_of_error({"p1": 3}, schema) == "p1"

    assert time.process_time() - started < 0.05


class _Body(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    schema = JSONSchemaMapping(missing=colander.drop)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "zz"}, "type'zz' is not valid under any of the given schemas"),
        ({"properties": 3}, "properties3 is not of type 'object'"),
        ({"properties": 3, "minLength": -1}, "minLength-1 is less than the minimum of 0"),
        ({"pattern": "["}, "pattern'[' is not a 'regex'"),
        ({"patternProperties": {"[": {}}}, "patternProperties'[' is not a 'regex'"),
        ({"exclusiveMinimum": True}, "exclusiveMinimumTrue is not of type 'number'"),
        ({"$ref": 5}, "$ref5 is not of type 'string'"),
        ({"items": 3}, "items3 is not valid under any of the given schemas"),
        ({"required": ["a", "a"]}, "required['a', 'a'] has non-unique elements"),
        ({"allOf": []}, "allOf[] should be non-empty"),
        ({"definitions": {"x": {"not": 3}}}, "not3 is not of type 'object', 'boolean'"),
        ("abc", '"abc" is not a mapping type: Does not implement dict-like functionality.'),
        (None, '"None" is not a mapping type: Does not implement dict-like functionality.'),
        ([], '"[]" is not a mapping type: Does not implement dict-like functionality.'),
    ],
)  # fmt: skip
def test_node_refuses_what_is_no_schema(schema: Any, message: str) -> None:
    with pytest.raises(colander.Invalid) as error:
        _Body().deserialize({"schema": schema})

    assert error.value.asdict() == {"schema": message}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        titled(),
        {"$ref": "#"},
        {"$ref": "http://nowhere"},
        {"format": "zz", "unknown": 3},
        {"enum": [1, 1.0]},
        {"pattern": "^(?!x)"},
    ],
)
def test_node_accepts_schemas(schema: dict[str, Any]) -> None:
    assert _Body().deserialize({"schema": schema}) == {"schema": schema}
    assert _Body().deserialize({}) == {}


def test_what_is_not_json_is_no_schema() -> None:
    assert find_schema_problem({"default": object()}) is not None
    assert name_of_error({}, {"default": object()}) == "schema"
