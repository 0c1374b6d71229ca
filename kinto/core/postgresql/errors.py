"""Exceptions of the driver, turned into those of the backends' contracts."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.errorcodes as codes
import sqlalchemy.exc
import structlog
from transaction.interfaces import TransactionFailedError

from kinto.core.postgresql.driver import UnsupportedServer
from kinto.core.postgresql.waiting import TimeLimitExceeded
from kinto.core.storage import exceptions


log = structlog.get_logger(__name__)

_CONCURRENT = frozenset({codes.SERIALIZATION_FAILURE, codes.DEADLOCK_DETECTED})
_INTEGRITY_CLASS = "23"


def sqlstate(error: BaseException) -> str | None:
    """The five characters by which the server names an error; ``None`` if it sent none."""
    state: str | None = getattr(error, "pgcode", None)
    return state


def translate(error: BaseException) -> exceptions.BackendError:
    """What the contracts raise for a failure of the driver or of SQLAlchemy; logs it.

    The caller raises it ``from`` the original.
    """
    translated = _translate(error)
    translated.is_logged = True
    return translated


def _translate(error: BaseException) -> exceptions.BackendError:
    original = getattr(error, "orig", None) or error
    state = sqlstate(original)
    if isinstance(original, UnsupportedServer):
        log.critical("PostgreSQL server is too old", error=str(original))
        return exceptions.UnsuitableDatabaseError(message=str(original))
    if state is None and isinstance(original, psycopg2.OperationalError | TimeLimitExceeded):
        log.critical("PostgreSQL is unreachable", error=_first_line(original))
        return exceptions.BackendError(original=error)
    if state is None and isinstance(error, sqlalchemy.exc.TimeoutError):
        log.critical("no PostgreSQL connection available", error=_first_line(error))
        return exceptions.BackendError(original=error)
    if state is not None and state.startswith(_INTEGRITY_CLASS):
        log.info("PostgreSQL constraint violated", sqlstate=state, error=_first_line(original))
        return exceptions.IntegrityError(original=error)
    if state in _CONCURRENT:
        log.warning("PostgreSQL transactions collided", sqlstate=state)
        return exceptions.ConcurrentWriteError(original=error)
    log.error(
        "PostgreSQL statement failed", sqlstate=state, error=_first_line(original), exc_info=error
    )
    if state == codes.READ_ONLY_SQL_TRANSACTION:
        return exceptions.ReadonlyError(original=error)
    return exceptions.BackendError(original=error)


@contextmanager
def backend_errors() -> Iterator[None]:
    """Raise failures of the driver and of SQLAlchemy as those of the contracts."""
    try:
        yield
    except (psycopg2.Error, sqlalchemy.exc.SQLAlchemyError, TransactionFailedError) as error:
        raise translate(error) from error


def _first_line(error: BaseException) -> str:
    """The message without the statement, its values and hints."""
    return (str(error).splitlines() or [type(error).__name__])[0]
