"""The PostgreSQL client, through which every backend reaches its database.

``read()`` and ``write()`` are for our own hot statements, ``connect()`` gives plugins a session
of SQLAlchemy. In a request that has a transaction, all of them share one connection, which is
taken when first needed and begins its transaction with the first statement.
"""

from __future__ import annotations  # names below may be absent: the driver is optional

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transaction import Transaction

from kinto.core.postgresql.embedded import is_embedded_url, resolve_url
from kinto.core.postgresql.limits import are_time_limits_off
from kinto.core.settings import EmbeddedSettings, parse_group
from kinto.core.storage.transactions import (
    current_request_transaction,
    find_part,
    keep_part,
)


try:  # optional: kinto[postgresql]
    import sqlalchemy
    from transaction.interfaces import TransactionFailedError

    from kinto.core.postgresql.config import check_url, read_settings
    from kinto.core.postgresql.errors import backend_errors, translate
    from kinto.core.postgresql.lease import StatementLease, TransactionLease
    from kinto.core.postgresql.participant import Participant, Plan
    from kinto.core.postgresql.sessions import SessionFactory, join_session
    from kinto.core.postgresql.source import ConnectionSource
except ImportError:
    sqlalchemy = None  # type: ignore[assignment]  # documented: `None` if absent

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kinto.core.postgresql.connection import Connection
    from kinto.core.postgresql.joined_session import JoinedSession


class PostgreSQLClient:
    """Gives connections within the request's transaction, or outside of it.

    :param source: where connections come from.
    :param with_transaction: whether writes take part in the transactions of requests.
    :ivar session_factory: gives a session with a connection and transactions of its own. It is
        a seam of tests: who replaces it has it called whenever this client is used, by our own
        statements too, and what it raises is raised as ``BackendError``.
    """

    def __init__(self, source: ConnectionSource, *, with_transaction: bool = True) -> None:
        self._source = source
        self._with_transaction = with_transaction
        self._sessions = SessionFactory(source.engine)
        self.session_factory: Callable[[], Session] = self._sessions
        self.on_first_connect = source.on_first_connect
        self.forget_hooks = source.forget_hooks

    @property
    def engine(self) -> sqlalchemy.Engine:
        """The engine of SQLAlchemy, shared by every thread."""
        return self._source.engine

    def read(self) -> AbstractContextManager[Connection]:
        """For statements that read.

        They see what the request at hand has written so far. Before it writes, and outside of
        requests, each is on its own, and repeated once if its connection turns out to be broken.

        :raises BackendError: no connection is to be had.
        """
        self._try_seam()
        participant = self._participant()
        if participant is not None:
            return nullcontext(participant.connection)
        return StatementLease(self._source, in_transaction=False)

    def write(self, *, force_commit: bool = False) -> AbstractContextManager[Connection]:
        """For statements that write, and those that must be atomic with them.

        In a request they are committed when it is. Otherwise, or with ``force_commit``, at the
        end of the block; an exception within the block undoes them.

        :raises BackendError: no connection is to be had, or it failed to commit.
        """
        self._try_seam()
        transaction = self._transaction()
        # There may be no second connection to commit on.
        if transaction is None or (force_commit and not self._source.has_one_connection):
            return TransactionLease(self._source)
        participant = self._join(transaction)
        participant.plan = None
        return nullcontext(participant.connection)

    def write_once(self) -> AbstractContextManager[Connection]:
        """For one statement that writes: outside of a request's transaction it is one itself.

        :raises BackendError: no connection is to be had.
        """
        if self._transaction() is None and self.has_usual_isolation and not are_time_limits_off():
            return self.autocommit()
        return self.write()

    @property
    def has_usual_isolation(self) -> bool:
        """Whether transactions have no level of isolation that statements do not have."""
        return self._source.has_usual_isolation

    def plan(self, make: Callable[[Connection], Plan]) -> None:
        """Have a plan for the transaction of the request, until something else is written.

        :param make: makes it, in that transaction.
        """
        transaction = self._transaction()
        if transaction is not None:
            self._try_seam()
            participant = self._join(transaction)
            participant.plan = make(participant.connection)

    def find_plan(self) -> tuple[Any, Connection] | None:
        """The plan for the transaction of the request, with the connection for its writes."""
        participant: Participant | None = find_part(self)
        if participant is None or participant.plan is None:
            return None
        return participant.plan, participant.connection

    def read_for_write(self) -> AbstractContextManager[Connection]:
        """For statements that read in the transaction of the request, which they begin.

        Where it has none, they read as :meth:`read` has it.
        """
        transaction = self._transaction()
        if transaction is None:
            return self.read()
        self._try_seam()
        return nullcontext(self._join(transaction).connection)

    def autocommit(self) -> AbstractContextManager[Connection]:
        """For statements that each commit by themselves, in a request or not; never repeated."""
        self._try_seam()
        return StatementLease(self._source, in_transaction=False, repeat=False)

    @contextmanager
    def connect(
        self, readonly: bool = False, force_commit: bool = False
    ) -> Iterator[sqlalchemy.orm.Session]:
        """A session of SQLAlchemy.

        In a request it joins its transaction. Otherwise, or with ``force_commit``, the end of
        the block commits, unless ``readonly``; an exception within the block undoes what was
        not committed.

        :raises IntegrityError: a constraint of the data refused a statement.
        :raises BackendError: another failure of the database.
        """
        transaction = None if force_commit else self._transaction()
        if transaction is not None and (not readonly or self._participant() is not None):
            self._try_seam()
            participant = self._join(transaction)
            participant.plan = None
            with backend_errors(), self._joined_session(participant) as session:
                yield session
        else:
            with backend_errors(), self._own_session(readonly=readonly) as session:
                yield session

    @contextmanager
    def _joined_session(self, participant: Participant) -> Iterator[JoinedSession]:
        session = join_session(self.engine, participant.lease.pooled, doom=participant.doom)
        try:
            yield session
        except BaseException:
            session.abandon()
            raise
        session.finish()

    @contextmanager
    def _own_session(self, *, readonly: bool) -> Iterator[Session]:
        session = self.session_factory()
        self._source.lock()
        try:
            yield session
            if not readonly:
                session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()
            self._source.unlock()

    def _try_seam(self) -> None:
        """Let a replaced ``session_factory`` fail."""
        if self.session_factory is not self._sessions:
            with backend_errors():
                self.session_factory().close()

    def _transaction(self) -> Transaction | None:
        return current_request_transaction() if self._with_transaction else None

    def _participant(self) -> Participant | None:
        """Our part in the request's transaction, if it has begun."""
        participant: Participant | None = find_part(self)
        return None if participant is None or participant.is_over() else participant

    def _join(self, transaction: Transaction) -> Participant:
        participant = self._participant()
        if participant is None:
            participant = Participant(self._source)
            try:
                transaction.join(participant)
            except (TransactionFailedError, ValueError) as error:
                participant.abort(transaction)
                raise translate(error) from error
            keep_part(self, participant)
        return participant


_CLIENTS: dict[tuple[str, bool], PostgreSQLClient] = {}


def create_from_config(
    config: Any,  # a Configurator of Pyramid, or what has its `get_settings`
    prefix: str = "",
    with_transaction: bool = True,
) -> PostgreSQLClient:
    """The client for the setting ``<prefix>url``.

    There is one for each URL, with and without transactions of requests: the settings of the
    first one count.

    :param with_transaction: whether writes take part in the transactions of requests.
    :raises ImportWarning: the packages of ``kinto[postgresql]`` are missing.
    :raises ConfigurationError: a setting has a value that cannot be converted.
    """
    if sqlalchemy is None:
        raise ImportWarning(
            "PostgreSQL needs the packages SQLAlchemy and psycopg2: pip install kinto[postgresql]"
        )
    settings = {**config.get_settings()}
    url = check_url(_resolve_embedded(settings, prefix), prefix)
    client = _CLIENTS.get((url, with_transaction))
    if client is not None:
        message = f"Reuse existing PostgreSQL connection. Parameters {prefix}* will be ignored."
        warnings.warn(message)  # noqa: B028  # one argument: suites compare the call
        return client
    source = ConnectionSource(read_settings(settings, prefix, url=url), prefix=prefix)
    client = PostgreSQLClient(source, with_transaction=with_transaction)
    _CLIENTS[url, with_transaction] = client
    return client


def _resolve_embedded(settings: dict[str, Any], prefix: str) -> str:
    """The URL of the PostgreSQL server that stands behind an ``embedded:`` URL."""
    url: str = settings[f"{prefix}url"]
    if not is_embedded_url(url):
        return url
    embedded = parse_group(EmbeddedSettings, settings)
    return resolve_url(
        url,
        Path(settings.get("here") or "."),
        user=embedded.user,
        timeout_seconds=embedded.timeout_seconds,
    )
