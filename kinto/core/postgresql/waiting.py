"""Waiting for the server, within the time limits of our side of the socket.

The server enforces the same limits (``statement_timeout``, ``lock_timeout``), but not when it is
stopped or out of reach. Our connections are asynchronous ones of psycopg2, which leave the
waiting to us. It also costs the processor half as much as psycopg2's own, and gives other
threads their turn twice rather than six times.
"""

import math
import select
from time import monotonic
from typing import Any

import psycopg2
import psycopg2.extensions

from kinto.core.postgresql.reachability import Reachability


_SLICE_SECONDS = 0.25
# What the buffer of a socket takes, which is empty when a statement begins.
_SENT_AT_ONCE_BYTES = 8192


class TimeLimitExceeded(psycopg2.OperationalError):  # type: ignore[misc]  # psycopg2 is untyped
    """The server did not answer in time; the connection is closed."""


def wait_within_deadline(connection: Any) -> None:
    """Wait until the server has answered, or until ``connection.deadline``.

    :param connection: a psycopg2 connection; without that attribute it waits without limit. Its
        ``server``, if it has one, is told of its silence, or tells that others found it silent.
    :raises TimeLimitExceeded: the connection is of no use any more.
    :raises psycopg2.Error: what the server answered, or that it is gone.
    """
    deadline = getattr(connection, "deadline", math.inf)
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        if state == psycopg2.extensions.POLL_READ:
            events = select.POLLIN
        elif state == psycopg2.extensions.POLL_WRITE:
            events = select.POLLOUT
        else:
            raise psycopg2.OperationalError(f"Unexpected state of a connection: {state}")
        # A new one each time: libpq changes sockets while it connects.
        poller = select.poll()
        poller.register(connection.fileno(), events)
        if deadline == math.inf:
            poller.poll()
            continue
        while not poller.poll(_slice_of(deadline) * 1000):
            _give_up_if_due(connection, deadline)


def make_poller(connection: Any) -> select.poll:
    """What tells when something can be read from a connection that was made."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return poller


def wait_for_answer(connection: Any, *, sent_bytes: int) -> None:
    """As :func:`wait_within_deadline`, when a statement was just sent.

    psycopg2 would find nothing to read yet, having other threads take their turn meanwhile. So
    it is asked once there is something. Of a long statement it may have some left to send.

    :param connection: with a ``deadline``, and the ``poller`` that was made for it.
    """
    if sent_bytes <= _SENT_AT_ONCE_BYTES:
        deadline = connection.deadline
        if not connection.poller.poll(_slice_of(deadline) * 1000):
            _give_up_if_due(connection, deadline)
    wait_within_deadline(connection)


def _slice_of(deadline: float) -> float:
    """How long to wait before asking whether there is any hope left."""
    seconds = deadline - monotonic()
    if seconds > _SLICE_SECONDS:
        return _SLICE_SECONDS
    return max(0.0, seconds)


def _give_up_if_due(connection: Any, deadline: float) -> None:
    server: Reachability | None = getattr(connection, "server", None)
    if monotonic() >= deadline:
        if server is not None:
            server.note_silence()
    elif server is None or not server.is_gone:
        return
    raise TimeLimitExceeded("The PostgreSQL server did not answer in time")


def has_unread_input(connection: Any) -> bool:
    """Whether the server sent something to an idle connection: mostly, that it closes it."""
    return bool(make_poller(connection).poll(0))
