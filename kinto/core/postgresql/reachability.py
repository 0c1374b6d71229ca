"""Whether a server answers, and how it is found out when it does again.

A server that is stopped, or out of reach, costs whoever tries it the whole time limit. So once it
was silent, one thread at a time tries to connect, and the others are refused at once: their
threads stay free for what needs no database, and for all else as soon as that one succeeds.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from weakref import WeakValueDictionary

import psycopg2

from kinto.core.postgresql.limits import is_waiting_for_trials


# The first trials are short, as whoever makes them may have waited for a thread before. Later
# ones too, as one whose packets were lost keeps others out after the server's return; but none is
# shorter than connecting to this server is known to take.
_FIRST_TRIAL_SECONDS = 0.25
_LAST_TRIAL_SECONDS = 1.0
_TRIAL_PER_CONNECT = 4


class ServerSilent(psycopg2.OperationalError):  # type: ignore[misc]  # psycopg2 is untyped
    """The server did not answer a moment ago; another thread is trying it again."""


class Reachability:
    """What this process knows of one server.

    :ivar broken_before: connections that are older (monotonic) broke, or will not be answered.
    :ivar is_gone: it was silent when it was tried again: whoever may wait for long need not.
    """

    def __init__(self) -> None:
        self.broken_before = 0.0
        self.is_gone = False
        self._is_silent = False
        self._trial = threading.Lock()
        self._trial_seconds = _FIRST_TRIAL_SECONDS
        self._connect_seconds = 0.0  # lately, when it succeeded

    def note_broken(self, opened_at: float) -> None:
        """A connection broke: those that are as old broke with it."""
        if opened_at >= self.broken_before:
            self.broken_before = monotonic()

    def note_silence(self) -> None:
        """A statement was given up: nothing that is connected is likely to be answered."""
        self._is_silent = True
        self.broken_before = monotonic()

    @contextmanager
    def attempt(self, limit_seconds: float) -> Iterator[float | None]:
        """A block that connects.

        :param limit_seconds: of connecting; 0 for none.
        :returns: within how many seconds the server has to show that it answers; ``None`` if it
            is not suspected of anything.
        :raises ServerSilent: another thread is finding out.
        """
        limit = limit_seconds or math.inf
        is_trial = self._is_silent and self._trial.acquire(blocking=False)
        if not is_trial:
            self._refuse_if_silent(limit_seconds)
            with self._watch(limit):
                yield None
            return
        seconds = min(limit, max(self._trial_seconds, _TRIAL_PER_CONNECT * self._connect_seconds))
        try:
            with self._watch(seconds):
                yield seconds
            self._is_silent = False
        finally:
            self.is_gone = self._is_silent
            longer = min(_LAST_TRIAL_SECONDS, 2 * self._trial_seconds)
            self._trial_seconds = longer if self._is_silent else _FIRST_TRIAL_SECONDS
            self._trial.release()

    def _refuse_if_silent(self, limit_seconds: float) -> None:
        """Let nobody but the trial connect; who has the time hears first how it ends.

        :raises ServerSilent: another thread is finding out.
        """
        is_patient = self._is_silent and is_waiting_for_trials()
        if is_patient and self._trial.acquire(timeout=limit_seconds or -1):
            self._trial.release()
        if self._is_silent:
            raise ServerSilent("The PostgreSQL server does not answer")

    @contextmanager
    def _watch(self, patience_seconds: float) -> Iterator[None]:
        """Tell a server that refuses, and so holds nobody up, from one that is silent."""
        started = monotonic()
        try:
            yield
        except psycopg2.Error:
            self._is_silent = monotonic() - started >= patience_seconds
            raise
        seconds = monotonic() - started
        # One that took long, as the server was stopped meanwhile, is soon forgotten.
        self._connect_seconds = (seconds + (self._connect_seconds or seconds)) / 2


_SERVERS: "WeakValueDictionary[str, Reachability]" = WeakValueDictionary()


def reachability_of(url: str) -> Reachability:
    """That of the server of a URL, shared by everybody in this process who uses it."""
    return _SERVERS.setdefault(url, Reachability())


def forget_reachability() -> None:
    """Begin anew: this process was forked off another one."""
    _SERVERS.clear()
