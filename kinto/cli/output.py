"""Messages of the command line, on stderr."""

import logging
import sys
import warnings
from typing import Any

import structlog

from kinto.core.logs.classic import take_outcome, take_request
from kinto.core.logs.rendering import extras_of


logger = logging.getLogger(__name__)

_FORMAT = "%(levelname)-5.5s  %(message)s"


def setup_logging(level: int) -> None:
    """Send every message of that level or above to stderr, ours and those of libraries."""
    logging.basicConfig(stream=sys.stderr, level=level, force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_MessageFormatter(_FORMAT))
    warnings.showwarning = _log_warning
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


class _MessageFormatter(logging.Formatter):
    """Shows requests, whose records have fields instead of a message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # of the base
        if record.name.endswith("request.summary"):
            fields = extras_of(record)
            record.message = f"{take_request(fields)} {take_outcome(fields)}"
        return super().formatMessage(record)


def tell_failure(line: str) -> None:
    """Log why a command failed, on stderr too where a configuration file logs elsewhere."""
    logger.error(line)
    if logger.isEnabledFor(logging.ERROR) and not _reaches_stderr():
        print(f"ERROR  {line}", file=sys.stderr)


def _reaches_stderr() -> bool:
    current: logging.Logger | None = logger
    while current is not None:
        if any(getattr(handler, "stream", None) is sys.stderr for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


def _log_warning(message: Warning | str, *details: Any, **options: Any) -> None:  # as the original
    """What operators should know, without the line of code that it comes from."""
    logger.warning("%s", message)
