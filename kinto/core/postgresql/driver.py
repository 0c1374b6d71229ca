"""A psycopg2 connection that sends as little as it can, as late as it can.

``BEGIN``, ``SAVEPOINT`` and statements whose result nobody waits for are queued, and travel with
the next statement in one simple query (one round trip). Sessions of SQLAlchemy run on the same
connection, hence in the same transaction, after what was queued. psycopg2 takes no part in
transactions, nor in waiting: the connection is one of its asynchronous ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from weakref import ref

import psycopg2
import psycopg2.extensions
from psycopg2.extensions import (
    ISOLATION_LEVEL_AUTOCOMMIT,
    ISOLATION_LEVEL_READ_COMMITTED,
    ISOLATION_LEVEL_REPEATABLE_READ,
    ISOLATION_LEVEL_SERIALIZABLE,
    TRANSACTION_STATUS_IDLE,
    TRANSACTION_STATUS_UNKNOWN,
)

from kinto.core.postgresql.cursors import waiting_cursor
from kinto.core.postgresql.limits import TimeLimits, are_time_limits_off
from kinto.core.postgresql.queue import Queued, Savepoint, merged
from kinto.core.postgresql.reachability import Reachability
from kinto.core.postgresql.statements import Mergeable, Params, Statement
from kinto.core.postgresql.waiting import make_poller, wait_for_answer, wait_within_deadline


OLDEST_SERVER_VERSION = 120000

_LEVELS: dict[int | None, str] = {
    ISOLATION_LEVEL_REPEATABLE_READ: "REPEATABLE READ",
    ISOLATION_LEVEL_SERIALIZABLE: "SERIALIZABLE",
}

# No snapshot may be held meanwhile: `CREATE INDEX CONCURRENTLY` would wait for its end.
_BEGIN_LIMITLESS = (
    b"BEGIN ISOLATION LEVEL READ COMMITTED;SET LOCAL statement_timeout=0;"
    b"SET LOCAL lock_timeout=0;SET LOCAL idle_in_transaction_session_timeout=0"
)


class UnsupportedServer(psycopg2.OperationalError):  # type: ignore[misc]  # psycopg2 is untyped
    """The server is too old."""


class CommitRefused(psycopg2.InternalError):  # type: ignore[misc]  # psycopg2 is untyped
    """The server rolled back a transaction that was to be committed."""


@dataclass(frozen=True, slots=True)
class DriverOptions:
    """How the connections of one client behave.

    :param prepared: whether hot statements are prepared on the server.
    :param limits_in_statements: time limits are sent with each round trip, as nothing may be
        bound to the server's session (PgBouncer in transaction mode).
    :param isolation_level: of transactions, such as ``SERIALIZABLE``.
    """

    limits: TimeLimits = field(default_factory=TimeLimits)
    prepared: bool = True
    limits_in_statements: bool = False
    isolation_level: str | None = None

    def begin_sql(self, level: str | None = None) -> bytes:
        """What begins a transaction.

        :param level: of isolation, if not that of the settings.
        """
        level = level or self.isolation_level
        return f"BEGIN ISOLATION LEVEL {level}".encode() if level else b"BEGIN"

    def limits_sql(self) -> bytes:
        """What sets the normal time limits for the current transaction."""
        limits = self.limits
        return (
            f"SET LOCAL statement_timeout={_milliseconds(limits.server_seconds)};"
            f"SET LOCAL lock_timeout={_milliseconds(limits.lock_seconds)}"
        ).encode()

    def startup_options(self) -> str:
        """What is set when connecting, the normal time limits; empty if statements do.

        Statements are short, or scan what is theirs: to compile their plans takes longer than
        it saves.
        """
        if self.limits_in_statements:
            return ""
        limits = self.limits
        return (
            f"-c statement_timeout={_milliseconds(limits.server_seconds)}"
            f" -c lock_timeout={_milliseconds(limits.lock_seconds)}"
            " -c jit=off"
        )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000)) if seconds else 0


class DriverConnection(psycopg2.extensions.connection):  # type: ignore[misc]  # untyped
    """See the module; made by ``psycopg2.connect(connection_factory=…)``.

    :ivar deadline: when the round trip at hand is given up (:mod:`.limits`).
    :ivar server: what is known of it, if others are to learn of its silence.
    :ivar joined: it belongs to a request's transaction, which sessions cannot end.
    :ivar limitless: the transaction at hand has no time limits (migrations).
    :ivar flushes: round trips so far.
    :ivar is_new: it was not used since it was made.
    :ivar poller: tells when something can be read from it.
    """

    def __init__(
        self, options: DriverOptions, dsn: str, *, within_seconds: float | None = None
    ) -> None:
        self.options = options
        self.deadline = options.limits.connect_deadline(within_seconds)
        self.server: Reachability | None = None
        self.joined = False
        self.limitless = False
        self.flushes = 0
        self.is_new = True
        self.queue: list[Queued] = []
        self._prepared: set[str] = set()
        self._preparing: set[str] = set()
        self._generation = 0
        self._isolation_level: int | None = None
        super().__init__(dsn, async_=1)
        wait_within_deadline(self)
        if self.server_version < OLDEST_SERVER_VERSION:
            self.close()
            raise UnsupportedServer("PostgreSQL 12 or newer required")
        self.opened_at = self.used_at = monotonic()
        self.poller = make_poller(self)
        self._encoder = psycopg2.extensions.cursor(self)

    # Statements.

    def run(self, statement: Statement, params: Params) -> Any:
        """Send a statement, after what was queued; returns a cursor on its result."""
        is_long = statement.long
        self.deadline = self._deadline(is_long=is_long)
        if self.queue or is_long or self.options.limits_in_statements or self._generation:
            query = self.with_queue(*self.encoded(statement, params), is_long=is_long)
            return self._send(query)
        if statement.execute_sql is None or not self.options.prepared:
            return self._send(statement.sql, params)
        if statement.name in self._prepared:
            return self._send(statement.execute_sql, statement.values_of(params))
        return self._send(self.with_queue(*self.encoded(statement, params)))

    def _send(self, query: str | bytes, params: Params | tuple[Any, ...] | None = None) -> Any:
        # One cursor for each result: it frees what it read when it goes.
        cursor = psycopg2.extensions.cursor(self)
        try:
            cursor.execute(query, params)
            wait_for_answer(self, sent_bytes=len(cursor.query))
        except BaseException:
            self.failed()
            raise
        self.sent()
        return cursor

    def run_script(self, sql: str) -> None:
        """Send SQL text of several statements, as it is."""
        self.deadline = self.session_deadline()
        self._send(self.with_queue(sql.encode()))

    def run_alone(self, sql: str) -> None:
        """Send one statement that refuses to be in a transaction, without time limits."""
        self.deadline = math.inf
        # Behind PgBouncer there are none to lift, and the session is not ours to change.
        if self.options.limits_in_statements:
            self._send(sql)
            return
        try:
            self._send("SET statement_timeout = 0; SET lock_timeout = 0")
            self._send(sql)
        finally:
            self._send("RESET statement_timeout; RESET lock_timeout")

    def enqueue(self, statement: Statement, params: Params) -> None:
        """Send a statement later, together with the next one or with ``COMMIT``."""
        self.queue.append(Queued(*self.encoded(statement, params)))

    def enqueue_merged(self, kind: Mergeable, writes: Sequence[Any]) -> None:
        """Send writes later, as part of one statement for all of their kind."""
        self.queue.append(Queued(b"", kind=kind, writes=writes))

    def encoded(self, statement: Statement, params: Params) -> tuple[bytes, Statement | None]:
        """A statement with its values; and the statement, if it has to be prepared before."""
        if statement.execute_sql is None or not self.options.prepared:
            return self._encoder.mogrify(statement.sql, params), None
        values = statement.values_of(params)
        return self._encoder.mogrify(statement.execute_sql, values), statement

    def with_queue(
        self, sql: bytes, statement: Statement | None = None, *, is_long: bool = False
    ) -> bytes:
        """One simple query of what was queued and of ``sql``; empties the queue."""
        in_transaction = bool(self.queue) or not self.is_idle()
        parts: list[bytes] = []
        if self.options.limits_in_statements and not in_transaction:
            parts.append(self.options.limits_sql())
        queue, self.queue = self.queue, []
        for queued in merged(queue, self.encoded):
            parts.extend(self._prepared_parts(queued.sql, queued.statement))
        if is_long and not self.limitless:
            seconds = self.options.limits.long_server_seconds
            parts.append(b"SET LOCAL statement_timeout=%d" % _milliseconds(seconds))
            # It may scan a list, which is no reason to scan all others: so says a planner whose
            # statistics are of a time when this list was most of the table.
            parts.append(b"SET LOCAL enable_seqscan=off")
            if self.options.limits_in_statements:
                parts.append(b"SET LOCAL jit=off")
            if in_transaction:
                self.queue.append(Queued(self.options.limits_sql()))
                self.queue.append(Queued(b"SET LOCAL enable_seqscan TO DEFAULT"))
        parts.extend(self._prepared_parts(sql, statement))
        return b";\n".join(parts)

    def _prepared_parts(self, sql: bytes, statement: Statement | None) -> Sequence[bytes]:
        if statement is None:
            return (sql,)
        name = statement.name
        prepare = (statement.prepare_sql or "").encode()
        if self._generation:
            old, new = b'"%s"' % name.encode(), b'"%s~%d"' % (name.encode(), self._generation)
            prepare, sql = prepare.replace(old, new, 1), sql.replace(old, new, 1)
        if name in self._prepared or name in self._preparing:
            return (sql,)
        self._preparing.add(name)
        return (prepare, sql)

    def sent(self) -> None:
        """A round trip succeeded."""
        self.flushes += 1
        self.used_at = monotonic()
        if self._preparing:
            self._prepared |= self._preparing
            self._preparing = set()

    def failed(self) -> None:
        """A round trip failed: which of its parts were run is not known.

        Statements may be prepared now or not, so later ones get names that are not taken.
        """
        self.flushes += 1
        is_waiting = not self.closed and self.isexecuting()
        if is_waiting or self.get_transaction_status() == TRANSACTION_STATUS_UNKNOWN:
            self.close()
        if self._preparing:
            self._preparing = set()
            self._prepared = set()
            self._generation += 1

    def _deadline(self, *, is_long: bool = False) -> float:
        if self.limitless:
            return math.inf
        return self.options.limits.statement_deadline(is_long=is_long)

    def ping(self, *, within_seconds: float | None = None) -> None:
        """One round trip without effect.

        :param within_seconds: instead of the limit of connecting.
        :raises psycopg2.Error: the connection is of no use any more.
        """
        self.deadline = self.options.limits.connect_deadline(within_seconds)
        self._send("SELECT 1")

    def session_deadline(self) -> float:
        """When the answer to a statement of a session must be there."""
        return self._deadline()

    def cursor(
        self, name: str | None = None, cursor_factory: type | None = None, **_more: Any
    ) -> Any:
        """What sessions send their statements with.

        :param name: of a cursor of the server: psycopg2 knows none on such a connection, so that
            the result comes as a whole.
        """
        return super().cursor(cursor_factory=waiting_cursor(cursor_factory))

    def set_isolation_level(self, level: int | None) -> None:
        """What sessions call: the level of transactions to come, by psycopg2's number.

        The server's default is also what SQLAlchemy takes a level back to: that of the settings
        counts again.
        """
        self._isolation_level = None if level == ISOLATION_LEVEL_READ_COMMITTED else level

    # Transactions.

    def is_idle(self) -> bool:
        """Whether the server is in no transaction (it may be queued)."""
        idle: bool = self.get_transaction_status() == TRANSACTION_STATUS_IDLE
        return idle

    def begin(self) -> None:
        """Begin a transaction with the next statement, unless there is one."""
        if self.queue or not self.is_idle():
            return
        self.limitless = are_time_limits_off()
        if self.limitless:
            self.queue = [Queued(_BEGIN_LIMITLESS)]
            return
        if self._isolation_level == ISOLATION_LEVEL_AUTOCOMMIT:
            return
        self.queue = [Queued(self.options.begin_sql(_LEVELS.get(self._isolation_level)))]
        if self.options.limits_in_statements:
            self.queue.append(Queued(self.options.limits_sql()))

    def commit(self) -> None:
        """What sessions call: ends the transaction, unless it is that of a request."""
        if not self.joined:
            self.commit_transaction()

    def rollback(self) -> None:
        """What sessions and the pool call: as :meth:`commit`."""
        if not self.joined:
            self.rollback_transaction()

    def commit_transaction(self) -> None:
        """Make durable what was done, together with what is queued.

        :raises CommitRefused: the transaction had failed before; nothing was written.
        """
        only_begun = self.is_idle() and all(self._is_bookkeeping(queued) for queued in self.queue)
        if only_begun:
            self.queue = []
        else:
            self.deadline = self._deadline()
            if self._send(self.with_queue(b"COMMIT")).statusmessage != "COMMIT":
                raise CommitRefused("The transaction had failed and was rolled back")
        self.limitless = False

    def rollback_transaction(self) -> None:
        """Undo everything; what is queued was never sent."""
        self.queue = []
        self._preparing = set()
        self.limitless = False
        if self.closed or self.is_idle():
            return
        self.deadline = self._deadline()
        self._send(b"ROLLBACK")

    def savepoint(self, name: str) -> Savepoint:
        """Mark the place reached so far; it is sent with the next statement."""
        place = Savepoint(name, self.flushes, len(self.queue))
        self.queue.append(Queued(b"SAVEPOINT " + name.encode(), place=ref(place)))
        return place

    def rollback_to(self, place: Savepoint) -> None:
        """Undo what came after a savepoint, with the next statement."""
        if place.flushes == self.flushes:
            del self.queue[place.position + 1 :]
        else:
            self.queue = [Queued(b"ROLLBACK TO SAVEPOINT " + place.name.encode())]

    @staticmethod
    def _is_bookkeeping(queued: Queued) -> bool:
        """Whether a queued statement does nothing by itself."""
        return queued.sql.startswith((b"BEGIN", b"SAVEPOINT ", b"SET LOCAL "))
