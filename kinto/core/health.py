"""Checks of what the service depends on: run side by side, each at most a few times at once.

A check that hangs keeps its thread, and maybe a connection, until its own time limits end it.
Whoever asks meanwhile waits for the same run instead of starting another one, so that asking
often does not make more of them.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from time import monotonic

import structlog
import transaction

from kinto.core.postgresql.limits import waiting_for_trials
from kinto.core.types import Request


log = structlog.get_logger(__name__)

Check = Callable[[Request], bool | None]

# A second one, for checks without limits of their own: the first may wait for what is gone,
# while everything works again.
_MAX_RUNS = 2


class _Run:
    """A check at work, in a thread and a transaction of its own.

    The thread is a daemon: one that hangs does not keep the process from ending.
    """

    def __init__(self, name: str, check: Check, request: Request) -> None:
        self.check = check
        self.started_at = monotonic()
        self.future: Future[bool | None] = Future()
        arguments = (self.future, check, request)
        thread = threading.Thread(
            target=_run, args=arguments, name=f"heartbeat-{name}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system has no room for it
            self.future.set_exception(error)

    def has_failed(self) -> bool:
        """Whether it is over, and found something that does not work."""
        future = self.future
        return future.done() and (future.exception() is not None or future.result() is False)


def _run(future: Future[bool | None], check: Check, request: Request) -> None:
    try:
        # Of checks that find a silent server back together, all succeed.
        with waiting_for_trials(), transaction.manager:
            result = check(request)
    except BaseException as error:  # noqa: BLE001  # the boundary of a thread: who waits raises
        future.set_exception(error)
    else:
        future.set_result(None if result is None else bool(result))


class Checks:
    """The runs of one application's checks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, list[_Run]] = {}

    def status(
        self, checks: Mapping[str, Check], request: Request, *, timeout_seconds: float
    ) -> dict[str, bool | None]:
        """What each check says now.

        One that raises, or has not answered in time, is ``False``. A success of a run that
        somebody else started is as good as ours; a failure may date from before we asked, so
        that there is another run.
        """
        asked_at = monotonic()
        deadline = asked_at + timeout_seconds

        def join(name: str) -> _Run:
            return self._join(name, checks[name], request, timeout_seconds=timeout_seconds)

        pending = {name: join(name) for name in checks}
        status: dict[str, bool | None] = {}
        while pending:
            futures = {run.future for run in pending.values()}
            wait(futures, max(0.0, deadline - monotonic()), FIRST_COMPLETED)
            finished = [name for name, run in pending.items() if run.future.done()]
            for name in finished:
                run = pending[name]
                if run.has_failed() and run.started_at < asked_at and monotonic() < deadline:
                    pending[name] = join(name)
                else:
                    status[name] = _result(name, pending.pop(name).future)
            if not finished:
                break
        for name in pending:
            status[name] = False
            log.error(f"'{name}' heartbeat has exceeded timeout of {timeout_seconds:g} seconds.")
        return {name: status[name] for name in checks}

    def _join(self, name: str, check: Check, request: Request, *, timeout_seconds: float) -> _Run:
        """A run that goes on, or a new one where there is none, or none of any hope."""
        with self._lock:
            runs = [run for run in self._runs.get(name, ()) if not run.future.done()]
            self._runs[name] = runs
            ours = [run for run in runs if run.check is check]
            overdue_before = monotonic() - timeout_seconds
            if ours and (len(ours) >= _MAX_RUNS or ours[-1].started_at > overdue_before):
                return ours[-1]
            runs.append(_Run(name, check, request))
            return runs[-1]


def _result(name: str, future: Future[bool | None]) -> bool | None:
    error = future.exception()
    if error is not None:
        log.error(f"'{name}' heartbeat failed.", exc_info=error)
        return False
    return future.result()
