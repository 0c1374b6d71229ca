"""The contract of storage backends as a suite, for whoever writes one.

.. code-block:: python

    class MyStorageTest(StorageTest, unittest.TestCase):
        backend = my_backend  # module with `load_from_config`
        settings = {"storage_url": "..."}
"""

from kinto.core.storage.testing.access import ParentObjectAccessTest
from kinto.core.storage.testing.basics import BaseTestStorage
from kinto.core.storage.testing.deleted import DeletedObjectsTest
from kinto.core.storage.testing.deprecated import DeprecatedCoreNotionsTest
from kinto.core.storage.testing.filters import FilteringTest
from kinto.core.storage.testing.fixture import StorageFixture
from kinto.core.storage.testing.pages import PaginationTest
from kinto.core.storage.testing.serialization import SerializationTest
from kinto.core.storage.testing.sorting import SortingTest
from kinto.core.storage.testing.threads import ThreadMixin
from kinto.core.storage.testing.timestamps import TimestampsTest
from kinto.core.storage.testing.trim import TrimObjectsTest


__all__ = [
    "BaseTestStorage",
    "DeletedObjectsTest",
    "DeprecatedCoreNotionsTest",
    "FilteringTest",
    "PaginationTest",
    "ParentObjectAccessTest",
    "SerializationTest",
    "SortingTest",
    "StorageFixture",
    "StorageTest",
    "ThreadMixin",
    "TimestampsTest",
    "TrimObjectsTest",
]


class StorageTest(
    ThreadMixin,
    TimestampsTest,
    DeletedObjectsTest,
    ParentObjectAccessTest,
    SerializationTest,
    TrimObjectsTest,
    DeprecatedCoreNotionsTest,
    FilteringTest,
    SortingTest,
    PaginationTest,
    BaseTestStorage,
):
    """Everything that a storage backend has to do."""
