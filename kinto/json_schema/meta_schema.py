"""Whether a schema is a valid one itself, as the meta-schema of Draft 7 has it."""

from typing import Any

from jsonschema import ValidationError
from jsonschema_specifications import REGISTRY as META_SCHEMAS

from kinto.core.types import JSONValue
from kinto.json_schema.compiler import CompiledSchema, compile_schema
from kinto.json_schema.keywords import KEYWORDS
from kinto.json_schema.keywords.base import Compile
from kinto.json_schema.outcome import Check, Failure, Schema, UnusableSchema, Work
from kinto.json_schema.patterns import is_regular_expression


# About two seconds, spent once: what 100,000 properties take.
MAX_STEPS = 2_000_000
_DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def _format(expected: Any, schema: dict[str, Any], _: Compile) -> Check:
    # Of the formats in the meta-schema, URIs are not asserted, as in `jsonschema`.
    def check(value: JSONValue, work: Work) -> Failure | None:
        if expected != "regex" or not isinstance(value, str):
            return None
        work.spend(10 + len(value))
        if is_regular_expression(value):
            return None
        return Failure(
            "format",
            expected,
            instance=value,
            schema=schema,
            describe=lambda: f"{value!r} is not a {expected!r}",
        )

    return check


_compiled: CompiledSchema = compile_schema(
    META_SCHEMAS.contents(_DRAFT_7), {**KEYWORDS, "format": _format}, verify=lambda _: None
)


def find_schema_error(schema: Schema) -> ValidationError | None:
    """What makes the schema an invalid one; ``None`` if it is valid.

    :raises UnusableSchema: it is too large, or too deep, to tell.
    """
    try:
        failure = _compiled.check(schema, Work(MAX_STEPS))
    except RecursionError:
        raise UnusableSchema("The schema is nested too deep") from None
    return failure.as_error() if failure else None


def verify(schema: Schema) -> None:
    """Refuse what is no valid schema.

    :raises UnusableSchema: it is none.
    """
    if error := find_schema_error(schema):
        raise UnusableSchema(f"Invalid schema: {error.message}")
