"""The keywords that apply several schemas to one value."""

from typing import Any

from kinto.core.types import JSONValue
from kinto.json_schema.keywords.base import Compile, Keyword, descend, listed
from kinto.json_schema.outcome import Check, Failure, Work


def _all_of(expected: Any, _: dict[str, Any], compile: Compile) -> Check:
    inners = [compile(schema) for schema in expected]

    def check(value: JSONValue, work: Work) -> Failure | None:
        for index, inner in enumerate(inners):
            if failure := descend(inner, value, work, schema_path=index):
                return failure
        return None

    return check


def _none_applies(
    keyword: str, expected: Any, *, value: JSONValue, schema: dict[str, Any]
) -> Failure:
    return Failure(
        keyword,
        expected,
        instance=value,
        schema=schema,
        describe=lambda: f"{value!r} is not valid under any of the given schemas",
    )


def _any_of(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    inners = [compile(each) for each in expected]

    def check(value: JSONValue, work: Work) -> Failure | None:
        if any(inner.check(value, work) is None for inner in inners):
            return None
        return _none_applies("anyOf", expected, value=value, schema=schema)

    return check


def _one_of(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    inners = [compile(each) for each in expected]

    def check(value: JSONValue, work: Work) -> Failure | None:
        valid = [index for index, inner in enumerate(inners) if inner.check(value, work) is None]
        if not valid:
            return _none_applies("oneOf", expected, value=value, schema=schema)
        if len(valid) == 1:
            return None
        first, *more = (expected[index] for index in valid)
        return Failure(
            "oneOf",
            expected,
            instance=value,
            schema=schema,
            describe=lambda: f"{value!r} is valid under each of {listed([*more, first])}",
        )

    return check


def _not(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    inner = compile(expected)

    def check(value: JSONValue, work: Work) -> Failure | None:
        if inner.check(value, work) is not None:
            return None
        return Failure(
            "not",
            expected,
            instance=value,
            schema=schema,
            describe=lambda: f"{value!r} should not be valid under {expected!r}",
        )

    return check


def _if(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    condition = compile(expected)
    branches = {name: compile(schema[name]) for name in ("then", "else") if name in schema}

    def check(value: JSONValue, work: Work) -> Failure | None:
        name = "then" if condition.check(value, work) is None else "else"
        if name not in branches:
            return None
        return descend(branches[name], value, work, schema_path=name)

    return check


COMBINATIONS: dict[str, Keyword] = {
    "allOf": _all_of,
    "anyOf": _any_of,
    "if": _if,
    "not": _not,
    "oneOf": _one_of,
}
