"""Sessions of SQLAlchemy, for plugins and tools.

Its ORM is loaded when one of them asks for a session. It would make each worker 6 MB larger, and
take a tenth of its start.
"""

from __future__ import annotations  # the ORM may not be there yet

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from kinto.core.postgresql.source import Pooled


if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kinto.core.postgresql.joined_session import JoinedSession


class BorrowedConnection(PoolProxiedConnection):
    """A borrowed connection of the pool in the form that SQLAlchemy takes.

    It stays with who borrowed it: closing it here does nothing.
    """

    def __init__(self, entry: ConnectionPoolEntry) -> None:
        self._entry = entry
        self.dbapi_connection = self.driver_connection = entry.dbapi_connection

    @property
    def info(self) -> dict[Any, Any]:
        return self._entry.info

    @property
    def record_info(self) -> dict[Any, Any] | None:
        return self._entry.record_info

    def __getattr__(self, name: str) -> Any:  # whatever the driver's connection has
        return getattr(self.dbapi_connection, name)

    @property
    def is_valid(self) -> bool:
        return self._entry.dbapi_connection is not None

    @property
    def is_detached(self) -> bool:
        return False

    def invalidate(self, e: BaseException | None = None, soft: bool = False) -> None:
        self._entry.invalidate(e, soft)

    def detach(self) -> None: ...

    def close(self) -> None: ...


def proxied(pooled: Pooled) -> PoolProxiedConnection:
    """A connection of any pool in the form that SQLAlchemy takes."""
    return pooled if isinstance(pooled, PoolProxiedConnection) else BorrowedConnection(pooled)


class SessionFactory:
    """Gives sessions with a connection and transactions of their own.

    No connection is made before a session executes something.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self) -> Session:
        session: Session = import_module("sqlalchemy.orm").Session(bind=self._engine)
        return session


def join_session(engine: Engine, pooled: Pooled, *, doom: Callable[[], None]) -> JoinedSession:
    """A session on a connection of the request's transaction.

    :param doom: as for :class:`~kinto.core.postgresql.joined_session.JoinedSession`.
    """
    connection = Connection(engine, proxied(pooled))
    module = import_module("kinto.core.postgresql.joined_session")
    session: JoinedSession = module.JoinedSession(bind=connection, doom=doom)
    return session
