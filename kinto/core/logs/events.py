"""Events of structlog as records of the standard library, so that operators decide about them."""

import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog
from pyramid.threadlocal import get_current_request

from kinto.core.logs.rendering import with_safe_names
from kinto.core.protocol.masking import find_secrets, mask_text


_DRIVERS = ("psycopg2", "sqlalchemy")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure_structlog() -> None:
    """Hand events to the standard loggers, with what they hold as extras of the record."""
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def masked_exc_info(exc_info: Any) -> ExcInfo | None:  # what logging takes for an exception
    """The exception, with what the request at hand must not be betrayed by taken out.

    It is the exception itself where there is nothing of that in its text.
    """
    error = exc_info
    if isinstance(exc_info, tuple):
        error = exc_info[1]
    elif not isinstance(exc_info, BaseException):
        error = sys.exc_info()[1] if exc_info else None
    if error is None:
        return None
    masked = mask_error(error, secrets_at_hand())
    return type(masked), masked, masked.__traceback__


def secrets_at_hand() -> frozenset[str]:
    """What the request that this thread answers must not be betrayed by."""
    request = get_current_request()
    if request is None:
        return frozenset()
    try:
        body = request.body_bytes if request.content_length else b""
    except Exception:  # noqa: BLE001  # a body that cannot be read is not told either
        body = b""
    return find_secrets(request.environ, body)


def mask_error(error: BaseException, secrets: frozenset[str]) -> BaseException:
    """The error, or one that looks like it but for secrets in it and in those it came from."""
    masked = _masked(error, secrets, seen={})
    return error if masked is None else masked


def _masked(
    error: BaseException, secrets: frozenset[str], *, seen: dict[int, BaseException | None]
) -> BaseException | None:
    """A stand-in; ``None`` where the error is fit to be shown.

    :param seen: stand-ins by the id of the error: causes may go in circles.
    """
    if id(error) in seen:
        return seen[id(error)]
    seen[id(error)] = None
    cause, context = (
        None if other is None else _masked(other, secrets, seen=seen)
        for other in (error.__cause__, error.__context__)
    )
    text = _text_of(error)
    shown = mask_text(_first_line(text) if _quotes_values(error) else text, secrets)
    notes = [mask_text(str(note), secrets) for note in getattr(error, "__notes__", ())]
    is_fit = shown == text and notes == list(getattr(error, "__notes__", ()))
    if is_fit and cause is None and context is None:
        return None
    stand_in = _stand_in(error, shown)
    stand_in.__cause__ = cause or error.__cause__
    stand_in.__context__ = context or error.__context__
    stand_in.__suppress_context__ = error.__suppress_context__
    for note in notes:
        stand_in.add_note(note)
    seen[id(error)] = stand_in
    return stand_in


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # of foreign code
        return ""


def _quotes_values(error: BaseException) -> bool:
    """Whether lines beyond the first may quote a statement, with the values in it."""
    package = type(error).__module__.partition(".")[0]
    return package in _DRIVERS or hasattr(error, "original")


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _stand_in(error: BaseException, text: str) -> BaseException:
    cls = type(error)
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    stand_in: BaseException = type(cls.__name__, (Exception,), names)(text)
    stand_in.__traceback__ = error.__traceback__
    # Those who report errors once recognise it by this.
    stand_in.original_error = error  # type: ignore[attr-defined]  # of a class made for it
    return stand_in


def _mask_exception(
    logger: Any, name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if event.get("exc_info"):
        event["exc_info"] = masked_exc_info(event["exc_info"])
    return event


def _name_safely(
    logger: Any, name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    given = {
        key: event.pop(key) for key in ("exc_info", "stack_info", "stackLevel") if key in event
    }
    return {**with_safe_names(event), **given}


# One list for all applications of a process: loggers keep the list that they were first used with.
_PROCESSORS: list[Any] = [  # structlog's own type does not admit all of these
    structlog.stdlib.filter_by_level,
    structlog.contextvars.merge_contextvars,
    _mask_exception,
    _name_safely,
    structlog.stdlib.render_to_log_kwargs,
]
_ROOT = logging.getLogger()


def log_unhandled(error: BaseException, **fields: Any) -> None:
    """An error that nobody expected, as an ERROR of the root logger."""
    exc_info = masked_exc_info(error)
    message = mask_text(_text_of(error) or repr(error), secrets_at_hand())
    _ROOT.error("%s", message, exc_info=exc_info, extra=with_safe_names(fields))
