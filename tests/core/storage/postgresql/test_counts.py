"""The count that a list keeps is the number of its live objects, whoever writes them."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from threading import Barrier
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import Filter
from kinto.core.storage.postgresql import Storage
from kinto.core.types import ListKey
from tests.core.storage.postgresql.conftest import request_transaction, simultaneously


_KEPT = "SELECT object_count FROM timestamps WHERE resource_name = %s AND parent_id = %s"
_COUNTED = (
    "SELECT count(*) FROM objects WHERE resource_name = %s AND parent_id = %s AND NOT deleted"
)
_INSERT = (
    "INSERT INTO objects (resource_name, parent_id, id, last_modified, data, deleted)"
    " VALUES (%s, %s, %s, from_epoch(%s), '{}', %s)"
)
_SCOPE = "WHERE resource_name = %s AND parent_id = %s"
OBJECTS = 5
_numbers = itertools.count(1)


@pytest.fixture
def filled(storage: Storage, records: ListKey) -> ListKey:
    """A list of live objects ``0`` to ``4``, and a tombstone ``gone``."""
    for number in range(OBJECTS):
        storage.create(*records, {"id": str(number), "n": number})
    storage.create(*records, {"id": "gone"})
    storage.delete(*records, "gone")
    return records


def kept(raw: Any, key: ListKey) -> int | None:
    """The count in the row of the list; ``None`` when it has none, or does not know it."""
    raw.execute(_KEPT, key)
    row = raw.fetchone()
    return row[0] if row else None


def counted(raw: Any, key: ListKey) -> int:
    raw.execute(_COUNTED, key)
    count: int = raw.fetchone()[0]
    return count


def test_a_new_list_holds_nothing(storage: Storage, records: ListKey, raw: Any) -> None:
    storage.add_lists([records])
    assert kept(raw, records) == 0


def test_a_list_counts_its_live_objects(storage: Storage, filled: ListKey, raw: Any) -> None:
    assert kept(raw, filled) == storage.count_all(*filled) == OBJECTS
    assert storage.count_all(*filled, include_deleted=True) == OBJECTS + 1
    assert storage.count_all(*filled, filters=[Filter("n", 3, COMPARISON.LT)]) == 3


OURS: dict[str, tuple[int, Callable[[Storage, ListKey], Any]]] = {
    "create": (6, lambda storage, key: storage.create(*key, {})),
    "create one that was deleted": (6, lambda storage, key: storage.create(*key, {"id": "gone"})),
    "update": (5, lambda storage, key: storage.update(*key, "0", {})),
    "update to nothing new": (
        5,
        lambda storage, key: storage.update(
            *key, "0", {"last_modified": storage.get(*key, "0")["last_modified"]}
        ),
    ),
    "update what is not there": (6, lambda storage, key: storage.update(*key, "new", {})),
    "delete": (4, lambda storage, key: storage.delete(*key, "0")),
    "delete without a tombstone": (
        4,
        lambda storage, key: storage.delete(*key, "0", with_deleted=False),
    ),
    "delete some": (
        2,
        lambda storage, key: storage.delete_all(*key, filters=[Filter("n", 3, COMPARISON.LT)]),
    ),
    "delete a few": (3, lambda storage, key: storage.delete_all(*key, limit=2)),
    "delete all": (0, lambda storage, key: storage.delete_all(*key, with_deleted=False)),
    "delete by pattern": (
        0,
        lambda storage, key: storage.delete_all(None, f"{key.parent_id}*"),
    ),
    "purge": (5, lambda storage, key: storage.purge_deleted(*key)),
    "trim": (2, lambda storage, key: storage.trim_objects(*key, [], 2)),
}


@pytest.mark.parametrize("name", OURS)
def test_our_writes_keep_the_count(storage: Storage, filled: ListKey, raw: Any, name: str) -> None:
    expected, write = OURS[name]
    write(storage, filled)
    assert kept(raw, filled) == counted(raw, filled) == expected


def test_a_write_that_does_not_happen_counts_nothing(
    storage: Storage, filled: ListKey, raw: Any
) -> None:
    with suppress(ZeroDivisionError), request_transaction():
        storage.create(*filled, {})
        storage.delete_all(*filled, limit=2)
        raise ZeroDivisionError
    assert kept(raw, filled) == OBJECTS


def test_a_subtree_takes_its_counts_along(storage: Storage, filled: ListKey, raw: Any) -> None:
    storage.remove_subtree(filled.parent_id)
    assert kept(raw, filled) is None
    storage.create(*filled, {})
    assert kept(raw, filled) == 1


THEIRS = {
    "insert": _INSERT.replace("%s, %s, %s", "%s, %s, 'x'")
    .replace("from_epoch(%s)", "from_epoch(1)")
    .replace("'{}', %s", "'{}', false"),
    "insert without a timestamp": (
        "INSERT INTO objects (resource_name, parent_id, id, data, deleted)"
        " VALUES (%s, %s, 'x', '{}', false)"
    ),
    "delete one": f"DELETE FROM objects {_SCOPE} AND id = '0'",
    "delete all": f"DELETE FROM objects {_SCOPE}",
    "bury": f"UPDATE objects SET deleted = true {_SCOPE} AND id = '0'",
    "bring back": f"UPDATE objects SET deleted = false, data = '{{}}' {_SCOPE} AND id = 'gone'",
    "move away": f"UPDATE objects SET parent_id = parent_id || '/x' {_SCOPE} AND id = '0'",
}


@pytest.mark.parametrize("name", THEIRS)
def test_what_others_write_is_counted_by_reads(
    storage: Storage, filled: ListKey, raw: Any, name: str
) -> None:
    raw.execute(THEIRS[name], filled)
    assert kept(raw, filled) is None
    assert storage.count_all(*filled) == counted(raw, filled) != OBJECTS

    storage.create(*filled, {"id": "next"})
    assert storage.count_all(*filled) == counted(raw, filled)

    storage.delete_all(*filled)
    storage.create(*filled, {"id": "last"})
    assert kept(raw, filled) == storage.count_all(*filled) == 1


def test_the_operators_purge_counts_again(storage: Storage, filled: ListKey, raw: Any) -> None:
    raw.execute(THEIRS["insert"], filled)
    storage.purge_deleted("record", "*", max_retained=10, force_commit=True)
    assert kept(raw, filled) == counted(raw, filled) == OBJECTS + 1


def test_a_list_that_objects_are_moved_to_forgets_its_count(
    storage: Storage, filled: ListKey, raw: Any
) -> None:
    target = ListKey("record", f"{filled.parent_id}/target")
    storage.add_lists([target])
    raw.execute(f"UPDATE objects SET parent_id = parent_id || '/target' {_SCOPE}", filled)
    assert kept(raw, target) is None
    assert storage.count_all(*target) == OBJECTS


def test_others_may_write_what_counts_nothing(storage: Storage, filled: ListKey, raw: Any) -> None:
    raw.execute(f"UPDATE objects SET data = '{{}}' {_SCOPE} AND NOT deleted", filled)
    raw.execute(_INSERT, (*filled, "tombstone", 1, True))
    raw.execute(f"DELETE FROM objects {_SCOPE} AND deleted", filled)
    assert kept(raw, filled) == OBJECTS


@pytest.mark.parametrize("name", OURS)
def test_sql_in_the_transaction_of_a_write_of_ours_is_of_others(
    storage: Storage, filled: ListKey, raw: Any, name: str
) -> None:
    with request_transaction():
        OURS[name][1](storage, filled)
        with storage.client.connect() as session:
            session.connection().exec_driver_sql(THEIRS["insert"], tuple(filled))
    assert kept(raw, filled) is None
    assert storage.count_all(*filled) == counted(raw, filled) == OURS[name][0] + 1


def test_a_truncated_table_holds_nothing(
    storage: Storage, filled: ListKey, raw: Any, postgresql_url: str
) -> None:
    with psycopg2.connect(postgresql_url) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE objects")
        cursor.execute(_KEPT, filled)
        assert cursor.fetchone() == (None,)
        connection.rollback()
    assert kept(raw, filled) == OBJECTS


def test_a_row_that_is_not_committed_is_not_missed_by_a_first_write(
    storage: Storage, records: ListKey, raw: Any, postgresql_url: str
) -> None:
    """The list has no row yet, and what the other writes is invisible."""
    with psycopg2.connect(postgresql_url) as other, other.cursor() as cursor:
        cursor.execute(_INSERT, (*records, "theirs", 1, False))
        started = Barrier(2)

        def write() -> None:
            started.wait()
            storage.create(*records, {"id": "ours"})

        def commit() -> None:
            started.wait()
            other.commit()

        assert simultaneously([write, commit]) == [None, None]
    assert storage.count_all(*records) == counted(raw, records) == 2


def test_simultaneous_writers_keep_the_count(
    storage: Storage, records: ListKey, raw: Any, postgresql_url: str
) -> None:
    def ours(number: int) -> None:
        for turn in range(6):
            created = storage.create(*records, {"id": f"{number}-{turn}"})
            if turn % 2:
                storage.delete(*records, created["id"], with_deleted=turn % 4 == 1)
        storage.trim_objects(*records, [], 8)

    assert simultaneously([lambda n=n: ours(n) for n in range(4)]) == [None] * 4  # type: ignore[misc]
    assert kept(raw, records) == counted(raw, records)


def test_simultaneous_writers_and_others_keep_the_count(
    storage: Storage, records: ListKey, raw: Any, postgresql_url: str
) -> None:
    def ours() -> None:
        for number in range(10):
            storage.create(*records, {"id": f"ours{number}"})
        storage.delete_all(*records, limit=3)

    def theirs() -> None:
        with psycopg2.connect(postgresql_url) as connection, connection.cursor() as cursor:
            for number in range(10):
                cursor.execute(_INSERT, (*records, f"theirs{number}", number, False))
                connection.commit()
        connection.close()

    assert simultaneously([ours, theirs, ours]).count(None) >= 1
    assert storage.count_all(*records) == counted(raw, records)


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from([*OURS, *THEIRS, "subtree", "undone"]), st.sampled_from(["", "/below"])
    ),
    max_size=10,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(operations=OPERATIONS)
def test_after_any_sequence_of_operations_the_count_is_right(
    storage: Storage, raw: Any, operations: list[tuple[str, str]]
) -> None:
    parent_id = f"/counts/{next(_numbers)}"
    for name, suffix in operations:
        _apply(storage, raw, ListKey("record", parent_id + suffix), name)
    for suffix in ("", "/below", "/x", "/below/x"):
        key = ListKey("record", parent_id + suffix)
        count = counted(raw, key)
        assert storage.count_all(*key) == count
        assert kept(raw, key) in (None, count)


def _apply(storage: Storage, raw: Any, key: ListKey, name: str) -> None:
    try:
        if name == "subtree":
            storage.remove_subtree(key.parent_id)
        elif name == "undone":
            with request_transaction() as manager:
                storage.create(*key, {})
                manager.doom()
        elif name in OURS:
            OURS[name][1](storage, key)
        else:
            raw.execute(THEIRS[name], key)
    except Exception:  # noqa: BLE001, S110 # refused: that changes nothing
        pass
