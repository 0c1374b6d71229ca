"""Storage suite: one object at a time, life of the backend, failures."""

from typing import Any
from unittest import mock

from kinto.core.storage import StorageBase, exceptions, heartbeat
from kinto.core.storage.testing.fixture import StorageFixture
from kinto.core.types import KintoObject


def request_with(**settings: Any) -> mock.MagicMock:
    """A request whose application has these settings."""
    request = mock.MagicMock()
    request.registry.settings = settings
    return request


class BaseTestStorage(StorageFixture):
    """Creation, retrieval, replacement of objects."""

    def assert_stored(self, obj: KintoObject) -> None:
        self.assertEqual(self.storage.get(object_id=obj["id"], **self.storage_kw), obj)

    # -- Failures --------------------------------------------------------------------------

    def _calls(self) -> list[tuple[Any, dict[str, Any]]]:
        storage, where = self.storage, self.storage_kw
        return [
            (storage.resource_timestamp, where),
            (storage.all_resources_timestamps, {"resource_name": "test"}),
            (storage.create, {**where, "obj": {}}),
            (storage.get, {**where, "object_id": ""}),
            (storage.update, {**where, "object_id": "", "obj": {}}),
            (storage.delete, {**where, "object_id": ""}),
            (storage.delete_all, where),
            (storage.purge_deleted, where),
            (storage.trim_objects, {**where, "filters": [], "max_objects": 3}),
            (storage.list_all, where),
            (storage.count_all, where),
            (storage.flush, {}),
        ]

    def test_raises_backend_error_if_error_occurs_on_client(self) -> None:
        self.client_error_patcher.start()
        with self.assertRaises(exceptions.BackendError):
            self.storage.list_all(**self.storage_kw)

    def test_backend_error_is_raised_anywhere(self) -> None:
        self.client_error_patcher.start()
        for method, arguments in self._calls():
            with self.subTest(method.__name__), self.assertRaises(exceptions.BackendError):
                method(**arguments)

    def test_backend_error_provides_original_exception(self) -> None:
        self.client_error_patcher.start()
        with self.assertRaises(exceptions.BackendError) as raised:
            self.storage.list_all(**self.storage_kw)
        self.assertIsInstance(raised.exception.original, Exception)
        self.assertIn(type(raised.exception.original).__name__, str(raised.exception))

    # -- Life of the backend ---------------------------------------------------------------

    def test_backend_derives_from_the_base_class(self) -> None:
        self.assertIsInstance(self.storage, StorageBase)

    def test_schema_is_initialized_again_without_effect(self) -> None:
        stored = self.create_object()
        self.storage.initialize_schema()
        self.storage.initialize_schema(dry_run=True)
        self.assert_stored(stored)

    def test_flush_removes_everything(self) -> None:
        self.create_object({"id": "a"})
        self.delete_object("a")
        self.create_object(parent_id=self.other_parent_id)
        self.storage.flush()
        self.assertEqual(self.list_ids(parent_id="*", include_deleted=True), [])
        self.assertEqual(self.storage.all_resources_timestamps("test"), {})

    def test_flush_keeps_the_schema(self) -> None:
        self.storage.flush()
        self.storage.flush()
        self.assert_stored(self.create_object())

    def test_ping_returns_true_when_working(self) -> None:
        self.assertIs(heartbeat(self.storage)(request_with()), True)

    def test_ping_leaves_no_tombstone_and_few_objects(self) -> None:
        for _ in range(12):
            heartbeat(self.storage)(request_with())
        where = {"resource_name": "__heartbeat__", "parent_id": "__heartbeat__"}
        listed = self.storage.list_all(include_deleted=True, **where)
        self.assertFalse([obj for obj in listed if obj.get("deleted")])
        self.assertLess(len(listed), 10)

    def test_ping_reads_only_in_readonly_mode(self) -> None:
        for readonly in (True, "true"):
            self.assertIs(heartbeat(self.storage)(request_with(readonly=readonly)), True)
        self.assertEqual(self.storage.all_resources_timestamps("__heartbeat__"), {})

    def test_ping_returns_false_if_unavailable(self) -> None:
        self.client_error_patcher.start()
        for readonly in ("false", "true"):
            with self.subTest(readonly=readonly):
                request = request_with(readonly=readonly)
                self.assertIs(heartbeat(self.storage)(request), False)

    def test_ping_returns_false_whatever_is_raised(self) -> None:
        with (
            mock.patch.object(self.storage, "create", side_effect=RuntimeError),
            mock.patch.object(self.storage, "delete_all", side_effect=RuntimeError),
        ):
            self.assertIs(heartbeat(self.storage)(request_with()), False)

    def test_ping_logs_error_if_unavailable(self) -> None:
        self.client_error_patcher.start()
        with mock.patch("kinto.core.storage.logger.exception") as logged:
            heartbeat(self.storage)(request_with())
        self.assertTrue(logged.called)

    # -- Create ----------------------------------------------------------------------------

    def test_create_returns_what_is_stored(self) -> None:
        stored = self.create_object({"foo": "bar"})
        self.assertEqual(stored["foo"], "bar")
        self.assertEqual(set(stored), {"foo", self.id_field, self.modified_field})
        self.assert_stored(stored)

    def test_create_leaves_the_given_object_unchanged(self) -> None:
        given = {"foo": {"bar": [1]}}
        stored = self.create_object(given)
        self.assertEqual(given, {"foo": {"bar": [1]}})
        given["foo"]["bar"].append(2)
        self.assert_stored(stored)

    def test_create_uses_the_given_id(self) -> None:
        stored = self.create_object({"id": "abc"})
        self.assertEqual(stored["id"], "abc")
        self.assertEqual(self.storage.get(object_id="abc", **self.storage_kw)["id"], "abc")

    def test_create_uses_the_generator_of_the_backend(self) -> None:
        with mock.patch.object(self.storage, "id_generator", return_value="made"):
            self.assertEqual(self.create_object()["id"], "made")

    def test_create_prefers_the_generator_given(self) -> None:
        self.assertEqual(self.create_object(id_generator=lambda: "mine")["id"], "mine")

    def test_create_supports_other_names_for_the_server_fields(self) -> None:
        fields: dict[str, Any] = {"id_field": "key", "modified_field": "changed"}
        stored = self.create_object({"id": "mine"}, **fields)
        self.assertEqual(set(stored), {"id", "key", "changed"})
        found = self.storage.get(object_id=stored["key"], **self.storage_kw, **fields)
        self.assertEqual(found, stored)

    def test_create_takes_arguments_by_position(self) -> None:
        stored = self.storage.create("test", "1234", {"a": 1}, lambda: "x", "id", "last_modified")
        self.assertEqual(self.storage.get("test", "1234", "x", "id", "last_modified"), stored)

    def test_create_raises_unicity_error_with_the_stored_object(self) -> None:
        stored = self.create_object({"id": "abc", "n": 1})
        with self.assertRaises(exceptions.UnicityError) as raised:
            self.create_object({"id": "abc", "n": 2})
        self.assertEqual(raised.exception.field, self.id_field)
        self.assertTrue(raised.exception.msg)
        self.assertIn(raised.exception.original, (stored, None))
        self.assert_stored(stored)

    def test_create_replaces_a_tombstone(self) -> None:
        self.create_object({"id": "abc", "n": 1})
        tombstone = self.delete_object("abc")
        stored = self.create_object({"id": "abc", "m": 2})
        self.assertEqual(set(stored), {"id", "last_modified", "m"})
        self.assertGreater(stored["last_modified"], tombstone["last_modified"])
        listed = self.storage.list_all(include_deleted=True, **self.storage_kw)
        self.assertEqual(listed, [stored])

    def test_same_id_may_be_in_several_lists(self) -> None:
        self.create_object({"id": "abc"})
        self.create_object({"id": "abc"}, parent_id=self.other_parent_id)
        self.create_object({"id": "abc"}, resource_name="other")
        self.assertEqual(self.storage.count_all(**self.storage_kw), 1)

    # -- Get -------------------------------------------------------------------------------

    def test_get_raises_when_missing(self) -> None:
        with self.assertRaises(exceptions.ObjectNotFoundError) as raised:
            self.storage.get(object_id="unknown", **self.storage_kw)
        self.assertEqual(raised.exception.args[0], "unknown")
        self.assertIsInstance(raised.exception, exceptions.RecordNotFoundError)

    def test_get_does_not_find_tombstones(self) -> None:
        self.create_object({"id": "abc"})
        self.delete_object("abc")
        with self.assertRaises(exceptions.RecordNotFoundError):
            self.storage.get(object_id="abc", **self.storage_kw)

    def test_what_get_returns_belongs_to_the_caller(self) -> None:
        stored = self.create_object({"id": "abc", "list": [1]})
        self.storage.get(object_id="abc", **self.storage_kw)["list"].append(2)
        self.storage.list_all(**self.storage_kw)[0]["list"].append(3)
        self.assert_stored(stored)

    # -- Update ----------------------------------------------------------------------------

    def test_update_replaces_the_whole_object(self) -> None:
        stored = self.create_object({"id": "abc", "a": 1, "b": 2})
        updated = self.storage.update(object_id="abc", obj={"b": 3}, **self.storage_kw)
        self.assertEqual(set(updated), {"id", "last_modified", "b"})
        self.assertGreater(updated["last_modified"], stored["last_modified"])
        self.assert_stored(updated)

    def test_update_creates_what_is_missing(self) -> None:
        updated = self.storage.update(object_id="abc", obj={"b": 3}, **self.storage_kw)
        self.assert_stored(updated)
        self.assertEqual(updated["id"], "abc")

    def test_update_prefers_the_id_of_its_argument(self) -> None:
        given = {"id": "other"}
        updated = self.storage.update(object_id="abc", obj=given, **self.storage_kw)
        self.assertEqual(updated["id"], "abc")
        self.assertEqual(given, {"id": "other"})
        self.assertEqual(self.list_ids(), ["abc"])

    def test_update_removes_the_tombstone(self) -> None:
        self.create_object({"id": "abc"})
        self.delete_object("abc")
        updated = self.storage.update(object_id="abc", obj={}, **self.storage_kw)
        listed = self.storage.list_all(include_deleted=True, **self.storage_kw)
        self.assertEqual(listed, [updated])

    def test_update_bumps_what_is_written_back_unchanged(self) -> None:
        stored = self.create_object()
        updated = self.storage.update(object_id=stored["id"], obj=stored, **self.storage_kw)
        self.assertGreater(updated["last_modified"], stored["last_modified"])

    def test_update_leaves_the_given_object_unchanged(self) -> None:
        given: KintoObject = {"a": []}
        self.storage.update(object_id="abc", obj=given, **self.storage_kw)
        self.assertEqual(given, {"a": []})
