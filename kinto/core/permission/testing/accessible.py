"""Permission suite: what principals may do."""

from typing import Any

from kinto.core.permission.testing.fixture import PermissionFixture


class AccessibleObjectsTest(PermissionFixture):
    """Objects by principal, restricted by patterns."""

    def share(self) -> None:
        self.grant(
            "/b/1 read bob",
            "/b/1 write bob",
            "/b/1 read alice",
            "/b/1/c/2 read bob",
            "/b/1/c/2 write alice",
            "/b/22 read bob",
            "/b/ read bob",
            "/b_1 read bob",
        )

    def accessible(self, *args: Any, **kwargs: Any) -> dict[str, set[str]]:
        found: dict[str, set[str]] = self.permission.get_accessible_objects(*args, **kwargs)
        return found

    def test_everything_without_patterns(self) -> None:
        self.share()
        self.assertEqual(self.accessible(["alice"]), {"/b/1": {"read"}, "/b/1/c/2": {"write"}})
        both = self.accessible({"alice", "bob"})
        self.assertEqual(both["/b/1"], {"read", "write"})
        self.assertEqual(both["/b/1/c/2"], {"read", "write"})
        self.assertEqual(self.accessible([]), {})
        self.assertEqual(self.accessible(["carol"]), {})

    def test_groups_are_not_expanded(self) -> None:
        self.permission.add_user_principal("carol", "bob")
        self.assertEqual(self.accessible(["carol"]), {})

    def test_patterns_take_any_text(self) -> None:
        self.share()
        for pattern, expected in (
            ("/b/*", {"/b/1", "/b/1/c/2", "/b/22", "/b/"}),
            ("/b*", {"/b/1", "/b/1/c/2", "/b/22", "/b/", "/b_1"}),
            ("*1*", {"/b/1", "/b/1/c/2", "/b_1"}),
            ("*", {"/b/1", "/b/1/c/2", "/b/22", "/b/", "/b_1"}),
            ("/b/1", {"/b/1"}),
            ("/b_*", {"/b_1"}),
            ("/b/_", set()),
            ("/b/%", set()),
            ("/b", set()),
            ("b/*", set()),
        ):
            with self.subTest(pattern):
                found = self.accessible(["bob"], [(pattern, "read")])
                self.assertEqual(found, {object_id: {"read"} for object_id in expected})

    def test_patterns_without_children_take_one_segment(self) -> None:
        self.share()
        for pattern, expected in (
            ("/b/*", {"/b/1", "/b/22"}),
            ("/b/*/c/*", {"/b/1/c/2"}),
            ("/b/2*", {"/b/22"}),
            ("/b/22*", set()),
            ("/b*", {"/b_1"}),
            ("/b/1", {"/b/1"}),
            ("/b.1", set()),
        ):
            with self.subTest(pattern):
                found = self.accessible(["bob"], [(pattern, "read")], with_children=False)
                self.assertEqual(set(found), expected)

    def test_each_pattern_has_its_permission(self) -> None:
        self.share()
        pairs = [("/b/1", "write"), ("/b/*", "read"), ("/b/22", "write")]
        self.assertEqual(
            self.accessible(["bob"], pairs, with_children=False),
            {"/b/1": {"read", "write"}, "/b/22": {"read"}},
        )
        self.assertEqual(self.accessible(["bob"], [("*", "rea")]), {})

    def test_no_pairs_find_nothing(self) -> None:
        self.share()
        self.assertEqual(self.accessible(["bob"], []), {})

    def test_answers_belong_to_the_caller(self) -> None:
        self.share()
        self.accessible(["alice"])["/b/1"].add("admin")
        self.assertEqual(self.accessible(["alice"])["/b/1"], {"read"})
