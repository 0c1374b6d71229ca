"""Storage, permission and cache backends, as the settings name them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from pyramid.request import Request

from kinto.core import cache, permission, storage
from kinto.core.postgresql.embedded import MissingBinaries
from kinto.core.settings import DEFINITIONS
from kinto.core.setup.embedded import find_embedded_folder, setup_secret
from kinto.core.setup.refusals import naming_setting, require_callable
from kinto.core.storage import generators


HeartbeatCheck = Callable[[Request], bool]

_REDIS_IS_A_CACHE = (
    "redis is only available as a cache: set 'kinto.cache_backend = kinto.core.cache.redis'."
)


def setup_storage(config: Configurator) -> None:
    """Set ``registry.storage`` with the generators of ids."""
    _setup_id_generators(config)
    backend = _load(config, "storage", storage.StorageBase)
    if backend is not None:
        config.registry.storage = backend
        config.registry.heartbeats["storage"] = _heartbeat(backend, storage.heartbeat(backend))
        setup_secret(config)


def setup_permission(config: Configurator) -> None:
    """Set ``registry.permission``."""
    backend = _load(config, "permission", permission.PermissionBase)
    if backend is not None:
        config.registry.permission = backend
        check = permission.heartbeat(backend)
        config.registry.heartbeats["permission"] = _heartbeat(backend, check)


def setup_cache(config: Configurator) -> None:
    """Set ``registry.cache``."""
    backend = _load(config, "cache", cache.CacheBase)
    if backend is not None:
        config.registry.cache = backend
        config.registry.heartbeats["cache"] = cache.heartbeat(backend)


def _load(config: Configurator, kind: str, base: type) -> Any:
    """The backend of one kind; ``None`` where the setting is empty.

    :raises ConfigurationError: no such module, a missing package, a wrong URL, or no backend of
        that kind.
    """
    setting = f"{kind}_backend"
    settings = config.get_settings()
    dotted = settings.get(setting)
    if not dotted:
        return None
    if str(dotted).startswith(("kinto.core.storage.redis", "kinto.core.permission.redis")):
        raise ConfigurationError(f"Invalid {kind} backend: {dotted}: {_REDIS_IS_A_CACHE}")
    find_embedded_folder(settings, kind, Path(settings.get("here") or "."))
    with naming_setting(f"kinto.{setting}", dotted):
        module = config.maybe_dotted(dotted)
        load = getattr(module, "load_from_config", None)
        if load is None:
            raise ConfigurationError(f"Invalid {kind} backend: {dotted} has no load_from_config.")
        try:
            backend = load(config)
        except MissingBinaries as error:
            raise ConfigurationError(f"Setting 'kinto.{kind}_url': {error}") from error
    if not isinstance(backend, base):
        given = type(backend).__qualname__
        raise ConfigurationError(f"Invalid {kind} backend: {dotted} gives a {given}.")
    return backend


def _heartbeat(backend: Any, check: HeartbeatCheck) -> HeartbeatCheck:
    """A check that fails, too, as long as the backend's tables are not of this version."""
    if not hasattr(backend, "is_schema_outdated"):
        return check

    def check_with_schema(request: Request) -> bool:
        # In this order: the first connection of the process is what looks at the tables.
        return check(request) and not backend.is_schema_outdated()

    return check_with_schema


def _setup_id_generators(config: Configurator) -> None:
    settings = config.get_settings()
    # Settings stay there as they were written, too: with the prefix.
    names = {name for name in settings if name.endswith("_id_generator") and "." not in name}
    generators_by_kind: dict[str, generators.Generator] = {}
    for name in sorted(names | {"id_generator"}):
        dotted = settings.get(name) or DEFINITIONS["id_generator"].default
        kind = name.removesuffix("id_generator").rstrip("_")
        with naming_setting(f"kinto.{name}", dotted):
            make = require_callable(f"kinto.{name}", dotted, config.maybe_dotted(dotted))
            generators_by_kind[kind] = make(config)
    config.registry.id_generators = generators_by_kind
