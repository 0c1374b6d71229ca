"""Storage, permission and cache backends, as the settings name them."""

from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto.core import cache, permission, storage
from kinto.core.settings import DEFINITIONS
from kinto.core.setup.refusals import naming_setting, require_callable
from kinto.core.storage import generators


_REDIS_IS_A_CACHE = (
    "redis is only available as a cache: set 'kinto.cache_backend = kinto.core.cache.redis'."
)


def setup_storage(config: Configurator) -> None:
    """Set ``registry.storage`` with the generators of ids."""
    _setup_id_generators(config)
    backend = _load(config, "storage", storage.StorageBase)
    if backend is not None:
        config.registry.storage = backend
        config.registry.heartbeats["storage"] = storage.heartbeat(backend)


def setup_permission(config: Configurator) -> None:
    """Set ``registry.permission``."""
    backend = _load(config, "permission", permission.PermissionBase)
    if backend is not None:
        config.registry.permission = backend
        config.registry.heartbeats["permission"] = permission.heartbeat(backend)


def setup_cache(config: Configurator) -> None:
    """Set ``registry.cache``."""
    backend = _load(config, "cache", cache.CacheBase)
    if backend is not None:
        config.registry.cache = backend
        config.registry.heartbeats["cache"] = cache.heartbeat(backend)


def _load(config: Configurator, kind: str, base: type) -> Any:
    """The backend of one kind; ``None`` where the setting is empty.

    :raises ConfigurationError: no such module, a missing package, or no backend of that kind.
    """
    setting = f"{kind}_backend"
    dotted = config.get_settings().get(setting)
    if not dotted:
        return None
    if str(dotted).startswith(("kinto.core.storage.redis", "kinto.core.permission.redis")):
        raise ConfigurationError(f"Invalid {kind} backend: {dotted}: {_REDIS_IS_A_CACHE}")
    with naming_setting(f"kinto.{setting}", dotted):
        module = config.maybe_dotted(dotted)
        load = getattr(module, "load_from_config", None)
        if load is None:
            raise ConfigurationError(f"Invalid {kind} backend: {dotted} has no load_from_config.")
        backend = load(config)
    if not isinstance(backend, base):
        given = type(backend).__qualname__
        raise ConfigurationError(f"Invalid {kind} backend: {dotted} gives a {given}.")
    return backend


def _setup_id_generators(config: Configurator) -> None:
    settings = config.get_settings()
    names = {name for name in settings if name == "id_generator" or name.endswith("_id_generator")}
    generators_by_kind: dict[str, generators.Generator] = {}
    for name in sorted(names | {"id_generator"}):
        dotted = settings.get(name) or DEFINITIONS["id_generator"].default
        kind = name.removesuffix("id_generator").rstrip("_")
        with naming_setting(f"kinto.{name}", dotted):
            make = require_callable(f"kinto.{name}", dotted, config.maybe_dotted(dotted))
            generators_by_kind[kind] = make(config)
    config.registry.id_generators = generators_by_kind
