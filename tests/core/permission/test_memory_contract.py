"""The permission backend in memory keeps the contract of permission backends."""

import unittest

from kinto.core.permission import memory
from kinto.core.permission.testing import PermissionTest


class MemoryPermissionTest(PermissionTest, unittest.TestCase):
    backend = memory

    def test_backend_error_is_raised_anywhere(self) -> None:
        """There is no service that could fail."""

    def test_principals_below_a_prefix_are_removed(self) -> None:
        for principal in ("/b/a/groups/g", "/b/ab/groups/g"):
            self.permission.add_user_principal("bob", principal)
        self.permission.remove_principals_below("/b/a/")
        self.assertEqual(self.permission.get_user_principals("bob"), {"/b/ab/groups/g"})

    test_backend_error_provides_original_exception = test_backend_error_is_raised_anywhere
    test_ping_returns_false_if_unavailable = test_backend_error_is_raised_anywhere
    test_ping_logs_error_if_unavailable = test_backend_error_is_raised_anywhere
