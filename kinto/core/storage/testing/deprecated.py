"""Storage suite: former names of methods, of arguments."""

from kinto.core.storage.testing.fixture import StorageFixture


class DeprecatedCoreNotionsTest(StorageFixture):
    """They work, with a warning."""

    def warned(self) -> list[str]:
        texts = []
        for call in self.mocked_warnings.call_args_list:
            if len(call.args) > 1 and call.args[1] is DeprecationWarning:
                texts.append(call.args[0])
        return texts

    def assert_warned(self, *parameters: str) -> None:
        """The last warnings are those of ``method.old>new``."""
        expected = []
        for parameter in parameters:
            method, _, names = parameter.partition(".")
            old, _, new = names.partition(">")
            expected.append(
                f"Storage.{method} parameter '{old}' is deprecated, use '{new}' instead"
            )
        self.assertEqual(self.warned()[-len(expected) :], expected)

    def test_collection_id_names_the_resource(self) -> None:
        old = {"collection_id": "test", "parent_id": "1234"}
        for name in "ab":
            self.create_object({"id": name})
        calls = {
            "get": {"object_id": "a"},
            "delete": {"object_id": "a"},
            "delete_all": {},
            "purge_deleted": {},
        }
        for method, arguments in calls.items():
            with self.subTest(method):
                getattr(self.storage, method)(**old, **arguments)
                self.assert_warned(f"{method}.collection_id>resource_name")
        self.assertEqual(self.list_ids(include_deleted=True), [])

    def test_record_names_the_object(self) -> None:
        old = {"collection_id": "test", "parent_id": "1234"}
        self.storage.create(record={"id": "a"}, **old)
        self.assert_warned("create.collection_id>resource_name", "create.record>obj")
        self.storage.update(object_id="a", record={"n": 1}, **old)
        self.assert_warned("update.collection_id>resource_name", "update.record>obj")
        self.assertEqual(self.storage.get(object_id="a", **self.storage_kw)["n"], 1)

    def test_collection_timestamp(self) -> None:
        timestamp = self.storage.resource_timestamp(**self.storage_kw)
        self.assertEqual(
            self.storage.collection_timestamp(collection_id="test", parent_id="1234"), timestamp
        )
        self.mocked_warnings.assert_called_with(
            "`collection_timestamp()` is deprecated, use `resource_timestamp()` instead.",
            DeprecationWarning,
        )

    def test_get_all_gives_page_with_count(self) -> None:
        for name in "abc":
            self.create_object({"id": name})
        self.delete_object("c")
        objects, count = self.storage.get_all(limit=1, **self.storage_kw)
        self.assertEqual([obj["id"] for obj in objects], ["a"])
        self.assertEqual(count, 2)
        self.mocked_warnings.assert_called_with(
            "Use either self.list_all() or self.count_all()", DeprecationWarning
        )

    def test_get_all_counts_no_tombstones(self) -> None:
        self.create_object({"id": "a"})
        self.delete_object("a")
        objects, count = self.storage.get_all("test", "1234", include_deleted=True)
        self.assertEqual((len(objects), count), (1, 0))

    def test_get_all_accepts_collection_id(self) -> None:
        self.create_object()
        _, count = self.storage.get_all(collection_id="test", parent_id="1234")
        self.assertEqual(count, 1)
