"""What a PostgreSQL database tells about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pool:
    """Connections that one client of a process may open.

    :param kinds: the backends that share it.
    :param size: at most that many; ``None``: as many as threads ask for.
    :param is_prepared: hot statements are prepared on its connections.
    """

    kinds: tuple[str, ...]
    size: int | None
    is_prepared: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A database that backends use.

    :param url: with the password; :attr:`shown_url` without.
    :param kinds: ``storage``, ``permission``, ``cache``: those that are in it.
    :param pools: those of every process on that server, other databases of it included.
    """

    url: str = field(repr=False)
    shown_url: str
    kinds: tuple[str, ...]
    pools: tuple[Pool, ...]

    @property
    def title(self) -> str:
        return ", ".join(self.kinds)


@dataclass(frozen=True, slots=True)
class Connected:
    """How it went to connect.

    :param seconds: that it took.
    :param round_trip_seconds: the shortest of several.
    :param announced_pid: the server process, as said when connecting: a pooler says another one.
    """

    place: Place
    seconds: float
    round_trip_seconds: float
    announced_pid: int


@dataclass(frozen=True, slots=True)
class Server:
    """Its settings, and the role that we are; named as in :data:`.database_queries.SERVER`.

    :param clock_ahead_seconds: its clock against ours, half a round trip allowed for.
    """

    version_number: int
    version: str
    encoding: str
    timezone: str
    is_utc: bool
    is_standby: bool
    is_readonly: bool
    role: str
    database: str
    schema: str
    quoted_role: str
    quoted_database: str
    quoted_schema: str
    backend_pid: int
    max_connections: int
    reserved_connections: int
    used_connections: int
    role_limit: int
    database_limit: int
    has_fsync: bool
    synchronous_commit: str
    has_full_page_writes: bool
    has_autovacuum: bool
    transaction_age: int
    connected: Connected
    clock_ahead_seconds: float = 0.0

    @property
    def has_pooler(self) -> bool:
        """Does something stand between us and the server?"""
        return self.connected.announced_pid != self.backend_pid


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours."""

    name: str
    pages: int
    size_bytes: int
    live_rows: int
    dead_rows: int
    is_analyzed: bool
    privileges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table of ours."""

    table_name: str
    name: str
    is_valid: bool
    is_primary: bool
    method: str


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that are there, with their indexes.

    :param kinds: the backends that should have tables there.
    """

    kinds: tuple[str, ...]
    server: Server
    tables: Mapping[str, Table]
    indexes: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of schemas.

    :param found: by name, ``storage`` say.
    :param expected: those of this code, plugins included.
    """

    found: Mapping[str, int]
    expected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Content:
    """Objects of one kind."""

    resource_name: str
    live: int
    tombstones: int


@dataclass(frozen=True, slots=True)
class Contents:
    """How many objects there are.

    :param percent: of the table that was looked at.
    """

    rows: tuple[Content, ...]
    percent: float = 100.0

    @property
    def qualifier(self) -> str:
        """What to put before a number."""
        return "" if self.percent >= 100 else "about "


@dataclass(frozen=True, slots=True)
class Future:
    """Lists whose timestamp lies ahead of the server's clock."""

    lists: int
    ahead_seconds: float
