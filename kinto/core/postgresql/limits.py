"""How long the PostgreSQL backends wait, and for what."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic


# The server's own refusal, which names the cause, should arrive before we hang up.
GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long to wait for what; 0 means without limit."""

    connect_seconds: float = 2.0
    statement_seconds: float = 5.0
    long_statement_seconds: float = 30.0
    lock_seconds: float = 3.0
    pool_seconds: float = 3.0

    def connect_deadline(self) -> float:
        """When a connection that is being made now must be usable."""
        return monotonic() + (self.connect_seconds or math.inf)

    def statement_deadline(self, *, is_long: bool = False) -> float:
        """When the answer to a round trip that starts now must be there."""
        seconds = self.long_statement_seconds if is_long else self.statement_seconds
        return monotonic() + seconds + GRACE_SECONDS if seconds else math.inf


class _Thread(threading.local):
    """What this thread is doing."""

    is_limitless = False


_THREAD = _Thread()


@contextmanager
def without_time_limits() -> Iterator[None]:
    """Transactions that this thread begins within the block may take as long as they need."""
    before = _THREAD.is_limitless
    _THREAD.is_limitless = True
    try:
        yield
    finally:
        _THREAD.is_limitless = before


def are_time_limits_off() -> bool:
    """Whether this thread is within :func:`without_time_limits`."""
    return _THREAD.is_limitless
