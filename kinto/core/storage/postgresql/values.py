"""The values of one statement, bound by name."""

from collections.abc import Mapping
from typing import Any

from kinto.core.protocol import json_codec
from kinto.core.types import JSONValue


class BoundValues:
    """Collects values and gives the placeholders that stand for them."""

    __slots__ = ("params",)

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self.params: dict[str, Any] = dict(params or {})

    def bind(self, value: Any) -> str:
        """A placeholder for a value that psycopg2 knows: text, numbers, lists of these."""
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"

    def bind_json(self, value: JSONValue) -> str:
        """A placeholder for a JSON value.

        :raises ValueError: PostgreSQL cannot hold it (a NUL, a lone surrogate).
        """
        return f"{self.bind(json_codec.dumps_storable(value))}::jsonb"

    def bind_json_array(self, values: list[JSONValue]) -> str:
        """A placeholder for several JSON values, to be compared with ``ANY``."""
        return f"{self.bind([json_codec.dumps_storable(value) for value in values])}::jsonb[]"
