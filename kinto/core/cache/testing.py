"""The contract of cache backends as a suite, for whoever writes one.

.. code-block:: python

    class MyCacheTest(CacheTest, unittest.TestCase):
        backend = my_backend  # module with `load_from_config`
        settings = {"cache_url": "..."}
"""

import time
import unittest
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

from pyramid import testing

from kinto.core.cache import CacheBase, heartbeat
from kinto.core.storage import exceptions
from kinto.core.types import Configurator


if TYPE_CHECKING:
    _Base = unittest.TestCase
else:
    _Base = object

VALUES: tuple[Any, ...] = (
    "text",
    "",
    "é 日本語",
    0,
    42,
    3.14,
    True,
    False,
    [],
    ["a", [1, None]],
    {},
    {"a": {"b": [1.5]}, "": None},
)
KEYS = ("key", "a b", "é", "k" * 300, "a\nb", "a:b/c*?%_'\"\\")


class CacheTest(_Base):
    """Everything that a cache backend has to do."""

    backend: ClassVar[Any] = None  # a module with `load_from_config`
    settings: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        super().setUp()
        self.cache: Any = self.backend.load_from_config(self._get_config())
        self.cache.initialize_schema()
        self.request: Any = None
        # Makes the driver fail, once started.
        self.client_error_patcher: Any = None

    def tearDown(self) -> None:
        mock.patch.stopall()
        super().tearDown()
        self.cache.flush()

    def _get_config(self, settings: dict[str, Any] | None = None) -> Configurator:
        """A bare configurator with these settings only, by default those of the class."""
        config: Configurator = testing.setUp()
        config.add_settings(self.settings if settings is None else settings)
        return config

    def get_backend_prefix(self, prefix: str) -> Any:
        """A second instance on the same store, with another prefix."""
        settings = {**self.settings, "cache_prefix": prefix}
        return self.backend.load_from_config(self._get_config(settings))

    # -- Failures --------------------------------------------------------------------------

    def _calls(self) -> list[tuple[Any, ...]]:
        cache = self.cache
        return [
            (cache.flush,),
            (cache.ttl, ""),
            (cache.expire, "", 1),
            (cache.set, "", "", 1),
            (cache.get, ""),
            (cache.delete, ""),
        ]

    def test_backend_error_is_raised_anywhere(self) -> None:
        self.client_error_patcher.start()
        for method, *arguments in self._calls():
            with self.subTest(method.__name__), self.assertRaises(exceptions.BackendError):
                method(*arguments)

    def test_backend_error_provides_original_exception(self) -> None:
        self.client_error_patcher.start()
        with self.assertRaises(exceptions.BackendError) as raised:
            self.cache.get("key")
        self.assertIsInstance(raised.exception.original, Exception)

    def test_ping_returns_false_if_unavailable(self) -> None:
        self.client_error_patcher.start()
        self.assertIs(heartbeat(self.cache)(self.request), False)

    def test_ping_logs_error_if_unavailable(self) -> None:
        self.client_error_patcher.start()
        with mock.patch("kinto.core.cache.logger.exception") as logged:
            self.assertIs(heartbeat(self.cache)(self.request), False)
        self.assertTrue(logged.called)

    def test_ping_returns_true_when_working(self) -> None:
        ping = heartbeat(self.cache)
        for _ in range(3):
            self.assertIs(ping(self.request), True)
        self.assertIsNone(self.cache.get("__heartbeat__"))

    def test_ping_compares_what_it_reads(self) -> None:
        for found in (None, "", "stale"):
            with self.subTest(found), mock.patch.object(self.cache, "get", return_value=found):
                self.assertIs(heartbeat(self.cache)(self.request), False)

    # -- Values ----------------------------------------------------------------------------

    def test_backend_derives_from_the_base_class(self) -> None:
        self.assertIsInstance(self.cache, CacheBase)

    def test_get_gives_values_as_they_were(self) -> None:
        for value in VALUES:
            with self.subTest(value):
                self.cache.set("key", value, 10)
                found = self.cache.get("key")
                self.assertEqual(found, value)
                self.assertIs(type(found), type(value))

    def test_keys_may_be_any_text(self) -> None:
        for number, key in enumerate(KEYS):
            self.cache.set(key, number, 10)
        for number, key in enumerate(KEYS):
            with self.subTest(key):
                self.assertEqual(self.cache.get(key), number)
                self.assertEqual(self.cache.delete(key), number)
                self.assertIsNone(self.cache.get(key))

    def test_get_gives_nothing_for_unknown_keys(self) -> None:
        self.assertIsNone(self.cache.get("unknown"))

    def test_values_belong_to_the_caller(self) -> None:
        given: dict[str, Any] = {"list": [1]}
        self.cache.set("key", given, 10)
        given["list"].append(2)
        self.cache.get("key")["list"].append(3)
        self.assertEqual(self.cache.get("key"), {"list": [1]})

    def test_set_replaces_the_value(self) -> None:
        self.cache.set("key", "first", 10)
        self.cache.set("key", "second", 10)
        self.assertEqual(self.cache.get("key"), "second")

    def test_set_replaces_the_time_to_live(self) -> None:
        self.cache.set("key", "value", 1000)
        self.cache.set("key", "value", 10)
        self.assertLessEqual(self.cache.ttl("key"), 10)

    def test_set_accepts_arguments_by_keyword(self) -> None:
        self.cache.set(key="key", value="value", ttl=10)
        self.assertEqual(self.cache.get(key="key"), "value")
        self.cache.expire(key="key", ttl=20)
        self.assertGreater(self.cache.ttl(key="key"), 10)
        self.assertEqual(self.cache.delete(key="key"), "value")

    def test_set_bytes_raises(self) -> None:
        with self.assertRaises(TypeError):
            self.cache.set("key", b"hach\xc3\xa9", 10)
        with self.assertRaises(TypeError):
            self.cache.set("key", {"nested": [b""]}, 10)
        self.assertIsNone(self.cache.get("key"))

    def test_delete_gives_the_value(self) -> None:
        for value in VALUES:
            with self.subTest(value):
                self.cache.set("key", value, 10)
                self.assertEqual(self.cache.delete("key"), value)
                self.assertIsNone(self.cache.get("key"))

    def test_delete_of_the_unknown_gives_nothing(self) -> None:
        self.assertIsNone(self.cache.delete("unknown"))

    def test_flush_removes_everything(self) -> None:
        for key in ("a", "b"):
            self.cache.set(key, "value", 10)
        self.cache.flush()
        for key in ("a", "b"):
            self.assertIsNone(self.cache.get(key))
        self.cache.flush()

    def test_schema_is_initialized_again_without_effect(self) -> None:
        self.cache.set("key", "value", 10)
        self.cache.initialize_schema()
        self.cache.initialize_schema(dry_run=True)
        self.assertEqual(self.cache.get("key"), "value")

    # -- Time to live ----------------------------------------------------------------------

    def test_set_with_ttl_expires_the_value(self) -> None:
        self.cache.set("key", "value", 0.01)
        time.sleep(0.02)
        self.assertIsNone(self.cache.get("key"))
        self.assertLessEqual(self.cache.ttl("key"), 0)

    def test_set_with_zero_expires_at_once(self) -> None:
        self.cache.set("key", "value", 10)
        self.cache.set("key", "other", 0)
        self.assertIsNone(self.cache.get("key"))
        self.assertLessEqual(self.cache.ttl("key"), 0)

    def test_expire_expires_the_value(self) -> None:
        self.cache.set("key", "value", 10)
        self.cache.expire("key", 0.01)
        time.sleep(0.02)
        self.assertIsNone(self.cache.get("key"))

    def test_expire_with_zero_expires_at_once(self) -> None:
        self.cache.set("key", "value", 10)
        self.cache.expire("key", 0)
        self.assertIsNone(self.cache.get("key"))
        self.assertLessEqual(self.cache.ttl("key"), 0)

    def test_expire_sets_a_new_time_to_live(self) -> None:
        self.cache.set("key", "value", 10)
        self.cache.expire("key", 100)
        self.assertGreater(self.cache.ttl("key"), 98)
        self.assertLessEqual(self.cache.ttl("key"), 100)
        self.assertEqual(self.cache.get("key"), "value")

    def test_expire_of_the_unknown_does_nothing(self) -> None:
        self.cache.expire("unknown", 10)
        self.assertIsNone(self.cache.get("unknown"))
        self.assertLess(self.cache.ttl("unknown"), 0)

    def test_ttl_is_what_is_left(self) -> None:
        self.cache.set("key", "value", 10)
        self.assertGreater(self.cache.ttl("key"), 9)
        self.assertLessEqual(self.cache.ttl("key"), 10)

    def test_ttl_may_be_long(self) -> None:
        year_seconds = 365 * 24 * 3600
        self.cache.set("key", "value", year_seconds)
        self.assertEqual(self.cache.get("key"), "value")
        self.assertGreater(self.cache.ttl("key"), year_seconds - 60)

    def test_ttl_of_the_unknown_is_negative(self) -> None:
        self.assertLess(self.cache.ttl("unknown"), 0)
        self.cache.set("key", "value", 10)
        self.cache.delete("key")
        self.assertLess(self.cache.ttl("key"), 0)

    # -- Prefix ----------------------------------------------------------------------------

    def test_prefix_is_part_of_the_stored_key(self) -> None:
        prefixed = self.get_backend_prefix("p_")
        prefixed.set("key", "value", 10)
        self.assertEqual(prefixed.get("key"), "value")
        self.assertEqual(self.cache.get("p_key"), "value")
        self.assertIsNone(self.cache.get("key"))

    def test_prefix_applies_to_every_method(self) -> None:
        prefixed = self.get_backend_prefix("p_")
        self.cache.set("p_key", "value", 10)
        self.cache.set("key", "other", 10)
        prefixed.expire("key", 100)
        self.assertGreater(prefixed.ttl("key"), 90)
        self.assertGreater(self.cache.ttl("p_key"), 90)
        self.assertLessEqual(self.cache.ttl("key"), 10)
        self.assertEqual(prefixed.delete("key"), "value")
        self.assertIsNone(self.cache.get("p_key"))
        self.assertEqual(self.cache.get("key"), "other")

    # -- Metrics ---------------------------------------------------------------------------

    def test_lookups_are_counted(self) -> None:
        service = mock.MagicMock()
        self.cache.set_metrics_backend(service)
        self.cache.set("key", False, 10)
        self.cache.get("key")
        service.count.assert_called_once_with(key="cache_hits")
        self.cache.get("unknown")
        service.count.assert_called_with(key="cache_misses")
        self.assertEqual(service.count.call_count, 2)

    def test_lookups_need_no_metrics(self) -> None:
        self.cache.set_metrics_backend(None)
        self.assertIsNone(self.cache.get("unknown"))
