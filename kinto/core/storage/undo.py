"""Atomic writes for backends in memory.

A write that fails is undone; one that succeeded during a request is undone when the
transaction of that request is aborted, or rolled back to an earlier savepoint.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from transaction import Transaction

from kinto.core.storage.transactions import current_request_transaction


# Takes back one change. It must leave alone what somebody else changed since then.
Step = Callable[[], object]


class _Scopes(threading.local):
    """Steps of the blocks that a thread is in, the innermost last.

    Each thread has its own, since the lock is given up while a block waits for other requests.
    """

    def __init__(self) -> None:
        self.stack: list[list[Step]] = []


class AtomicWrites:
    """The writes of one backend instance, one at a time.

    Other threads see what a request wrote before it is committed; nothing gets lost by
    that, as each write checks what it rests on.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._scopes = _Scopes()

    @contextmanager
    def write(self, *, force_commit: bool = False) -> Iterator[None]:
        """Hold the lock, and undo what was recorded in the block when it fails.

        :param force_commit: never undone once it is done, even in a request.
        """
        steps: list[Step] = []
        with self.lock:
            self._scopes.stack.append(steps)
            try:
                yield
            except BaseException:
                self.undo(steps)
                raise
            finally:
                self._scopes.stack.pop()
            self._keep(steps, force_commit=force_commit)

    def record(self, step: Step) -> None:
        """Remember how to take back a change; only within :meth:`write`."""
        self._scopes.stack[-1].append(step)

    def undo(self, steps: list[Step], *, down_to: int = 0) -> None:
        """Run and forget the steps, the newest first, until only ``down_to`` are left."""
        with self.lock:
            while len(steps) > down_to:
                steps.pop()()

    def at_end(self, request_transaction: Transaction, step: Step) -> None:
        """Run a step once that transaction has been committed, or undone."""
        self._log_of(request_transaction).last_steps.append(step)

    def _keep(self, steps: list[Step], *, force_commit: bool) -> None:
        if not steps or force_commit:
            return
        if self._scopes.stack:
            self._scopes.stack[-1].extend(steps)
        elif (request_transaction := current_request_transaction()) is not None:
            self._log_of(request_transaction).steps.extend(steps)

    def _log_of(self, request_transaction: Transaction) -> "_UndoLog":
        try:
            log: _UndoLog = request_transaction.data(self)
        except KeyError:
            log = _UndoLog(self)
            request_transaction.set_data(self, log)
        if not log.is_joined:
            request_transaction.join(log)
            log.is_joined = True
        return log


class _UndoLog:
    """What a request did to one backend: a data manager of its transaction."""

    transaction_manager = None  # IDataManager

    def __init__(self, writes: AtomicWrites) -> None:
        self.steps: list[Step] = []
        self.last_steps: list[Step] = []
        self.is_joined = False
        self._writes = writes

    def abort(self, _transaction: Transaction) -> None:
        """Undo everything.

        A transaction rolled back to a savepoint older than this log does it too, and goes
        on without the log, which has to be joined again.
        """
        self.is_joined = False
        self._writes.undo(self.steps)
        self._writes.undo(self.last_steps)

    tpc_abort = abort

    def tpc_begin(self, _transaction: Transaction) -> None:
        """Nothing is left to prepare."""

    commit = tpc_vote = tpc_begin

    def tpc_finish(self, _transaction: Transaction) -> None:
        self.steps.clear()
        self._writes.undo(self.last_steps)

    def sortKey(self) -> str:  # noqa: N802  # IDataManager
        """Memory cannot fail: it is committed after the databases, which can."""
        return f"~memory:{id(self)}"

    def savepoint(self) -> "_Savepoint":
        return _Savepoint(self, len(self.steps))

    def rollback_to(self, length: int) -> None:
        self._writes.undo(self.steps, down_to=length)


class _Savepoint:
    """How far a log had come."""

    def __init__(self, log: _UndoLog, length: int) -> None:
        self._log = log
        self._length = length

    def rollback(self) -> None:
        self._log.rollback_to(self._length)
