"""The commands, in the order of the help."""

from kinto.cli import db, doctor, flush_cache, init, migrate, purge_deleted, start, version
from kinto.cli.parser import Command


COMMANDS = (
    Command("init", "Write a configuration file.", init.add_arguments, init.run),
    Command("start", "Serve the API.", start.add_arguments, start.run),
    Command(
        "migrate",
        "Create the tables of the databases, or bring them up to date.",
        migrate.add_arguments,
        migrate.run,
    ),
    Command("flush-cache", "Empty the cache.", flush_cache.add_arguments, flush_cache.run),
    Command(
        "purge-deleted",
        "Remove all but the newest tombstones.",
        purge_deleted.add_arguments,
        purge_deleted.run,
    ),
    Command(
        "doctor",
        "Check the configuration and everything that it names.",
        doctor.add_arguments,
        doctor.run,
    ),
    Command("db", "Show or stop the embedded PostgreSQL.", db.add_arguments, db.run),
    Command("version", "Show the version.", version.add_arguments, version.run),
)
