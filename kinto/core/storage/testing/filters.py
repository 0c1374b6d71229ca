"""Storage suite: filters."""

from typing import Any

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import MISSING, Filter
from kinto.core.storage.testing.fixture import StorageFixture
from kinto.core.storage.testing.values import ORDERED_VALUES


EQ, NOT, LT, MAX, GT, MIN = (
    COMPARISON.EQ,
    COMPARISON.NOT,
    COMPARISON.LT,
    COMPARISON.MAX,
    COMPARISON.GT,
    COMPARISON.MIN,
)
IN, EXCLUDE, LIKE, HAS = COMPARISON.IN, COMPARISON.EXCLUDE, COMPARISON.LIKE, COMPARISON.HAS
CONTAINS, CONTAINS_ANY = COMPARISON.CONTAINS, COMPARISON.CONTAINS_ANY

TEXTS = {
    "plain": "Hello World",
    "accent": "Été",
    "percent": "100%",
    "hundred": "1000",
    "under": "a_b",
    "axb": "axb",
    "slash": "back\\slash",
    "dot": "a.b",
    "number": 1.5,
    "one": 1,
    "true": True,
    "null": None,
    "empty": "",
    "array": ["Hello"],
    "lines": "a\nb",
    "missing": ...,
}
ARRAYS = {
    "empty": [],
    "one": [1],
    "two": [1, 2],
    "text": ["1", "a"],
    "mixed": [None, True, 1.0],
    "objects": [{"a": 1, "b": 2}, [1, 2]],
    "string": "1",
    "number": 1,
    "object": {"a": 1},
    "null": None,
    "missing": ...,
}


class FilteringTest(StorageFixture):
    """What each operator keeps."""

    def kept(self, *filters: Filter | tuple[str, Any, COMPARISON], **kwargs: Any) -> set[str]:
        conditions = [Filter(*condition) for condition in filters]
        listed = self.list_ids(filters=conditions, **kwargs)
        self.assertEqual(
            self.storage.count_all(filters=conditions, **self.storage_kw), len(listed)
        )
        return set(listed)

    def assert_kept(self, expected: str, *filters: tuple[str, Any, COMPARISON]) -> None:
        """``expected``: names, separated by blanks."""
        with self.subTest(filters=filters):
            self.assertEqual(self.kept(*filters), set(expected.split()))

    def test_no_filter_keeps_everything(self) -> None:
        self.create_named(a=1, b=...)
        self.assertEqual(self.list_ids(filters=None), ["a", "b"])
        self.assertEqual(self.list_ids(filters=[]), ["a", "b"])
        self.assertEqual(self.storage.count_all(filters=None, **self.storage_kw), 2)

    def test_every_filter_must_hold(self) -> None:
        for name, obj in {"a": {"x": 1, "y": 1}, "b": {"x": 1}, "c": {"y": 1}}.items():
            self.create_object({"id": name, **obj})
        self.assert_kept("a", ("x", 1, EQ), ("y", 1, EQ))
        self.assert_kept("b", ("x", 1, EQ), ("y", False, HAS))
        self.assert_kept("", ("x", False, HAS), ("y", False, HAS))
        self.assert_kept("c", ("x", 1, NOT), ("y", [1, 2], IN))

    # -- Order -----------------------------------------------------------------------------

    def test_comparisons_follow_the_order_across_types(self) -> None:
        groups = [*ORDERED_VALUES, (...,)]
        names: list[set[str]] = []
        for position, group in enumerate(groups):
            members = {f"g{position}v{index}": value for index, value in enumerate(group)}
            self.create_named(**members)
            names.append(set(members))
        for position, group in enumerate(groups):
            below = set().union(*names[:position])
            above = set().union(*names[position + 1 :])
            for value in group:
                wanted = MISSING if value is ... else value
                with self.subTest(value=wanted):
                    same = names[position]
                    self.assertEqual(self.kept(("v", wanted, LT)), below)
                    self.assertEqual(self.kept(("v", wanted, MAX)), below | same)
                    self.assertEqual(self.kept(("v", wanted, EQ)), same)
                    self.assertEqual(self.kept(("v", wanted, NOT)), below | above)
                    self.assertEqual(self.kept(("v", wanted, MIN)), same | above)
                    self.assertEqual(self.kept(("v", wanted, GT)), above)

    def test_missing_is_no_value_of_other_operators(self) -> None:
        self.create_named(a=1)
        for operator in (IN, EXCLUDE, LIKE, HAS, CONTAINS, CONTAINS_ANY):
            with self.subTest(operator), self.assertRaises(ValueError):
                self.kept(("v", MISSING, operator))

    def test_in_keeps_what_equals_a_member(self) -> None:
        self.create_named(null=None, one=1, text="1", true=True, array=[1], obj={"a": 1}, no=...)
        self.assert_kept("one", ("v", [1], IN))
        self.assert_kept("one null", ("v", (None, 1.0), IN))
        self.assert_kept("text true", ("v", ["1", True, 2], IN))
        self.assert_kept("array obj", ("v", [[1], {"a": 1}], IN))
        self.assert_kept("", ("v", [], IN))

    def test_exclude_keeps_what_equals_no_member(self) -> None:
        self.create_named(null=None, one=1, text="1", true=True, no=...)
        self.assert_kept("null text true no", ("v", [1], EXCLUDE))
        self.assert_kept("one text no", ("v", (None, True), EXCLUDE))
        self.assert_kept("null one text true no", ("v", [], EXCLUDE))

    def test_has_keeps_by_presence(self) -> None:
        self.create_named(null=None, empty="", false=False, no=...)
        self.assert_kept("null empty false", ("v", True, HAS))
        self.assert_kept("no", ("v", False, HAS))

    # -- Text ------------------------------------------------------------------------------

    def test_like_without_wildcard_looks_anywhere(self) -> None:
        self.create_named(**TEXTS)
        self.assert_kept("plain array", ("v", "hello", LIKE))
        self.assert_kept("plain", ("v", "LO WO", LIKE))
        self.assert_kept("accent", ("v", "ÉT", LIKE))
        self.assert_kept("", ("v", "ete", LIKE))

    def test_like_with_wildcard_takes_the_whole_text(self) -> None:
        self.create_named(**TEXTS)
        self.assert_kept("plain", ("v", "hello*", LIKE))
        self.assert_kept("plain", ("v", "*world", LIKE))
        self.assert_kept("plain", ("v", "h*o*d", LIKE))
        self.assert_kept("plain array", ("v", "*ello*", LIKE))
        self.assert_kept("", ("v", "ello*", LIKE))
        self.assert_kept("under axb dot lines", ("v", "a*b", LIKE))

    def test_like_takes_everything_else_literally(self) -> None:
        self.create_named(**TEXTS)
        self.assert_kept("percent", ("v", "100%", LIKE))
        self.assert_kept("under", ("v", "a_b", LIKE))
        self.assert_kept("under", ("v", "a_*", LIKE))
        self.assert_kept("dot", ("v", "a.b", LIKE))
        self.assert_kept("slash", ("v", "\\", LIKE))
        self.assert_kept("slash", ("v", "*k\\s*", LIKE))
        self.assert_kept("", ("v", "a\\_b", LIKE))

    def test_like_reads_other_values_as_their_json_text(self) -> None:
        self.create_named(**TEXTS)
        self.assert_kept("number one percent hundred", ("v", "1", LIKE))
        self.assert_kept("number", ("v", "1.5", LIKE))
        self.assert_kept("true", ("v", "TRUE", LIKE))
        self.assert_kept("array", ("v", '["', LIKE))

    def test_like_anything(self) -> None:
        self.create_named(**TEXTS)
        everything = " ".join(TEXTS.keys() - {"null", "missing"})
        self.assert_kept(everything, ("v", "", LIKE))
        self.assert_kept(everything, ("v", "*", LIKE))

    # -- Arrays ----------------------------------------------------------------------------

    def test_contains_keeps_arrays_that_hold_all(self) -> None:
        self.create_named(**ARRAYS)
        self.assert_kept("one two mixed", ("v", [1], CONTAINS))
        self.assert_kept("two", ("v", [2, 1, 1.0], CONTAINS))
        self.assert_kept("text", ("v", ["1"], CONTAINS))
        self.assert_kept("mixed", ("v", [None, True], CONTAINS))
        self.assert_kept("empty one two text mixed objects", ("v", [], CONTAINS))
        self.assert_kept("", ("v", [1, "1"], CONTAINS))

    def test_contains_finds_parts_of_elements(self) -> None:
        self.create_named(**ARRAYS)
        self.assert_kept("objects", ("v", [{"a": 1}], CONTAINS))
        self.assert_kept("objects", ("v", [{"b": 2.0}, {}], CONTAINS))
        self.assert_kept("objects", ("v", [[2]], CONTAINS))
        self.assert_kept("", ("v", [{"a": 2}], CONTAINS))
        self.assert_kept("", ("v", [[3]], CONTAINS))

    def test_contains_any_keeps_arrays_that_hold_one(self) -> None:
        self.create_named(**ARRAYS)
        self.assert_kept("one two mixed text", ("v", [1, "a"], CONTAINS_ANY))
        self.assert_kept("two", ("v", [2, 3], CONTAINS_ANY))
        self.assert_kept("mixed", ("v", [None], CONTAINS_ANY))
        self.assert_kept("objects", ("v", [{"b": 2, "a": 1}], CONTAINS_ANY))
        self.assert_kept("objects", ("v", [[1, 2]], CONTAINS_ANY))
        self.assert_kept("", ("v", [{"a": 1}], CONTAINS_ANY))
        self.assert_kept("", ("v", [], CONTAINS_ANY))

    # -- Fields ----------------------------------------------------------------------------

    def test_dotted_paths_reach_nested_fields(self) -> None:
        objects: dict[str, Any] = {
            "nested": {"a": {"b": {"c": 1}}},
            "flat": {"a.b.c": 1},
            "partly": {"a.b": {"c": 1}},
            "other": {"a": {"b": {"c": 2}}},
            "shallow": {"a": {"b": 1}},
            "array": {"a": [{"b": {"c": 1}}]},
            "text": {"a": "b"},
        }
        for name, obj in objects.items():
            self.create_object({"id": name, **obj})
        self.assert_kept("nested flat partly", ("a.b.c", 1, EQ))
        self.assert_kept("nested flat partly other", ("a.b.c", True, HAS))
        self.assert_kept("shallow array text", ("a.b.c", False, HAS))
        self.assert_kept("", ("a.0.b.c", True, HAS))
        self.assert_kept("other shallow array text", ("a.b.c", 1, GT))

    def test_names_of_fields_are_literal(self) -> None:
        for name in ("a'b", "a%b", 'a"b', "a\\b", "a:b", "é", "a b", "{a}"):
            self.create_object({"id": name, name: 1})
            self.assertEqual(self.kept((name, 1, EQ)), {name})

    def test_identifiers_compare_as_text(self) -> None:
        for name in ("1", "2", "10", "abc"):
            self.create_object({"id": name})
        self.assert_kept("10", ("id", 10, EQ))
        self.assert_kept("10", ("id", "10", EQ))
        self.assert_kept("1 2 abc", ("id", 10, NOT))
        self.assert_kept("1 abc", ("id", [1, "abc"], IN))
        self.assert_kept("2 10", ("id", (1, "abc"), EXCLUDE))
        self.assert_kept("1 10", ("id", 2, LT))
        self.assert_kept("2 abc", ("id", "2", MIN))
        self.assert_kept("1 10", ("id", "1", LIKE))
        self.assert_kept("abc", ("id", "A*", LIKE))
        self.assert_kept("1 2 10 abc", ("id", True, HAS))

    def test_timestamps_compare_as_integers(self) -> None:
        self.create_named(a=1, b=2, c=3)
        middle = self.storage.get(object_id="b", **self.storage_kw)["last_modified"]
        field = "last_modified"
        self.assert_kept("b", (field, middle, EQ))
        self.assert_kept("a c", (field, middle, NOT))
        self.assert_kept("a", (field, middle, LT))
        self.assert_kept("a b", (field, middle, MAX))
        self.assert_kept("c", (field, middle, GT))
        self.assert_kept("b c", (field, middle, MIN))
        self.assert_kept("b", (field, [middle, 1], IN))
        self.assert_kept("a c", (field, [middle, 1], EXCLUDE))
        self.assert_kept("a b c", (field, 0, GT))

    def test_live_objects_are_never_deleted(self) -> None:
        self.create_named(a=1)
        self.assert_kept("", ("deleted", True, EQ))
        self.assert_kept("", ("deleted", False, EQ))
        self.assert_kept("a", ("deleted", True, NOT))
        self.assert_kept("a", ("deleted", False, HAS))
