"""The transaction of the request at hand, which the writes of backends belong to.

Threads always have a "current transaction" as soon as somebody asks the ``transaction``
package for one, so its presence says nothing. A request is therefore marked explicitly: the
application calls :func:`begin_request_scope` once ``pyramid_tm`` has begun the transaction of
a top-level request. The mark goes away by itself when that transaction is committed or
aborted, before its after-commit hooks run: what these write commits call by call.
"""

import threading

import transaction
from transaction import Transaction, TransactionManager


class _Scope(threading.local):
    """What this thread is doing.

    Managers hold synchronizers weakly: one that lives as long as the thread's scope does.
    """

    marked: Transaction | None = None
    manager: TransactionManager | None = None

    def newTransaction(self, _transaction: Transaction) -> None:  # noqa: N802  # ISynchronizer
        """A transaction begins: it is no request's until it is marked."""

    def beforeCompletion(self, _transaction: Transaction) -> None:  # noqa: N802  # ISynchronizer
        """A transaction is about to end: its before-commit hooks have run."""

    def afterCompletion(self, ended: Transaction) -> None:  # noqa: N802  # ISynchronizer
        """A transaction has ended, well or not."""
        if ended is self.marked:
            self.marked = None


_SCOPE = _Scope()


def begin_request_scope(manager: TransactionManager | None = None) -> Transaction:
    """Mark the current transaction of this thread as that of a request.

    :param manager: where the request's transaction lives (``request.tm``); the manager of
        the thread by default.
    :returns: the transaction, which the writes of this thread join until it ends.
    """
    if manager is None:
        manager = transaction.manager
    # A thread's manager is a proxy: what it stands for is what outlives this call.
    actual = getattr(manager, "manager", manager)
    if actual is not _SCOPE.manager:
        actual.registerSynch(_SCOPE)
        _SCOPE.manager = actual
    _SCOPE.marked = actual.get()
    return _SCOPE.marked


def end_request_scope() -> None:
    """Forget the mark before its transaction ends: later writes commit call by call."""
    _SCOPE.marked = None


def abort_unfinished() -> None:
    """Abort what was neither committed nor aborted: a hook before the commit raised.

    Otherwise it would keep its locks until the thread serves another request.
    """
    if _SCOPE.marked is not None:
        _SCOPE.marked.abort()


def current_request_transaction() -> Transaction | None:
    """The transaction of the request that this thread serves, if it serves one."""
    return _SCOPE.marked
