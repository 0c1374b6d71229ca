"""The storage backend in PostgreSQL."""

from kinto.core.postgresql.client import create_from_config
from kinto.core.postgresql.migrator import PostgreSQLPluginMigration
from kinto.core.storage.postgresql.backend import Storage, load_from_config


__all__ = ["PostgreSQLPluginMigration", "Storage", "create_from_config", "load_from_config"]
