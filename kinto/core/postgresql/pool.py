"""A pool of connections that limits how many threads wait for one."""

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import queue


class _QueueWithMaxBacklog(queue.Queue[Any]):  # connection records of SQLAlchemy
    """SQLAlchemy's queue of idle connections, with a bounded number of waiting threads."""

    def __init__(self, maxsize: int, *, max_backlog: int, use_lifo: bool) -> None:
        super().__init__(maxsize, use_lifo)
        self.max_backlog = max_backlog
        self._waiting = 0
        self._count_lock = threading.Lock()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """An idle connection; a thread too many is refused instead of waiting.

        :raises sqlalchemy.exc.TimeoutError: ``max_backlog`` threads wait already.
        """
        if not block or self.max_backlog < 0 or not self.empty():
            return super().get(block, timeout)
        with self._count_lock:
            if self._waiting >= self.max_backlog:
                raise exc.TimeoutError(
                    f"Connection pool is exhausted and {self._waiting} threads wait already"
                )
            self._waiting += 1
        try:
            return super().get(block, timeout)
        finally:
            with self._count_lock:
                self._waiting -= 1


class QueuePoolWithMaxBacklog(QueuePool):
    """SQLAlchemy's pool, which refuses at once when too many threads wait.

    :param max_backlog: how many threads may wait for a connection; -1: any number.
    """

    def __init__(
        self,
        creator: Callable[..., Any],
        max_backlog: int = -1,
        pool_size: int = 25,
        **kw: Any,  # those of QueuePool
    ) -> None:
        super().__init__(creator, pool_size=pool_size, **kw)
        self.max_backlog = max_backlog
        self._pool = _QueueWithMaxBacklog(
            pool_size, max_backlog=max_backlog, use_lifo=bool(kw.get("use_lifo", False))
        )

    def borrow(self) -> ConnectionPoolEntry:
        """A connection without SQLAlchemy's proxy, events, and reset around it.

        They cost as much as half a round trip; who borrows does without, and gives back what
        is in no transaction.
        """
        entry = self._do_get()
        try:
            entry.get_connection()  # type: ignore[attr-defined]  # of the class behind it
        except BaseException:
            self._do_return_conn(entry)
            raise
        return entry

    def give_back(self, entry: ConnectionPoolEntry) -> None:
        """The opposite of :meth:`borrow`."""
        self._do_return_conn(entry)

    def recreate(self) -> "QueuePoolWithMaxBacklog":
        """A new, empty pool like this one."""
        return type(self)(
            self._creator,
            max_backlog=self.max_backlog,
            pool_size=self._pool.maxsize,
            max_overflow=self._max_overflow,
            timeout=self._timeout,
            use_lifo=self._pool.use_lifo,
            recycle=self._recycle,
            echo=self.echo,
            logging_name=self._orig_logging_name,
            reset_on_return=self._reset_on_return,
            pre_ping=self._pre_ping,
            _dispatch=self.dispatch,
            dialect=self._dialect,
        )
