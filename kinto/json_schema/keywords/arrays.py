"""The keywords that apply schemas to the items of an array."""

from typing import Any

from kinto.core.types import JSONValue
from kinto.json_schema.keywords.base import Compile, Keyword, descend, extras_are
from kinto.json_schema.outcome import Check, Failure, Work


def _items(expected: Any, _: dict[str, Any], compile: Compile) -> Check:
    if isinstance(expected, list):
        return _items_by_position(expected, compile)
    inner = compile(expected)

    def check(value: JSONValue, work: Work) -> Failure | None:
        if isinstance(value, list):
            for index, item in enumerate(value):
                if failure := descend(inner, item, work, path=index):
                    return failure
        return None

    return check


def _items_by_position(expected: list[Any], compile: Compile) -> Check:
    inners = [compile(schema) for schema in expected]

    def check(value: JSONValue, work: Work) -> Failure | None:
        if isinstance(value, list):
            # An array may be shorter than the schema, or longer.
            for index, (item, inner) in enumerate(zip(value, inners, strict=False)):
                if failure := descend(inner, item, work, path=index, schema_path=index):
                    return failure
        return None

    return check


def _additional_items(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    items = schema.get("items")
    inner = compile(expected)

    def check(value: JSONValue, work: Work) -> Failure | None:
        # Without a schema for each position, no item is additional.
        if expected is True or not isinstance(value, list) or not isinstance(items, list):
            return None
        extras = value[len(items) :]
        if expected is not False:
            failures = (
                descend(inner, item, work, path=index)
                for index, item in enumerate(extras, start=len(items))
            )
            return next((failure for failure in failures if failure), None)
        if not extras:
            return None
        return Failure(
            "additionalItems",
            expected,
            instance=value,
            schema=schema,
            describe=lambda: f"Additional items are not allowed ({extras_are(extras)})",
        )

    return check


def _contains(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    inner = compile(expected)

    def check(value: JSONValue, work: Work) -> Failure | None:
        if not isinstance(value, list):
            return None
        if any(inner.check(item, work) is None for item in value):
            return None
        return Failure(
            "contains",
            expected,
            instance=value,
            schema=schema,
            describe=lambda: f"None of {value!r} are valid under the given schema",
        )

    return check


ARRAYS: dict[str, Keyword] = {
    "additionalItems": _additional_items,
    "contains": _contains,
    "items": _items,
}
