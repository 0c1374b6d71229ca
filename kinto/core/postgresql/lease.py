"""A connection of the pool, taken for a while."""

from types import TracebackType
from typing import Any

import psycopg2

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.driver import DriverConnection
from kinto.core.postgresql.errors import translate
from kinto.core.postgresql.source import ConnectionSource, Pooled
from kinto.core.storage.exceptions import BackendError


class Lease:
    """Holds a pooled connection until :meth:`release`.

    :param in_transaction: statements are meant for a transaction, not to commit one by one.
    :param joined: that transaction is the request's.
    :param repeat: what breaks may be repeated on another connection, if nothing was done yet.
    :raises BackendError: no connection is to be had.
    """

    def __init__(
        self,
        source: ConnectionSource,
        *,
        in_transaction: bool,
        joined: bool = False,
        repeat: bool = True,
    ) -> None:
        self._source = source
        self._joined = joined
        self._pooled: Pooled | None = source.take(is_repeatable=repeat)
        self.connection = Connection(
            self._driver_of(self._pooled),
            replace=self._replace if repeat else None,
            report_broken=source.report_broken,
            in_transaction=in_transaction,
        )

    @property
    def pooled(self) -> Pooled:
        """The connection, as the pool knows it.

        :raises BackendError: it broke, and no other was to be had.
        """
        if self._pooled is None:
            raise BackendError(message="The connection to PostgreSQL was lost")
        return self._pooled

    def release(self) -> None:
        """Give the connection back, once: a second time, two threads would be given it."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None:
            driver = self.connection.driver
            driver.joined = False
            self._source.give_back(pooled, driver)

    def _driver_of(self, pooled: Pooled) -> DriverConnection:
        driver: Any = pooled.dbapi_connection  # a DriverConnection, which the pool has made
        driver.joined = self._joined
        return driver  # type: ignore[no-any-return]  # as above

    def _replace(self) -> DriverConnection:
        # There is nothing left to release if no other is to be had.
        self.release()
        self._pooled = self._source.take(is_repeatable=False)
        return self._driver_of(self._pooled)


class StatementLease(Lease):
    """For statements that each commit by themselves."""

    def __enter__(self) -> Connection:
        return self.connection

    def __exit__(self, *_exc_info: object) -> None:
        self.release()
        # It refers back to this lease.
        del self.connection


class TransactionLease(Lease):
    """For a transaction of its own, which ends with the block: committed, or undone on error."""

    def __init__(self, source: ConnectionSource) -> None:
        super().__init__(source, in_transaction=True)
        self.connection.driver.begin()

    def __enter__(self) -> Connection:
        return self.connection

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        driver = self.connection.driver
        try:
            if error is None:
                driver.commit_transaction()
            else:
                driver.rollback_transaction()
        except psycopg2.Error as failure:
            driver.close()
            if error is None:
                raise translate(failure) from failure
        finally:
            self.release()
