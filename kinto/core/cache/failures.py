"""Failures of cache servers, turned into those of the contract."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from kinto.core.storage.exceptions import BackendError


log = structlog.get_logger(__name__)


@contextmanager
def backend_errors(*errors: type[Exception]) -> Iterator[None]:
    """Raise these exceptions of a driver as :class:`BackendError`."""
    try:
        yield
    except errors as error:
        log.critical("cache server failed", error=str(error), error_class=type(error).__name__)
        failure = BackendError(original=error)
        failure.is_logged = True
        raise failure from error
