"""Where connections come from: an engine of SQLAlchemy, and care for connections that broke."""

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, cast
from weakref import WeakSet

import psycopg2
import sqlalchemy
import sqlalchemy.event
import sqlalchemy.exc
import structlog
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, StaticPool

from kinto.core.postgresql import waiting
from kinto.core.postgresql.config import ClientSettings
from kinto.core.postgresql.connecting import Connector
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.driver import DriverConnection
from kinto.core.postgresql.errors import translate
from kinto.core.postgresql.pool import QueuePoolWithMaxBacklog
from kinto.core.postgresql.reachability import forget_reachability, reachability_of
from kinto.core.storage.exceptions import BackendError


log = structlog.get_logger(__name__)

FirstConnectHook = Callable[[Connection], None]
# Of a pool of ours, or of SQLAlchemy's.
Pooled = ConnectionPoolEntry | PoolProxiedConnection

# A connection that was idle for longer is looked at: the server may have closed it. What breaks
# sooner is found out by the statement, where that is repeated.
_IDLE_SECONDS = 1.0
# One that is not: as in a transaction, nothing is expected to break between two statements.
_BRIEF_SECONDS = 0.02
# And after this it is asked whether it still lives: firewalls forget.
_LONG_IDLE_SECONDS = 30.0
# How often a broken connection of the pool is replaced by another one.
_MAX_REPLACEMENTS = 2


class ConnectionSource:
    """Gives pooled connections, each of which works as far as can be told at no cost.

    :ivar engine: of SQLAlchemy; nothing is connected before a connection is taken.
    """

    def __init__(self, settings: ClientSettings, *, prefix: str) -> None:
        self._settings = settings
        self._connector = Connector(settings.driver)
        self._hooks: list[FirstConnectHook] = []
        self._server = reachability_of(settings.url)
        self.engine = sqlalchemy.engine_from_config(
            {f"{prefix}{name}": value for name, value in settings.engine.items()},
            prefix=prefix,
            url=settings.url,
        )
        # A pool of one connection serves one thread at a time.
        self._exclusive: threading.RLock | None = None
        if settings.engine["poolclass"] is StaticPool:
            self._exclusive = threading.RLock()
        if isinstance(self.engine, sqlalchemy.Engine):  # not a double of somebody's test
            self._listen()
        _SOURCES.add(self)

    @property
    def has_one_connection(self) -> bool:
        """Whether every thread uses the same connection, in turn."""
        return self._exclusive is not None

    @property
    def has_usual_isolation(self) -> bool:
        """Whether no level of isolation was asked for."""
        return self._settings.driver.isolation_level is None

    def on_first_connect(self, hook: FirstConnectHook) -> None:
        """Call ``hook`` with the first connection that this process makes, before its use."""
        self._hooks.append(hook)

    def forget_hooks(self) -> None:
        """Do not look at the database when connecting: it is about to be migrated."""
        self._hooks = []

    def take(self, *, is_repeatable: bool) -> Pooled:
        """A connection, to be given back.

        :param is_repeatable: its first statement is repeated on another one if it was broken.
        :raises BackendError: the server, or a free connection, was not there in time.
        """
        if self._exclusive is not None:
            self.lock()
        try:
            pool = self.engine.pool
            if isinstance(pool, QueuePoolWithMaxBacklog):
                return self._borrow(pool, is_repeatable=is_repeatable)
            return self.engine.raw_connection()
        except BaseException as error:
            self.unlock()
            if isinstance(error, psycopg2.Error | sqlalchemy.exc.SQLAlchemyError):
                raise translate(error) from error
            raise

    def _borrow(
        self, pool: QueuePoolWithMaxBacklog, *, is_repeatable: bool
    ) -> ConnectionPoolEntry:
        entry = pool.borrow()
        for _ in range(_MAX_REPLACEMENTS):
            driver: Any = entry.dbapi_connection
            if self._find_problem(driver, is_repeatable=is_repeatable) is None:
                break
            entry.invalidate()
            pool.give_back(entry)
            entry = pool.borrow()
        return entry

    def give_back(self, pooled: Pooled, driver: DriverConnection) -> None:
        """End the use of a connection."""
        if isinstance(pooled, ConnectionPoolEntry):
            self._return(pooled, driver)
            return
        try:
            if not driver.closed:
                pooled.close()
            elif pooled.is_valid:
                pooled.invalidate()
        finally:
            self.unlock()

    def _return(self, entry: ConnectionPoolEntry, driver: DriverConnection) -> None:
        if not driver.closed and (driver.queue or not driver.is_idle()):
            try:
                driver.rollback_transaction()
            except psycopg2.Error:
                driver.close()
        if driver.closed:
            entry.invalidate()
        pool: Any = self.engine.pool  # which the entry came from
        pool.give_back(entry)

    def report_broken(self, driver: DriverConnection) -> None:
        """Never use this connection again, nor any that is as old: they broke together."""
        self._server.note_broken(driver.opened_at)
        driver.close()

    def lock(self) -> None:
        """Keep other threads from the only connection.

        :raises BackendError: they kept it for too long.
        """
        seconds = self._settings.driver.limits.pool_seconds
        if self._exclusive is not None and not self._exclusive.acquire(timeout=seconds or -1):
            raise BackendError(message="The only connection to PostgreSQL is in use")

    def unlock(self) -> None:
        """The opposite of :meth:`lock`."""
        if self._exclusive is not None:
            self._exclusive.release()

    def forget_connections(self) -> None:
        """Leave the connections to the process that made them: this one was forked off it."""
        if self._exclusive is not None:
            self._exclusive = threading.RLock()
        self._server = reachability_of(self._settings.url)
        self.engine.dispose(close=False)

    def _listen(self) -> None:
        listen = sqlalchemy.event.listen
        listen(self.engine, "do_connect", self._do_connect)
        listen(self.engine, "connect", self._after_connect)
        listen(self.engine, "checkout", self._check)
        listen(self.engine, "begin", _begin)

    def _do_connect(
        self, _dialect: Any, _record: Any, _args: Any, parameters: Mapping[str, Any]
    ) -> DriverConnection:
        limit_seconds = self._settings.driver.limits.connect_seconds
        with self._server.attempt(limit_seconds) as within_seconds:
            driver = self._connector.open(parameters, within_seconds=within_seconds)
            if within_seconds is not None:
                # A pooler between us and the server may have answered in its place.
                _ask(driver, within_seconds=within_seconds)
        driver.server = self._server
        return driver

    def _after_connect(self, driver: DriverConnection, _record: Any) -> None:
        hooks, self._hooks = self._hooks, []
        connection = Connection(
            driver, replace=None, report_broken=self.report_broken, in_transaction=False
        )
        for hook in hooks:
            with contextlib.suppress(BackendError):  # logged; the statement to come will tell
                hook(connection)

    def _check(self, driver: DriverConnection, _record: Any, _pooled: Any) -> None:
        """Refuse a connection that does not work any more; the pool then makes a new one."""
        problem = self._find_problem(driver, is_repeatable=False)
        if problem is not None:
            raise sqlalchemy.exc.DisconnectionError(problem)

    def _find_problem(self, driver: DriverConnection, *, is_repeatable: bool) -> str | None:
        """Why a connection of the pool is of no use any more."""
        if driver.is_new:
            driver.is_new = False
            return None
        if driver.closed or driver.opened_at < self._server.broken_before:
            return "It was made before others broke"
        idle_seconds = monotonic() - driver.used_at
        is_trusted = idle_seconds < (_IDLE_SECONDS if is_repeatable else _BRIEF_SECONDS)
        if not is_trusted and waiting.has_unread_input(driver):
            return "The server closed it"
        if idle_seconds > _LONG_IDLE_SECONDS:
            # That this one is not answered says nothing of the server.
            driver.server = None
            try:
                driver.ping()
            except psycopg2.Error:
                self.report_broken(driver)
                return "It does not answer"
            driver.server = self._server
        return None


def _ask(driver: DriverConnection, *, within_seconds: float) -> None:
    try:
        driver.ping(within_seconds=within_seconds)
    except psycopg2.Error:
        driver.close()
        raise


def _begin(connection: sqlalchemy.Connection) -> None:
    """Begin the transaction of a session, unless it is within that of a request."""
    driver = cast(DriverConnection, connection.connection.dbapi_connection)
    if not driver.joined:
        driver.begin()


_SOURCES: WeakSet[ConnectionSource] = WeakSet()


def _forget_connections() -> None:
    forget_reachability()
    for source in _SOURCES:
        source.forget_connections()


os.register_at_fork(after_in_child=_forget_connections)
