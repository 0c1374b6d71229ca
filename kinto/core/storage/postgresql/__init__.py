"""The storage backend in PostgreSQL."""

from pyramid.settings import asbool

from kinto.core.postgresql.client import create_from_config
from kinto.core.postgresql.migrator import PostgreSQLPluginMigration
from kinto.core.storage.postgresql.backend import Storage
from kinto.core.types import Configurator


__all__ = ["PostgreSQLPluginMigration", "Storage", "create_from_config", "load_from_config"]


def load_from_config(config: Configurator) -> Storage:
    """The storage that the settings describe."""
    settings = config.get_settings()
    return Storage(
        client=create_from_config(config, prefix="storage_"),
        max_fetch_size=int(settings.get("storage_max_fetch_size") or 10000),
        readonly=asbool(settings.get("readonly")),
    )
