"""Colander nodes as JSON schemas."""

from typing import Any

import colander
import pytest

from kinto.core.openapi.colander_schema import json_schema
from kinto.core.schema import URL, TimeStamp
from kinto.core.schema import Any as AnyType


def node(kind: Any, *children: Any, **arguments: Any) -> colander.SchemaNode:
    return colander.SchemaNode(kind, *children, **arguments)


@pytest.mark.parametrize(
    ("schema_node", "expected"),
    [
        (node(colander.String()), {"type": "string"}),
        (node(colander.String(), name="title"), {"type": "string", "title": "Title"}),
        (node(colander.Int()), {"type": "integer"}),
        (node(colander.Float()), {"type": "number"}),
        (node(colander.Bool()), {"type": "boolean"}),
        (node(colander.DateTime()), {"type": "string", "format": "date-time"}),
        (node(colander.Date()), {"type": "string", "format": "date"}),
        (node(AnyType()), {}),
        (node(colander.Int(), missing=3), {"type": "integer", "default": 3}),
        (node(colander.Int(), missing=object()), {"type": "integer"}),
        (node(colander.Int(), description="Age"), {"type": "integer", "description": "Age"}),
        (
            node(colander.String(), validator=colander.OneOf(("a", "b"))),
            {"type": "string", "enum": ["a", "b"]},
        ),
        (
            node(colander.String(), validator=colander.Regex("^/")),
            {"type": "string", "pattern": "^/"},
        ),
        (
            node(colander.Int(), validator=colander.Range(min=0, max=9)),
            {"type": "integer", "minimum": 0, "maximum": 9},
        ),
        (
            node(colander.String(), validator=colander.Length(max=9)),
            {"type": "string", "maxLength": 9},
        ),
        (
            node(colander.Sequence(), node(colander.String(), name="x"), missing=[]),
            {"type": "array", "items": {"type": "string"}, "default": []},
        ),
        (URL(), {"type": "string", "format": "uri", "minLength": 1, "maxLength": 2048}),
        (TimeStamp(), {"type": "integer"}),
    ],
)
def test_schema_of_a_node(schema_node: Any, expected: dict[str, Any]) -> None:
    assert json_schema(schema_node) == expected


class _Book(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    title = node(colander.String())
    pages = node(colander.Int(), missing=colander.drop)

    @staticmethod
    def schema_type() -> Any:
        return colander.Mapping(unknown="raise")


def test_mapping_with_its_attributes() -> None:
    properties = {
        "title": {"type": "string", "title": "Title"},
        "pages": {"type": "integer", "title": "Pages"},
    }

    assert json_schema(_Book()) == {
        "type": "object",
        "properties": properties,
        "required": ["title"],
        "additionalProperties": False,
    }
    assert json_schema(_Book(), with_required=False, refuses_unknown=False) == {
        "type": "object",
        "properties": properties,
    }


def test_mapping_that_keeps_unknown_attributes() -> None:
    assert json_schema(node(colander.Mapping(unknown="preserve"))) == {
        "type": "object",
        "additionalProperties": {},
    }
