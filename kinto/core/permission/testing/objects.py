"""Permission suite: access control entries of objects."""

from kinto.core.permission.testing.fixture import TEXTS, PermissionFixture


class ObjectPermissionsTest(PermissionFixture):
    """Who may do what with an object."""

    def of(self, object_id: str) -> dict[str, set[str]]:
        permissions: dict[str, set[str]] = self.permission.get_object_permissions(object_id)
        return permissions

    def test_entries_are_added_once(self) -> None:
        self.grant("/a read bob", "/a read bob", "/a read alice", "/a record:create bob")
        self.assertEqual(self.of("/a"), {"read": {"bob", "alice"}, "record:create": {"bob"}})

    def test_entries_are_removed(self) -> None:
        self.grant("/a read bob", "/a read alice")
        for _ in range(2):
            self.permission.remove_principal_from_ace("/a", "read", "bob")
        self.permission.remove_principal_from_ace("/unknown", "read", "bob")
        self.assertEqual(self.of("/a"), {"read": {"alice"}})
        self.permission.remove_principal_from_ace("/a", "read", "alice")
        self.assertEqual(self.of("/a"), {})

    def test_principals_of_one_permission(self) -> None:
        self.grant("/a read bob", "/a write alice", "/ab read carol")
        found = self.permission.get_object_permission_principals("/a", "read")
        self.assertEqual(found, {"bob"})
        found.add("mallory")
        self.assertEqual(self.of("/a")["read"], {"bob"})
        self.assertEqual(self.permission.get_object_permission_principals("/a", "x"), set())

    def test_authorized_principals(self) -> None:
        self.grant("/a read bob", "/a write alice", "/b read carol")
        for pairs, expected in (
            ([("/a", "read")], {"bob"}),
            ([("/a", "read"), ("/b", "read")], {"bob", "carol"}),
            ((("/a", "write"), ("/b", "write")), {"alice"}),
            ([("*", "read")], set()),
            ([("/*", "read"), ("/_", "read"), ("/%", "read")], set()),
            ([], set()),
        ):
            with self.subTest(pairs):
                self.assertEqual(self.permission.get_authorized_principals(pairs), expected)

    def test_check_permission(self) -> None:
        self.grant("/a read bob", "/b write alice")
        pairs = [("/a", "read"), ("/b", "write")]
        for principals in (["bob"], {"x", "alice"}, ("alice", "bob"), iter(["bob"])):
            self.assertIs(self.permission.check_permission(principals, pairs), True)
        for principals in ([], ["carol"], {"Bob"}):
            self.assertIs(self.permission.check_permission(principals, pairs), False)
        self.assertIs(self.permission.check_permission(["alice"], [("/a", "read")]), False)
        self.assertIs(self.permission.check_permission(["bob"], []), False)

    def test_permissions_of_many_objects(self) -> None:
        self.grant("/a read bob", "/a write alice", "/b read carol", "/a/c read dave")
        found = self.permission.get_objects_permissions(["/b", "/unknown", "/a", "/b"])
        self.assertEqual(
            found,
            [{"read": {"carol"}}, {}, {"read": {"bob"}, "write": {"alice"}}, {"read": {"carol"}}],
        )
        self.assertEqual(self.permission.get_objects_permissions([]), [])

    def test_permissions_of_given_names(self) -> None:
        self.grant("/a read bob", "/a write alice")
        names = ["read", "record:create"]
        self.assertEqual(
            self.permission.get_objects_permissions(["/a"], names), [{"read": {"bob"}}]
        )
        self.assertEqual(self.permission.get_object_permissions("/a", names), {"read": {"bob"}})
        self.assertEqual(
            self.permission.get_object_permissions("/a", permissions={"write"}),
            {"write": {"alice"}},
        )

    def test_replace_touches_the_named_permissions_only(self) -> None:
        self.grant("/a read bob", "/a write alice", "/a write bob")
        given = {"write": ["carol", "carol", "bob"], "record:create": ("dave",)}
        self.permission.replace_object_permissions("/a", given)
        self.assertEqual(
            self.of("/a"),
            {"read": {"bob"}, "write": {"bob", "carol"}, "record:create": {"dave"}},
        )

    def test_replace_with_nothing_removes(self) -> None:
        self.grant("/a read bob", "/a write alice")
        self.permission.replace_object_permissions("/a", {"read": []})
        self.assertEqual(self.of("/a"), {"write": {"alice"}})
        self.permission.replace_object_permissions("/a", {"write": set(), "read": ()})
        self.assertEqual(self.of("/a"), {})

    def test_replace_works_on_objects_without_permissions(self) -> None:
        self.permission.replace_object_permissions("/new", {"read": {"bob"}, "write": []})
        self.assertEqual(self.of("/new"), {"read": {"bob"}})
        self.permission.replace_object_permissions("/new", {})
        self.assertEqual(self.of("/new"), {"read": {"bob"}})

    def test_replace_leaves_other_objects_alone(self) -> None:
        self.grant("/a read bob", "/ab read bob", "/a/b read bob", "/A read bob")
        self.permission.replace_object_permissions("/a", {"read": ["alice"]})
        for object_id in ("/ab", "/a/b", "/A"):
            self.assertEqual(self.of(object_id), {"read": {"bob"}})

    def test_delete_removes_every_permission(self) -> None:
        self.grant("/a read bob", "/a write bob", "/b read bob", "/c read bob", "/a/x read bob")
        self.permission.delete_object_permissions("/a", "/b", "/unknown")
        self.assertEqual([self.of(each) for each in ("/a", "/b")], [{}, {}])
        for object_id in ("/c", "/a/x"):
            self.assertEqual(self.of(object_id), {"read": {"bob"}})

    def test_delete_matches_patterns(self) -> None:
        objects = ("/a", "/a/b", "/a/b/c", "/ab", "/a_", "/xy", "x/a")
        for pattern, gone in (
            ("/a*", {"/a", "/a/b", "/a/b/c", "/ab", "/a_"}),
            ("/a/*", {"/a/b", "/a/b/c"}),
            ("*/c", {"/a/b/c"}),
            ("/a_*", {"/a_"}),
            ("/__", set()),
            ("*", set(objects)),
            ("/%", set()),
        ):
            with self.subTest(pattern):
                self.permission.flush()
                for object_id in objects:
                    self.grant(f"{object_id} read bob")
                self.permission.delete_object_permissions(pattern)
                left = {object_id for object_id in objects if self.of(object_id)}
                self.assertEqual(left, set(objects) - gone)

    def test_delete_of_nothing_does_nothing(self) -> None:
        self.grant("/a read bob")
        self.permission.delete_object_permissions()
        self.assertEqual(self.of("/a"), {"read": {"bob"}})

    def test_texts_of_entries_compare_exactly(self) -> None:
        for text in TEXTS:
            self.permission.add_principal_to_ace(text, text, text)
        for text in TEXTS:
            with self.subTest(text):
                self.assertEqual(self.of(text), {text: {text}})
                found = self.permission.get_authorized_principals([(text, text)])
                self.assertEqual(found, {text})
                self.permission.remove_principal_from_ace(text, text, text)
                self.assertEqual(self.of(text), {})
