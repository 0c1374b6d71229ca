"""Storage suite: parents, which keep lists apart."""

from kinto.core.storage import exceptions
from kinto.core.storage.testing.fixture import StorageFixture


PARENTS = ("abc", "xabcx", "/abc", "/abcd", "/abc/d", "a_c", "a%c", "a.c", "a\\c", "ABC", "")
# Pattern -> the parents that match.
PATTERNS = {
    "*": set(PARENTS),
    "ab*": {"abc"},
    "*abc": {"abc", "/abc"},
    "/abc*": {"/abc", "/abcd", "/abc/d"},
    "/abc/*": {"/abc/d"},
    "*abc*": {"abc", "xabcx", "/abc", "/abcd", "/abc/d"},
    "a*c": {"abc", "a_c", "a%c", "a.c", "a\\c"},
    "a*b*c*": {"abc"},
    "a_*": {"a_c"},
    "a%*": {"a%c"},
    "a.*": {"a.c"},
    "a\\*": {"a\\c"},
    "_*": set(),
    "**": set(PARENTS),
    "/abc": {"/abc"},
    "a_c": {"a_c"},
    "": {""},
}


class ParentObjectAccessTest(StorageFixture):
    """An object is found below its own parent only."""

    def fill(self) -> None:
        for number, parent_id in enumerate(PARENTS):
            self.create_object({"id": "same", "number": number}, parent_id=parent_id)

    def listed(self, pattern: str, **kwargs: bool) -> set[str]:
        objects = self.storage.list_all("test", pattern, **kwargs)
        return {PARENTS[obj["number"]] for obj in objects}

    def left(self) -> set[str]:
        return self.listed("*")

    def test_parent_cannot_access_other_objects(self) -> None:
        self.create_object({"id": "a"})
        for where in (
            {"resource_name": "test", "parent_id": self.other_parent_id},
            {"resource_name": "other", "parent_id": "1234"},
        ):
            with self.subTest(where):
                with self.assertRaises(exceptions.ObjectNotFoundError):
                    self.storage.get(object_id="a", **where)
                with self.assertRaises(exceptions.ObjectNotFoundError):
                    self.storage.delete(object_id="a", **where)
                self.assertEqual(self.storage.list_all(**where), [])
                self.assertEqual(self.storage.delete_all(**where), [])
        self.assertEqual(self.list_ids(), ["a"])

    def test_parent_cannot_update_other_objects(self) -> None:
        stored = self.create_object({"id": "a", "n": 1})
        self.storage.update("test", self.other_parent_id, "a", {"n": 2})
        self.assertEqual(self.storage.get(object_id="a", **self.storage_kw), stored)

    def test_get_and_delete_take_parents_literally(self) -> None:
        self.create_object({"id": "a"}, parent_id="abc")
        with self.assertRaises(exceptions.ObjectNotFoundError):
            self.storage.get("test", "ab*", "a")
        with self.assertRaises(exceptions.ObjectNotFoundError):
            self.storage.delete("test", "ab*", "a")

    def test_list_all_matches_patterns(self) -> None:
        self.fill()
        for pattern, expected in PATTERNS.items():
            with self.subTest(pattern):
                self.assertEqual(self.listed(pattern), expected)

    def test_count_all_matches_patterns(self) -> None:
        self.fill()
        for pattern, expected in PATTERNS.items():
            with self.subTest(pattern):
                self.assertEqual(self.storage.count_all("test", pattern), len(expected))

    def test_delete_all_matches_patterns(self) -> None:
        for pattern, expected in PATTERNS.items():
            with self.subTest(pattern):
                self.storage.flush()
                self.fill()
                self.storage.delete_all("test", pattern)
                self.assertEqual(self.left(), set(PARENTS) - expected)

    def test_purge_deleted_matches_patterns(self) -> None:
        for pattern, expected in PATTERNS.items():
            with self.subTest(pattern):
                self.storage.flush()
                self.fill()
                self.storage.delete_all("test", "*")
                self.assertEqual(self.storage.purge_deleted("test", pattern), len(expected))

    def test_each_object_of_one_id_is_listed(self) -> None:
        self.fill()
        listed = self.storage.list_all("test", "*")
        self.assertEqual(len(listed), len(PARENTS))
        self.assertEqual({obj["id"] for obj in listed}, {"same"})

    def test_deletion_below_a_pattern_stamps_each_list(self) -> None:
        self.fill()
        self.storage.delete_all("test", "/abc*")
        for parent_id in ("/abc", "/abcd", "/abc/d"):
            listed = self.storage.list_all("test", parent_id, include_deleted=True)
            timestamp = self.storage.resource_timestamp("test", parent_id)
            self.assertEqual([obj["last_modified"] for obj in listed], [timestamp])
