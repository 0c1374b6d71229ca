"""The keywords that apply schemas to the properties of an object."""

from typing import Any

from kinto.core.types import JSONValue
from kinto.json_schema.keywords.base import (
    Applicable,
    Compile,
    Keyword,
    descend,
    extras_are,
    listed,
)
from kinto.json_schema.outcome import Check, Failure, Work
from kinto.json_schema.patterns import finds


def _properties(expected: Any, _: dict[str, Any], compile: Compile) -> Check:
    by_name: dict[str, tuple[int, Applicable]] = {
        name: (order, compile(schema)) for order, (name, schema) in enumerate(expected.items())
    }

    def check(value: JSONValue, work: Work) -> Failure | None:
        if not isinstance(value, dict):
            return None
        work.spend(len(value))
        # In the order of the schema, at the cost of the value.
        known = sorted((by_name[name][0], name) for name in value if name in by_name)
        for _, name in known:
            inner = by_name[name][1]
            if failure := descend(inner, value[name], work, path=name, schema_path=name):
                return failure
        return None

    return check


def _pattern_properties(expected: Any, _: dict[str, Any], compile: Compile) -> Check:
    by_pattern = [(pattern, compile(schema)) for pattern, schema in expected.items()]

    def check(value: JSONValue, work: Work) -> Failure | None:
        if not isinstance(value, dict):
            return None
        for pattern, inner in by_pattern:
            for name, each in value.items():
                if finds(pattern, name, work) and (
                    failure := descend(inner, each, work, path=name, schema_path=pattern)
                ):
                    return failure
        return None

    return check


def _additional_properties(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    names = schema.get("properties", {})
    patterns = list(schema.get("patternProperties", {}))
    inner = compile(expected)

    def check(value: JSONValue, work: Work) -> Failure | None:
        if expected is True or not isinstance(value, dict):
            return None
        work.spend(len(value))
        extras = [
            name
            for name in value
            if name not in names and not any(finds(pattern, name, work) for pattern in patterns)
        ]
        if expected is not False:
            failures = (descend(inner, value[name], work, path=name) for name in extras)
            return next((failure for failure in failures if failure), None)
        if not extras:
            return None
        return Failure(
            "additionalProperties",
            expected,
            instance=value,
            schema=schema,
            describe=lambda: _describe_extras(sorted(extras), sorted(patterns)),
        )

    return check


def _describe_extras(extras: list[str], patterns: list[str]) -> str:
    if not patterns:
        return f"Additional properties are not allowed ({extras_are(extras)})"
    verb = "does" if len(extras) == 1 else "do"
    return f"{listed(extras)} {verb} not match any of the regexes: {listed(patterns)}"


def _property_names(expected: Any, _: dict[str, Any], compile: Compile) -> Check:
    inner = compile(expected)

    def check(value: JSONValue, work: Work) -> Failure | None:
        if not isinstance(value, dict):
            return None
        failures = (descend(inner, name, work) for name in value)
        return next((failure for failure in failures if failure), None)

    return check


def _dependencies(expected: Any, schema: dict[str, Any], compile: Compile) -> Check:
    inner_by_name = {
        name: compile(dependency)
        for name, dependency in expected.items()
        if not isinstance(dependency, list)
    }

    def missing(name: str, value: dict[str, Any]) -> Failure | None:
        absent = next((each for each in expected[name] if each not in value), None)
        if absent is None:
            return None
        return Failure(
            "dependencies",
            expected,
            instance=value,
            schema=schema,
            describe=lambda: f"{absent!r} is a dependency of {name!r}",
        )

    def check(value: JSONValue, work: Work) -> Failure | None:
        if not isinstance(value, dict):
            return None
        work.spend(1 + len(expected) // 10)
        for name in expected:
            if name not in value:
                continue
            if name in inner_by_name:
                failure = descend(inner_by_name[name], value, work, schema_path=name)
            else:
                failure = missing(name, value)
            if failure:
                return failure
        return None

    return check


OBJECTS: dict[str, Keyword] = {
    "additionalProperties": _additional_properties,
    "dependencies": _dependencies,
    "patternProperties": _pattern_properties,
    "properties": _properties,
    "propertyNames": _property_names,
}
