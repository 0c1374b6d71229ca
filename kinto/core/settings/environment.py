"""Settings as the application sees them, from the INI file, the environment and the defaults.

Source: "Names and prefix" and "Environment variables" in the settings documentation.
"""

import os
from collections.abc import Mapping
from typing import Any

from kinto.core.settings.decoding import decode_value
from kinto.core.settings.kinds import parse_words
from kinto.core.settings.model import DEFINITIONS
from kinto.core.settings.patterns import find_kind
from kinto.core.types import Configurator


# Settings of frameworks, which decode them themselves.
_FOREIGN_PREFIXES = ("pyramid.", "tm.", "cornice.", "available_languages", "handle_exceptions")
_LISTENER_OPTIONS = ("use", "actions", "resources")
# The folder of the file, where relative ones start: a fact rather than a setting.
_NOT_IN_ENVIRONMENT = frozenset({"here"})


def read_env(key: str, default: Any, environ: Mapping[str, str] | None = None) -> Any:
    """The decoded value of the environment variable named after a setting.

    :param key: name of the setting, prefix included: ``kinto.mail.host`` is ``KINTO_MAIL_HOST``.
    :param default: returned untouched when there is no such variable.
    """
    text = (os.environ if environ is None else environ).get(variable_name(key))
    return default if text is None else decode_value(text)


def variable_name(key: str) -> str:
    """Name of the environment variable of a setting."""
    return key.upper().replace(".", "_").replace("-", "_")


def read_settings(
    raw: Mapping[str, Any],
    *,
    prefix: str,
    defaults: Mapping[str, Any],
    environ: Mapping[str, str],
) -> dict[str, Any]:
    """The settings by name without prefix: environment before file before defaults.

    The keys of ``raw`` stay as they were written. A variable that overrides a setting written
    with the prefix overrides that one too, so that nobody reads the value that lost.

    :param raw: as in the file, each with or without the prefix.
    :param defaults: likewise, where later ones win; text is decoded like that of the file.
    :raises ValueError: a setting is given with and without prefix, with different values.
    """
    known = {**_strip_prefix(defaults, prefix), **_strip_prefix_strictly(raw, prefix)}
    settings = dict(raw)
    for name in {**DEFINITIONS, **known}:
        if name not in _NOT_IN_ENVIRONMENT:
            _read_setting(settings, name, known=known, prefix=prefix, environ=environ)
    for listener in parse_words(settings.get("event_listeners")):
        for option in _LISTENER_OPTIONS:
            name = f"event_listeners.{listener.rpartition('.')[2]}.{option}"
            if name not in settings:
                _read_setting(settings, name, known={}, prefix=prefix, environ=environ)
    return settings


def load_default_settings(config: Configurator, default_settings: Mapping[str, Any]) -> None:
    """Add the defaults of a plugin to the settings, below the file and the environment.

    :raises ValueError: a setting of these is given with and without prefix, with different
        values.
    """
    settings = config.get_settings()
    prefix = settings.get("settings_prefix") or "kinto"
    names = _strip_prefix(default_settings, prefix)
    given = {
        key: value
        for key, value in settings.items()
        if key in names or key.removeprefix(f"{prefix}.") in names
    }
    loaded = read_settings(given, prefix=prefix, defaults=default_settings, environ=os.environ)
    config.add_settings({name: loaded[name] for name in names})


def _strip_prefix(raw: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Values by name without prefix, the last one where a name comes twice."""
    return {key.removeprefix(f"{prefix}."): value for key, value in raw.items()}


def _strip_prefix_strictly(raw: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    start = f"{prefix}."
    for key, value in raw.items():
        name = key.removeprefix(start)
        if name != key and name in raw and not _are_same(raw[name], value):
            raise ValueError(f"Settings '{key}', '{name}' are in conflict.")
    return _strip_prefix(raw, prefix)


def _are_same(first: Any, second: Any) -> bool:  # any JSON value
    # A dict of settings that was read once has both: `"true"` as written, and `True`.
    return str(first) == str(second) or bool(decode_value(first) == decode_value(second))


def _read_setting(
    settings: dict[str, Any],
    name: str,
    *,
    known: Mapping[str, Any],
    prefix: str,
    environ: Mapping[str, str],
) -> None:
    prefixed = f"{prefix}.{name}"
    text = environ.get(variable_name(prefixed)) if prefix else None
    if text is None:
        text = environ.get(variable_name(name))
    if text is not None:
        settings[name] = _decode(name, text)
        if prefixed in settings:
            settings[prefixed] = text
    elif name in known:
        settings[name] = _decode(name, known[name])


def _decode(name: str, value: Any) -> Any:  # any JSON value
    if name.startswith(_FOREIGN_PREFIXES):
        return value
    kind = find_kind(name)
    return kind.decode(value) if kind else decode_value(value)
