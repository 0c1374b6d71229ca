"""Threads in tests."""

import threading
import unittest
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    _Base = unittest.TestCase
else:
    _Base = object


class ThreadMixin(_Base):
    """Threads that do not outlive the test."""

    def setUp(self) -> None:
        super().setUp()
        self._threads: list[threading.Thread] = []

    def tearDown(self) -> None:
        super().tearDown()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _create_thread(self, *args: Any, **kwargs: Any) -> threading.Thread:
        """A thread that is not started yet."""
        thread = threading.Thread(*args, **kwargs)
        self._threads.append(thread)
        return thread
