"""Permission suite: principals of users."""

from kinto.core.permission.testing.fixture import TEXTS, PermissionFixture


class UserPrincipalsTest(PermissionFixture):
    """What users were given."""

    def test_users_have_no_principals_at_first(self) -> None:
        self.assertEqual(self.permission.get_user_principals("bob"), set())

    def test_principals_are_added_once(self) -> None:
        for principal in ("a", "b", "a"):
            self.permission.add_user_principal("bob", principal)
        self.assertEqual(self.permission.get_user_principals("bob"), {"a", "b"})
        self.assertEqual(self.permission.get_user_principals("alice"), set())

    def test_principals_are_removed(self) -> None:
        for principal in ("a", "b"):
            self.permission.add_user_principal("bob", principal)
        for _ in range(2):
            self.permission.remove_user_principal("bob", "a")
        self.permission.remove_user_principal("unknown", "a")
        self.assertEqual(self.permission.get_user_principals("bob"), {"b"})

    def test_a_principal_is_removed_from_every_user(self) -> None:
        for user_id in ("bob", "alice"):
            for principal in ("a", "b"):
                self.permission.add_user_principal(user_id, principal)
        self.grant("/x read a")
        self.permission.remove_principal("a")
        self.permission.remove_principal("unknown")
        self.assertEqual(self.permission.get_user_principals("bob"), {"b"})
        self.assertEqual(self.permission.get_user_principals("alice"), {"b"})
        self.assertEqual(self.permission.get_object_permissions("/x"), {"read": {"a"}})

    def test_every_user_has_what_authenticated_ones_have(self) -> None:
        self.permission.add_user_principal("system.Authenticated", "everybody")
        self.permission.add_user_principal("bob", "group")
        self.assertEqual(self.permission.get_user_principals("bob"), {"group", "everybody"})
        self.assertEqual(self.permission.get_user_principals("alice"), {"everybody"})
        self.assertEqual(
            self.permission.get_user_principals("system.Authenticated"), {"everybody"}
        )

    def test_texts_compare_exactly(self) -> None:
        for text in TEXTS:
            self.permission.add_user_principal(text, f"of {text}")
        for text in TEXTS:
            self.assertEqual(self.permission.get_user_principals(text), {f"of {text}"})
        self.permission.remove_principal("of a_c")
        self.assertEqual(self.permission.get_user_principals("abc"), {"of abc"})
        self.assertEqual(self.permission.get_user_principals("a_c"), set())

    def test_sets_belong_to_the_caller(self) -> None:
        self.permission.add_user_principal("bob", "a")
        self.permission.get_user_principals("bob").add("b")
        self.assertEqual(self.permission.get_user_principals("bob"), {"a"})
