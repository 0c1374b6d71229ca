"""Writers of one list queue, and what they rest on is checked under its lock."""

import random
import threading
import time
from functools import partial

import pytest

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import Filter
from kinto.core.storage.exceptions import (
    ConcurrentWriteError,
    ObjectNotFoundError,
    UnicityError,
)
from kinto.core.storage.postgresql import Storage
from kinto.core.types import KintoObject, ListKey, ObjectKey
from tests.core.storage.postgresql.conftest import request_transaction, simultaneously


WRITERS = 16


def test_polling_since_the_last_etag_never_misses_what_a_slow_writer_commits(
    storage: Storage, records: ListKey
) -> None:
    stop = threading.Event()
    seen: set[str] = set()
    timestamp = 0

    def poll() -> None:
        nonlocal timestamp
        newer = [Filter("last_modified", timestamp, COMPARISON.GT)]
        page = storage.list_page(*records, filters=newer, include_deleted=True)
        seen.update(obj["id"] for obj in page.objects)
        timestamp = page.timestamp

    def poll_until_stopped() -> None:
        while not stop.is_set():
            poll()

    def write(name: str) -> None:
        for number in range(6):
            with request_transaction():
                storage.create(*records, {"id": f"{name}-{number}"})
                time.sleep(random.choice((0, 0.002, 0.03)))

    reader = threading.Thread(target=poll_until_stopped)
    reader.start()
    outcomes = simultaneously([partial(write, f"writer{number}") for number in range(6)])
    stop.set()
    reader.join()
    poll()

    assert outcomes == [None] * 6
    assert seen == {obj["id"] for obj in storage.list_all(*records)}
    assert len(seen) == 36


def test_of_concurrent_writers_who_expect_one_version_one_wins(
    storage: Storage, records: ListKey
) -> None:
    known = storage.create(*records, {"id": "a", "n": 0})["last_modified"]
    barrier = threading.Barrier(WRITERS)

    def write(number: int) -> KintoObject:
        barrier.wait()
        return storage.update(*records, "a", {"n": number}, expected=known)

    outcomes = simultaneously([partial(write, number) for number in range(WRITERS)])

    winners = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert winners == [storage.get(*records, "a")]
    assert sum(isinstance(each, ConcurrentWriteError) for each in outcomes) == WRITERS - 1


def test_of_concurrent_deletions_of_one_version_one_wins(
    storage: Storage, records: ListKey
) -> None:
    known = storage.create(*records, {"id": "a"})["last_modified"]
    barrier = threading.Barrier(WRITERS)

    def delete() -> KintoObject:
        barrier.wait()
        return storage.delete(*records, "a", expected=known)

    outcomes = simultaneously([delete] * WRITERS)

    assert sum(isinstance(each, dict) for each in outcomes) == 1
    assert sum(isinstance(each, ConcurrentWriteError) for each in outcomes) == WRITERS - 1


def test_of_concurrent_creations_of_one_id_one_wins(storage: Storage, records: ListKey) -> None:
    barrier = threading.Barrier(WRITERS)

    def create(number: int) -> KintoObject:
        barrier.wait()
        return storage.create(*records, {"id": "a", "n": number})

    outcomes = simultaneously([partial(create, number) for number in range(WRITERS)])

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, UnicityError)]
    assert [loser.original for loser in losers] == [winner] * (WRITERS - 1)


def test_concurrent_writers_of_different_ids_all_succeed_with_rising_timestamps(
    storage: Storage, records: ListKey
) -> None:
    barrier = threading.Barrier(WRITERS)

    def create(number: int) -> list[int]:
        barrier.wait()
        return [
            storage.create(*records, {"id": f"{number}-{again}"})["last_modified"]
            for again in range(5)
        ]

    outcomes = simultaneously([partial(create, number) for number in range(WRITERS)])

    assert all(timestamps == sorted(timestamps) for timestamps in outcomes)
    assert len({each for timestamps in outcomes for each in timestamps}) == WRITERS * 5


def test_simultaneous_first_reads_give_one_timestamp(storage: Storage, records: ListKey) -> None:
    barrier = threading.Barrier(WRITERS)

    def read() -> int:
        barrier.wait()
        return storage.resource_timestamp(*records)

    assert len(set(simultaneously([read] * WRITERS))) == 1


def test_a_reader_is_not_held_up_by_a_writer(storage: Storage, records: ListKey) -> None:
    created = storage.create(*records, {"id": "a"})
    with request_transaction():
        storage.update(*records, "a", {"changed": True})
        (read,) = simultaneously([partial(storage.get, *records, "a")])
    assert read == created


@pytest.fixture
def collection(storage: Storage, records: ListKey) -> ObjectKey:
    """The live object that owns the list."""
    bucket_uri, _, collection_id = records.parent_id.rsplit("/", 2)
    storage.create("collection", bucket_uri, {"id": collection_id})
    storage.add_lists([ListKey("collection", bucket_uri), records])
    return ObjectKey("collection", bucket_uri, collection_id)


def delete_with_subtree(storage: Storage, key: ObjectKey) -> None:
    """Delete an object with what is below it, as a request does."""
    with request_transaction():
        storage.delete(key.resource_name, key.parent_id, key.object_id)
        storage.remove_subtree(f"{key.parent_id}/{key.resource_name}s/{key.object_id}")


@pytest.mark.parametrize("is_known", [True, False], ids=["list with a row", "list without"])
def test_nothing_is_created_in_a_collection_that_was_deleted_meanwhile(
    storage: Storage, records: ListKey, collection: ObjectKey, is_known: bool
) -> None:
    if not is_known:
        storage.remove_subtree(records.parent_id)
    deleting = threading.Event()

    def delete() -> None:
        with request_transaction():
            storage.delete(collection.resource_name, collection.parent_id, collection.object_id)
            storage.remove_subtree(records.parent_id)
            storage.list_all(*records)  # Sends what was deferred.
            deleting.set()
            time.sleep(0.1)

    def create() -> KintoObject:
        deleting.wait()
        return storage.create(*records, {"id": "orphan"}, owner=collection)

    _, outcome = simultaneously([delete, create])

    assert isinstance(outcome, ConcurrentWriteError)
    assert storage.list_all(*records, include_deleted=True) == []
    assert records.parent_id not in storage.all_resources_timestamps("record")


@pytest.mark.parametrize("is_known", [True, False], ids=["list with a row", "list without"])
def test_what_is_being_created_when_the_collection_is_deleted_goes_with_it(
    storage: Storage, records: ListKey, collection: ObjectKey, is_known: bool
) -> None:
    if not is_known:
        storage.remove_subtree(records.parent_id)
    created = threading.Event()

    def create() -> None:
        with request_transaction():
            storage.create(*records, {"id": "a"}, owner=collection)
            created.set()
            time.sleep(0.1)

    def delete() -> None:
        created.wait()
        delete_with_subtree(storage, collection)

    assert simultaneously([create, delete]) == [None, None]
    assert storage.list_all(*records, include_deleted=True) == []
    assert records.parent_id not in storage.all_resources_timestamps("record")


def test_a_record_of_a_collection_made_while_its_bucket_is_deleted_goes_with_them(
    storage: Storage, records: ListKey
) -> None:
    bucket_uri = records.parent_id.removesuffix("/collections/c")
    bucket = ObjectKey("bucket", "", bucket_uri.removeprefix("/buckets/"))
    collection = ObjectKey("collection", bucket_uri, "c")
    storage.create("bucket", "", {"id": bucket.object_id})
    storage.add_lists([ListKey("collection", bucket_uri)])
    made, filled = threading.Event(), threading.Event()

    def make_collection() -> None:
        with request_transaction():
            storage.create("collection", bucket_uri, {"id": "c"}, owner=bucket)
            storage.add_lists([records])
            made.set()
            time.sleep(0.1)
        filled.set()

    def delete_bucket() -> None:
        made.wait()
        delete_with_subtree(storage, bucket)

    def create_record() -> KintoObject:
        filled.wait()
        return storage.create(*records, {"id": "a"}, owner=collection)

    outcomes = simultaneously([make_collection, delete_bucket, create_record])

    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], dict | ConcurrentWriteError)
    for key in (records, ListKey("collection", bucket_uri)):
        assert storage.list_all(*key, include_deleted=True) == []
        assert key.parent_id not in storage.all_resources_timestamps(key.resource_name)


def test_a_record_being_created_when_the_bucket_is_deleted_goes_with_it(
    storage: Storage, records: ListKey, collection: ObjectKey
) -> None:
    bucket = ObjectKey("bucket", "", collection.parent_id.removeprefix("/buckets/"))
    storage.create("bucket", "", {"id": bucket.object_id})
    storage.remove_subtree(records.parent_id)  # As 26 leaves a list that nobody read.
    created = threading.Event()

    def create() -> None:
        with request_transaction():
            storage.create(*records, {"id": "a"}, owner=collection)
            created.set()
            time.sleep(0.1)

    def delete() -> None:
        created.wait()
        delete_with_subtree(storage, bucket)

    assert simultaneously([create, delete]) == [None, None]
    assert storage.list_all(*records, include_deleted=True) == []
    assert records.parent_id not in storage.all_resources_timestamps("record")


def test_an_owner_that_was_deleted_for_good_is_missed(
    storage: Storage, records: ListKey, collection: ObjectKey
) -> None:
    storage.delete(*collection, with_deleted=False)
    with pytest.raises(ConcurrentWriteError):
        storage.update(*records, "a", {}, owner=collection)
    with pytest.raises(ObjectNotFoundError):
        storage.get(*records, "a")


def test_locked_lists_are_locked_in_one_order_so_that_nobody_deadlocks(
    storage: Storage, records: ListKey
) -> None:
    lists = [ListKey(records.resource_name, f"{records.parent_id}{n}") for n in range(4)]

    def write(number: int) -> None:
        for again in range(4):
            keys = random.sample(lists, len(lists))
            with request_transaction():
                storage.lock_lists(keys)
                for key in keys:
                    storage.update(*key, f"{number}", {"again": again})

    assert simultaneously([partial(write, number) for number in range(6)]) == [None] * 6


def test_a_list_that_is_locked_waits_with_its_writers(storage: Storage, records: ListKey) -> None:
    storage.create(*records, {"id": "a", "n": 0})

    def increment() -> None:
        with request_transaction():
            storage.lock_lists([records])
            (obj,) = storage.list_all(*records)
            storage.update(*records, "a", {"n": obj["n"] + 1})

    simultaneously([increment] * 8)

    assert storage.get(*records, "a")["n"] == 8


def test_concurrent_plural_deletions_stamp_each_object_once(
    storage: Storage, records: ListKey
) -> None:
    for number in range(20):
        storage.create(*records, {"id": f"{number}"})
    barrier = threading.Barrier(4)

    def delete_some() -> list[KintoObject]:
        barrier.wait()
        return storage.delete_all(*records, limit=5)

    outcomes = simultaneously([delete_some] * 4)

    tombstones = [tombstone for outcome in outcomes for tombstone in outcome]
    assert len({tombstone["id"] for tombstone in tombstones}) == 20
    assert len({tombstone["last_modified"] for tombstone in tombstones}) == 20
