"""What memory and PostgreSQL give is the same, whatever is asked."""

import itertools
from collections.abc import Set
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import MISSING, Filter, Sort, memory
from kinto.core.storage.memory import extract_object_set
from kinto.core.storage.postgresql import Storage
from kinto.core.types import KintoObject


_numbers = itertools.count(1)

FIELDS = ("a", "b", "a.b", "a.b.c", "x.y.z.t.u", "id", "last_modified", "deleted", "é%")

texts = st.text(alphabet="abAB_%\\*.é€𝄞ß 0'\"", max_size=4)
numbers = st.integers(-3, 3) | st.sampled_from(
    [1.0, 1.5, -0.5, 10**30, 1e22, 12345678901234567890]
)
scalars = st.none() | texts | numbers | st.booleans()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "b.c", "c", "aa"]), inner, max_size=3)
    ),
    max_leaves=5,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "a.b", "x", "0", "é%"]), values, max_size=3)
any_value = scalars | values
timestamps = st.integers(0, 12)
fields = st.sampled_from(FIELDS)

ORDERED = [
    COMPARISON.LT,
    COMPARISON.MAX,
    COMPARISON.EQ,
    COMPARISON.NOT,
    COMPARISON.GT,
    COMPARISON.MIN,
]


def filters_on(field: st.SearchStrategy[str]) -> st.SearchStrategy[Filter]:
    value = any_value | timestamps.map(lambda number: 1000 + number)
    several = st.lists(value, max_size=3)
    return st.one_of(
        st.builds(Filter, field, value | st.just(MISSING), st.sampled_from(ORDERED)),
        st.builds(Filter, field, several, st.sampled_from([COMPARISON.IN, COMPARISON.EXCLUDE])),
        st.builds(Filter, field, texts, st.just(COMPARISON.LIKE)),
        st.builds(Filter, field, st.booleans(), st.just(COMPARISON.HAS)),
        st.builds(
            Filter, field, several, st.sampled_from([COMPARISON.CONTAINS, COMPARISON.CONTAINS_ANY])
        ),
    )


filters = filters_on(fields)
sorting = st.lists(st.builds(Sort, fields, st.sampled_from([-1, 1])), max_size=3)
unhurried = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def new_list() -> tuple[str, str]:
    return "record", f"/properties/{next(_numbers)}"


def fill(
    storage: Any,
    where: tuple[str, str],
    contents: list[KintoObject],
    deleted: Set[int] = frozenset(),
) -> list[KintoObject]:
    """Store the contents; the objects and tombstones, oldest first."""
    stored = []
    for position, content in enumerate(contents):
        new = {
            **content,
            "id": f"{'aB_é'[position % 4]}{position}",
            "last_modified": 1000 + position,
        }
        stored.append(storage.create(*where, new))
    for position in sorted(deleted):
        if position < len(stored):
            gone = storage.delete(*where, stored[position]["id"], last_modified=2000 + position)
            stored[position] = gone
    return sorted(stored, key=lambda obj: obj["last_modified"])


@unhurried
@given(
    contents=st.lists(objects, max_size=7),
    deleted=st.sets(st.integers(0, 6), max_size=3),
    wanted=st.lists(filters, max_size=2),
    order=sorting,
    rules=st.lists(st.lists(filters, min_size=1, max_size=2), max_size=2),
    limit=st.none() | st.integers(0, 4),
    include_deleted=st.booleans(),
)
def test_lists_of_postgresql_are_those_of_memory(
    storage: Storage,
    contents: list[KintoObject],
    deleted: set[int],
    wanted: list[Filter],
    order: list[Sort],
    rules: list[list[Filter]],
    limit: int | None,
    include_deleted: bool,
) -> None:
    where = new_list()
    stored = fill(storage, where, contents, deleted)
    asked: dict[str, Any] = {
        "filters": wanted,
        "sorting": order,
        "include_deleted": include_deleted,
    }
    rows = stored if include_deleted else [obj for obj in stored if not _is_tombstone(obj)]

    expected, count = extract_object_set(rows, pagination_rules=rules, limit=limit, **asked)

    assert storage.list_all(*where, pagination_rules=rules, limit=limit, **asked) == expected
    page = storage.list_page(*where, pagination_rules=rules, limit=limit, **asked)
    assert page.objects == expected
    assert storage.count_all(*where, filters=wanted, include_deleted=include_deleted) == count


def _is_tombstone(obj: KintoObject) -> bool:
    return obj.get("deleted") is True


@unhurried
@given(
    contents=st.lists(objects, max_size=6),
    wanted=st.lists(filters, max_size=1),
    order=sorting,
    limit=st.none() | st.integers(1, 4),
)
def test_plural_deletions_of_postgresql_are_those_of_memory(
    storage: Storage,
    contents: list[KintoObject],
    wanted: list[Filter],
    order: list[Sort],
    limit: int | None,
) -> None:
    in_memory = memory.Storage()
    where = new_list()
    fill(in_memory, where, contents)
    fill(storage, where, contents)

    expected = in_memory.delete_all(*where, filters=wanted, sorting=order, limit=limit)
    deleted = storage.delete_all(*where, filters=wanted, sorting=order, limit=limit)

    assert [obj["id"] for obj in deleted] == [obj["id"] for obj in expected]
    stamps = [obj["last_modified"] for obj in deleted]
    assert stamps == list(range(stamps[0], stamps[0] + len(stamps))) if stamps else True
    assert storage.list_all(*where) == in_memory.list_all(*where)


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "delete", "bury", "purge", "delete_all", "trim"]),
        st.sampled_from(["a", "b", "c"]),
        st.none() | st.integers(1000, 1012),
    ),
    max_size=12,
)


@unhurried
@given(operations=OPERATIONS)
def test_any_sequence_of_operations_ends_alike(
    storage: Storage, operations: list[tuple[str, str, int | None]]
) -> None:
    where = new_list()
    in_memory = memory.Storage()

    for name, object_id, given_timestamp in operations:
        outcomes = [
            _apply(each, where, name, object_id, given_timestamp) for each in (storage, in_memory)
        ]
        assert outcomes[0] == outcomes[1]

    listed = [each.list_all(*where, include_deleted=True) for each in (storage, in_memory)]
    assert [_shape(obj) for obj in listed[0]] == [_shape(obj) for obj in listed[1]]
    timestamps = [obj["last_modified"] for obj in listed[0]]
    assert len(set(timestamps)) == len(timestamps)


def _apply(
    storage: Any, where: tuple[str, str], name: str, object_id: str, timestamp: int | None
) -> Any:
    """What an operation does, but for timestamps drawn from the clock."""
    given_field = {} if timestamp is None else {"last_modified": timestamp}
    try:
        if name == "create":
            return _shape(storage.create(*where, {"id": object_id, **given_field}))
        if name == "update":
            return _shape(storage.update(*where, object_id, given_field))
        if name == "delete":
            return _shape(storage.delete(*where, object_id, last_modified=timestamp))
        if name == "bury":
            return _shape(storage.delete(*where, object_id, with_deleted=False))
        if name == "purge":
            return storage.purge_deleted(*where, before=timestamp)
        if name == "trim":
            return storage.trim_objects(*where, [], 1)
        return [_shape(obj) for obj in storage.delete_all(*where)]
    except Exception as error:  # noqa: BLE001 # that is the outcome
        return type(error)


def _shape(obj: KintoObject) -> dict[str, Any]:
    given_range = range(1000, 1013)
    stamp = obj["last_modified"] if obj["last_modified"] in given_range else "drawn"
    return {**obj, "last_modified": stamp}
