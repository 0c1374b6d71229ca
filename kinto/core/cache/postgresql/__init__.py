"""Cache in PostgreSQL.

It has a client of its own, which takes no part in the transactions of requests: what is cached
stays when a request is undone.
"""

import contextlib
import hashlib
from pathlib import Path
from time import monotonic
from typing import Any

import structlog

from kinto.core.cache import CacheBase
from kinto.core.postgresql.checks import check_database, check_privilege
from kinto.core.postgresql.client import PostgreSQLClient, create_from_config
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.limits import without_time_limits
from kinto.core.postgresql.migrator import wait_for_migrations
from kinto.core.postgresql.statements import Statement
from kinto.core.protocol import json_codec
from kinto.core.storage.exceptions import BackendError
from kinto.core.types import Configurator, JSONValue


logger = structlog.get_logger(__name__)

_SCHEMA_FILE = Path(__file__).parent / "schema.sql"

_CLEANING_INTERVAL_SECONDS = 30.0

_UNKNOWN = -1.0

_MAX_KEY_LENGTH = 256

_HAS_TABLE = Statement(
    "cache_has_table",
    "SELECT to_regclass('cache') IS NOT NULL AND to_regprocedure('sec2ttl(float)') IS NOT NULL",
)
_FLUSH = Statement("cache_flush", "DELETE FROM cache", long=True)

_SET = Statement(
    "cache_set",
    """
    INSERT INTO cache (key, value, ttl)
    VALUES (
        %(key)s, %(value)s,
        clock_timestamp() AT TIME ZONE 'UTC' + make_interval(secs => %(ttl)s)
    )
        ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, ttl = EXCLUDED.ttl
    """,
    types={"key": "text", "value": "text", "ttl": "float"},
)

_GET = Statement(
    "cache_get",
    """
    SELECT value
      FROM cache
     WHERE key = %(key)s
       AND (ttl IS NULL OR ttl > clock_timestamp() AT TIME ZONE 'UTC')
    """,
    types={"key": "text"},
)

_DELETE = Statement(
    "cache_delete",
    """
    DELETE FROM cache
     WHERE key = %(key)s
    RETURNING value, ttl IS NULL OR ttl > clock_timestamp() AT TIME ZONE 'UTC'
    """,
    types={"key": "text"},
)

_TTL = Statement(
    "cache_ttl",
    """
    SELECT EXTRACT(EPOCH FROM ttl - clock_timestamp() AT TIME ZONE 'UTC')::FLOAT
      FROM cache
     WHERE key = %(key)s
       AND ttl IS NOT NULL
    """,
    types={"key": "text"},
)

_EXPIRE = Statement(
    "cache_expire",
    """
    UPDATE cache
       SET ttl = clock_timestamp() AT TIME ZONE 'UTC' + make_interval(secs => %(ttl)s)
     WHERE key = %(key)s
    """,
    types={"key": "text", "ttl": "float"},
)

# A bounded number each time, and none that another process cleans or renews right now.
_CLEAN = Statement(
    "cache_clean",
    """
    DELETE FROM cache
     WHERE key IN (
        SELECT key
          FROM cache
         WHERE ttl < clock_timestamp() AT TIME ZONE 'UTC'
         ORDER BY ttl
         LIMIT 1000
           FOR UPDATE SKIP LOCKED
     )
       AND ttl < clock_timestamp() AT TIME ZONE 'UTC'
    """,
)


class Cache(CacheBase):
    """Values in one table, as JSON text.

    :param client: of the database, without part in transactions.
    """

    def __init__(self, client: PostgreSQLClient, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client
        self._clean_at = monotonic() + _CLEANING_INTERVAL_SECONDS

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Create the table, if it is not there.

        :raises UnsuitableDatabaseError: the operator has to change something first.
        """
        with without_time_limits(), self.client.write() as connection:
            check_database(connection)
            if not dry_run:
                wait_for_migrations(connection)
            row = connection.fetch_one(_HAS_TABLE, {})
            if row == (True,):
                logger.info("PostgreSQL cache schema is up-to-date.")
                return
            if not dry_run:
                check_privilege(connection)
                connection.execute_script(_SCHEMA_FILE.read_text(encoding="utf-8"))
        logger.info("Created PostgreSQL cache tables")

    def flush(self) -> None:
        with self.client.autocommit() as connection:
            connection.execute(_FLUSH, {})
        logger.debug("cache flushed")

    def ttl(self, key: str) -> float:
        with self.client.read() as connection:
            row = connection.fetch_one(_TTL, {"key": self._stored_key(key)})
        return _UNKNOWN if row is None else float(row[0])

    def expire(self, key: str, ttl: float) -> None:
        with self.client.autocommit() as connection:
            connection.execute(_EXPIRE, {"key": self._stored_key(key), "ttl": ttl})

    def set(self, key: str, value: JSONValue, ttl: float) -> None:
        with self.client.autocommit() as connection:
            text = json_codec.dumps_storable(value)
            connection.execute(_SET, {"key": self._stored_key(key), "value": text, "ttl": ttl})
            self._clean_now_and_then(connection)

    def get(self, key: str) -> JSONValue:
        with self.client.read() as connection:
            row = connection.fetch_one(_GET, {"key": self._stored_key(key)})
        if row is None:
            self.metrics_backend.count_miss()
            return None
        self.metrics_backend.count_hit()
        return json_codec.loads_stored(row[0])

    def delete(self, key: str) -> JSONValue:
        with self.client.autocommit() as connection:
            row = connection.fetch_one(_DELETE, {"key": self._stored_key(key)})
        return json_codec.loads_stored(row[0]) if row is not None and row[1] else None

    def _stored_key(self, key: str) -> str:
        """The key with the prefix; where the column is too short for it, with a digest."""
        full = self.prefix + key
        if len(full) <= _MAX_KEY_LENGTH:
            return full
        digest = hashlib.sha256(full.encode()).hexdigest()
        return f"{full[: _MAX_KEY_LENGTH - len(digest) - 1]}:{digest}"

    def _clean_now_and_then(self, connection: Connection) -> None:
        """Remove what has expired, once in a while: nobody reads it any more."""
        now = monotonic()
        if now < self._clean_at:
            return
        self._clean_at = now + _CLEANING_INTERVAL_SECONDS
        with contextlib.suppress(BackendError):  # logged; the value was stored
            connection.execute(_CLEAN, {})


def load_from_config(config: Configurator) -> Cache:
    """The backend for the settings ``cache_*``."""
    settings = config.get_settings()
    client = create_from_config(config, prefix="cache_", with_transaction=False)
    return Cache(client=client, cache_prefix=settings.get("cache_prefix") or "")
