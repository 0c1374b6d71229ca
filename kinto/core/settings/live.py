"""Settings that plugins and tests alter while the application runs.

Source: "Config directives" in the documentation of the extension API.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

from kinto.core.settings.definitions import SettingsGroup, parse_fields
from kinto.core.settings.deployment import (
    BackoffSettings,
    CorsSettings,
    DeprecationSettings,
    ProjectSettings,
)
from kinto.core.settings.errors import InvalidValueError
from kinto.core.settings.features import (
    BatchSettings,
    FeatureSettings,
    PaginationSettings,
)
from kinto.core.settings.kinds import OPTIONAL_INT, parse_principals
from kinto.core.settings.model import CoreSettings


logger = logging.getLogger(__name__)

_LIVE_GROUPS: dict[str, type[SettingsGroup]] = {
    "backoff": BackoffSettings,
    "batch": BatchSettings,
    "cors": CorsSettings,
    "deprecation": DeprecationSettings,
    "features": FeatureSettings,
    "pagination": PaginationSettings,
    "project": ProjectSettings,
}
LIVE_NAMES = (
    "backoff",
    "backoff_percentage",
    "batch_max_requests",
    "cors_origins",
    "eos",
    "eos_message",
    "eos_url",
    "heartbeat_timeout_seconds",
    "http_api_version",
    "paginate_by",
    "retry_after_seconds",
)
_read_live_values = itemgetter(*LIVE_NAMES)
_NO_PRINCIPALS: frozenset[str] = frozenset()


class LiveSettings:
    """The parsed settings, parsed again when ``registry.settings`` was altered."""

    __slots__ = ("_seen",)

    def __init__(self, parsed: CoreSettings, settings: Mapping[str, Any]) -> None:
        # One attribute: threads see values together with what was parsed from them.
        self._seen = (_live_values(settings), parsed)

    def current(self, settings: Mapping[str, Any]) -> CoreSettings:
        """The settings as they are now. Bad values are logged, and change nothing.

        :param settings: ``registry.settings``.
        """
        values, parsed = self._seen
        now = _live_values(settings)
        if now == values:
            return parsed
        parsed = _parse_again(parsed, settings)
        self._seen = (now, parsed)
        return parsed


def _live_values(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        values: tuple[Any, ...] = _read_live_values(settings)
        return values
    except KeyError:
        return tuple(settings.get(name) for name in LIVE_NAMES)


def _parse_again(parsed: CoreSettings, settings: Mapping[str, Any]) -> CoreSettings:
    changed: dict[str, Any] = {}
    for name, cls in _LIVE_GROUPS.items():
        problems: list[str] = []
        changed[name] = parse_fields(cls, settings, settings_prefix="kinto", problems=problems)
        if problems:
            logger.warning("Altered setting is ignored: %s", "; ".join(problems))
            del changed[name]
    return replace(parsed, **changed)


def principals_setting(settings: Mapping[str, Any], name: str) -> frozenset[str]:
    """The principals that a setting lists, separated by whitespace or commas."""
    value = settings.get(name)
    if not value:
        return _NO_PRINCIPALS
    return _split_principals(value) if isinstance(value, str) else parse_principals(value)


_split_principals = lru_cache(maxsize=1024)(parse_principals)


def find_cache_expires_seconds(
    settings: Mapping[str, Any],
    resource_name: str,
    *,
    bucket_id: str | None = None,
    collection_id: str | None = None,
) -> int | None:
    """How long anonymous clients may keep objects of this type, the most specific setting first.

    Source: "Client caching" in the settings documentation.
    """
    suffix = f"{resource_name}_cache_expires_seconds"
    names = [suffix]
    if bucket_id is not None:
        names = [f"{bucket_id}.{suffix}", f"{bucket_id}_{suffix}", suffix]
        if collection_id is not None:
            path = (bucket_id, collection_id)
            names = [f"{'.'.join(path)}.{suffix}", f"{'_'.join(path)}_{suffix}", *names]
    for name in names:
        if (value := settings.get(name)) is not None:
            return _parse_expiry(value)
    return None


def _parse_expiry(value: object) -> int | None:
    try:
        seconds: int | None = OPTIONAL_INT.parse(value)
    except InvalidValueError:
        return None
    return seconds
