"""The pool that limits its backlog."""

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
