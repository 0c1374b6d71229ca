"""The permission backend in memory keeps the contract of permission backends."""

import unittest

from kinto.core.permission import memory
from kinto.core.permission.testing import PermissionTest


class MemoryPermissionTest(PermissionTest, unittest.TestCase):
    backend = memory

    def test_backend_error_is_raised_anywhere(self) -> None:
        """There is no service that could fail."""

    test_backend_error_provides_original_exception = test_backend_error_is_raised_anywhere
    test_ping_returns_false_if_unavailable = test_backend_error_is_raised_anywhere
    test_ping_logs_error_if_unavailable = test_backend_error_is_raised_anywhere
