"""The pool that limits its backlog."""

import threading
import time
from unittest import mock

import pytest
import sqlalchemy.exc

from kinto.core.postgresql.pool import QueuePoolWithMaxBacklog


def test_pool_has_25_connections_by_default() -> None:
    assert QueuePoolWithMaxBacklog(creator=mock.Mock()).size() == 25


def test_recreated_pool_is_like_the_first() -> None:
    pool = QueuePoolWithMaxBacklog(
        creator=mock.Mock(), max_backlog=7, pool_size=3, max_overflow=2, use_lifo=True
    )

    other = pool.recreate()

    assert type(other) is QueuePoolWithMaxBacklog
    assert other._pool.max_backlog == 7
    assert (other.size(), other._max_overflow, other._pool.use_lifo) == (3, 2, True)


def test_nobody_waits_where_the_backlog_is_zero() -> None:
    pool = QueuePoolWithMaxBacklog(
        creator=mock.Mock(), max_backlog=0, pool_size=1, max_overflow=0, timeout=10
    )
    first = pool.connect()
    with pytest.raises(sqlalchemy.exc.TimeoutError, match="exhausted"):
        pool.connect()
    first.close()

    assert pool.connect() is not None


def test_connections_are_used_again_and_surplus_ones_closed() -> None:
    pool = QueuePoolWithMaxBacklog(creator=mock.Mock(), pool_size=1, max_overflow=1, timeout=0.1)
    first, second = pool.borrow(), pool.borrow()
    with pytest.raises(sqlalchemy.exc.TimeoutError):
        pool.borrow()

    pool.give_back(second)
    assert second.dbapi_connection is None
    pool.give_back(first)

    assert pool.borrow() is first
    assert (pool.checkedin(), pool.checkedout()) == (0, 1)
    pool.give_back(first)
    assert (pool.checkedin(), pool.checkedout()) == (1, 0)
    pool.dispose()
    assert first.dbapi_connection is None


def test_no_thread_waits_for_a_connection_that_is_free() -> None:
    pool = QueuePoolWithMaxBacklog(creator=mock.Mock(), pool_size=2, max_overflow=0, timeout=10)
    deadline = time.monotonic() + 1.0
    slowest: list[float] = []

    def use() -> None:
        longest = 0.0
        while time.monotonic() < deadline:
            started = time.monotonic()
            entry = pool.borrow()
            longest = max(longest, time.monotonic() - started)
            pool.give_back(entry)
        slowest.append(longest)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(slowest) == 6
    assert max(slowest) < 5
    assert pool.checkedout() == 0
