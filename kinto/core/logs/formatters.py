"""Handler and formatter that configuration files name.

Source: "Logging" of the operations guide, section 5.2.
"""

import logging
from collections.abc import Mapping
from typing import Any

from dockerflow import logging as dockerflow_logging
from dockerflow.logging import request_id_context

from kinto.core.logs.values import to_json


# Its name in newer versions, and in those before.
_DockerflowFormatter: Any = getattr(dockerflow_logging, "MozlogFormatter", None) or getattr(
    dockerflow_logging, "JsonLogFormatter", None
)


class StreamHandlerWithRequestID(logging.StreamHandler):  # type: ignore[type-arg]  # any stream
    """Adds the id of the request at hand to every record."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.addFilter(_add_request_id)


def _add_request_id(record: logging.LogRecord) -> bool:
    # The summary of a request has it already.
    if "rid" not in record.__dict__:
        record.rid = request_id_context.get(None)
    return True


class JsonLogFormatter(_DockerflowFormatter):  # type: ignore[misc]  # dockerflow ships no types
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
        # It is the class that is told at start-up, when the formatter is there already.
        del self.logger_name

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line, whatever it holds."""
        entry = self.convert_record(record)
        entry["Fields"].setdefault("rid", request_id_context.get(None))
        return to_json(entry)
