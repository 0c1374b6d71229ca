"""Facts for the checks of ``kinto doctor``, where only what matters is given."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from kinto.cli.doctor.database_facts import (
    Connected,
    Index,
    Place,
    Pool,
    Server,
    Table,
    Tables,
)
from kinto.cli.doctor.findings import Context, Finding, Findings, Verdict, Workload
from kinto.core.settings import KINTO_DEFAULT_SETTINGS, inspect_settings


INI = Path("/etc/kinto.ini")
SECRET = "0123456789abcdef" * 4
ALL_KINDS = ("storage", "permission", "cache")


def make_context(
    *, processes: int | None = 1, threads: int | None = 4, **settings: Any
) -> Context:
    """A context with these settings; dots in names are written ``__``."""
    written = {
        **KINTO_DEFAULT_SETTINGS,
        **{name.replace("__", "."): value for name, value in settings.items()},
    }
    parsed, problems = inspect_settings(written)
    assert not problems
    return Context(INI, parsed, written, Workload(processes, threads, "[uwsgi]"))


def make_place(kinds: tuple[str, ...] = ALL_KINDS, pools: tuple[Pool, ...] | None = None) -> Place:
    if pools is None:
        pools = (Pool(("storage", "permission"), 30), Pool(("cache",), 30))
    url = "postgresql+psycopg2://kinto:pw@db/kinto"
    return Place(url, "postgresql://kinto:***@db/kinto", kinds, pools)


def make_connected(place: Place | None = None, **facts: Any) -> Connected:
    return replace(Connected(place or make_place(), 0.01, 0.0002, 7), **facts)


def make_server(connected: Connected | None = None, **facts: Any) -> Server:
    """A server without fault."""
    server = Server(
        version_number=180006,
        version="18.6",
        encoding="UTF8",
        timezone="UTC",
        is_utc=True,
        is_standby=False,
        is_readonly=False,
        role="kinto",
        database="kinto",
        schema="public",
        quoted_role="kinto",
        quoted_database="kinto",
        quoted_schema="public",
        backend_pid=7,
        max_connections=100,
        reserved_connections=3,
        used_connections=4,
        role_limit=-1,
        database_limit=-1,
        has_fsync=True,
        synchronous_commit="on",
        has_full_page_writes=True,
        has_autovacuum=True,
        transaction_age=1000,
        connected=connected or make_connected(),
    )
    return replace(server, **facts)


def make_table(name: str, **facts: Any) -> Table:
    privileges = ("SELECT", "INSERT", "UPDATE", "DELETE")
    return replace(Table(name, 10, 81920, 1000, 10, True, privileges), **facts)


def make_tables(
    *tables: Table,
    indexes: tuple[Index, ...] = (),
    kinds: tuple[str, ...] = ("storage",),
    server: Server | None = None,
) -> Tables:
    return Tables(kinds, server or make_server(), {table.name: table for table in tables}, indexes)


def only(findings: Findings) -> Finding:
    """The one finding."""
    if isinstance(findings, Finding):
        return findings
    assert len(findings) == 1
    return findings[0]


def verdict(findings: Findings) -> Verdict:
    """Of the one finding."""
    return only(findings).verdict
