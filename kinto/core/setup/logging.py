"""Logs through the standard library, so that configuration files decide about them."""

import structlog
from pyramid.config import Configurator


# One list for all applications of a process: loggers keep the list that they were first used with.
_PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.filter_by_level,
    structlog.stdlib.render_to_log_kwargs,
]


def setup_logging(config: Configurator) -> None:
    """Have structlog hand its events to the standard loggers, with what they hold as extras."""
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
