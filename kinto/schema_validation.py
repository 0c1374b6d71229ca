"""Validation of objects against the JSON schemas that clients store.

Schemas are Draft 7, whatever their ``$schema`` says. A schema is checked and compiled once, and
kept by its content. Source: "Collection JSON schema" in the API documentation.
"""

import hashlib
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import colander
from jsonschema import ValidationError

from kinto.core.protocol import json_codec
from kinto.core.types import JSONValue, KintoObject
from kinto.json_schema.cache import SizedCache
from kinto.json_schema.compiler import CompiledSchema, compile_schema
from kinto.json_schema.keywords import KEYWORDS
from kinto.json_schema.meta_schema import find_schema_error, verify
from kinto.json_schema.outcome import UnusableSchema, Work


# Sizes are bytes of JSON text; compiled, a schema takes up to ten times as much.
_compiled: SizedCache[CompiledSchema] = SizedCache(max_count=512, max_size=2_000_000)
_problems: SizedCache[str | None] = SizedCache(max_count=1024, max_size=1_000_000)
_SIZE_OF_PROBLEM = 1000


class SchemaError(NamedTuple):
    """One thing that is wrong, as ``details`` of an error body have it.

    :param name: the last element of the path, the missing property, or the failing keyword;
        ``schema`` when the schema itself cannot be applied.
    """

    name: str | int
    description: str


class SchemaNotApplicable(ValidationError):  # type: ignore[misc]  # jsonschema ships no types
    """The schema is no valid one, refers to nowhere or to itself, or takes too much work."""


class JSONSchemaMapping(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    """An object that is a valid JSON schema."""

    def schema_type(self, **_: object) -> colander.Mapping:
        return colander.Mapping(unknown="preserve")

    # Any: a value before and after colander.
    def deserialize(self, cstruct: Any = colander.null) -> Any:
        schema = super().deserialize(cstruct)
        if isinstance(schema, dict) and (problem := find_schema_problem(schema)):
            raise colander.Invalid(self, problem)
        return schema


def find_schema_problem(schema: dict[str, Any]) -> str | None:
    """Why this is no valid schema: where in it, and what. ``None``: it is valid."""
    try:
        encoded = json_codec.dumps_bytes(schema)
    except (TypeError, ValueError, RecursionError):
        return "not a JSON value"
    return _find_problem(schema, _digest(encoded))


def validate_schema(
    data: KintoObject,
    schema: dict[str, Any],
    id_field: str,
    ignore_fields: Iterable[str] | None = None,
) -> None:
    """Check an object against a schema.

    :param id_field: left out of account, unless the schema names it in ``properties``.
    :param ignore_fields: left out of account, even where the schema requires them.
    :raises jsonschema.ValidationError: the first thing that is wrong.
    """
    ignored = set(ignore_fields or ())
    properties = schema.get("properties")
    if not isinstance(properties, dict) or id_field not in properties:
        ignored.add(id_field)
    candidate = {name: value for name, value in data.items() if name not in ignored}
    try:
        failure = compiled_validator(schema, not_required=ignored).check(candidate, Work())
        error = failure.as_error() if failure else None
    except UnusableSchema as reason:
        raise SchemaNotApplicable(str(reason)) from None
    except RecursionError:
        raise SchemaNotApplicable("Schema or data are nested too deep") from None
    if error is not None:
        raise error


def check_object(
    obj: KintoObject,
    schema: dict[str, Any],
    *,
    id_field: str = "id",
    ignore_fields: Iterable[str] = (),
) -> SchemaError | None:
    """The first thing that is wrong with an object of any kind; ``None``: it matches."""
    try:
        validate_schema(obj, schema, id_field, ignore_fields)
    except ValidationError as error:
        return SchemaError(_name_of(error), error.message)
    return None


def compiled_validator(
    schema: dict[str, Any], *, not_required: Iterable[str] = ()
) -> CompiledSchema:
    """The schema ready for use, from the cache if its content was used before.

    :param not_required: names that it may require in vain.
    :raises UnusableSchema: it is no valid schema.
    """
    try:
        encoded = json_codec.dumps_bytes(schema)
    except (TypeError, ValueError):
        raise UnusableSchema("The schema is not a JSON value") from None
    names = frozenset(not_required)
    digest = _digest(encoded)
    make = partial(_compile, encoded, digest, names)
    return _compiled.get_or_make((digest, names), make, size=len(encoded))


def _compile(encoded: bytes, digest: bytes, not_required: frozenset[str]) -> CompiledSchema:
    # Read anew, so that nobody can change what is in the cache.
    schema = json_codec.loads(encoded)
    if problem := _find_problem(schema, digest):
        raise UnusableSchema(f"Invalid schema: {problem}")
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in not_required]
    return compile_schema(schema, KEYWORDS, verify=verify)


def _find_problem(schema: JSONValue, digest: bytes) -> str | None:
    return _problems.get_or_make(digest, partial(_describe_problem, schema), size=_SIZE_OF_PROBLEM)


def _describe_problem(schema: JSONValue) -> str | None:
    try:
        error = find_schema_error(schema)
    except UnusableSchema as reason:
        return str(reason)
    if error is None:
        return None
    where = error.path[-1] if error.path else ""
    return f"{where}{error.message}"


def _digest(encoded: bytes) -> bytes:
    return hashlib.blake2b(encoded, digest_size=32).digest()


def _name_of(error: ValidationError) -> str | int:
    # Any: jsonschema ships no types.
    name: Any = "schema"
    if error.path:
        name = error.path[-1]
    elif error.validator == "required":
        name = next(name for name in error.validator_value if name not in error.instance)
    elif not isinstance(error, SchemaNotApplicable):
        # The schema `false` has no keyword: the place where it stands.
        name = error.validator or error.schema_path[-1]
    return name if isinstance(name, int) else str(name)
