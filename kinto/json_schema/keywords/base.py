"""What the keywords that apply inner schemas have in common."""

from collections.abc import Callable
from typing import Any, Protocol

from kinto.core.types import JSONValue
from kinto.json_schema.outcome import Check, Failure, Schema, Work


class Applicable(Protocol):
    """A schema that was made ready."""

    def check(self, value: JSONValue, work: Work) -> Failure | None:
        """The first thing that is wrong with the value."""


Compile = Callable[[Schema], Applicable]
# Any: a keyword's value is whatever JSON holds.
Keyword = Callable[[Any, dict[str, Any], Compile], Check]


def descend(
    applicable: Applicable,
    value: JSONValue,
    work: Work,
    *,
    path: str | int | None = None,
    schema_path: str | int | None = None,
) -> Failure | None:
    """Apply an inner schema.

    :param path: the property or index where the value was found.
    :param schema_path: the property or index where the inner schema was found.
    """
    failure = applicable.check(value, work)
    if failure is not None:
        if schema_path is not None:
            failure.schema_path.append(schema_path)
        if path is not None:
            failure.path.append(path)
    return failure


def listed(values: list[Any]) -> str:
    """Values as the messages of `jsonschema` name them."""
    return ", ".join(repr(value) for value in values)


def extras_are(values: list[Any]) -> str:
    return f"{listed(values)} {'was' if len(values) == 1 else 'were'} unexpected"
