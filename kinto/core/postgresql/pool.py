"""A pool of connections that limits how many threads wait for one."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import queue


class _QueueWithMaxBacklog(queue.Queue[Any]):  # connection records of SQLAlchemy
    """SQLAlchemy's queue of idle connections, with a bounded number of waiting threads.

    :param spare: idle connections beside the queue, which are taken without its locks.
    :ivar waiting: how many threads wait.
    """

    def __init__(
        self, maxsize: int, *, max_backlog: int, use_lifo: bool, spare: deque[Any]
    ) -> None:
        super().__init__(maxsize, use_lifo)
        self.max_backlog = max_backlog
        self.waiting = 0
        self._spare = spare
        self._count_lock = threading.Lock()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """An idle connection; a thread too many is refused instead of waiting.

        :raises sqlalchemy.exc.TimeoutError: ``max_backlog`` threads wait already.
        """
        try:
            return super().get(False)
        except queue.Empty:
            if not block:
                raise
        with self._count_lock:
            if 0 <= self.max_backlog <= self.waiting:
                raise exc.TimeoutError(
                    f"Connection pool is exhausted and {self.waiting} threads wait already"
                )
            self.waiting += 1
        try:
            # One that was returned before this thread was seen to wait.
            with suppress(IndexError):
                return self._spare.pop()
            return super().get(block, timeout)
        finally:
            with self._count_lock:
                self.waiting -= 1


class QueuePoolWithMaxBacklog(QueuePool):
    """SQLAlchemy's pool, which refuses at once when too many threads wait.

    As long as nobody waits, connections come and go without the locks of its queue.

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
        # Used by any number of threads at once: its operations are atomic.
        self._spare: deque[Any] = deque()
        self._pool = self._queue = _QueueWithMaxBacklog(
            pool_size,
            max_backlog=max_backlog,
            use_lifo=bool(kw.get("use_lifo", False)),
            spare=self._spare,
        )

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            entry: ConnectionPoolEntry = self._spare.pop()
        except IndexError:
            return super()._do_get()
        return entry

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        waited_for, is_surplus = self._queue.waiting, self._overflow > 0
        if not waited_for and is_surplus:
            record.close()
            self._dec_overflow()
            return
        if waited_for:
            super()._do_return_conn(record)
            return
        self._spare.append(record)
        # Who began to wait meanwhile may have looked before it was there.
        while self._queue.waiting:
            try:
                spare = self._spare.pop()
            except IndexError:
                return
            super()._do_return_conn(spare)

    def checkedin(self) -> int:
        """How many connections are idle."""
        return super().checkedin() + len(self._spare)

    def checkedout(self) -> int:
        """How many connections are in use."""
        return super().checkedout() - len(self._spare)

    def dispose(self) -> None:
        """Close the idle connections."""
        while self._spare:
            super()._do_return_conn(self._spare.pop())
        super().dispose()

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

    # The opposite of `borrow`.
    give_back = _do_return_conn

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
