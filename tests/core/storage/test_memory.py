"""What third-party backends rest on: filters, timestamps in memory."""

from typing import Any
from unittest import mock

import pytest
from pyramid import testing

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import Filter, Sort, memory
from kinto.core.storage.memory import MemoryBasedStorage, extract_object_set


NOW = 1000
OBJECTS = [
    {"id": "b", "last_modified": 2, "v": 1},
    {"id": "c", "last_modified": 3, "v": 2},
    {"id": "gone", "last_modified": 4, "deleted": True},
    {"id": "a", "last_modified": 1, "v": 2},
]


def ids(objects: list[dict[str, Any]]) -> str:
    return " ".join(obj["id"] for obj in objects)


def test_extraction_gives_page_with_count() -> None:
    filters = [Filter("v", 0, COMPARISON.GT)]
    rules = [[Filter("id", "a", COMPARISON.NOT)]]
    objects, count = extract_object_set(OBJECTS, filters, [Sort("v", -1)], rules, limit=2)
    assert (ids(objects), count) == ("gone c", 3)


def test_extraction_counts_tombstones_when_asked_to() -> None:
    objects, count = extract_object_set(OBJECTS, None, None, include_deleted=True)
    assert (ids(objects), count) == ("a b c gone", 4)


def test_extraction_keeps_the_order_of_objects_without_timestamps() -> None:
    objects, _ = extract_object_set([{"id": "b"}, {"id": "a"}], [], [])
    assert ids(objects) == "b a"


def test_extraction_supports_other_names_for_the_server_fields() -> None:
    objects = [{"uri": 12}, {"uri": "13", "gone": True}]
    found, count = extract_object_set(
        objects,
        [Filter("uri", ["12", 13], COMPARISON.IN)],
        None,
        id_field="uri",
        deleted_field="gone",
    )
    assert (found, count) == (objects, 1)


@pytest.mark.parametrize(("value", "expected"), [(True, "a b c gone"), (False, "")])
def test_every_object_has_an_id(value: bool, expected: str) -> None:
    objects, _ = extract_object_set(OBJECTS, [Filter("id", value, COMPARISON.HAS)], None)
    assert ids(objects) == expected


def test_extraction_of_the_base_class_has_its_own_order_of_arguments() -> None:
    storage = MemoryBasedStorage()
    filters = [Filter("v", 2, COMPARISON.EQ)]
    found = storage.extract_object_set(OBJECTS, filters, [], True, "id", "deleted", None, 1)
    assert found == extract_object_set(OBJECTS, filters, [], None, 1, True)


@pytest.mark.parametrize(
    ("highest", "given", "expected"),
    [
        (0, None, (NOW, NOW)),
        (NOW, None, (NOW + 1, NOW + 1)),
        (NOW - 1, None, (NOW, NOW)),
        (0, 5, (5, 5)),
        (0, -5, (-5, -5)),
        (-5, -7, (-7, -5)),
        (7, 9, (9, 9)),
        (7, 7, (NOW, NOW)),
        (NOW + 5, NOW + 5, (NOW + 6, NOW + 6)),
        (7, 5, (5, 7)),
        (7, "9", (NOW, NOW)),
        (7, True, (NOW, NOW)),
        (7, 9.5, (NOW, NOW)),
    ],
)
def test_timestamps_follow_the_table(highest: int, given: Any, expected: tuple[int, int]) -> None:
    storage = MemoryBasedStorage()
    with mock.patch("kinto.core.storage.memory.base.msec_time", return_value=NOW):
        assert storage.bump_timestamp(highest, {"t": given}, "t", None) == expected
        if given is None or type(given) is int:
            assert storage.bump_timestamp(highest, None, "t", given) == expected
            assert storage.bump_timestamp(highest, {"t": 1}, "t", given or None) in (
                expected,
                storage.bump_timestamp(highest, {"t": 1}, "t", None),
            )


def test_set_object_timestamp_draws_through_the_backend() -> None:
    class Backend(MemoryBasedStorage):
        def bump_and_store_timestamp(self, *args: Any, **kwargs: Any) -> int:
            self.calls = (args, kwargs)
            return 42

    backend = Backend()
    obj = {"id": "a"}
    assert backend.set_object_timestamp("r", "p", obj, last_modified=3) is obj
    assert obj == {"id": "a", "last_modified": 42}
    assert backend.calls == (("r", "p", obj, "last_modified"), {"last_modified": 3})


def test_tombstone_of_an_object() -> None:
    strip = MemoryBasedStorage().strip_deleted_object
    obj = {"id": "a", "last_modified": 3, "secret": 1}
    assert strip("r", "p", obj) == {"id": "a", "last_modified": 3, "deleted": True}
    assert strip("r", "p", {"key": 1}, "key", "at", "gone") == {"key": 1, "gone": True}


def test_base_leaves_the_drawing_of_timestamps_open() -> None:
    storage = MemoryBasedStorage()
    storage.initialize_schema()
    assert storage.json.loads(storage.json.dumps({"a": 1})) == {"a": 1}
    with pytest.raises(NotImplementedError):
        storage.bump_and_store_timestamp("r", "p")


@pytest.mark.parametrize(
    ("settings", "readonly"),
    [({}, False), ({"readonly": "true"}, True), ({"readonly": False}, False)],
)
def test_configuration(settings: dict[str, Any], readonly: bool) -> None:
    config = testing.setUp(settings=settings)
    first, second = memory.load_from_config(config), memory.load_from_config(config)
    assert first.readonly is readonly
    first.create("r", "p", {"id": "a"})
    assert second.count_all("r", "p") == 0
