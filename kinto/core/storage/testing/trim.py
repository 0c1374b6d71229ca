"""Storage suite: trimming of lists."""

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import Filter
from kinto.core.storage.testing.fixture import StorageFixture


class TrimObjectsTest(StorageFixture):
    """All but the newest objects are removed."""

    def trim(self, max_objects: int, *filters: Filter) -> int:
        removed: int = self.storage.trim_objects(
            filters=list(filters), max_objects=max_objects, **self.storage_kw
        )
        return removed

    def test_trim_keeps_the_newest(self) -> None:
        self.create_named(a=1, b=2, c=3)
        self.storage.update(object_id="a", obj={}, **self.storage_kw)
        self.assertEqual(self.trim(2), 1)
        self.assertEqual(self.list_ids(include_deleted=True), ["c", "a"])

    def test_trim_leaves_short_lists_alone(self) -> None:
        self.create_named(a=1, b=2)
        self.assertEqual(self.trim(2), 0)
        self.assertEqual(self.trim(9), 0)
        self.assertEqual(self.list_ids(), ["a", "b"])

    def test_trim_to_nothing(self) -> None:
        self.create_named(a=1, b=2)
        self.assertEqual(self.trim(0), 2)
        self.assertEqual(self.list_ids(include_deleted=True), [])

    def test_trim_counts_objects_that_match_only(self) -> None:
        self.create_named(a=1, b=2, c=1, d=1)
        self.assertEqual(self.trim(1, Filter("v", 1, COMPARISON.EQ)), 2)
        self.assertEqual(self.list_ids(), ["b", "d"])

    def test_trim_leaves_tombstones_alone(self) -> None:
        self.create_named(a=1, b=2, c=3)
        self.delete_object("a")
        self.assertEqual(self.trim(1), 1)
        self.assertEqual(self.list_ids(include_deleted=True), ["c", "a"])

    def test_trim_leaves_other_lists_alone(self) -> None:
        self.create_named(a=1)
        self.create_object({"id": "a"}, parent_id=self.other_parent_id)
        self.create_object({"id": "a"}, resource_name="other")
        self.assertEqual(self.trim(0), 1)
        self.assertEqual(self.list_ids(parent_id=self.other_parent_id), ["a"])
        self.assertEqual(self.list_ids(resource_name="other"), ["a"])
