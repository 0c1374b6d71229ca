"""Schemas made ready for use: part by part, when a value first needs that part.

A schema of 20,000 properties costs a small object only what its own properties cost. References
are resolved within the schema itself and the published meta-schemas; nothing is ever fetched.
"""

from typing import Any

from jsonschema_specifications import REGISTRY as META_SCHEMAS
from referencing import Registry
from referencing._core import Resolver
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT7, SchemaRegistry

from kinto.core.types import JSONValue
from kinto.json_schema.keywords import KEYWORDS, Keyword
from kinto.json_schema.outcome import MAX_DEPTH, Check, Failure, Schema, UnusableSchema, Work


class CompiledSchema:
    """A schema, or one within another. Safe to share between threads.

    :param resolver: knows the base URI around the schema.
    :param keywords: how to check; keywords that are not there are ignored.
    :param is_trusted: the schema is known to be well formed: so are those within.
    """

    __slots__ = ("_checks", "_keywords", "_resolver", "_schema")

    def __init__(
        self, schema: Schema, resolver: Resolver[Schema], *, keywords: dict[str, Keyword]
    ) -> None:
        self._schema = schema
        self._resolver = resolver
        self._keywords = keywords
        self._checks: list[tuple[str, Check]] | None = None
