"""Settings of the storage, the permission and the cache backend."""

from dataclasses import dataclass

from kinto.core.settings.definitions import setting
from kinto.core.settings.kinds import (
    BOOL,
    DOTTED,
    INT,
    NATURAL,
    OPTIONAL_DOTTED,
    POSITIVE,
    SECONDS,
    TEXT,
    URL,
    WORDS,
)


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """What the three backends have in common."""

    backend: str | None = setting(OPTIONAL_DOTTED, None, doc="Module of the backend.")
    url: str = setting(URL, "", secret=True, doc="Where it is.")
    pool_size: int = setting(POSITIVE, 25, doc="Connections kept open, per process.")
    max_overflow: int = setting(INT, 5, doc="Connections above those, when needed.")
    pool_recycle: int = setting(INT, -1, doc="Close connections older than that, in seconds.")
    pool_timeout: float = setting(SECONDS, 3, doc="Longest wait for a connection, in seconds.")
    max_backlog: int = setting(INT, -1, doc="Most threads that wait for one; -1 for no limit.")
    poolclass: str = setting(
        DOTTED,
        "kinto.core.storage.postgresql.pool.QueuePoolWithMaxBacklog",
        doc="SQLAlchemy pool; sqlalchemy.pool.NullPool for PgBouncer.",
    )
    connect_timeout: float = setting(SECONDS, 2, doc="To connect, in seconds; 0 for no limit.")
    statement_timeout: float = setting(
        SECONDS, 5, doc="For one statement, its answer included; 0 for no limit."
    )
    long_statement_timeout: float = setting(
        SECONDS, 30, doc="For one statement that scans a collection."
    )
    lock_timeout: float = setting(SECONDS, 3, doc="To wait for another writer.")
    prepared_statements: bool = setting(BOOL, True, doc="false for PgBouncer in transaction mode.")


@dataclass(frozen=True, slots=True)
class StorageSettings(BackendSettings):
    """Storage backend"""

    backend: str | None = setting(
        OPTIONAL_DOTTED, "kinto.core.storage.memory", core="", doc="Module of the backend."
    )


@dataclass(frozen=True, slots=True)
class PermissionSettings(BackendSettings):
    """Permission backend"""

    backend: str | None = setting(
        OPTIONAL_DOTTED, "kinto.core.permission.memory", core="", doc="Module of the backend."
    )


@dataclass(frozen=True, slots=True)
class CacheSettings(BackendSettings):
    """Cache backend"""

    backend: str | None = setting(
        OPTIONAL_DOTTED, "kinto.core.cache.memory", core="", doc="Module of the backend."
    )
    prefix: str = setting(TEXT, "", doc="Prepended to every key.")
    max_size_bytes: int = setting(
        NATURAL, 524288, doc="Memory backend: the oldest entries go above that."
    )
    hosts: tuple[str, ...] = setting(WORDS, "", doc="Memcached servers, each host:port.")


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """Embedded PostgreSQL"""

    user: str = setting(
        TEXT,
        "kinto",
        name="embedded_user",
        doc="System user that runs it, when the service is started by root.",
    )
    timeout_seconds: float = setting(
        POSITIVE,
        60,
        name="embedded_timeout_seconds",
        doc="Longest wait for its start or stop, as long as nothing moves.",
    )
