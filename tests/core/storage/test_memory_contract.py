"""The storage in memory keeps the contract of storage backends."""

import unittest
from unittest import mock

from kinto.core.storage import exceptions, memory
from kinto.core.storage.testing import StorageTest


class MemoryStorageTest(StorageTest, unittest.TestCase):
    backend = memory

    def setUp(self) -> None:
        super().setUp()
        self.client_error_patcher = mock.patch.object(
            self.storage, "bump_and_store_timestamp", side_effect=exceptions.BackendError
        )

    def test_backend_error_is_raised_anywhere(self) -> None:
        """Reads need no service that could fail."""

    def test_backend_error_provides_original_exception(self) -> None:
        """There is no driver."""

    def test_ping_returns_false_if_unavailable(self) -> None:
        """Reads need no service that could fail."""

    def test_raises_backend_error_if_error_occurs_on_client(self) -> None:
        self.client_error_patcher.start()
        with self.assertRaises(exceptions.BackendError):
            self.create_object()
