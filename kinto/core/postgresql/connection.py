"""How backends run their statements on a connection."""

from __future__ import annotations  # the driver is optional

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kinto.core.postgresql.statements import Mergeable, Params, Statement


try:  # optional: kinto[postgresql]; no connection is made without it
    import psycopg2
    import psycopg2.errorcodes as codes

    from kinto.core.postgresql.errors import sqlstate, translate
    from kinto.core.postgresql.waiting import TimeLimitExceeded
except ImportError:
    pass

if TYPE_CHECKING:
    from kinto.core.postgresql.driver import DriverConnection
    from kinto.core.postgresql.queue import Queued


Row = tuple[Any, ...]  # values are whatever psycopg2 makes of the columns


class Connection:
    """Runs statements; each call is one round trip, :meth:`defer` is none.

    Failures are raised as those of :mod:`kinto.core.storage.exceptions`. A connection that
    turns out to be broken is replaced once, as long as nothing was done on it: reads outside of
    a transaction, or the first round trip of a transaction.

    :param driver: the connection to use first.
    :param replace: gives a fresh connection for a broken one; ``None``: never repeat.
    :param report_broken: told of a connection that must not be used again.
    :param in_transaction: it is in a transaction, or will be with the next statement.
    """

    __slots__ = ("_replace", "_report_broken", "driver", "in_transaction")

    def __init__(
        self,
        driver: DriverConnection,
        *,
        replace: Callable[[], DriverConnection] | None,
        report_broken: Callable[[DriverConnection], None],
        in_transaction: bool,
    ) -> None:
        self.driver = driver
        self.in_transaction = in_transaction
        self._replace = replace
        self._report_broken = report_broken

    def fetch_one(self, statement: Statement, params: Params) -> Row | None:
        """The first row of the result, ``None`` if it is empty."""
        row: Row | None = self._run(statement, params).fetchone()
        return row

    def fetch_all(self, statement: Statement, params: Params) -> list[Row]:
        """Every row of the result."""
        rows: list[Row] = self._run(statement, params).fetchall()
        return rows

    def execute(self, statement: Statement, params: Params) -> int:
        """How many rows were changed."""
        count: int = self._run(statement, params).rowcount
        return count

    def defer(self, statement: Statement, params: Params) -> None:
        """Run a statement whose result is not needed, before the next one or the commit.

        Outside of a transaction there is nothing to wait for: it is run at once.
        """
        if self.in_transaction:
            self.driver.enqueue(statement, params)
        else:
            self._run(statement, params)

    def defer_merged(self, kind: Mergeable, writes: Sequence[Any]) -> None:
        """As :meth:`defer`, in a transaction, as part of one statement for all of their kind."""
        assert self.in_transaction
        self.driver.enqueue_merged(kind, writes)

    def execute_script(self, sql: str) -> None:
        """Run SQL text of several statements, without values."""
        try:
            self.driver.run_script(sql)
        except psycopg2.Error as error:
            raise self._failure(error) from error

    def execute_alone(self, sql: str) -> None:
        """Run one statement that refuses to be in a transaction, for as long as it takes."""
        try:
            self.driver.run_alone(sql)
        except psycopg2.Error as error:
            raise self._failure(error) from error

    def _run(self, statement: Statement, params: Params) -> Any:
        queued = self.driver.queue
        try:
            cursor = self.driver.run(statement, params)
        except psycopg2.Error as error:
            if self._replace is None or not self._went_away(error):
                raise self._failure(error) from error
            cursor = self._repeat(statement, params, queued)
        if self.in_transaction:
            self._replace = None
        return cursor

    def _repeat(self, statement: Statement, params: Params, queued: list[Queued]) -> Any:
        assert self._replace is not None
        self._report_broken(self.driver)
        limitless = self.driver.limitless
        self.driver = self._replace()
        self.driver.queue = queued
        self.driver.limitless = limitless
        try:
            return self.driver.run(statement, params)
        except psycopg2.Error as error:
            raise self._failure(error) from error

    def _went_away(self, error: psycopg2.Error) -> bool:
        """Whether the connection broke, other than by our own time limit."""
        return bool(self.driver.closed) and not isinstance(error, TimeLimitExceeded)

    def _failure(self, error: psycopg2.Error) -> Exception:
        # A server that became read-only is one that was demoted: the next one is elsewhere.
        if self.driver.closed or sqlstate(error) == codes.READ_ONLY_SQL_TRANSACTION:
            self._report_broken(self.driver)
        return translate(error)
