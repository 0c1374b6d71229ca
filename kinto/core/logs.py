"""Handlers and formatters that configuration files name.

Source: "Logging" of the operations guide, section 5.2.
"""

import logging
from collections.abc import Mapping
from typing import Any

from dockerflow.logging import JsonLogFormatter as DockerflowFormatter
from dockerflow.logging import request_id_context


class StreamHandlerWithRequestID(logging.StreamHandler):  # type: ignore[type-arg]  # any stream
    """Adds the id of the request at hand to every record."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.addFilter(_add_request_id)


def _add_request_id(record: logging.LogRecord) -> bool:
    record.rid = request_id_context.get(None)
    return True


class JsonLogFormatter(DockerflowFormatter):  # type: ignore[misc]  # dockerflow ships no types
    """One JSON object a line, named after the project."""

    logger_name = "kinto"

    @classmethod
    def init_from_settings(cls, settings: Mapping[str, Any]) -> None:
        """Take the name of the project, at start-up."""
        cls.logger_name = settings.get("project_name") or cls.logger_name

    def __init__(
        self, fmt: str | None = None, datefmt: str | None = None, style: Any = "%"
    ) -> None:
        super().__init__(fmt, datefmt, style)
        self.logger_name = type(self).logger_name
