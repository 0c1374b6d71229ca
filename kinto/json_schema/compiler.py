"""Schemas made ready for use: part by part, when a value first needs that part.

A schema of 20,000 properties costs a small object only what its own properties cost. References
are resolved within the schema itself and the published meta-schemas; nothing is ever fetched.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from jsonschema_specifications import REGISTRY as META_SCHEMAS
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT7, SchemaRegistry

from kinto.core.types import JSONValue
from kinto.json_schema.keywords import Keyword
from kinto.json_schema.outcome import MAX_DEPTH, Check, Failure, Schema, UnusableSchema, Work


# Resolves references from some place in a schema. The class is private in `referencing`.
Resolver = Any
# Refuses what a reference leads to, unless it is a well-formed schema.
Verify = Callable[[Schema], None]

_PUBLISHED = {id(META_SCHEMAS.contents(uri)) for uri in META_SCHEMAS}
_FALSE = ""
# They do not appear in the path of an error.
_WITHOUT_SCHEMA_PATH = {_FALSE, "if", "$ref"}
_MAX_MESSAGE_LENGTH = 10_000


class CompiledSchema:
    """A schema that values can be checked against. Threads may share it."""

    __slots__ = ("_checks", "_document", "_resolver", "_schema")

    def __init__(self, schema: Schema, resolver: Resolver, *, document: "_Document") -> None:
        self._schema = schema
        self._resolver = resolver
        self._document = document
        self._checks: list[tuple[str, Check]] | None = None

    def check(self, value: JSONValue, work: Work) -> Failure | None:
        """The first thing that is wrong with the value.

        :raises UnusableSchema: that cannot be told.
        """
        checks = self._checks
        if checks is None:
            checks = self._prepare(work)
        work.spend(1)
        if work.depth >= MAX_DEPTH:
            raise UnusableSchema("Schema or data are nested too deep, or the schema has a cycle")
        work.depth += 1
        try:
            for keyword, check in checks:
                if failure := check(value, work):
                    if keyword not in _WITHOUT_SCHEMA_PATH:
                        failure.schema_path.append(keyword)
                    return failure
        finally:
            work.depth -= 1
        return None

    def _prepare(self, work: Work) -> list[tuple[str, Check]]:
        schema = self._schema
        if schema is True:
            self._checks = []
        elif schema is False:
            self._checks = [(_FALSE, _refuse)]
        elif "$ref" in schema:  # what stands beside it is ignored
            self._checks = [("$ref", self._reference(schema["$ref"]))]
        else:
            self._checks = list(self._keyword_checks(schema, work))
        return self._checks

    def _keyword_checks(self, schema: dict[str, Any], work: Work) -> list[tuple[str, Check]]:
        resolver = self._resolver
        if "$id" in schema:
            # One that is no URI matters only if something refers to it.
            with suppress(ValueError):
                resolver = resolver.in_subresource(DRAFT7.create_resource(schema))

        def compiled(inner: Schema) -> CompiledSchema:
            return CompiledSchema(inner, resolver, document=self._document)

        checks = []
        for name, expected in schema.items():
            if keyword := self._document.keywords.get(name):
                work.spend(len(expected) if isinstance(expected, list | dict) else 1)
                checks.append((name, keyword(expected, schema, compiled)))
        return checks

    def _reference(self, ref: str) -> Check:
        target: CompiledSchema | None = None

        def check(value: JSONValue, work: Work) -> Failure | None:
            nonlocal target
            if target is None:
                target = self._document.find(ref, self._resolver)
            return target.check(value, work)

        return check


class _Document:
    """What the parts of one schema share.

    :param by_content: compiled targets of references; the schema keeps their contents alive.
    """

    __slots__ = ("_by_content", "_unresolvable", "_verify", "keywords")

    def __init__(self, keywords: Mapping[str, Keyword], verify: Verify) -> None:
        self.keywords = keywords
        self._verify = verify
        self._by_content: dict[int, CompiledSchema] = {}
        self._unresolvable: dict[str, str] = {}

    def compile_root(self, schema: Schema) -> CompiledSchema:
        registry = META_SCHEMAS.with_resource("", DRAFT7.create_resource(schema))
        if _mentions_id(schema):
            registry = _crawl(registry)
        resolver = registry.resolver_with_root(DRAFT7.create_resource(schema))
        root = CompiledSchema(schema, resolver, document=self)
        self._by_content[id(schema)] = root
        return root

    def find(self, ref: str, resolver: Resolver) -> CompiledSchema:
        """The schema that a reference leads to.

        :raises UnusableSchema: it leads nowhere, or not to a schema.
        """
        if known := self._unresolvable.get(ref):
            raise UnusableSchema(known)
        try:
            resolved = resolver.lookup(ref)
        except Unresolvable as error:
            reason = f"{type(error).__name__}: {error}"[:_MAX_MESSAGE_LENGTH]
        except (ValueError, TypeError):  # no URI; a pointer into a string or a number
            reason = f"Unresolvable: {ref}"
        else:
            return self._compiled(resolved.contents, resolved.resolver)
        # Looking for a name that is nowhere means reading the whole schema.
        self._unresolvable[ref] = reason
        raise UnusableSchema(reason)

    def _compiled(self, contents: Schema, resolver: Resolver) -> CompiledSchema:
        found = self._by_content.get(id(contents))
        if found is None:
            if id(contents) not in _PUBLISHED:
                self._verify(contents)
            found = CompiledSchema(contents, resolver, document=self)
            self._by_content[id(contents)] = found
        return found


def compile_schema(
    schema: Schema, keywords: Mapping[str, Keyword], *, verify: Verify
) -> CompiledSchema:
    """Make a well-formed schema ready. It must not be changed afterwards."""
    return _Document(keywords, verify).compile_root(schema)


def _mentions_id(schema: JSONValue) -> bool:
    pending = [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if "$id" in value:
                return True
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return False


def _crawl(registry: SchemaRegistry) -> SchemaRegistry:
    """Find all names in it, once: else that is done again for each reference to a name."""
    try:
        return registry.crawl()
    except ValueError:  # a name that is no URI; matters only if something refers to it
        return registry


def _refuse(value: JSONValue, _: Work) -> Failure:
    return Failure(
        None,
        None,
        instance=value,
        schema=False,
        describe=lambda: f"False schema does not allow {value!r}",
    )
