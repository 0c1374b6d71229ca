"""Colander nodes as JSON schemas, in the dialect of OpenAPI 2.0."""

import json
from collections.abc import Callable
from typing import Any

import colander


# Any, throughout: colander ships no types, and a JSON schema holds whatever JSON holds.
JSONSchema = dict[str, Any]
Node = Any

_TYPES: tuple[tuple[type, JSONSchema], ...] = (
    (colander.Mapping, {"type": "object"}),
    (colander.Sequence, {"type": "array"}),
    (colander.Set, {"type": "array", "uniqueItems": True}),
    (colander.Boolean, {"type": "boolean"}),
    (colander.Integer, {"type": "integer"}),
    (colander.Number, {"type": "number"}),
    (colander.DateTime, {"type": "string", "format": "date-time"}),
    (colander.Date, {"type": "string", "format": "date"}),
    (colander.Time, {"type": "string"}),
    (colander.String, {"type": "string"}),
)
_BOUNDS = {
    "array": ("minItems", "maxItems"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "string": ("minLength", "maxLength"),
}


def json_schema(
    node: Node, *, with_required: bool = True, refuses_unknown: bool = True
) -> JSONSchema:
    """The JSON schema of a node: what it accepts, apart from conversions of its own.

    :param with_required: mention attributes that have to be there.
    :param refuses_unknown: refuse further attributes, where the node does.
    """
    schema = _type_of(node.typ)
    if node.title and node.name:
        schema["title"] = node.title
    if node.description:
        schema["description"] = node.description
    _add_default(schema, node)
    _add_validator(schema, node.validator)

    def inner(child: Node) -> JSONSchema:
        return json_schema(child, with_required=with_required, refuses_unknown=refuses_unknown)

    if schema.get("type") == "array" and node.children:
        schema["items"] = _without_title(inner(node.children[0]))
    if schema.get("type") == "object":
        _add_properties(schema, node, inner)
        if not with_required:
            schema.pop("required", None)
        if not refuses_unknown and schema.get("additionalProperties") is False:
            del schema["additionalProperties"]
    return schema


def _type_of(kind: Any) -> JSONSchema:
    for known, schema in _TYPES:
        if isinstance(kind, known):
            return dict(schema)
    return {}


def _without_title(schema: JSONSchema) -> JSONSchema:
    return {name: value for name, value in schema.items() if name != "title"}


def _add_default(schema: JSONSchema, node: Node) -> None:
    missing = node.missing
    if missing in (colander.required, colander.drop, colander.null) or missing is None:
        return
    try:
        json.dumps(missing)
    except TypeError:
        return
    schema["default"] = missing


def _add_properties(schema: JSONSchema, node: Node, inner: Callable[[Node], JSONSchema]) -> None:
    if node.children:
        schema["properties"] = {child.name: inner(child) for child in node.children}
        required = [child.name for child in node.children if child.required]
        if required:
            schema["required"] = required
    if node.typ.unknown == "preserve":
        schema["additionalProperties"] = {}
    elif node.typ.unknown == "raise":
        schema["additionalProperties"] = False


def _add_validator(schema: JSONSchema, validator: Any) -> None:
    if isinstance(validator, colander.All):
        for each in validator.validators:
            _add_validator(schema, each)
    elif isinstance(validator, colander.OneOf):
        schema["enum"] = list(validator.choices)
    elif validator is colander.url:
        schema["format"] = "uri"
    elif isinstance(validator, colander.Regex):
        schema["pattern"] = validator.match_object.pattern
    elif isinstance(validator, colander.Range | colander.Length):
        for name, bound in zip(
            _BOUNDS.get(schema.get("type", ""), ()), _limits(validator), strict=False
        ):
            if bound is not None:
                schema[name] = bound


def _limits(validator: Any) -> tuple[Any, Any]:
    low, high = validator.min, validator.max
    if isinstance(validator, colander.Length):
        # Colander has -1 for no limit.
        return (low if low and low > 0 else None, high if high is not None and high >= 0 else None)
    return low, high
