"""What was computed for the schemas used last, kept by their content."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar


Value = TypeVar("Value")


class SizedCache(Generic[Value]):
    """The values used last, as many as fit. Threads may share it.

    :param max_count: how many at most.
    :param max_size: how much at most, in the unit that callers of ``get_or_make`` give.
    """

    def __init__(self, *, max_count: int, max_size: int) -> None:
        self._max_count = max_count
        self._max_size = max_size
        self._size = 0
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_make(self, key: Hashable, make: Callable[[], Value], *, size: int) -> Value:
        """The value for that key: the one kept, or else a new one.

        Two threads may make one at the same time. One that is too large is not kept.
        """
        with self._lock:
            if found := self._entries.get(key):
                self._entries.move_to_end(key)
                return found[0]
        value = make()
        if size <= self._max_size:
            with self._lock:
                self._keep(key, value, size)
        return value

    def _keep(self, key: Hashable, value: Value, size: int) -> None:
        if key in self._entries:
            return
        self._entries[key] = (value, size)
        self._size += size
        while self._size > self._max_size or len(self._entries) > self._max_count:
            _, (_, freed) = self._entries.popitem(last=False)
            self._size -= freed

    def __len__(self) -> int:
        return len(self._entries)
