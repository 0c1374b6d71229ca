"""Locks of lists, held until the transaction of a request ends."""

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial

from transaction import Transaction

from kinto.core.storage.exceptions import ConcurrentWriteError
from kinto.core.storage.transactions import current_request_transaction
from kinto.core.storage.undo import AtomicWrites
from kinto.core.types import ListKey


# Two requests that wait for each other end here.
LOCK_TIMEOUT_SECONDS = 5.0


class ListLocks:
    """Which request locked which list. The lock of ``writes`` guards it."""

    def __init__(
        self, writes: AtomicWrites, *, timeout_seconds: float = LOCK_TIMEOUT_SECONDS
    ) -> None:
        self._writes = writes
        self._timeout_seconds = timeout_seconds
        self._changed = threading.Condition(writes.lock)
        self._owners: dict[ListKey, Transaction] = {}

    def acquire(self, keys: Sequence[ListKey]) -> None:
        """Lock lists for the request at hand; nothing outside of requests.

        :raises ConcurrentWriteError: another request kept one for too long.
        """
        owner = current_request_transaction()
        if owner is None:
            return
        with self._changed:
            for key in sorted(set(keys)):
                self.wait_until_free(lambda key=key: [key])  # type: ignore[misc]
                if key not in self._owners:
                    self._owners[key] = owner
                    self._writes.at_end(owner, partial(self._release, key))

    def wait_until_free(self, keys: Callable[[], Collection[ListKey]]) -> None:
        """Wait while another request has locked one of the lists.

        :param keys: called anew whenever locks have changed.
        :raises ConcurrentWriteError: that request kept it for too long.
        """
        if not self._owners:
            return
        mine = current_request_transaction()
        is_free = partial(self._are_free, keys, mine)
        if not self._changed.wait_for(is_free, timeout=self._timeout_seconds):
            raise ConcurrentWriteError(message="Another request holds the lock of a list")

    def _are_free(self, keys: Callable[[], Collection[ListKey]], mine: Transaction | None) -> bool:
        return all(self._owners.get(key, mine) is mine for key in keys())

    def _release(self, key: ListKey) -> None:
        del self._owners[key]
        self._changed.notify_all()
