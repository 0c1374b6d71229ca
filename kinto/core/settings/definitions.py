"""Declaration of a setting as the field of a dataclass.

A group of settings is a frozen dataclass whose fields are made by :func:`setting`; everything
else (defaults, checks, environment variables, the settings page, the template of the INI file)
is derived from these fields.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from kinto.core.settings.errors import InvalidValueError, describe_invalid
from kinto.core.settings.kinds import Kind


Group = TypeVar("Group", bound="SettingsGroup")

_METADATA_KEY = "kinto.setting"
# These belong to frameworks or to add-ons that were published under their own name.
_OWN_PREFIXES = ("multiauth.", "fxa-oauth.", "tm.")


class NotInCore:
    """Default of a setting that applications built on ``kinto.core`` alone lack."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What is known of one setting.

    :param name: without the prefix ``kinto.``.
    :param default: of the application ``kinto``, as it would be written.
    :param core_default: of applications built on ``kinto.core``; :class:`NotInCore` for none.
    :param is_listed: whether ``DEFAULT_SETTINGS`` holds it.
    """

    name: str
    kind: Kind
    default: Any  # any JSON value
    core_default: Any  # likewise
    doc: str
    is_secret: bool = False
    is_listed: bool = True

    def written_name(self, prefix: str) -> str:
        """The name that an operator writes."""
        return self.name if self.name.startswith(_OWN_PREFIXES) else f"{prefix}.{self.name}"


class SettingsGroup(Protocol):
    """A dataclass whose fields are settings, or groups of settings."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def setting(
    kind: Kind,
    default: object,
    *,
    doc: str,
    name: str | None = None,
    core: object = MISSING,
    secret: bool = False,
    listed: bool = True,
) -> Any:  # as `dataclasses.field`: fits every annotation
    """A dataclass field that is a setting.

    :param name: of the setting, when it is not that of the field.
    :param core: default in ``kinto.core`` when it differs.
    :param listed: false for settings whose absence has a meaning to plugins.
    """
    definition = Definition(
        name=name or "",
        kind=kind,
        default=default,
        core_default=default if core is MISSING else core,
        doc=doc,
        is_secret=secret,
        is_listed=listed,
    )
    # Modules are not imported for the sake of a default.
    parsed = default if kind.label == "dotted" else kind.parse(default)
    return field(default=parsed, repr=not secret, metadata={_METADATA_KEY: definition})


def group(cls: type, *, prefix: str = "") -> Any:  # as `dataclasses.field`
    """A dataclass field that is a group of settings.

    :param prefix: of the names of these settings.
    """
    return field(default_factory=cls, metadata={_METADATA_KEY: _Group(cls, prefix)})


class _Group(NamedTuple):
    cls: type[SettingsGroup]
    prefix: str


def iter_groups(cls: type[SettingsGroup]) -> Iterator[tuple[str, type[SettingsGroup], str]]:
    """Field name, class and name prefix of each group in this dataclass."""
    for item in fields(cls):
        if isinstance(nested := item.metadata.get(_METADATA_KEY), _Group):
            yield item.name, nested.cls, nested.prefix


def iter_definitions(
    cls: type[SettingsGroup], prefix: str = ""
) -> Iterator[tuple[str, Definition]]:
    """Field name and definition of each setting of a group."""
    for item in fields(cls):
        if isinstance(definition := item.metadata.get(_METADATA_KEY), Definition):
            name = definition.name or f"{prefix}{item.name}"
            yield item.name, replace(definition, name=name)


def parse_fields(
    cls: type[Group],
    settings: Mapping[str, Any],
    *,
    settings_prefix: str,
    problems: list[str],
    group_prefix: str = "",
) -> Group:
    """The group as these settings have it, where absent ones have their default.

    :param settings: by name without ``settings_prefix``.
    :param problems: a line is added for each bad value.
    """
    values: dict[str, Any] = {}
    for field_name, definition in iter_definitions(cls, group_prefix):
        value = settings.get(definition.name, MISSING)
        if value is MISSING or value == definition.default:
            continue
        try:
            values[field_name] = definition.kind.parse(value)
        except InvalidValueError as error:
            written = definition.written_name(settings_prefix)
            problems.append(describe_invalid(written, value, error.expected))
    for field_name, nested, prefix in iter_groups(cls):
        values[field_name] = parse_fields(
            nested,
            settings,
            settings_prefix=settings_prefix,
            problems=problems,
            group_prefix=prefix,
        )
    return cls(**values)
