"""Storage suite: pages."""

from typing import Any

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import MISSING, Filter, Sort
from kinto.core.storage.testing.fixture import StorageFixture
from kinto.core.types import KintoObject


VALUES: dict[str, Any] = {
    "a": 1,
    "b": "x",
    "c": None,
    "d": 1,
    "e": ...,
    "f": True,
    "g": ...,
    "h": [1],
    "i": 2,
    "j": None,
}


def rules_after(last: KintoObject, direction: int) -> list[list[Filter]]:
    """What follows an object in a list sorted by ``v``, then by timestamp, newest first."""
    value = last.get("v", MISSING)
    beyond = COMPARISON.LT if direction < 0 else COMPARISON.GT
    return [
        [
            Filter("v", value, COMPARISON.EQ),
            Filter("last_modified", last["last_modified"], COMPARISON.LT),
        ],
        [Filter("v", value, beyond)],
    ]


class PaginationTest(StorageFixture):
    """Rules select what comes after an object."""

    def walk(self, *, direction: int, limit: int, **kwargs: Any) -> list[str]:
        """Identifiers on all pages."""
        sorting = [Sort("v", direction), Sort("last_modified", -1)]
        where = {**self.storage_kw, **kwargs}
        seen: list[str] = []
        rules = None
        for _ in range(3 * len(VALUES)):
            page = self.storage.list_all(
                sorting=sorting, pagination_rules=rules, limit=limit, **where
            )
            if not page:
                break
            self.assertLessEqual(len(page), limit)
            seen.extend(obj["id"] for obj in page)
            rules = rules_after(page[-1], direction)
        return seen

    def test_pages_of_any_size_hold_every_object_once(self) -> None:
        self.create_named(**VALUES)
        for direction in (1, -1):
            sorting = [Sort("v", direction), Sort("last_modified", -1)]
            expected = self.list_ids(sorting=sorting)
            self.assertEqual(len(expected), len(VALUES))
            for limit in (1, 2, 3, 7, 10, 11):
                with self.subTest(direction=direction, limit=limit):
                    self.assertEqual(self.walk(direction=direction, limit=limit), expected)

    def test_pages_hold_tombstones_once(self) -> None:
        self.create_named(**VALUES)
        for name in "adg":
            self.delete_object(name)
        for limit in (1, 4):
            for direction in (1, -1):
                with self.subTest(limit=limit, direction=direction):
                    seen = self.walk(direction=direction, limit=limit, include_deleted=True)
                    self.assertEqual(sorted(seen), sorted(VALUES))

    def test_pages_hold_equal_ids_of_several_parents(self) -> None:
        for parent_id in ("/a/1", "/a/2", "/b/1"):
            self.create_object({"id": "same", "v": parent_id}, parent_id=parent_id)
        seen = self.walk(direction=1, limit=1, parent_id="/a/*")
        self.assertEqual(seen, ["same", "same"])

    def test_rules_never_reach_other_lists(self) -> None:
        self.create_named(a=1)
        self.create_object({"id": "b", "v": 1}, parent_id=self.other_parent_id)
        self.create_object({"id": "c", "v": 1}, resource_name="other")
        rules = [[Filter("v", 1, COMPARISON.EQ)], [Filter("v", True, COMPARISON.HAS)]]
        self.assertEqual(self.list_ids(pagination_rules=rules), ["a"])

    def test_objects_come_once_however_many_rules_they_fulfil(self) -> None:
        self.create_named(a=1, b=2)
        rules = [[Filter("v", 0, COMPARISON.GT)], [Filter("v", 1, COMPARISON.EQ)]]
        self.assertEqual(self.list_ids(pagination_rules=rules), ["a", "b"])

    def test_rules_apply_on_top_of_filters(self) -> None:
        self.create_named(a=1, b=2, c=3)
        rules = [[Filter("v", 1, COMPARISON.GT)]]
        filters = [Filter("v", 3, COMPARISON.NOT)]
        self.assertEqual(self.list_ids(filters=filters, pagination_rules=rules), ["b"])
        self.assertEqual(self.storage.count_all(filters=filters, **self.storage_kw), 2)

    def test_no_rules_keep_everything(self) -> None:
        self.create_named(a=1, b=2)
        self.assertEqual(self.list_ids(pagination_rules=[]), ["a", "b"])
