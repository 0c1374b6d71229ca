"""Which databases there are, and what each tells."""

from __future__ import annotations  # the driver is optional

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyramid.exceptions import ConfigurationError

from kinto.cli.doctor import database_queries as queries
from kinto.cli.doctor.database_facts import (
    Connected,
    Content,
    Contents,
    Future,
    Index,
    Place,
    Pool,
    Server,
    Table,
    Tables,
    Versions,
)
from kinto.cli.doctor.findings import Problem, Verdict
from kinto.cli.errors import describe
from kinto.core.permission.postgresql import Permission
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.embedded import (
    EmbeddedPostgreSQLError,
    InvalidEmbeddedURL,
    is_embedded_url,
    parse_embedded_url,
    status,
)
from kinto.core.postgresql.embedded.accounts import server_account
from kinto.core.postgresql.embedded.layout import Layout
from kinto.core.postgresql.limits import TimeLimits
from kinto.core.settings import mask_url
from kinto.core.storage.exceptions import BackendError
from kinto.core.storage.postgresql import Storage


try:  # optional: kinto[postgresql]
    from psycopg2 import Error as DriverError
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    from kinto.core.postgresql.config import ClientSettings, check_url, read_settings
    from kinto.core.postgresql.connecting import Connector
except ImportError:
    _HAS_DRIVER = False
else:
    _HAS_DRIVER = True

if TYPE_CHECKING:
    from kinto.core.postgresql.statements import Params, Statement


KINDS = ("storage", "permission", "cache")
TABLES = {
    "storage": ("objects", "timestamps", "metadata"),
    "permission": ("user_principals", "access_control_entries"),
    "cache": ("cache",),
}
EXPECTED_VERSIONS = {
    "storage": Storage.schema_version,
    "permission": Permission.schema_version,
}
# Sooner than those of the service: somebody waits in front of a terminal.
_LIMITS = TimeLimits(
    connect_seconds=2, statement_seconds=3, long_statement_seconds=3, lock_seconds=1
)
_ROUND_TRIPS = 3
# As much of the objects as can be read in a moment: 32 MB.
_SAMPLED_PAGES = 4000
FUTURE_SECONDS = 60
_NEEDS_DRIVER = Problem(
    "the packages SQLAlchemy and psycopg2 are missing", "pip install kinto[postgresql]"
)
PARTS = ("connected", "server", "tables", "versions", "contents", "future")


def is_in_postgresql(written: Mapping[str, Any], kind: str) -> bool:
    """Is this backend in a PostgreSQL database?"""
    return str(written.get(f"{kind}_backend") or "").endswith(".postgresql")


def find_places(written: Mapping[str, Any], base_folder: Path) -> list[Place | Problem]:
    """Each database that backends are in.

    :param base_folder: where relative folders start: that of the configuration file.
    """
    kinds = [kind for kind in KINDS if is_in_postgresql(written, kind)]
    if kinds and not _HAS_DRIVER:
        return [_NEEDS_DRIVER]
    found: dict[str, list[str]] = {}
    problems: list[Place | Problem] = []
    for kind in kinds:
        url = str(written.get(f"{kind}_url") or "")
        try:
            user = str(written.get("embedded_user"))
            resolved = check_url(_resolve(url, base_folder, user=user), f"{kind}_")
        except (ConfigurationError, InvalidEmbeddedURL) as error:
            problems.append(Problem(str(error), f"kinto.{kind}_url = postgresql://…"))
        except EmbeddedPostgreSQLError as error:
            problems.append(Problem(str(error), "run this as the user of the service"))
        except _NotRunningError as error:
            fix = "kinto start, which starts it"
            problems.append(Problem(str(error), fix, Verdict.NOT_CHECKED))
        else:
            found.setdefault(resolved, []).append(kind)
    pools = {url: tuple(_find_pools(written, url, kinds)) for url, kinds in found.items()}
    places = [
        Place(
            url,
            mask_url(url.replace("+psycopg2", "", 1)),
            tuple(kinds),
            tuple(
                pool
                for other, others in pools.items()
                if server_of(other) == server_of(url)
                for pool in others
            ),
        )
        for url, kinds in found.items()
    ]
    return [*places, *dict.fromkeys(problems)]


class _NotRunningError(Exception):
    """An embedded PostgreSQL does not run, and is not started by us."""


def _resolve(url: str, base_folder: Path, *, user: str) -> str:
    if not is_embedded_url(url):
        return url
    folder = parse_embedded_url(url, base_folder)
    if not (found := status(folder)).is_running:
        raise _NotRunningError(f"the embedded PostgreSQL in {folder}: {found.state.value}")
    layout = Layout(folder)
    return layout.url(server_account(layout.data, user=user))


def server_of(url: str) -> tuple[str, str]:
    """What tells one server from another: host and port, or the folder of its socket."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2], parts.query


def _find_pools(written: Mapping[str, Any], url: str, kinds: list[str]) -> Iterator[Pool]:
    """Storage and permission share one, the cache has its own."""
    shared = tuple(kind for kind in kinds if kind != "cache")
    for group in filter(None, (shared, tuple(kind for kind in kinds if kind == "cache"))):
        settings = _client_settings(written, group[0], url)
        engine = settings.engine
        size = engine.get("pool_size")
        if issubclass(engine["poolclass"], NullPool) or size is None:
            yield Pool(group, None, settings.driver.prepared)
        else:
            yield Pool(group, size + engine.get("max_overflow", 0), settings.driver.prepared)


def _client_settings(written: Mapping[str, Any], kind: str, url: str) -> ClientSettings:
    try:
        return read_settings(written, f"{kind}_", url=url)
    except ConfigurationError:  # told by another check
        return read_settings({}, f"{kind}_", url=url)


def examine(
    place: Place, written: Mapping[str, Any], *, plugin_versions: Mapping[str, int], seconds: float
) -> dict[str, Any]:
    """All facts about one database, by the name of their part.

    Each is a :class:`Problem` where the database did not tell.

    :param plugin_versions: of schemas of plugins, by name.
    :param seconds: after which nothing more is asked.
    """
    deadline = monotonic() + seconds
    parts: dict[str, Any] = {}
    try:
        connection, connected = _connect(place, written)
    except Exception as error:  # noqa: BLE001  # the driver's, SQLAlchemy's: told to the operator
        not_reached = dict.fromkeys(PARTS, Problem("the database was not reached"))
        return {**not_reached, "connected": _unreachable(place, error)}
    parts["connected"] = connected
    examination = _Examination(connection, deadline)
    parts["server"] = examination.ask(lambda: _ask_server(connection, connected))
    server = parts["server"]
    parts["tables"] = examination.ask(lambda: _ask_tables(connection, place.kinds, server), server)
    parts["versions"] = examination.ask(
        lambda: _ask_versions(connection, place.kinds, plugin_versions), server
    )
    tables = parts["tables"]
    parts["contents"] = examination.ask(lambda: _ask_contents(connection, tables), tables)
    parts["future"] = examination.ask(lambda: _ask_future(connection, tables), tables)
    connection.driver.close()
    return parts


class _Examination:
    """Asks one thing after the other, as long as there is time."""

    def __init__(self, connection: Connection, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def ask(self, question: Callable[[], Any], needed: object = None) -> Any:
        """The facts, or why there are none."""
        if isinstance(needed, Problem):
            return needed
        if monotonic() > self._deadline:
            return Problem("no time was left for it")
        if self._connection.driver.closed:
            return Problem("the connection broke")
        try:
            return question()
        except (BackendError, DriverError) as error:
            return Problem(describe(error))


def _connect(place: Place, written: Mapping[str, Any]) -> tuple[Connection, Connected]:
    settings = _client_settings(written, place.kinds[0], place.url)
    options = replace(settings.driver, limits=_LIMITS)
    url = make_url(place.url)
    _, parameters = url.get_dialect()().create_connect_args(url)
    start = monotonic()
    driver = Connector(options).open(parameters)
    seconds = monotonic() - start
    connection = Connection(
        driver, replace=None, report_broken=lambda broken: broken.close(), in_transaction=False
    )
    round_trips = [_time(connection) for _ in range(_ROUND_TRIPS)]
    return connection, Connected(place, seconds, min(round_trips), driver.get_backend_pid())


def _time(connection: Connection) -> float:
    start = monotonic()
    connection.fetch_one(queries.NOTHING, {})
    return monotonic() - start


def _unreachable(place: Place, error: Exception) -> Problem:
    text = describe(error)
    fix = f"start it, or mend kinto.{place.kinds[0]}_url: psql '{place.shown_url}' shows the same"
    if "startup parameter" in text:
        fix = "; ".join(
            f"kinto.{kind}_poolclass = sqlalchemy.pool.NullPool" for kind in place.kinds
        )
    return Problem(f"{place.shown_url}: {text}", fix)


def _rows(connection: Connection, statement: Statement, params: Params) -> list[dict[str, Any]]:
    cursor = connection.driver.run(statement, params)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _ask_server(connection: Connection, connected: Connected) -> Server:
    before = time()
    (row,) = _rows(connection, queries.SERVER, {})
    after = time()
    ahead = row.pop("clock_seconds") - (before + after) / 2
    return Server(**row, connected=connected, clock_ahead_seconds=ahead)


def _ask_tables(connection: Connection, kinds: tuple[str, ...], server: Server) -> Tables:
    params = {"names": [name for kind in kinds for name in TABLES[kind]]}
    tables = [
        Table(**{**row, "privileges": tuple(row["privileges"])})
        for row in _rows(connection, queries.TABLES, params)
    ]
    indexes = tuple(Index(**row) for row in _rows(connection, queries.INDEXES, params))
    return Tables(kinds, server, {table.name: table for table in tables}, indexes)


def _ask_versions(
    connection: Connection, kinds: tuple[str, ...], plugin_versions: Mapping[str, int]
) -> Versions:
    expected = {kind: EXPECTED_VERSIONS[kind] for kind in kinds if kind in EXPECTED_VERSIONS}
    if "storage" in kinds:
        expected |= plugin_versions
    found: dict[str, int] = {}
    if connection.fetch_one(queries.HAS_METADATA, {}) == (True,):
        for name, version in connection.fetch_all(queries.VERSIONS, {}):
            found[name.removesuffix("_schema_version")] = version
    return Versions(found, expected)


def _ask_contents(connection: Connection, tables: Tables) -> Contents | Problem:
    objects = tables.tables.get("objects")
    if objects is None:
        return Problem("there is no table of objects")
    percent = min(100.0, 100.0 * _SAMPLED_PAGES / max(objects.pages, 1))
    factor = 100 / percent
    rows = connection.fetch_all(queries.CONTENT, {"percent": percent})
    contents = (
        Content(name, round(live * factor), round(tombstones * factor))
        for name, live, tombstones in rows
    )
    return Contents(tuple(sorted(contents, key=lambda row: row.resource_name)), percent)


def _ask_future(connection: Connection, tables: Tables) -> Future | Problem:
    if "timestamps" not in tables.tables:
        return Problem("there is no table of timestamps")
    (row,) = _rows(connection, queries.FUTURE, {"seconds": FUTURE_SECONDS})
    return Future(**row)
