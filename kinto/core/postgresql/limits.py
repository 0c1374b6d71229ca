"""How long the PostgreSQL backends wait, and for what."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic


# The client should have its answer within the limit of a statement. So the server is told to
# give up this much sooner; and we hang up some time after that, as its own refusal names the
# cause, and leaves the connection usable.
_SERVER_AHEAD_SECONDS = 1.25
_SERVER_AHEAD_AT_MOST = 0.5  # of the limit
_GRACE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long to wait for what; 0 means without limit.

    :ivar server_seconds: after which the server is to give up a statement, and ...
    :ivar long_server_seconds: one that may take long.
    """

    connect_seconds: float = 2.0
    statement_seconds: float = 5.0
    long_statement_seconds: float = 30.0
    lock_seconds: float = 3.0
    pool_seconds: float = 3.0
    server_seconds: float = field(init=False)
    long_server_seconds: float = field(init=False)
    _wait_seconds: float = field(init=False)
    _long_wait_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        """Settle what would else be worked out with each statement."""
        for name, seconds in (
            ("", self.statement_seconds),
            ("long_", self.long_statement_seconds),
        ):
            of_server = seconds - min(_SERVER_AHEAD_SECONDS, _SERVER_AHEAD_AT_MOST * seconds)
            wait = of_server + _GRACE_SECONDS if seconds else math.inf
            object.__setattr__(self, f"{name}server_seconds", of_server)
            object.__setattr__(self, f"_{name}wait_seconds", wait)

    def connect_deadline(self, within_seconds: float | None = None) -> float:
        """When a connection that is being made now must be usable.

        :param within_seconds: instead of the limit that is set.
        """
        return monotonic() + (within_seconds or self.connect_seconds or math.inf)

    def statement_deadline(self, *, is_long: bool = False) -> float:
        """When the answer to a round trip that starts now must be there."""
        return monotonic() + (self._long_wait_seconds if is_long else self._wait_seconds)


class _Thread(threading.local):
    """What this thread is doing."""

    is_limitless = False
    is_patient = False


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


@contextmanager
def waiting_for_trials() -> Iterator[None]:
    """This thread, which serves no request, waits while another one tries a silent server."""
    before = _THREAD.is_patient
    _THREAD.is_patient = True
    try:
        yield
    finally:
        _THREAD.is_patient = before


def is_waiting_for_trials() -> bool:
    """Whether this thread is within :func:`waiting_for_trials`."""
    return _THREAD.is_patient
