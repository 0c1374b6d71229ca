"""Lists, their timestamps, and where one list ends and the next begins."""

from typing import Any

import pytest

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import MISSING, Filter, Sort
from kinto.core.storage.exceptions import (
    IntegrityError,
    ObjectNotFoundError,
    ReadonlyError,
    UnicityError,
)
from kinto.core.storage.postgresql import Storage
from kinto.core.storage.protocols import ContextQuery
from kinto.core.types import ListKey
from tests.core.storage.postgresql.conftest import make_storage, request_transaction


FAR_FUTURE = 9_000_000_000_000


def ids(objects: list[dict[str, Any]]) -> list[str]:
    return [obj["id"] for obj in objects]


def test_a_page_has_the_timestamp_of_its_list(storage: Storage, records: ListKey) -> None:
    storage.create(*records, {"id": "a"})
    newest = storage.create(*records, {"id": "b"})

    page = storage.list_page(*records, sorting=[Sort("last_modified", -1)], limit=1)

    assert page.objects == [newest]
    assert page.timestamp == newest["last_modified"] == storage.resource_timestamp(*records)


def test_an_empty_page_has_the_timestamp_of_its_list(storage: Storage, records: ListKey) -> None:
    newest = storage.create(*records, {"id": "a"})
    nothing = [Filter("title", "x", COMPARISON.EQ)]
    page = storage.list_page(*records, filters=nothing)
    assert (page.objects, page.timestamp) == ([], newest["last_modified"])


def test_a_list_that_was_never_written_has_one_timestamp_that_is_not_stored(
    storage: Storage, records: ListKey
) -> None:
    first = storage.list_page(*records).timestamp
    assert storage.list_page(*records).timestamp == first
    assert records.parent_id not in storage.all_resources_timestamps(records.resource_name)
    assert storage.create(*records, {})["last_modified"] > first


def test_a_refused_write_leaves_no_timestamp(storage: Storage, records: ListKey) -> None:
    with pytest.raises(ObjectNotFoundError):
        storage.delete(*records, "unknown")
    storage.delete_all(*records)
    assert storage.all_resources_timestamps(records.resource_name).get(records.parent_id) is None


def test_locking_a_list_does_not_change_its_timestamp(storage: Storage, records: ListKey) -> None:
    before = storage.list_page(*records).timestamp
    with request_transaction():
        storage.lock_lists([records])
    assert storage.list_page(*records).timestamp == before


def test_a_list_is_added_with_a_new_timestamp_unless_it_has_one(
    storage: Storage, records: ListKey
) -> None:
    unknown = storage.list_page(*records).timestamp
    storage.add_lists([records])
    added = storage.list_page(*records).timestamp
    storage.add_lists([records, records])
    storage.add_lists([])
    assert storage.list_page(*records).timestamp == added > unknown


@pytest.mark.parametrize("given", ["past", "equal", "future"])
def test_a_timestamp_of_the_client(storage: Storage, records: ListKey, given: str) -> None:
    highest = storage.create(*records, {"id": "a"})["last_modified"]
    asked = {"past": 12, "equal": highest, "future": FAR_FUTURE}[given]

    created = storage.create(*records, {"id": "b", "last_modified": asked})["last_modified"]

    if given == "equal":
        assert created > highest
    else:
        assert created == asked
    assert storage.resource_timestamp(*records) == max(highest, created)


@pytest.mark.parametrize("method", ["create", "update", "delete"])
def test_a_timestamp_that_another_object_holds_is_refused(
    storage: Storage, records: ListKey, method: str
) -> None:
    storage.create(*records, {"id": "a", "last_modified": 12})
    known = storage.create(*records, {"id": "b"})
    write = {
        "create": lambda: storage.create(*records, {"id": "c", "last_modified": 12}),
        "update": lambda: storage.update(*records, "b", {"last_modified": 12}),
        "delete": lambda: storage.delete(*records, "b", last_modified=12),
    }[method]
    with request_transaction():
        with pytest.raises(IntegrityError):
            write()
        # The transaction goes on.
        assert ids(storage.list_all(*records)) == ["a", "b"]
    assert storage.resource_timestamp(*records) == known["last_modified"]


def test_an_object_may_keep_its_own_timestamp(storage: Storage, records: ListKey) -> None:
    storage.create(*records, {"id": "a", "last_modified": 12})
    storage.create(*records, {"id": "b"})
    assert storage.update(*records, "a", {"n": 1, "last_modified": 12})["last_modified"] == 12
    assert storage.get(*records, "a") == {"id": "a", "n": 1, "last_modified": 12}
    assert storage.delete(*records, "a", last_modified=12)["last_modified"] == 12


@pytest.mark.parametrize("timestamp", [-1, 0, 1, FAR_FUTURE, 100_000_000_000_001])
def test_timestamps_keep_every_millisecond(
    storage: Storage, records: ListKey, timestamp: int
) -> None:
    storage.create(*records, {"id": "a", "last_modified": timestamp})
    equal = [Filter("last_modified", timestamp, COMPARISON.EQ)]
    assert storage.list_all(*records, filters=equal)[0]["last_modified"] == timestamp


@pytest.mark.parametrize("bound", [10**18, -(10**18), 10**30, 1.5, "1", None, [1], True])
def test_any_value_compares_with_timestamps(
    storage: Storage, records: ListKey, bound: object
) -> None:
    storage.create(*records, {"id": "a"})
    for operator in (COMPARISON.GT, COMPARISON.LT):
        storage.list_page(*records, filters=[Filter("last_modified", bound, operator)])
    assert (
        storage.list_all(*records, filters=[Filter("last_modified", bound, COMPARISON.EQ)]) == []
    )


@pytest.mark.parametrize("operator", [COMPARISON.LIKE, COMPARISON.IN, COMPARISON.HAS])
def test_missing_has_no_place_in_other_comparisons(
    storage: Storage, records: ListKey, operator: COMPARISON
) -> None:
    with pytest.raises(ValueError, match="MISSING"):
        storage.list_all(*records, filters=[Filter("a", MISSING, operator)])


@pytest.mark.parametrize("field", ["title", "id", "last_modified"])
def test_a_value_that_cannot_be_stored_never_reaches_the_database(
    storage: Storage, records: ListKey, field: str
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # the driver's, or ours
        storage.list_all(*records, filters=[Filter(field, "a\0b", COMPARISON.EQ)])


@pytest.mark.parametrize("limit", [None, 0, 2, 3, 4, 100])
def test_the_fetch_size_bounds_lists(postgresql_url: str, records: ListKey, limit: int) -> None:
    bounded = make_storage(postgresql_url, storage_max_fetch_size="3")
    for number in range(6):
        bounded.create(*records, {"n": number})

    given = {None: 3, 0: 3, 2: 2, 3: 3, 4: 4, 100: 4}[limit]

    assert len(bounded.list_all(*records, limit=limit)) == given
    assert len(bounded.list_page(*records, limit=limit).objects) == given
    assert len(bounded.list_all(*records, sorting=[Sort("n", 1)], limit=limit)) == given
    assert bounded.count_all(*records) == 6
    assert len(bounded.delete_all(*records)) == 6


def test_identifiers_that_look_alike_are_different(storage: Storage) -> None:
    for parent in ("/buckets/my_b", "/buckets/myxb", "/buckets/my%b", "/buckets/my\\b"):
        storage.create("collection", parent, {"id": "c", "of": parent})

    assert [obj["of"] for obj in storage.list_all("collection", "/buckets/my_b")] == [
        "/buckets/my_b"
    ]
    assert len(storage.list_all("collection", "/buckets/my_b*")) == 1
    storage.remove_subtree("/buckets/my_b")
    assert storage.list_all("collection", "/buckets/my_b") == []
    assert storage.get("collection", "/buckets/myxb", "c")["of"] == "/buckets/myxb"
    assert len(storage.delete_all("collection", "/buckets/my*")) == 3


def test_a_subtree_ends_where_another_name_begins(storage: Storage) -> None:
    below = ["/buckets/a", "/buckets/a/collections/c"]
    others = ["/buckets/ab", "/buckets/a0", "/buckets/a-", "/buckets", "", "x/buckets/a"]
    for parent in below + others:
        storage.create("thing", parent, {"id": "t"})
        storage.create("thing", parent, {"id": "gone"})
        storage.delete("thing", parent, "gone")

    storage.remove_subtree("/buckets/a")

    kept = storage.all_resources_timestamps("thing")
    assert not set(kept) & set(below)
    assert set(others) <= set(kept)
    for parent in below:
        assert storage.list_all("thing", parent, include_deleted=True) == []
    for parent in others:
        assert len(storage.list_all("thing", parent, include_deleted=True)) == 2


def test_a_list_that_is_made_again_starts_anew(storage: Storage, records: ListKey) -> None:
    storage.create(*records, {"last_modified": FAR_FUTURE})
    with request_transaction():
        storage.remove_subtree(records.parent_id)
        storage.add_lists([records])
    assert storage.list_page(*records).timestamp < FAR_FUTURE


def test_plural_deletions_of_several_lists_stamp_each_from_its_own_timestamp(
    storage: Storage, records: ListKey
) -> None:
    future = ListKey("record", f"{records.parent_id}/future")
    storage.create(*records, {"id": "a"})
    storage.create(*future, {"id": "b", "last_modified": FAR_FUTURE})
    storage.create("group", records.parent_id, {"id": "g"})

    deleted = storage.delete_all(None, f"{records.parent_id}*")

    assert ids(deleted)[-1] == "b"
    assert sorted(ids(deleted)) == ["a", "b", "g"]
    assert deleted[-1]["last_modified"] == FAR_FUTURE + 1 == storage.resource_timestamp(*future)


def test_what_was_written_by_26_is_taken_into_account(
    storage: Storage, records: ListKey, raw: Any
) -> None:
    """A list with objects and without a row of timestamps."""
    raw.execute(
        "INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)"
        " VALUES ('old', %s, %s, from_epoch(%s), '{}', false)",
        (records.parent_id, records.resource_name, FAR_FUTURE),
    )
    assert storage.list_page(*records).timestamp == FAR_FUTURE
    assert storage.resource_timestamp(*records) == FAR_FUTURE
    assert storage.all_resources_timestamps("record")[records.parent_id] == FAR_FUTURE
    assert storage.create(*records, {})["last_modified"] == FAR_FUTURE + 1


def test_purging_and_trimming_leave_the_timestamp_of_a_list_of_26(
    storage: Storage, records: ListKey, raw: Any
) -> None:
    for number, is_deleted in enumerate([False, True]):
        raw.execute(
            "INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)"
            " VALUES (%s, %s, %s, from_epoch(%s), '{}', %s)",
            (str(number), *reversed(records), FAR_FUTURE + number, is_deleted),
        )
    assert storage.purge_deleted(*records) == 1
    assert storage.trim_objects(*records, [], 0) == 1
    assert storage.resource_timestamp(*records) == FAR_FUTURE + 1


def test_rows_without_a_timestamp_are_given_one(
    storage: Storage, records: ListKey, raw: Any
) -> None:
    before = storage.create(*records, {"id": "a"})["last_modified"]
    raw.execute(
        "INSERT INTO objects (id, parent_id, resource_name, data, deleted)"
        " SELECT 'p' || number, %s, %s, '{}', false FROM generate_series(1, 3) AS number",
        (records.parent_id, records.resource_name),
    )
    stamps = [obj["last_modified"] for obj in storage.list_all(*records)]
    assert len(set(stamps)) == 4
    assert min(stamps) == before
    raw.execute(
        "UPDATE objects SET data = '{\"n\": 1}' WHERE parent_id = %s", (records.parent_id,)
    )
    changed = [obj["last_modified"] for obj in storage.list_all(*records)]
    assert min(changed) > max(stamps)
    assert storage.resource_timestamp(*records) == max(changed)


def test_case_is_ignored_beyond_ascii_whatever_the_locale(
    storage: Storage, records: ListKey
) -> None:
    storage.create(*records, {"id": "a", "title": "ÉTÉ"})
    storage.create(*records, {"id": "b", "title": "ETE"})
    wanted = [Filter("title", "été", COMPARISON.LIKE)]
    assert ids(storage.list_all(*records, filters=wanted)) == ["a"]


def test_reads_work_where_nothing_can_be_written(
    storage: Storage, records: ListKey, raw: Any, postgresql_url: str
) -> None:
    known = storage.create(*records, {"id": "a", "n": 1})
    database = postgresql_url.rpartition("/")[2]
    raw.execute(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    try:
        replica = make_storage(f"{postgresql_url}?application_name=replica", initialize=False)
        replica.readonly = True
        assert replica.get(*records, "a") == known
        assert replica.list_page(*records).objects == [known]
        assert replica.list_page("record", "/never").timestamp > 0
        assert replica.list_all(*records, sorting=[Sort("n", 1)]) == [known]
        assert replica.count_all(*records) == 1
        assert replica.resource_timestamp(*records) == known["last_modified"]
        assert replica.all_resources_timestamps("record")[records.parent_id]
        nothing = ContextQuery(userid=None, principals=(), uris=(), target=records)
        assert replica.fetch_context(nothing).timestamp == known["last_modified"]
        with pytest.raises(ReadonlyError):
            replica.resource_timestamp("record", "/never")
        with pytest.raises(ReadonlyError):
            replica.create(*records, {})
    finally:
        raw.execute(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')


def test_a_refused_creation_leaves_the_transaction_going(
    storage: Storage, records: ListKey
) -> None:
    known = storage.create(*records, {"id": "a"})
    with request_transaction():
        storage.create(*records, {"id": "b"})
        with pytest.raises(UnicityError) as refused:
            storage.create(*records, {"id": "a", "n": 2})
        storage.create(*records, {"id": "c"})
    assert refused.value.original == known
    assert ids(storage.list_all(*records)) == ["a", "b", "c"]


def test_a_request_that_fails_leaves_nothing(storage: Storage, records: ListKey) -> None:
    before = storage.list_page(*records)

    def request() -> None:
        with request_transaction():
            storage.create(*records, {"id": "a"})
            storage.add_lists([ListKey("record", "/buckets/undone")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        request()
    assert storage.list_page(*records) == before
    assert "/buckets/undone" not in storage.all_resources_timestamps("record")
