"""Storages on a database that the module has for itself."""

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from pyramid import testing
from transaction import TransactionManager

from kinto.core.storage import postgresql
from kinto.core.storage.postgresql import Storage
from kinto.core.storage.transactions import begin_request_scope
from kinto.core.types import ListKey


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def storage(postgresql_url: str) -> Storage:
    return make_storage(postgresql_url)


@pytest.fixture
def records() -> ListKey:
    """A list that nobody else uses."""
    return ListKey("record", f"/buckets/b{next(_numbers)}/collections/c")


@pytest.fixture
def raw(storage: Storage, postgresql_url: str) -> Iterator[Any]:
    """A cursor on the same database, in autocommit mode."""
    connection = psycopg2.connect(postgresql_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def make_storage(url: str, *, initialize: bool = True, **settings: Any) -> Storage:
    """A storage, whose tables are made unless they are there."""
    config = testing.setUp(settings={"storage_url": url, "storage_lock_timeout": "20", **settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # One client for all storages of a database.
        storage = postgresql.load_from_config(config)
    if initialize:
        storage.initialize_schema()
    return storage


@contextmanager
def request_transaction() -> Iterator[TransactionManager]:
    """The transaction of a request: committed at the end of the block, undone on errors."""
    manager = TransactionManager(explicit=True)
    manager.begin()
    begin_request_scope(manager)
    try:
        yield manager
        manager.commit()
    except BaseException:
        manager.abort()
        raise


def simultaneously(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What calls give when each is made by a thread of its own: results or exceptions."""

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 # that is the result
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(outcome, calls))
