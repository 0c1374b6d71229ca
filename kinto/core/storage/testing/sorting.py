"""Storage suite: order of lists."""

import random
from typing import Any

from kinto.core.storage import Sort
from kinto.core.storage.testing.fixture import StorageFixture
from kinto.core.storage.testing.values import ORDERED_VALUES


class SortingTest(StorageFixture):
    """Criteria, directions, ties."""

    def assert_order(self, expected: str, *sorting: tuple[str, int], **kwargs: Any) -> None:
        with self.subTest(sorting=sorting):
            listed = self.list_ids(sorting=[Sort(*sort) for sort in sorting], **kwargs)
            self.assertEqual("".join(listed), expected)

    def test_oldest_first_by_default(self) -> None:
        self.create_named(c=1, a=1, b=1)
        self.storage.update(object_id="c", obj={}, **self.storage_kw)
        self.assert_order("abc")
        self.assertEqual(self.list_ids(sorting=None), ["a", "b", "c"])

    def test_values_are_sorted_across_types(self) -> None:
        values = {
            f"{position:02}": group[0] for position, group in enumerate([*ORDERED_VALUES, (...,)])
        }
        names = sorted(values)
        random.Random(1).shuffle(shuffled := list(names))
        self.create_named(**{name: values[name] for name in shuffled})
        self.assertEqual(self.list_ids(sorting=[Sort("v", 1)]), names)
        self.assertEqual(self.list_ids(sorting=[Sort("v", -1)]), names[::-1])

    def test_criteria_apply_in_order(self) -> None:
        for name, x, y in (("a", 1, 2), ("b", 2, 1), ("c", 1, 1), ("d", 2, 2)):
            self.create_object({"id": name, "x": x, "y": y})
        self.assert_order("cabd", ("x", 1), ("y", 1))
        self.assert_order("bdca", ("x", -1), ("y", 1))
        self.assert_order("adcb", ("y", -5), ("x", 0))

    def test_ties_are_oldest_first(self) -> None:
        self.create_named(c=1, a=1, b=0)
        self.assert_order("bca", ("v", 1))
        self.assert_order("cab", ("v", -1))

    def test_server_fields(self) -> None:
        self.create_named(c=1, a=1, b=0)
        self.assert_order("abc", ("id", 1))
        self.assert_order("cba", ("id", -1))
        self.assert_order("cab", ("last_modified", 1))
        self.assert_order("bac", ("last_modified", -1))
        self.assert_order("acb", ("v", -1), ("last_modified", -1))

    def test_dotted_paths(self) -> None:
        objects: dict[str, Any] = {
            "a": {"o": {"x": 3}},
            "b": {"o.x": 1},
            "c": {"o": {"x": 2}},
            "d": {"o": 0},
        }
        for name, obj in objects.items():
            self.create_object({"id": name, **obj})
        self.assert_order("bcad", ("o.x", 1))
        self.assert_order("dacb", ("o.x", -1))

    def test_limit_comes_last(self) -> None:
        self.create_named(a=3, b=1, c=2)
        self.assert_order("bc", ("v", 1), limit=2)
        for no_limit in (None, 0):
            self.assert_order("bca", ("v", 1), limit=no_limit)

    def test_unknown_fields_have_no_effect(self) -> None:
        self.create_named(c=1, a=2, b=3)
        self.assert_order("cab", ("unknown", 1))
        self.assert_order("cab", ("unknown", -1))
