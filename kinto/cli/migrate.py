"""``kinto migrate``: the database schemas made, or brought up to date."""

import argparse
import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinto.cli.application import loaded_registry, naming_backend
from kinto.core.migrations import IMigratable
from kinto.core.settings import parse_bool
from kinto.core.setup.embedded import find_embedded_folder
from kinto.core.types import Registry


logger = logging.getLogger(__name__)

_KINDS = ("cache", "storage", "permission")
_POSTGRESQL_STORAGE = "kinto.core.storage.postgresql"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="log what would be done, change nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Migrate every backend, then the plugins."""
    with loaded_registry(args) as registry:
        initialize_schemas(registry, is_dry_run=args.dry_run)
    return 0


def initialize_schemas(
    registry: Registry, *, kinds: Sequence[str] = _KINDS, is_dry_run: bool = False
) -> None:
    """Create or upgrade the schemas of the cache, the storage, the permissions, the plugins.

    Running it again changes nothing.

    :param kinds: the backends; those of the plugins go with the storage.
    :raises CommandError: a server failed.
    """
    is_readonly = parse_bool(registry.settings.get("readonly", False))
    for kind in kinds:
        backend = getattr(registry, kind, None)
        if backend is None:
            continue
        if is_readonly and kind != "cache":
            logger.error("Cannot migrate the %s backend while in readonly mode.", kind)
            continue
        with naming_backend(registry, kind):
            backend.initialize_schema(dry_run=is_dry_run)
    if "storage" in kinds and not is_readonly:
        _migrate_plugins(registry, is_dry_run=is_dry_run)


def initialize_embedded_schemas(registry: Registry) -> None:
    """The same for those backends whose database is ours, which nobody else looks after.

    :raises CommandError: a server failed.
    """
    settings = registry.settings
    folder = Path(settings.get("here") or ".")
    kinds = [kind for kind in _KINDS if find_embedded_folder(settings, kind, folder)]
    initialize_schemas(registry, kinds=kinds)


def _migrate_plugins(registry: Registry, *, is_dry_run: bool) -> None:
    """Only where the storage is PostgreSQL, whose client they are given."""
    migrations = list(registry.getUtilitiesFor(IMigratable))
    if not migrations or not is_postgresql(registry):
        return
    expected = importlib.import_module(_POSTGRESQL_STORAGE).PostgreSQLPluginMigration
    for name, migration in migrations:
        if not isinstance(migration, expected):
            logger.warning("Migration of plugin '%s' is no PostgreSQLPluginMigration.", name)
        logger.info("Running migrations for plugin '%s'.", name)
        with naming_backend(registry, "storage"):
            migration.initialize_schema(registry.storage.client, dry_run=is_dry_run)


def is_postgresql(registry: Registry) -> bool:
    """Is the storage that of PostgreSQL, or derived from it?"""
    storage: Any = getattr(registry, "storage", None)
    modules = {base.__module__ for base in type(storage).__mro__}
    return any(module.startswith(_POSTGRESQL_STORAGE) for module in modules)
