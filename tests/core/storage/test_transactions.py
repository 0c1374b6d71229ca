"""The mark on a request's transaction."""

import threading
from collections.abc import Iterator

import pytest
import transaction

from kinto.core.storage.transactions import (
    begin_request_scope,
    current_request_transaction,
    end_request_scope,
    find_part,
    keep_part,
)


@pytest.fixture(autouse=True)
def _no_transaction_left() -> Iterator[None]:
    yield
    end_request_scope()
    transaction.abort()


def test_transaction_is_no_request_by_itself() -> None:
    transaction.begin()

    assert current_request_transaction() is None


@pytest.mark.parametrize("end", ["commit", "abort", "begin"])
def test_request_ends_with_its_transaction(end: str) -> None:
    transaction.begin()
    marked = begin_request_scope()
    assert marked is transaction.get()
    assert current_request_transaction() is marked

    getattr(transaction, end)()

    assert current_request_transaction() is None


def test_request_ends_before_its_after_commit_hooks() -> None:
    transaction.begin()
    seen: list[object] = []
    marked = begin_request_scope()
    marked.addBeforeCommitHook(lambda: seen.append(current_request_transaction()))
    marked.addAfterCommitHook(lambda _success: seen.append(current_request_transaction()))
    transaction.commit()

    assert seen == [marked, None]


def test_request_may_have_a_manager_of_its_own() -> None:
    manager = transaction.TransactionManager(explicit=True)
    marked = manager.begin()
    begin_request_scope(manager)
    transaction.commit()
    assert current_request_transaction() is marked
    manager.abort()

    assert current_request_transaction() is None


def test_each_thread_serves_its_own_request() -> None:
    begin_request_scope()
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(current_request_transaction()))
    thread.start()
    thread.join()

    assert seen == [None]


@pytest.mark.parametrize("end", ["commit", "abort", "begin"])
def test_what_backends_keep_ends_with_the_transaction(end: str) -> None:
    transaction.begin()
    begin_request_scope()
    keep_part("backend", "part")
    assert find_part("backend") == "part"

    getattr(transaction, end)()

    assert find_part("backend") is None


def test_what_backends_keep_is_of_one_thread() -> None:
    transaction.begin()
    begin_request_scope()
    keep_part("backend", "part")
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(find_part("backend")))

    thread.start()
    thread.join()

    assert seen == [None]
