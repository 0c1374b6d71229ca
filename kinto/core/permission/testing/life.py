"""Permission suite: life of the backend, failures."""

from typing import Any
from unittest import mock

from kinto.core.permission import PermissionBase, heartbeat
from kinto.core.permission.testing.fixture import PermissionFixture
from kinto.core.storage import exceptions


class BackendTest(PermissionFixture):
    """It fails as it should, answers pings, can be emptied."""

    def _calls(self) -> list[tuple[Any, ...]]:
        permission = self.permission
        return [
            (permission.flush,),
            (permission.add_user_principal, "", ""),
            (permission.remove_user_principal, "", ""),
            (permission.remove_principal, ""),
            (permission.get_user_principals, ""),
            (permission.add_principal_to_ace, "", "", ""),
            (permission.remove_principal_from_ace, "", "", ""),
            (permission.get_object_permission_principals, "", ""),
            (permission.get_authorized_principals, [("*", "read")]),
            (permission.check_permission, [], [("*", "read")]),
            (permission.get_accessible_objects, []),
            (permission.get_accessible_objects, [], [("*", "read")]),
            (permission.get_object_permissions, ""),
            (permission.get_objects_permissions, [""]),
            (permission.replace_object_permissions, "", {"write": []}),
            (permission.delete_object_permissions, ""),
        ]

    def test_backend_error_is_raised_anywhere(self) -> None:
        self.break_client()
        for method, *arguments in self._calls():
            with self.subTest(method.__name__), self.assertRaises(exceptions.BackendError):
                method(*arguments)

    def test_backend_error_provides_original_exception(self) -> None:
        self.break_client()
        with self.assertRaises(exceptions.BackendError) as raised:
            self.permission.get_user_principals("bob")
        self.assertIsInstance(raised.exception.original, Exception)

    def test_what_does_nothing_asks_nobody(self) -> None:
        self.break_client()
        self.assertEqual(self.permission.get_authorized_principals([]), set())
        self.assertIs(self.permission.check_permission(["bob"], []), False)
        self.assertEqual(self.permission.get_accessible_objects(["bob"], []), {})
        self.permission.replace_object_permissions("/a", {})
        self.permission.delete_object_permissions()

    def test_ping_returns_false_if_unavailable(self) -> None:
        self.break_client()
        for readonly in ("false", "true"):
            with self.subTest(readonly=readonly):
                self.request.registry.settings = {"readonly": readonly}
                self.assertIs(heartbeat(self.permission)(self.request), False)

    def test_ping_logs_error_if_unavailable(self) -> None:
        self.break_client()
        with mock.patch("kinto.core.permission.logger.exception") as logged:
            heartbeat(self.permission)(self.request)
        self.assertTrue(logged.called)

    def test_ping_returns_true_when_working(self) -> None:
        for readonly in (False, True, "true"):
            self.request.registry.settings = {"readonly": readonly}
            self.assertIs(heartbeat(self.permission)(self.request), True)
        self.assertEqual(self.permission.get_user_principals("__heartbeat__"), set())

    def test_backend_derives_from_the_base_class(self) -> None:
        self.assertIsInstance(self.permission, PermissionBase)

    def test_schema_is_initialized_again_without_effect(self) -> None:
        self.grant("/a read bob")
        self.permission.initialize_schema()
        self.permission.initialize_schema(dry_run=True)
        self.assertTrue(self.permission.check_permission(["bob"], [("/a", "read")]))

    def test_flush_removes_everything(self) -> None:
        self.grant("/a read bob")
        self.permission.add_user_principal("bob", "group")
        self.permission.flush()
        self.permission.flush()
        self.assertEqual(self.permission.get_object_permissions("/a"), {})
        self.assertEqual(self.permission.get_user_principals("bob"), set())
