"""Storage in the memory of the process, for development, for tests, for read-mostly caches."""

from pyramid.settings import asbool

from kinto.core.storage.memory.backend import Storage
from kinto.core.storage.memory.base import MemoryBasedStorage, extract_object_set
from kinto.core.types import Configurator


__all__ = ["MemoryBasedStorage", "Storage", "extract_object_set", "load_from_config"]


def load_from_config(config: Configurator) -> Storage:
    """A new storage, which shares nothing with others."""
    return Storage(readonly=asbool(config.get_settings().get("readonly")))
