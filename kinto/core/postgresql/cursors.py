"""What sessions of SQLAlchemy, and whoever else knows psycopg2, send their statements with."""

from functools import cache
from typing import Any

import psycopg2.extensions

from kinto.core.postgresql.waiting import wait_within_deadline


class DriverCursor(psycopg2.extensions.cursor):  # type: ignore[misc]  # psycopg2 is untyped
    """A cursor, as SQLAlchemy uses it, that sends what was queued before its own statement."""

    _count_of_many: int | None = None

    @property
    def rowcount(self) -> int:
        """How many rows the last call returned or changed."""
        count = self._count_of_many
        return super().rowcount if count is None else count

    def execute(self, query: Any, vars: Any = None) -> None:
        connection: Any = self.connection  # a DriverConnection
        connection.deadline = connection.session_deadline()
        values = vars
        if connection.queue or connection.options.limits_in_statements:
            query = connection.with_queue(self.mogrify(query, vars))
            values = None
        self._count_of_many = None
        try:
            super().execute(query, values)
            wait_within_deadline(connection)
        except BaseException:
            connection.failed()
            raise
        connection.sent()

    def executemany(self, query: Any, vars_list: Any) -> None:
        count = 0
        for values in vars_list:
            self.execute(query, values)
            count += self.rowcount
        self._count_of_many = count


@cache
def waiting_cursor(factory: type | None) -> type[DriverCursor]:
    """A class of cursors which waits for the answers to what it sends."""
    if factory is None or issubclass(DriverCursor, factory):
        return DriverCursor
    if issubclass(factory, DriverCursor):
        return factory
    return type(f"Waiting{factory.__name__}", (DriverCursor, factory), {})
