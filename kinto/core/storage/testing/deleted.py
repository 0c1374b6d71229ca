"""Storage suite: deletion, tombstones, their purge."""

from typing import Any

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import Filter, Sort, exceptions
from kinto.core.storage.testing.fixture import StorageFixture
from kinto.core.types import KintoObject


class DeletedObjectsTest(StorageFixture):
    """What is left of deleted objects."""

    def make(self, *names: str, deleted: str = "", **kwargs: Any) -> dict[str, KintoObject]:
        """Store objects, delete those named in ``deleted``; what each has become."""
        stored = {name: self.create_object({"id": name}, **kwargs) for name in names}
        for name in deleted:
            stored[name] = self.delete_object(name, **kwargs)
        return stored

    def tombstones(self, **kwargs: Any) -> list[str]:
        filters = [Filter("deleted", True, COMPARISON.EQ)]
        return self.list_ids(filters=filters, include_deleted=True, **kwargs)

    # -- One object ------------------------------------------------------------------------

    def test_delete_returns_the_tombstone(self) -> None:
        created = self.create_object({"id": "a", "secret": 1})
        tombstone = self.delete_object("a")
        self.assertEqual(set(tombstone), {"id", "last_modified", "deleted"})
        self.assertEqual(tombstone["id"], "a")
        self.assertIs(tombstone["deleted"], True)
        self.assertGreater(tombstone["last_modified"], created["last_modified"])
        listed = self.storage.list_all(include_deleted=True, **self.storage_kw)
        self.assertEqual(listed, [tombstone])

    def test_delete_supports_other_names_for_the_server_fields(self) -> None:
        self.create_object({"id": "a"})
        fields = {"id_field": "key", "modified_field": "changed", "deleted_field": "gone"}
        tombstone = self.delete_object("a", **fields)
        self.assertEqual(set(tombstone), {"key", "changed", "gone"})
        listed = self.storage.list_all(include_deleted=True, **fields, **self.storage_kw)
        self.assertEqual(listed, [tombstone])

    def test_delete_without_tombstone(self) -> None:
        self.create_object({"id": "a"})
        answer = self.delete_object("a", with_deleted=False)
        self.assertEqual(set(answer), {"id", "last_modified", "deleted"})
        self.assertEqual(self.list_ids(include_deleted=True), [])

    def test_delete_without_tombstone_takes_no_timestamp(self) -> None:
        taken = self.create_object({"id": "a"})["last_modified"]
        self.create_object({"id": "b"})
        answer = self.delete_object("b", with_deleted=False, last_modified=taken)
        self.assertIs(answer["deleted"], True)
        self.assertEqual(self.list_ids(include_deleted=True), ["a"])

    def test_delete_raises_when_missing(self) -> None:
        self.make("a", deleted="a")
        for name in ("a", "unknown"):
            for with_deleted in (True, False):
                with (
                    self.subTest(name, with_deleted=with_deleted),
                    self.assertRaises(exceptions.ObjectNotFoundError) as raised,
                ):
                    self.delete_object(name, with_deleted=with_deleted)
                self.assertEqual(raised.exception.args[0], name)
        self.assertEqual(self.tombstones(), ["a"])

    def test_an_older_tombstone_is_replaced(self) -> None:
        self.make("a", deleted="a")
        self.create_object({"id": "a"})
        tombstone = self.delete_object("a")
        listed = self.storage.list_all(include_deleted=True, **self.storage_kw)
        self.assertEqual(listed, [tombstone])

    # -- Many objects ----------------------------------------------------------------------

    def test_delete_all_returns_the_tombstones(self) -> None:
        stored = self.make("a", "b", "c")
        highest = stored["c"]["last_modified"]
        tombstones = self.storage.delete_all(**self.storage_kw)
        self.assertEqual({obj["id"] for obj in tombstones}, {"a", "b", "c"})
        for tombstone in tombstones:
            self.assertEqual(set(tombstone), {"id", "last_modified", "deleted"})
            self.assertGreater(tombstone["last_modified"], highest)
        self.assertEqual(len({obj["last_modified"] for obj in tombstones}), 3)
        self.assertEqual(self.list_ids(), [])
        listed = self.storage.list_all(include_deleted=True, **self.storage_kw)
        self.assertCountEqual(listed, tombstones)
        self.assertEqual(
            self.storage.resource_timestamp(**self.storage_kw), listed[-1]["last_modified"]
        )

    def test_delete_all_without_tombstones(self) -> None:
        self.make("a", "b")
        self.assertEqual(len(self.storage.delete_all(with_deleted=False, **self.storage_kw)), 2)
        self.assertEqual(self.list_ids(include_deleted=True), [])

    def test_delete_all_leaves_tombstones_as_they_are(self) -> None:
        before = self.make("a", "b", deleted="a")["a"]
        answer = self.storage.delete_all(with_deleted=False, **self.storage_kw)
        self.assertEqual([obj["id"] for obj in answer], ["b"])
        listed = self.storage.list_all(include_deleted=True, **self.storage_kw)
        self.assertEqual(listed, [before])

    def test_delete_all_honours_filters(self) -> None:
        self.create_named(a=1, b=2, c=3)
        filters = [Filter("v", 2, COMPARISON.GT)]
        answer = self.storage.delete_all(filters=filters, **self.storage_kw)
        self.assertEqual([obj["id"] for obj in answer], ["c"])
        self.assertEqual(self.list_ids(), ["a", "b"])

    def test_delete_all_honours_limit_with_sorting(self) -> None:
        self.create_named(a=2, b=1, c=3)
        answer = self.storage.delete_all(sorting=[Sort("v", -1)], limit=2, **self.storage_kw)
        self.assertCountEqual([obj["id"] for obj in answer], ["a", "c"])
        self.assertEqual(self.list_ids(), ["b"])

    def test_delete_all_honours_limit_without_sorting(self) -> None:
        self.make("a", "b", "c")
        answer = self.storage.delete_all(limit=1, **self.storage_kw)
        self.assertEqual([obj["id"] for obj in answer], ["a"])

    def test_delete_all_honours_pagination_rules(self) -> None:
        self.create_named(a=1, b=2, c=3)
        rules = [[Filter("v", 1, COMPARISON.EQ)], [Filter("v", 2, COMPARISON.GT)]]
        answer = self.storage.delete_all(pagination_rules=rules, **self.storage_kw)
        self.assertCountEqual([obj["id"] for obj in answer], ["a", "c"])
        self.assertEqual(self.list_ids(), ["b"])

    def test_delete_all_of_every_resource(self) -> None:
        self.make("a")
        self.make("b", resource_name="other")
        self.make("c", parent_id=self.other_parent_id)
        answer = self.storage.delete_all(None, "1234")
        self.assertCountEqual([obj["id"] for obj in answer], ["a", "b"])
        self.assertEqual(self.list_ids(), [])
        self.assertEqual(self.list_ids(resource_name="other"), [])
        self.assertEqual(self.list_ids(parent_id=self.other_parent_id), ["c"])

    # -- Lists -----------------------------------------------------------------------------

    def test_tombstones_are_listed_when_asked_for(self) -> None:
        self.make("a", "b", deleted="a")
        self.assertEqual(self.list_ids(), ["b"])
        self.assertEqual(self.list_ids(include_deleted=True), ["b", "a"])

    def test_tombstones_are_counted_when_asked_for(self) -> None:
        self.make("a", "b", deleted="a")
        self.assertEqual(self.storage.count_all(**self.storage_kw), 1)
        self.assertEqual(self.storage.count_all(include_deleted=True, **self.storage_kw), 2)

    def test_filters_see_nothing_but_the_server_fields_of_tombstones(self) -> None:
        self.create_named(gone=1, live=1)
        self.delete_object("gone")
        expected: list[tuple[COMPARISON, Any, bool]] = [
            (COMPARISON.EQ, 1, False),
            (COMPARISON.LT, 9, False),
            (COMPARISON.MAX, 9, False),
            (COMPARISON.IN, [1], False),
            (COMPARISON.LIKE, "1", False),
            (COMPARISON.CONTAINS, [], False),
            (COMPARISON.HAS, True, False),
            (COMPARISON.NOT, 1, True),
            (COMPARISON.GT, 9, True),
            (COMPARISON.MIN, 9, True),
            (COMPARISON.EXCLUDE, [1], True),
            (COMPARISON.HAS, False, True),
        ]
        for operator, value, is_listed in expected:
            with self.subTest(operator):
                filters = [Filter("v", value, operator)]
                listed = self.list_ids(filters=filters, include_deleted=True)
                self.assertEqual("gone" in listed, is_listed)

    def test_filters_on_the_mark_of_deletion(self) -> None:
        self.make("gone", "live")
        self.delete_object("gone")
        for operator, value, expected in (
            (COMPARISON.EQ, True, ["gone"]),
            (COMPARISON.NOT, True, ["live"]),
            (COMPARISON.EQ, False, []),
        ):
            with self.subTest(operator, value=value):
                filters = [Filter("deleted", value, operator)]
                self.assertEqual(self.list_ids(filters=filters, include_deleted=True), expected)
        filters = [Filter("deleted", True, COMPARISON.EQ)]
        self.assertEqual(self.list_ids(filters=filters), [])
        filters = [Filter("deleted", True, COMPARISON.NOT)]
        self.assertEqual(self.list_ids(filters=filters), ["live"])

    def test_filters_on_the_server_fields_of_tombstones(self) -> None:
        stored = self.make("a", "b", "c", deleted="ab")
        since = stored["a"]["last_modified"]
        for condition, expected in (
            (Filter("last_modified", since, COMPARISON.GT), ["b"]),
            (Filter("last_modified", since, COMPARISON.MIN), ["a", "b"]),
            (Filter("last_modified", since, COMPARISON.LT), ["c"]),
            (Filter("last_modified", [since], COMPARISON.IN), ["a"]),
            (Filter("id", "b", COMPARISON.EQ), ["b"]),
            (Filter("id", ["b", "c"], COMPARISON.EXCLUDE), ["a"]),
        ):
            with self.subTest(condition):
                self.assertEqual(
                    self.list_ids(filters=[condition], include_deleted=True), expected
                )

    def test_sorting_mixes_tombstones_on_timestamps(self) -> None:
        self.make("a", "b", "c", deleted="b")
        self.create_object({"id": "d"})
        kwargs: dict[str, Any] = {"include_deleted": True}
        for sorting, expected in (
            (None, "acbd"),
            ([Sort("last_modified", -1)], "dbca"),
            ([Sort("id", 1)], "abcd"),
            ([Sort("deleted", 1)], "bacd"),
            ([Sort("deleted", -1)], "acdb"),
        ):
            with self.subTest(sorting):
                self.assertEqual("".join(self.list_ids(sorting=sorting, **kwargs)), expected)

    def test_sorting_puts_tombstones_among_the_missing(self) -> None:
        self.create_named(a=2, b=1, c=3, d=...)
        self.delete_object("c")
        for direction, expected in ((1, "badc"), (-1, "dcab")):
            with self.subTest(direction):
                sorting = [Sort("v", direction)]
                listed = self.list_ids(sorting=sorting, include_deleted=True)
                self.assertEqual("".join(listed), expected)

    def test_pages_hold_tombstones(self) -> None:
        stored = self.make("a", "b", "c", deleted="ab")
        rules = [[Filter("last_modified", stored["c"]["last_modified"], COMPARISON.GT)]]
        listed = self.list_ids(pagination_rules=rules, include_deleted=True, limit=1)
        self.assertEqual(listed, ["a"])

    # -- Purge -----------------------------------------------------------------------------

    def test_purge_removes_tombstones_only(self) -> None:
        self.make("a", "b", "c", deleted="ab")
        self.assertEqual(self.storage.purge_deleted(**self.storage_kw), 2)
        self.assertEqual(self.list_ids(include_deleted=True), ["c"])
        self.assertEqual(self.storage.purge_deleted(**self.storage_kw), 0)

    def test_purge_of_the_unknown_removes_nothing(self) -> None:
        self.assertEqual(self.storage.purge_deleted("unknown", "1234"), 0)

    def test_purge_before_a_timestamp_excludes_it(self) -> None:
        stored = self.make("a", "b", "c", deleted="abc")
        before = stored["b"]["last_modified"]
        self.assertEqual(self.storage.purge_deleted(before=before, **self.storage_kw), 1)
        self.assertEqual(self.tombstones(), ["b", "c"])

    def test_purge_retains_the_newest_of_each_list(self) -> None:
        self.make("a", "b", "c", deleted="cab")
        self.make("x", "y", deleted="xy", parent_id=self.other_parent_id)
        self.make("z", deleted="z", resource_name="other")
        where = {"resource_name": None, "parent_id": "*"}
        self.assertEqual(self.storage.purge_deleted(max_retained=1, **where), 3)
        self.assertEqual(self.tombstones(), ["b"])
        self.assertEqual(self.tombstones(parent_id=self.other_parent_id), ["y"])
        self.assertEqual(self.tombstones(resource_name="other"), ["z"])
        self.assertEqual(self.storage.purge_deleted(max_retained=0, **self.storage_kw), 1)

    def test_purge_refuses_both_limits(self) -> None:
        with self.assertRaises(ValueError):
            self.storage.purge_deleted("test", "1234", before=1, max_retained=1)

    def test_purge_of_every_resource_forgets_empty_lists(self) -> None:
        self.make("a", deleted="a")
        self.make("b", parent_id="12345")
        self.make("c", deleted="c", parent_id=self.other_parent_id)
        self.assertEqual(self.storage.purge_deleted(None, "1234*"), 1)
        timestamps = self.storage.all_resources_timestamps("test")
        self.assertEqual(set(timestamps), {"12345", self.other_parent_id})

    def test_purge_of_some_tombstones_keeps_timestamps(self) -> None:
        self.make("a", deleted="a")
        self.storage.purge_deleted(None, "*", max_retained=0)
        self.assertIn("1234", self.storage.all_resources_timestamps("test"))

    def test_purge_commits_when_asked_to(self) -> None:
        self.make("a", deleted="a")
        self.assertEqual(self.storage.purge_deleted(force_commit=True, **self.storage_kw), 1)
        self.assertEqual(self.tombstones(), [])
