"""Sessions of SQLAlchemy, for plugins and tools."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from kinto.core.postgresql.source import Pooled


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


class JoinedSession(Session):
    """A session within the request's transaction, which only the request can end.

    :param doom: called when somebody rolls back: the request must then not be committed.
    """

    def __init__(self, *, bind: Any, doom: Callable[[], None]) -> None:
        super().__init__(bind=bind)
        self._doom = doom

    def commit(self) -> None:
        """Send what is pending; it is made durable when the request is."""
        self.flush()

    def rollback(self) -> None:
        """Undo: in a transaction shared with others, that is all of it."""
        self._doom()

    def close(self) -> None:
        """Forget the objects loaded; the connection stays that of the request."""
        self.expunge_all()

    def abandon(self) -> None:
        """Forget what was not sent: an exception ended the block."""
        super().close()

    def finish(self) -> None:
        """Send what is pending; the session is of no use afterwards."""
        self.flush()
        super().close()


class SessionFactory:
    """Gives sessions with a connection and transactions of their own.

    No connection is made before a session executes something.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self) -> Session:
        return Session(bind=self._engine)
