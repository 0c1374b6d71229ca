"""What every part of the storage suite rests on."""

import unittest
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

from pyramid import testing

from kinto.core.types import Configurator, KintoObject


if TYPE_CHECKING:
    _Base = unittest.TestCase
else:
    _Base = object


class StorageFixture(_Base):
    """A storage, made anew for each test and emptied after it."""

    backend: ClassVar[Any] = None  # a module with `load_from_config`
    settings: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        super().setUp()
        # Any: the suite passes arguments that the contract's annotations leave out.
        self.storage: Any = self.backend.load_from_config(self._get_config())
        self.storage.initialize_schema()
        self.id_field = self.storage.id_field
        self.modified_field = self.storage.modified_field
        # Makes the driver fail, once started.
        self.client_error_patcher: Any = None

        self.obj: KintoObject = {"foo": "bar"}
        self.storage_kw: dict[str, Any] = {"resource_name": "test", "parent_id": "1234"}
        self.other_parent_id = "5678"
        self.auth = "Basic bWF0OjE="
        self.mocked_warnings = mock.patch("warnings.warn").start()

    def tearDown(self) -> None:
        mock.patch.stopall()
        super().tearDown()
        self.storage.flush()

    def _get_config(self, settings: dict[str, Any] | None = None) -> Configurator:
        """A bare configurator with these settings only, by default those of the class."""
        config: Configurator = testing.setUp()
        config.add_settings(self.settings if settings is None else settings)
        return config

    def create_object(
        self,
        obj: KintoObject | None = None,
        id_generator: Callable[[], str] | None = None,
        **kwargs: Any,
    ) -> KintoObject:
        """Store an object, in the list of the test unless ``kwargs`` say otherwise."""
        where = {**self.storage_kw, **kwargs}
        created: KintoObject = self.storage.create(
            obj=self.obj if obj is None else obj, id_generator=id_generator, **where
        )
        return created

    def create_named(self, **objects: Any) -> None:
        """Store ``{"v": value}`` under each name, in this order; ``...``: without the field."""
        for name, value in objects.items():
            self.create_object({"id": name} if value is ... else {"id": name, "v": value})

    def delete_object(self, object_id: str, **kwargs: Any) -> KintoObject:
        """Leave a tombstone."""
        where = {**self.storage_kw, **kwargs}
        tombstone: KintoObject = self.storage.delete(object_id=object_id, **where)
        return tombstone

    def list_ids(self, **kwargs: Any) -> list[str]:
        """Identifiers of the objects listed, in their order."""
        objects = self.storage.list_all(**{**self.storage_kw, **kwargs})
        return [obj[self.id_field] for obj in objects]
