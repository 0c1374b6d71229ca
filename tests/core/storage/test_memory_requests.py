"""Requests on backends in memory: what fails is undone, what is locked waits."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import transaction

from kinto.core.permission.memory import Permission
from kinto.core.storage import exceptions
from kinto.core.storage.memory import Storage
from kinto.core.storage.memory.locks import ListLocks
from kinto.core.storage.protocols import (
    ConditionalWriter,
    ListLocker,
    PageReader,
    SubtreeRemover,
)
from kinto.core.storage.transactions import begin_request_scope
from kinto.core.types import ListKey, ObjectKey


KEY = ListKey("record", "/b/c")


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def permission() -> Permission:
    return Permission()


@pytest.fixture(autouse=True)
def _no_transaction_left() -> Iterator[None]:
    yield
    transaction.abort()


def begin_request() -> transaction.Transaction:
    transaction.begin()
    return begin_request_scope()


def names(storage: Storage, **kwargs: Any) -> list[str]:
    return [obj["id"] for obj in storage.list_all(*KEY, **kwargs)]


def in_thread(work: Callable[[], Any]) -> Any:
    """What another thread, hence another request, gets."""
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:  # noqa: BLE001  # the answer of the test
            answers.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answers[0]


# -- Undo ----------------------------------------------------------------------------------


def test_an_aborted_request_leaves_no_trace(storage: Storage) -> None:
    kept = storage.create(*KEY, {"id": "kept"})
    storage.create(*KEY, {"id": "gone"})
    storage.delete(*KEY, "gone")
    before = storage.list_all(*KEY, include_deleted=True)
    timestamp = storage.resource_timestamp(*KEY)

    begin_request()
    storage.create(*KEY, {"id": "gone"})
    storage.update(*KEY, "kept", {"a": 1})
    storage.delete_all(*KEY)
    storage.purge_deleted(None, "*")
    storage.create("other", "/b/c", {"id": "new"})
    storage.remove_subtree("/b")
    transaction.abort()

    assert storage.list_all(*KEY, include_deleted=True) == before
    assert storage.get(*KEY, "kept") == kept
    assert storage.resource_timestamp(*KEY) == timestamp
    assert storage.all_resources_timestamps("other") == {}


def test_a_committed_request_is_kept(storage: Storage, permission: Permission) -> None:
    begin_request()
    storage.create(*KEY, {"id": "a"})
    permission.add_principal_to_ace("/a", "read", "bob")
    transaction.commit()
    begin_request()
    transaction.abort()
    assert names(storage) == ["a"]
    assert permission.get_object_permissions("/a") == {"read": {"bob"}}


def test_permissions_of_an_aborted_request_are_undone(permission: Permission) -> None:
    permission.add_user_principal("bob", "group")
    permission.add_principal_to_ace("/a", "read", "bob")
    begin_request()
    permission.remove_principal("group")
    permission.replace_object_permissions("/a", {"read": ["alice"], "write": ["bob"]})
    permission.delete_object_permissions("/*")
    transaction.abort()
    assert permission.get_user_principals("bob") == {"group"}
    assert permission.get_object_permissions("/a") == {"read": {"bob"}}


def test_rollback_to_a_savepoint_keeps_what_was_before(storage: Storage) -> None:
    begin_request()
    storage.create(*KEY, {"id": "a"})
    savepoint = transaction.savepoint()
    storage.create(*KEY, {"id": "b"})
    savepoint.rollback()
    storage.create(*KEY, {"id": "c"})
    transaction.commit()
    assert names(storage) == ["a", "c"]


def test_rollback_to_a_savepoint_older_than_the_first_write(storage: Storage) -> None:
    begin_request()
    savepoint = transaction.savepoint()
    storage.create(*KEY, {"id": "a"})
    savepoint.rollback()
    assert names(storage) == []
    storage.create(*KEY, {"id": "b"})
    transaction.abort()
    assert names(storage) == []


def test_outside_of_requests_each_call_stands_by_itself(storage: Storage) -> None:
    transaction.begin()
    storage.create(*KEY, {"id": "a"})
    transaction.abort()
    assert names(storage) == ["a"]


def test_forced_commits_are_not_undone(storage: Storage) -> None:
    storage.create(*KEY, {"id": "a"})
    storage.delete(*KEY, "a")
    begin_request()
    storage.purge_deleted(*KEY, force_commit=True)
    transaction.abort()
    assert names(storage, include_deleted=True) == []


def test_the_timestamp_that_was_read_outlives_a_refused_request(storage: Storage) -> None:
    begin_request()
    timestamp = storage.resource_timestamp(*KEY)
    transaction.abort()
    assert storage.resource_timestamp(*KEY) == timestamp


def test_flush_is_not_undone(storage: Storage, permission: Permission) -> None:
    storage.create(*KEY, {"id": "a"})
    permission.add_user_principal("bob", "group")
    begin_request()
    storage.delete(*KEY, "a")
    permission.remove_principal("group")
    storage.flush()
    permission.flush()
    transaction.abort()
    assert names(storage, include_deleted=True) == []
    assert permission.get_user_principals("bob") == set()


def test_undo_leaves_alone_what_others_wrote_since(storage: Storage) -> None:
    storage.create(*KEY, {"id": "a", "by": "nobody"})
    begin_request()
    storage.update(*KEY, "a", {"by": "me"})
    written = in_thread(lambda: storage.update(*KEY, "a", {"by": "you"}))
    transaction.abort()
    assert storage.get(*KEY, "a") == written
    assert storage.resource_timestamp(*KEY) == written["last_modified"]


def test_a_write_that_fails_half_way_is_undone(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        storage.create(*KEY, {"id": name})
    timestamp = storage.resource_timestamp(*KEY)
    draw = storage.bump_and_store_timestamp
    calls = []

    def fail_at_last(*args: Any, **kwargs: Any) -> int:
        calls.append(args)
        if len(calls) == 3:
            raise exceptions.BackendError
        return draw(*args, **kwargs)

    monkeypatch.setattr(storage, "bump_and_store_timestamp", fail_at_last)
    with pytest.raises(exceptions.BackendError):
        storage.delete_all(*KEY)
    assert names(storage, include_deleted=True) == ["a", "b", "c"]
    assert storage.resource_timestamp(*KEY) == timestamp


# -- Conditions ----------------------------------------------------------------------------


def test_storage_offers_the_finer_protocols(storage: Storage) -> None:
    for protocol in (ConditionalWriter, ListLocker, PageReader, SubtreeRemover):
        assert isinstance(storage, protocol)


def test_update_expects_a_timestamp(storage: Storage) -> None:
    seen = storage.create(*KEY, {"id": "a"})["last_modified"]
    written = storage.update(*KEY, "a", {"n": 1}, expected=seen)
    with pytest.raises(exceptions.ConcurrentWriteError):
        storage.update(*KEY, "a", {"n": 2}, expected=seen)
    with pytest.raises(exceptions.ConcurrentWriteError):
        storage.update(*KEY, "unknown", {}, expected=seen)
    assert storage.list_all(*KEY) == [written]


def test_delete_expects_a_timestamp(storage: Storage) -> None:
    seen = storage.create(*KEY, {"id": "a"})["last_modified"]
    with pytest.raises(exceptions.ConcurrentWriteError):
        storage.delete(*KEY, "a", expected=seen - 1)
    storage.delete(*KEY, "a", expected=seen)
    with pytest.raises(exceptions.ConcurrentWriteError):
        storage.delete(*KEY, "a", expected=seen)


def test_writes_expect_their_owner(storage: Storage) -> None:
    owner = ObjectKey("collection", "/b", "c")
    for write in (
        lambda: storage.create(*KEY, {"id": "a"}, owner=owner),
        lambda: storage.update(*KEY, "a", {}, owner=owner),
    ):
        with pytest.raises(exceptions.ConcurrentWriteError):
            write()
    assert storage.all_resources_timestamps("record") == {}
    storage.create("collection", "/b", {"id": "c"})
    storage.create(*KEY, {"id": "a"}, owner=owner)
    storage.update(*KEY, "a", {"n": 1}, owner=owner)
    storage.delete("collection", "/b", "c")
    with pytest.raises(exceptions.ConcurrentWriteError):
        storage.update(*KEY, "a", {"n": 2}, owner=owner)


def test_timestamps_of_different_objects_never_collide(storage: Storage) -> None:
    storage.create(*KEY, {"id": "new"})
    storage.create(*KEY, {"id": "a", "last_modified": 12})
    highest = storage.resource_timestamp(*KEY)
    with pytest.raises(exceptions.IntegrityError):
        storage.create(*KEY, {"id": "b", "last_modified": 12})
    with pytest.raises(exceptions.IntegrityError):
        storage.update(*KEY, "new", {"last_modified": 12})
    with pytest.raises(exceptions.IntegrityError):
        storage.delete(*KEY, "new", last_modified=12)
    assert storage.resource_timestamp(*KEY) == highest
    assert storage.update(*KEY, "a", {"last_modified": 12})["last_modified"] == 12
    assert storage.delete(*KEY, "a", last_modified=12)["last_modified"] == 12
    with pytest.raises(exceptions.IntegrityError):
        storage.create(*KEY, {"id": "b", "last_modified": 12})
    storage.delete(*KEY, "new", last_modified=12, with_deleted=False)


# -- Lists ---------------------------------------------------------------------------------


def test_page_has_the_timestamp_of_its_list(storage: Storage) -> None:
    for name in "abc":
        storage.create(*KEY, {"id": name})
    storage.delete(*KEY, "c")
    page = storage.list_page(*KEY, limit=1)
    assert [obj["id"] for obj in page.objects] == ["a"]
    assert page.timestamp == storage.resource_timestamp(*KEY)
    assert len(storage.list_page(*KEY, include_deleted=True).objects) == 3
    storage.readonly = True
    empty = storage.list_page("unknown", "/")
    assert empty.objects == []
    assert storage.list_page("unknown", "/") == empty


def test_subtree_goes_with_tombstones_and_timestamps(storage: Storage) -> None:
    for parent_id in ("/b", "/b/c", "/b/c/d", "/bc", "x/b"):
        storage.create("record", parent_id, {"id": "live"})
        storage.create("record", parent_id, {"id": "gone"})
        storage.delete("record", parent_id, "gone")
    storage.resource_timestamp("empty", "/b/x")
    storage.remove_subtree("/b")
    assert set(storage.all_resources_timestamps("record")) == {"/bc", "x/b"}
    assert storage.all_resources_timestamps("empty") == {}
    assert storage.count_all("record", "*", include_deleted=True) == 4


def test_lists_get_their_first_timestamp(storage: Storage) -> None:
    written = storage.create(*KEY, {"id": "a"})["last_modified"]
    storage.add_lists([KEY, ListKey("group", "/b")])
    assert storage.resource_timestamp(*KEY) == written
    assert set(storage.all_resources_timestamps("group")) == {"/b"}


# -- Locks ---------------------------------------------------------------------------------


@pytest.fixture
def impatient(storage: Storage) -> Storage:
    storage._locks = ListLocks(storage._writes, timeout_seconds=0.05)
    return storage


def test_other_writers_of_a_locked_list_give_up(impatient: Storage) -> None:
    impatient.create(*KEY, {"id": "old"})
    begin_request()
    impatient.lock_lists([KEY, KEY])
    for write in (
        lambda: impatient.create(*KEY, {"id": "theirs"}),
        lambda: impatient.delete_all(None, "*"),
        lambda: impatient.add_lists([KEY]),
    ):
        assert isinstance(in_thread(write), exceptions.ConcurrentWriteError)
    in_thread(lambda: impatient.create("other", "/", {"id": "free"}))
    impatient.create(*KEY, {"id": "mine"})
    impatient.lock_lists([KEY])
    transaction.commit()
    assert in_thread(lambda: impatient.create(*KEY, {"id": "later"}))["id"] == "later"
    assert names(impatient) == ["old", "mine", "later"]


def test_two_requests_cannot_lock_one_list(impatient: Storage) -> None:
    def other_request() -> None:
        begin_request()
        try:
            impatient.lock_lists([ListKey("a", "/"), KEY])
        finally:
            transaction.abort()

    begin_request()
    impatient.lock_lists([KEY])
    assert isinstance(in_thread(other_request), exceptions.ConcurrentWriteError)
    transaction.abort()
    assert in_thread(other_request) is None


def test_a_waiting_writer_goes_on_once_the_lock_is_released(storage: Storage) -> None:
    begin_request()
    storage.lock_lists([KEY])
    thread = threading.Thread(target=storage.create, args=(*KEY, {"id": "waited"}))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    storage.create(*KEY, {"id": "first"})
    transaction.commit()
    thread.join()
    assert names(storage) == ["first", "waited"]


def test_locks_outside_of_requests_are_not_taken(impatient: Storage) -> None:
    impatient.lock_lists([KEY])
    assert in_thread(lambda: impatient.create(*KEY, {"id": "a"}))["id"] == "a"
