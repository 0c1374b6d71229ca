"""What every part of the permission suite rests on."""

import unittest
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

from pyramid import testing

from kinto.core.types import Configurator


if TYPE_CHECKING:
    _Base = unittest.TestCase
else:
    _Base = object

# Texts with characters that a database may take for wildcards.
TEXTS = ("é", "日本語", "a b", "a_c", "abc", "a%c", "a.c", "a\\c", "'\"", "system.Everyone", "")


class PermissionFixture(_Base):
    """A permission backend, made anew for each test and emptied after it."""

    backend: ClassVar[Any] = None  # a module with `load_from_config`
    settings: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        super().setUp()
        self.permission: Any = self.backend.load_from_config(self._get_config())
        self.permission.initialize_schema()
        self.request: Any = mock.MagicMock()
        self.request.registry.settings = {}
        # Make the driver fail, once started.
        self.client_error_patcher: list[Any] = []

    def tearDown(self) -> None:
        mock.patch.stopall()
        super().tearDown()
        self.permission.flush()

    def _get_config(self, settings: dict[str, Any] | None = None) -> Configurator:
        """A bare configurator with these settings only, by default those of the class."""
        config: Configurator = testing.setUp()
        config.add_settings(self.settings if settings is None else settings)
        return config

    def grant(self, *aces: str) -> None:
        """``object permission principal``, for each."""
        for ace in aces:
            self.permission.add_principal_to_ace(*ace.split())

    def break_client(self) -> None:
        for patcher in self.client_error_patcher:
            patcher.start()
