"""Check of all settings at start-up.

Source: "Value parsing" in the settings documentation.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from kinto.core.settings.definitions import Group, parse_fields
from kinto.core.settings.errors import InvalidValueError, configuration_error, describe_invalid
from kinto.core.settings.model import DEFINITIONS, CoreSettings
from kinto.core.settings.patterns import find_current_spelling, find_kind


logger = logging.getLogger(__name__)

_MAX_EDIT_DISTANCE = 2


def parse_settings(settings: Mapping[str, Any], *, prefix: str = "kinto") -> CoreSettings:
    """The settings with their real types.

    :param settings: as :func:`~kinto.core.settings.read_settings` gives them.
    :param prefix: of names in messages.
    :raises pyramid.exceptions.ConfigurationError: one line for each bad setting.
    """
    parsed, problems = inspect_settings(settings, prefix=prefix)
    if problems:
        raise configuration_error(problems)
    for line in find_odd_names(settings, prefix=prefix):
        logger.warning(line)
    return parsed


def inspect_settings(
    settings: Mapping[str, Any], *, prefix: str = "kinto"
) -> tuple[CoreSettings, list[str]]:
    """The settings with their real types, and a line about each bad one.

    A bad one has its default.
    """
    problems: list[str] = []
    parsed = parse_fields(CoreSettings, settings, settings_prefix=prefix, problems=problems)
    problems.extend(_find_bad_patterns(settings, prefix))
    return parsed, problems


def parse_group(
    cls: type[Group],
    settings: Mapping[str, Any],
    *,
    group_prefix: str = "",
    settings_prefix: str = "kinto",
) -> Group:
    """The settings of a plugin with their real types.

    :param cls: frozen dataclass whose fields are made by ``setting``.
    :param group_prefix: that the names of its settings begin with, ``history.`` say.
    :raises pyramid.exceptions.ConfigurationError: one line for each bad setting.
    """
    problems: list[str] = []
    parsed = parse_fields(
        cls,
        settings,
        settings_prefix=settings_prefix,
        problems=problems,
        group_prefix=group_prefix,
    )
    if problems:
        raise configuration_error(problems)
    return parsed


def _find_bad_patterns(settings: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in settings.items():
        if name in DEFINITIONS or name.startswith(f"{prefix}."):
            continue
        if kind := find_kind(name):
            try:
                kind.parse(value)
            except InvalidValueError as error:
                yield describe_invalid(f"{prefix}.{name}", value, error.expected)


def find_odd_names(settings: Mapping[str, Any], *, prefix: str = "kinto") -> Iterator[str]:
    """A line about each name that an operator may have misspelled, or spelled as in Kinto 3."""
    for key in settings:
        name = key.removeprefix(f"{prefix}.")
        if name in DEFINITIONS:
            continue
        if (current := find_current_spelling(name)) and name == key:
            yield f"Setting '{name}' is deprecated, use '{current}' instead."
        elif name != key and find_kind(name) is None and (known := find_similar_name(name)):
            yield f"Unknown setting '{key}', did you mean '{prefix}.{known}'?"


def find_similar_name(name: str) -> str | None:
    """The setting with nearly that name, ``None`` when there is none."""
    distances = {known: _edit_distance(name, known) for known in DEFINITIONS}
    best = min(distances, key=distances.__getitem__)
    return best if distances[best] <= _MAX_EDIT_DISTANCE else None


def _edit_distance(first: str, second: str) -> int:
    """Levenshtein distance, or something above the limit as soon as it is known to be."""
    if abs(len(first) - len(second)) > _MAX_EDIT_DISTANCE:
        return _MAX_EDIT_DISTANCE + 1
    row = list(range(len(second) + 1))
    for index, letter in enumerate(first, start=1):
        previous, row = row, [index]
        for column, other in enumerate(second):
            substituted = previous[column] + (letter != other)
            row.append(min(previous[column + 1] + 1, row[-1] + 1, substituted))
        if min(row) > _MAX_EDIT_DISTANCE:
            return _MAX_EDIT_DISTANCE + 1
    return row[-1]
