"""Storage, permission and cache backends, as the settings name them."""

from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto.core import cache, permission, storage
from kinto.core.settings import DEFINITIONS
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
    try:
        module = config.maybe_dotted(dotted)
    except ImportError as error:
        raise ConfigurationError(f"Setting 'kinto.{setting}': {dotted}: {error}") from error
    load = getattr(module, "load_from_config", None)
    if load is None:
        raise ConfigurationError(f"Invalid {kind} backend: {dotted}")
    backend = load(config)
    if not isinstance(backend, base):
        raise ConfigurationError(f"Invalid {kind} backend: {dotted} gives {backend!r}")
    return backend


def _setup_id_generators(config: Configurator) -> None:
    settings = config.get_settings()
    names = {name for name in settings if name == "id_generator" or name.endswith("_id_generator")}
    generators_by_kind: dict[str, generators.Generator] = {}
    for name in sorted(names | {"id_generator"}):
        dotted = settings.get(name) or DEFINITIONS["id_generator"].default
        kind = name.removesuffix("id_generator").rstrip("_")
        generators_by_kind[kind] = config.maybe_dotted(dotted)(config)
    config.registry.id_generators = generators_by_kind
