"""Schemas of request bodies.

They describe each body once: they refuse what is malformed, and the OpenAPI document is
made from them.
"""

import warnings
from functools import lru_cache
from typing import Any, ClassVar

import colander

from kinto.core import schema as core_schema
from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.dicts import copy_json


_ALWAYS_KNOWN = ("id", "last_modified")


class ResourceSchema(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    """Attributes of the objects of a kind; unknown ones are kept by default.

    The inner class ``Options`` of a sub-class may set ``readonly_fields``, names that a PATCH
    must not change, and ``preserve_unknown``.
    """

    class Options:
        """Defaults of the options."""

        readonly_fields: tuple[str, ...] = ()
        preserve_unknown = True

    @classmethod
    def get_option(cls, attr: str) -> Any:
        """An option of this schema, or its default."""
        default = getattr(ResourceSchema.Options, attr)
        return getattr(cls.Options, attr, default)

    @classmethod
    def is_readonly(cls, field: str) -> bool:
        """Whether a PATCH may not change the attribute."""
        return field in cls.get_option("readonly_fields")

    @classmethod
    def schema_type(cls) -> Any:
        """Type of the node, with or without unknown attributes."""
        keeps_unknown = cls.get_option("preserve_unknown")
        return colander.Mapping(unknown="preserve" if keeps_unknown else "ignore")

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        """The attributes; id and timestamp are among them for closed schemas too."""
        if type(cstruct) is dict and is_open(self):
            # What Colander would give, which copies each value with a call for it.
            value = copy_json(cstruct)
        else:
            value = super().deserialize(cstruct)
        if isinstance(value, dict) and isinstance(cstruct, dict):
            kept = {name: cstruct[name] for name in _ALWAYS_KNOWN if name in cstruct}
            value = {**kept, **value}
        return value


class PermissionsSchema(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    """Principals by permission; ``None`` stands for no principal.

    :param known: names of the permissions that the kind has.
    :param keeps_null: leave ``None`` as it is, for a PATCH to judge.
    """

    title = "Permissions"

    def __init__(
        self, *args: Any, known: tuple[str, ...], keeps_null: bool = False, **kwargs: Any
    ) -> None:
        self.known = known
        super().__init__(colander.Mapping(unknown="preserve"), *args, **kwargs)
        for permission in known:
            self.add(_principals_node(permission, keeps_null=keeps_null))

    @staticmethod
    def schema_type() -> Any:
        """Type of the node."""
        return colander.Mapping(unknown="preserve")

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        permissions = super().deserialize(cstruct)
        if not isinstance(permissions, dict):
            return permissions
        for name in permissions:
            if name not in self.known:
                raise colander.Invalid(self, f'"{name}" is not one of {", ".join(self.known)}')
        return permissions


class _Principals(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    missing = colander.drop
    keeps_null = False

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        if cstruct is None:
            return None if self.keeps_null else []
        return super().deserialize(cstruct)


def _principals_node(permission: str, *, keeps_null: bool) -> colander.SchemaNode:
    return _Principals(
        colander.Sequence(),
        colander.SchemaNode(colander.String()),
        name=permission,
        keeps_null=keeps_null,
    )


class BodySchema(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    """A body of ``data`` and ``permissions``.

    Most bodies have nothing that a schema could refuse or convert: they are taken as they are,
    where Colander would copy each of their values.

    :param is_data_open: ``data`` may hold anything.
    :param permissions: names of those that the kind has.
    """

    def __init__(self, *, is_data_open: bool, permissions: tuple[str, ...]) -> None:
        super().__init__(colander.Mapping(unknown="raise"), name="")
        self._is_data_open = is_data_open
        self._permissions = frozenset(permissions)

    def accepts_as_is(self, body: Any) -> bool:
        """Whether a body would be deserialized to itself."""
        if type(body) is not dict or not self._is_data_open:
            return False
        for name, value in body.items():
            if type(value) is not dict:
                return False
            if name == "permissions":
                if not self._are_plain_permissions(value):
                    return False
            elif name != "data":
                return False
        return "data" in body

    def _are_plain_permissions(self, permissions: dict[str, Any]) -> bool:
        if not self._permissions or not permissions.keys() <= self._permissions:
            return False
        return all(
            type(principals) is list and all(type(each) is str and each for each in principals)
            for principals in permissions.values()
        )


def is_open(schema: colander.SchemaNode) -> bool:
    """Whether a schema of attributes leaves any object as it is."""
    cls = type(schema)
    return (
        isinstance(schema, ResourceSchema)
        and cls.deserialize is ResourceSchema.deserialize
        and cls.schema_type.__func__ is ResourceSchema.schema_type.__func__  # type: ignore[attr-defined]
        and cls.get_option("preserve_unknown")
        and not schema.children
        and schema.validator is None
        and schema.preparer is None
    )


def object_body_schema(
    data: colander.SchemaNode, permissions: tuple[str, ...], *, is_data_required: bool
) -> colander.SchemaNode:
    """Body of POST and PUT."""
    body = BodySchema(is_data_open=is_open(data), permissions=permissions)
    data = data.clone()
    data.name = "data"
    data.missing = colander.required if is_data_required else colander.drop
    body.add(data)
    _add_permissions(body, permissions, keeps_null=False)
    return body


def patch_body_schema(permissions: tuple[str, ...]) -> colander.SchemaNode:
    """Body of a PATCH that merges: its attributes are checked once merged."""
    body = BodySchema(is_data_open=True, permissions=permissions)
    body.add(
        colander.SchemaNode(
            colander.Mapping(unknown="preserve"), name="data", missing=colander.drop
        )
    )
    _add_permissions(body, permissions, keeps_null=True)
    return body


def _add_permissions(
    body: colander.SchemaNode, permissions: tuple[str, ...], *, keeps_null: bool
) -> None:
    if permissions:
        node = PermissionsSchema(
            name="permissions", known=permissions, keeps_null=keeps_null, missing=colander.drop
        )
        body.add(node)


@lru_cache(maxsize=256)
def made_schema(schema_class: type) -> Any:  # a node of Colander, which ships no types
    """The one instance of a class of schemas: making it costs more than what it checks."""
    return schema_class()


def has_required_attributes(schema: colander.SchemaNode) -> bool:
    """Whether objects of this kind cannot be empty."""
    return any(child.required for child in schema.children)


def find_errors(schema: colander.SchemaNode, value: Any) -> tuple[Any, list[InvalidParameter]]:
    """The value as the schema has it, with what is wrong in it."""
    if isinstance(schema, BodySchema) and schema.accepts_as_is(value):
        return value, []
    try:
        return schema.deserialize(value), []
    except colander.Invalid as error:
        return None, [
            InvalidParameter("body", name, message) for name, message in invalid_parts(error)
        ]


def invalid_parts(error: colander.Invalid) -> list[tuple[str, str]]:
    """Dotted paths of what is wrong, with the reason of each."""
    return [
        (path.lstrip("."), message)
        for path, message in error.asdict(translate=_untranslated).items()
    ]


def _untranslated(message: Any) -> str:
    interpolate = getattr(message, "interpolate", None)
    return interpolate() if interpolate else str(message)


class _DeprecatedNode:
    """An old name of a node, which warns once it is used."""

    old: ClassVar[str]
    new: ClassVar[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"`kinto.core.resource.schema.{self.old}` is deprecated, "
            f"use `kinto.core.schema.{self.new}` instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)


class TimeStamp(_DeprecatedNode, core_schema.TimeStamp):
    """Old name of :class:`kinto.core.schema.TimeStamp`."""

    old = new = "TimeStamp"


class URL(_DeprecatedNode, core_schema.URL):
    """Old name of :class:`kinto.core.schema.URL`."""

    old = new = "URL"


__all__ = [
    "URL",
    "PermissionsSchema",
    "ResourceSchema",
    "TimeStamp",
    "find_errors",
    "has_required_attributes",
    "invalid_parts",
    "object_body_schema",
    "patch_body_schema",
]
