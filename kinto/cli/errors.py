"""What a failed command tells, in one line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pyramid.exceptions import ConfigurationError

from kinto.core.settings import mask_url


class CommandError(Exception):
    """A command cannot do what was asked; the message is one line, meant for operators.

    :param exit_code: of the process.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


_DRIVERS = frozenset({"sqlalchemy", "psycopg2", "redis", "pymemcache"})
# They log what they raise, for servers that go on. A command ends with it, and says so itself.
_DRIVER_LOGGERS = ("kinto.core.postgresql.errors", "kinto.core.cache.failures")


def is_service_failure(error: BaseException) -> bool:
    """Did a database or a cache server fail, rather than we?"""
    packages = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    names = {base.__name__ for base in type(error).__mro__}
    return bool(packages & _DRIVERS) or "BackendError" in names


@contextmanager
def naming_service(url: str) -> Iterator[None]:
    """Tell which server failed, without its password.

    :raises CommandError: it did.
    """
    try:
        with _drivers_silenced():
            yield
    except Exception as error:
        if not is_service_failure(error):
            raise
        where = f" ({mask_url(url)})" if url else ""
        raise CommandError(f"{describe(error)}{where}") from error


@contextmanager
def _drivers_silenced() -> Iterator[None]:
    """Show their messages to those who want to see everything only."""
    loggers = [logging.getLogger(name) for name in _DRIVER_LOGGERS]
    is_silent = not logging.getLogger().isEnabledFor(logging.DEBUG)
    for logger in loggers:
        logger.disabled = is_silent
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False


def describe(error: BaseException) -> str:
    """The message of an error on one line, that of the driver where there is one."""
    for attribute in ("original", "orig"):
        if isinstance(original := getattr(error, attribute, None), BaseException):
            return describe(original)
    text = " ".join(str(error).split())
    return text or type(error).__name__


def describe_lines(error: BaseException) -> list[str]:
    """The lines to show for an error that ended a command."""
    if isinstance(error, ConfigurationError):
        return str(error).splitlines() or [describe(error)]
    return [describe(error)]
