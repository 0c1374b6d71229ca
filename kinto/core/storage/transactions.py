"""The transaction of the request at hand, which the writes of backends belong to.

Threads always have a "current transaction" as soon as somebody asks the ``transaction``
package for one, so its presence says nothing. A request is therefore marked explicitly: the
application calls :func:`open_request_scope` once ``pyramid_tm`` has begun the transaction of
a top-level request. The mark goes away by itself when that transaction is committed or
aborted, before its after-commit hooks run: what these write commits call by call.

A request that writes nothing, and in which nobody asks for its transaction, never makes one.
"""

import threading
from typing import Any

import transaction
from transaction import Transaction, TransactionManager

from kinto.core.types import Request


class _Scope(threading.local):
    """What this thread is doing.

    Managers hold synchronizers weakly: one that lives as long as the thread's scope does.

    :ivar is_open: a request is served, whose transaction was not ended yet.
    :ivar marked: that transaction, once something was written.
    :ivar parts: what backends keep for it.
    """

    is_open: bool = False
    marked: Transaction | None = None
    manager: TransactionManager | None = None

    def __init__(self) -> None:  # in each thread that comes here
        self.parts: dict[object, Any] = {}

    def forget(self) -> None:
        """Have no transaction marked."""
        self.marked = None
        if self.parts:
            self.parts.clear()

    def newTransaction(self, _transaction: Transaction) -> None:  # noqa: N802  # ISynchronizer
        """A transaction begins: it is no request's until it is marked."""

    def beforeCompletion(self, _transaction: Transaction) -> None:  # noqa: N802  # ISynchronizer
        """A transaction is about to end: its before-commit hooks have run."""

    def afterCompletion(self, ended: Transaction) -> None:  # noqa: N802  # ISynchronizer
        """A transaction has ended, well or not."""
        if self.marked is None or ended is self.marked:
            self.is_open = False
            self.forget()


_SCOPE = _Scope()


class LazyManager:
    """The manager of a thread's transactions, which begins one when somebody asks for it.

    What ``pyramid_tm`` calls for each request is cheap then for those that only read.
    """

    explicit = False

    def __init__(self, manager: TransactionManager) -> None:
        self.manager = manager
        self._is_adopted = False

    def __getattr__(self, name: str) -> Any:  # whatever else managers have
        return getattr(self.manager, name)

    def begin(self) -> "LazyManager":
        """Leave nothing behind of another request; returns what can be noted upon."""
        if self.has_begun() and not self._is_adopted:
            self.manager.abort()
        return self

    def adopt(self) -> None:
        """Have the next :meth:`begin` go on with what was begun."""
        self._is_adopted = True

    def has_begun(self) -> bool:
        """Whether somebody asked for the transaction."""
        # Asking for it would make it. Without that attribute, in another version of the package,
        # there may be one.
        return getattr(self.manager, "_txn", self) is not None

    def note(self, text: str) -> None:
        """Part of the interface of transactions: nobody reads the notes of requests."""

    def commit(self) -> None:
        """Commit what was begun."""
        if self.has_begun():
            self.manager.commit()
        end_request_scope()

    def abort(self) -> None:
        """Undo what was begun."""
        if self.has_begun():
            self.manager.abort()
        end_request_scope()

    def isDoomed(self) -> bool:  # noqa: N802  # the interface's name
        """Whether a transaction was begun that must not be committed."""
        return self.has_begun() and bool(self.manager.isDoomed())


def lazy_manager(request: Request) -> LazyManager:
    """What the setting ``tm.manager_hook`` names: the thread's manager, made lazy."""
    # The proxy of all threads stands for one manager in each.
    return LazyManager(transaction.manager.manager)


def open_request_scope(manager: TransactionManager) -> None:
    """Mark the transaction of this thread as that of a request, whenever it begins.

    :param manager: where the request's transaction lives (``request.tm``).
    """
    # A proxy: what it stands for is what outlives this call.
    actual = getattr(manager, "manager", manager)
    if _SCOPE.is_open and actual is _SCOPE.manager:
        # A request within another one: what that has written is its own too.
        return
    if actual is not _SCOPE.manager:
        actual.registerSynch(_SCOPE)
        _SCOPE.manager = actual
    _SCOPE.is_open = True
    _SCOPE.forget()


def begin_request_scope(manager: TransactionManager | None = None) -> Transaction:
    """As :func:`open_request_scope`, with the transaction begun.

    :param manager: the manager of the thread by default.
    :returns: the transaction, which the writes of this thread join until it ends.
    """
    open_request_scope(transaction.manager if manager is None else manager)
    return current_request_transaction()


def end_request_scope() -> None:
    """Forget the mark before its transaction ends: later writes commit call by call."""
    _SCOPE.is_open = False
    _SCOPE.forget()


def abort_unfinished() -> None:
    """Abort what was neither committed nor aborted: a hook before the commit raised.

    Otherwise it would keep its locks until the thread serves another request.
    """
    if _SCOPE.marked is not None:
        _SCOPE.marked.abort()
    _SCOPE.is_open = False


def is_in_request_scope() -> bool:
    """Whether this thread serves a request, whose transaction has not ended."""
    return _SCOPE.is_open


def current_request_transaction() -> Transaction | None:
    """The transaction of the request that this thread serves, if it serves one; begins it."""
    if _SCOPE.marked is None and _SCOPE.is_open:
        assert _SCOPE.manager is not None
        _SCOPE.marked = _SCOPE.manager.get()
    return _SCOPE.marked


def keep_part(owner: object, part: Any) -> None:
    """Keep what a backend has to do with the marked transaction, until that one ends."""
    _SCOPE.parts[owner] = part


def find_part(owner: object) -> Any:
    """What a backend has kept for the marked transaction; ``None`` if it has no part in it."""
    return _SCOPE.parts.get(owner)
