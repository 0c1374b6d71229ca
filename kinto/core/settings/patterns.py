"""Settings whose name holds a name that the operator chooses.

Source: settings page.
"""

import re
from collections.abc import Mapping
from typing import Any

from kinto.core.settings.kinds import (
    BOOL,
    DOTTED,
    NATURAL,
    OPTIONAL_INT,
    PRINCIPALS,
    TEXT,
    WORDS,
    Kind,
    parse_bool,
)
from kinto.core.settings.model import DEFINITIONS


_METHODS = "get|head|put|patch|post|delete|options"

_PATTERNS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (r".+_principals", PRINCIPALS),
        (r".+_id_generator", DOTTED),
        (rf"(plural|object|collection|record)_.+_({_METHODS})_enabled", BOOL),
        (r".+[_.](bucket|group|collection|record)_cache_expires_seconds", OPTIONAL_INT),
        (r"event_listeners\..+\.(actions|resources)", WORDS),
        (r"event_listeners\..+\.(use|url|listname)", TEXT),
        (r"multiauth\.policy\.[^.]+\.(verification_ttl_seconds|state_ttl_seconds)", NATURAL),
        (r"multiauth\.policy\.[^.]+\.state_length", NATURAL),
        (
            r"multiauth\.policy\.[^.]+\."
            r"(use|issuer|client_id|client_secret|userid_field|header_type|audience|realm)",
            TEXT,
        ),
        (r"fxa-oauth\.clients\..+", TEXT),
    )
)

_FORMER_ENDPOINTS = {"plural": "collection", "object": "record"}
_FORMER_SPELLING = re.compile(rf"(collection|record)_([^_].*)_({_METHODS})_enabled")
_CURRENT_ENDPOINTS = {former: current for current, former in _FORMER_ENDPOINTS.items()}


def find_kind(name: str) -> Kind | None:
    """Type of a setting, ``None`` when nothing is known of it.

    :param name: without prefix.
    """
    if definition := DEFINITIONS.get(name):
        return definition.kind
    return next((kind for pattern, kind in _PATTERNS if pattern.fullmatch(name)), None)


def is_endpoint_enabled(
    settings: Mapping[str, Any], endpoint: str, *, resource_name: str, method: str
) -> bool:
    """Is this method of this endpoint left on by the settings?

    :param endpoint: ``plural`` or ``object``; the spelling of Kinto 3 is understood as well.
    """
    suffix = f"{resource_name}_{method.lower()}_enabled"
    former = settings.get(f"{_FORMER_ENDPOINTS[endpoint]}_{suffix}", True)
    return parse_bool(settings.get(f"{endpoint}_{suffix}", former))


def find_current_spelling(name: str) -> str | None:
    """What replaces a setting of Kinto 3, ``None`` when the name is not one of those."""
    if match := _FORMER_SPELLING.fullmatch(name):
        endpoint, resource_name, method = match.groups()
        return f"{_CURRENT_ENDPOINTS[endpoint]}_{resource_name}_{method}_enabled"
    return None
