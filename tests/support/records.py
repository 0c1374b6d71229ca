"""Log records that a test looks at."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kinto.core.logs.rendering import extras_of


class Records(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.all: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(record)

    def of(self, name: str) -> list[logging.LogRecord]:
        """Those of one logger."""
        return [record for record in self.all if record.name == name]

    def extras(self, name: str) -> list[dict[str, Any]]:
        """The extras of those of one logger."""
        return [extras_of(record) for record in self.of(name)]

    def summary(self) -> dict[str, Any]:
        """The extras of the only summary of a request."""
        (found,) = self.extras("request.summary")
        return found


@contextmanager
def recording(level: int = logging.INFO, **levels: int) -> Iterator[Records]:
    """Records of all loggers while the block lasts.

    :param level: of the root logger.
    :param levels: of others, by name with ``_`` for each dot.
    """
    root, records = logging.getLogger(), Records()
    named = {logging.getLogger(name.replace("_", ".")): value for name, value in levels.items()}
    before = {logger: logger.level for logger in (root, *named)}
    for logger, value in {root: level, **named}.items():
        logger.setLevel(value)
    root.addHandler(records)
    try:
        yield records
    finally:
        root.removeHandler(records)
        for logger, value in before.items():
            logger.setLevel(value)
