"""The storage in PostgreSQL keeps the contract of storage backends."""

import unittest
from typing import ClassVar
from unittest import mock

import pytest
import sqlalchemy.exc

from kinto.core.storage import postgresql
from kinto.core.storage.testing import StorageTest


class PostgreSQLStorageTest(StorageTest, unittest.TestCase):
    backend = postgresql
    settings: ClassVar[dict[str, object]] = {}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def database(cls, postgresql_url: str) -> None:
        cls.settings = {"storage_url": postgresql_url, "storage_pool_size": 25}

    def setUp(self) -> None:
        super().setUp()
        self.client_error_patcher = mock.patch.object(
            self.storage.client,
            "session_factory",
            side_effect=sqlalchemy.exc.SQLAlchemyError("broken"),
        )
