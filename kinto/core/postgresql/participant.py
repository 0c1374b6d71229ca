"""The part of a request's transaction that one PostgreSQL client has."""

from typing import Protocol

import psycopg2
from transaction import Transaction
from transaction.interfaces import IDataManagerSavepoint, ISavepointDataManager
from zope.interface import implementer

from kinto.core.postgresql.driver import DriverConnection
from kinto.core.postgresql.errors import backend_errors, translate
from kinto.core.postgresql.lease import Lease
from kinto.core.postgresql.queue import Savepoint
from kinto.core.postgresql.source import ConnectionSource
from kinto.core.storage.exceptions import BackendError, ConcurrentWriteError


class Plan(Protocol):
    """What a backend knows about the transaction beyond what the database was told.

    :ivar version: counts what was planned.
    """

    version: int


@implementer(IDataManagerSavepoint)
class ParticipantSavepoint:
    """Undoes what one client wrote since."""

    def __init__(self, participant: "Participant", place: Savepoint) -> None:
        self._participant = participant
        self._place = place
        plan = participant.plan
        self._plan_version = None if plan is None else plan.version

    def rollback(self) -> None:
        """Go back to this place.

        :raises BackendError: the connection broke, and with it the whole transaction.
        """
        driver = self._participant.driver
        if driver.closed:
            raise BackendError(message="The connection to PostgreSQL was lost")
        driver.rollback_to(self._place)
        plan = self._participant.plan
        if plan is not None and plan.version != self._plan_version:
            # It counts on writes that were undone.
            self._participant.plan = None


@implementer(ISavepointDataManager)
class Participant:
    """Commits or rolls back on one connection, when the request's transaction does.

    ``BEGIN`` travels with the first statement. The commit is made when the transaction asks for
    votes, as it may still fail: then the request fails, and nothing claims to be stored.

    :ivar plan: ends with the first write that it does not know of, or with the transaction.
    """

    transaction_manager = None

    def __init__(self, source: ConnectionSource) -> None:
        self._lease: Lease | None = Lease(source, in_transaction=True, joined=True)
        self.connection = self._lease.connection
        self.plan: Plan | None = None
        self._savepoints = 0
        self._failed = False
        self.driver.begin()

    @property
    def driver(self) -> DriverConnection:
        """The connection of the driver at hand."""
        return self.connection.driver

    @property
    def lease(self) -> Lease:
        """The pooled connection, until the transaction ends."""
        assert self._lease is not None
        return self._lease

    def doom(self) -> None:
        """Refuse the commit: a session rolled back what others may have written."""
        self._failed = True

    # Transactions, as the package `transaction` wants them: names and arguments are its own.

    def tpc_begin(self, _transaction: Transaction) -> None:
        """The commit begins: nothing to do."""

    def commit(self, _transaction: Transaction) -> None:
        """Everything was sent, or is queued: nothing to do."""

    def tpc_vote(self, _transaction: Transaction) -> None:
        """Commit, or raise.

        :raises BackendError: nothing that can be relied on was stored.
        """
        if self._failed:
            raise BackendError(message="The transaction was rolled back by a session")
        if self._lease is None:
            return
        try:
            self.driver.commit_transaction()
        except psycopg2.Error as error:
            raise translate(error) from error
        self._release()

    def tpc_finish(self, _transaction: Transaction) -> None:
        """It was committed already."""

    def tpc_abort(self, _transaction: Transaction) -> None:
        """Undo everything, if it was not committed."""
        self.abort(_transaction)

    def abort(self, _transaction: Transaction) -> None:
        """Undo everything, if it was not committed; any number of times."""
        if self._lease is None:
            return
        try:
            with backend_errors():
                self.driver.rollback_transaction()
        except BackendError:  # logged; the server rolls back what it lost the client of
            self.driver.close()
        finally:
            self._release()

    def savepoint(self) -> ParticipantSavepoint:
        """A place to come back to; it costs no round trip."""
        self._savepoints += 1
        place = self.driver.savepoint(f"kinto_{self._savepoints}")
        return ParticipantSavepoint(self, place)

    def sortKey(self) -> str:  # noqa: N802  # IDataManager's name
        """Last: what others refuse is not committed here."""
        return f"~kinto.postgresql:{id(self)}"

    def should_retry(self, error: BaseException) -> bool:
        """Whether the whole request may succeed when it is tried again."""
        return isinstance(error, ConcurrentWriteError)

    def is_over(self) -> bool:
        """Whether it was committed or rolled back."""
        return self._lease is None

    def _release(self) -> None:
        lease, self._lease, self.plan = self._lease, None, None
        if lease is not None:
            lease.release()
