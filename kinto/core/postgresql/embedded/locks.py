"""File locks of the kernel, which forgets those of a killed process.

A lock belongs to the open file, and with it to each process that inherited it: it ends when the
last of them closes it or dies. So it is never released by hand, only closed.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kinto.core.postgresql.embedded.accounts import Account
from kinto.core.postgresql.embedded.errors import TookTooLong
from kinto.core.postgresql.embedded.layout import Layout, open_private


if sys.platform != "win32":
    import fcntl

_POLL_SECONDS = 0.03


class Patience:
    """How long to wait for something that may take long while it moves.

    :param timeout_seconds: without any progress.
    :param progress: a value that changes with each step done; the log's size, say, which
        grows every ten seconds during crash recovery.
    """

    def __init__(self, timeout_seconds: float, progress: Callable[[], object]) -> None:
        self.timeout_seconds = timeout_seconds
        self._progress = progress
        self._seen = progress()
        self._deadline = time.monotonic() + timeout_seconds

    def wait(self, what: str) -> None:
        """Let a moment pass.

        :param what: what did not happen, for the message.
        :raises TookTooLong: nothing moved for the whole time limit.
        """
        seen = self._progress()
        if seen != self._seen:
            self._seen = seen
            self._deadline = time.monotonic() + self.timeout_seconds
        elif time.monotonic() > self._deadline:
            raise TookTooLong(f"{what} within {self.timeout_seconds:g} s")
        time.sleep(_POLL_SECONDS)


def log_patience(layout: Layout, timeout_seconds: float) -> Patience:
    """Wait as long as the server's log, or a data folder in the making, shows progress."""

    def progress() -> tuple[int, ...]:
        return (_size(layout.log), _entries(layout.new_data / "base"))

    return Patience(timeout_seconds, progress)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _entries(folder: Path) -> int:
    with suppress(OSError):
        return sum(len(files) for _, _, files in os.walk(folder))
    return 0


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock if nobody holds any."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share_lock(descriptor: int) -> None:
    """Take a shared lock; waits for an exclusive one to end."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def open_if_free(path: Path, account: Account) -> int | None:
    """The file with its exclusive lock taken; None where somebody else holds it."""
    descriptor = open_private(path, account)
    if try_lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


@contextmanager
def start_stop_lock(layout: Layout, account: Account, patience: Patience) -> Iterator[int]:
    """Nobody else starts or stops the server meanwhile.

    Gives the file descriptor: a program that inherits it keeps the lock when we are killed.
    """
    descriptor = open_private(layout.lock, account)
    try:
        while not try_lock(descriptor):
            patience.wait(f"Another process did not finish starting or stopping {layout.folder}")
        yield descriptor
    finally:
        os.close(descriptor)
