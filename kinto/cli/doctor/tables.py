"""Checks of the tables: their versions, rights, indexes, and the state that they are in."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import kinto.core
from kinto.cli.doctor.database_facts import Index, Table, Tables, Versions
from kinto.cli.doctor.findings import (
    Check,
    Context,
    Finding,
    Findings,
    failure,
    ok,
    warning,
)


_READ = ("SELECT",)
_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
# What a service needs on each table; `metadata` is written by migrations alone.
_NEEDED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "storage": {"objects": _WRITE, "timestamps": _WRITE, "metadata": _READ},
    "permission": {"user_principals": _WRITE, "access_control_entries": _WRITE},
    "cache": {"cache": _WRITE},
}
_CREATE_INDEX = re.compile(
    r"^CREATE (?:UNIQUE )?INDEX IF NOT EXISTS (?P<name>\w+)\s+ON (?P<table>\w+) .*?;",
    re.MULTILINE | re.DOTALL,
)
_BIG_ROWS = 1_000_000
_MANY_DEAD_ROWS, _DEAD_SHARE = 100_000, 0.2
_ROWS_TO_ANALYZE = 10_000


class WantedIndex(NamedTuple):
    """An index that a schema makes, with the statement that does so on a server in use."""

    name: str
    table: str
    sql: str


@cache
def wanted_indexes(kind: str) -> tuple[WantedIndex, ...]:
    """The indexes of a backend, primary keys aside, as its ``schema.sql`` has them."""
    folder = Path(kinto.core.__file__).parent / kind / "postgresql"
    text = (folder / "schema.sql").read_text(encoding="utf-8")
    return tuple(
        WantedIndex(
            match["name"],
            match["table"],
            " ".join(match[0].split()).replace(
                "INDEX IF NOT EXISTS", "INDEX CONCURRENTLY IF NOT EXISTS"
            ),
        )
        for match in _CREATE_INDEX.finditer(text)
    )


def judge_schema(versions: Versions, context: Context) -> Findings:
    """Are the tables those of this version?"""
    problems = list(_judge_schema(versions, context))
    if problems:
        return problems
    shown = [f"{name} {version}" for name, version in versions.expected.items()]
    return ok(", ".join(shown) or "without a version")


def _judge_schema(versions: Versions, context: Context) -> Iterator[Finding]:
    migrate = context.command("migrate")
    for name, expected in versions.expected.items():
        found = versions.found.get(name)
        if found is None and expected > 1:
            yield failure(f"{name}: no version found, {expected} expected", migrate)
        elif found is not None and found < expected:
            yield failure(f"{name}: version {found} found, {expected} expected", migrate)
        elif found is not None and found > expected:
            fix = "pip install --upgrade kinto: the database is of a newer one"
            yield failure(f"{name}: version {found} found, {expected} expected", fix)


def judge_tables(tables: Tables, context: Context) -> Findings:
    """Are they there, and may the service use them?"""
    problems = list(_judge_tables(tables, context))
    return problems or ok(f"role {tables.server.role} may do what the service does")


def _judge_tables(tables: Tables, context: Context) -> Iterator[Finding]:
    server = tables.server
    missing: list[str] = []
    for kind in tables.kinds:
        is_read_only = context.settings.features.is_readonly and kind != "cache"
        for name, needed in _NEEDED[kind].items():
            table = tables.tables.get(name)
            if table is None:
                missing.append(name)
                continue
            lacking = [
                privilege
                for privilege in (_READ if is_read_only else needed)
                if privilege not in table.privileges
            ]
            if lacking:
                rights = ", ".join(lacking)
                fix = f"GRANT {rights} ON {server.quoted_schema}.{name} TO {server.quoted_role};"
                yield failure(f"role {server.role} lacks {rights} on {name}", fix)
    if missing:
        grant = f"GRANT USAGE ON SCHEMA {server.quoted_schema} TO {server.quoted_role};"
        fix = f"{context.command('migrate')}, or {grant}"
        yield failure(f"no table {', '.join(missing)} in schema {server.schema}", fix)


def judge_indexes(tables: Tables, context: Context) -> Findings:
    """Is each index there, and valid?"""
    problems = list(_judge_indexes(tables))
    return problems or ok(f"{len(tables.indexes)} indexes, all valid")


def _judge_indexes(tables: Tables) -> Iterator[Finding]:
    found = {index.name: index for index in tables.indexes}
    for index in tables.indexes:
        if not index.is_valid:
            yield failure(f"{index.name} is invalid", f"REINDEX INDEX CONCURRENTLY {index.name};")
    for kind in tables.kinds:
        for wanted in wanted_indexes(kind):
            if wanted.table in tables.tables and wanted.name not in found:
                yield failure(f"{wanted.name} is missing", wanted.sql)
    yield from _judge_primary_keys(tables.tables, tables.indexes)


def _judge_primary_keys(
    tables: Mapping[str, Table], indexes: tuple[Index, ...]
) -> Iterator[Finding]:
    with_key = {index.table_name for index in indexes if index.is_primary}
    for name in tables:
        if name not in with_key and name != "metadata":
            fix = "restore it from a backup: rows may be there twice"
            yield failure(f"{name} has no primary key", fix)


def judge_filters(tables: Tables, context: Context) -> Finding:
    """Do filters on fields of records have an index, where there are many?"""
    objects = tables.tables.get("objects")
    if objects is None or objects.live_rows < _BIG_ROWS:
        return ok("not needed for so few objects")
    if any(each.table_name == "objects" and each.method == "gin" for each in tables.indexes):
        return ok("there is an index for filters on fields")
    return ok(
        f"{objects.live_rows} rows, and filters on fields read a whole collection",
        "where clients filter: CREATE INDEX CONCURRENTLY idx_objects_data ON objects"
        " USING gin (data jsonb_path_ops);",
    )


def judge_vacuum(tables: Tables, context: Context) -> Findings:
    """Is the room of what was deleted used again?"""
    return list(_judge_vacuum(tables)) or ok(_describe_size(tables))


def _judge_vacuum(tables: Tables) -> Iterator[Finding]:
    if not tables.server.has_autovacuum:
        fix = "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();"
        yield failure("autovacuum is off: tables only grow", fix)
    for table in tables.tables.values():
        dead, live = table.dead_rows, table.live_rows
        if dead > _MANY_DEAD_ROWS and dead > _DEAD_SHARE * (live + dead):
            yield warning(
                f"{table.name}: {dead} dead rows beside {live} live ones",
                f"VACUUM (ANALYZE) {table.name}; and end transactions that stay open",
            )
        elif not table.is_analyzed and live > _ROWS_TO_ANALYZE:
            yield warning(f"{table.name} was never analyzed", f"ANALYZE {table.name};")


def _describe_size(tables: Tables) -> str:
    megabytes = sum(table.size_bytes for table in tables.tables.values()) / 1024 / 1024
    return f"{megabytes:.0f} MB in all, few dead rows"


CHECKS = (
    Check("database.schema", "Tables are of this version.", "versions", judge_schema),
    Check("database.tables", "Its role may use the tables.", "tables", judge_tables),
    Check("database.indexes", "No index is missing or invalid.", "tables", judge_indexes),
    Check("database.filters", "Hint: an index for filters.", "tables", judge_filters),
    Check("database.vacuum", "Dead rows are removed.", "tables", judge_vacuum),
)
