"""Renderers at work: the text of each record is what the renderer of its application makes.

The records themselves stay as they are, for handlers that read more of them than their text:
those of Sentry need the exception.

Source: "Heka renderer" of the operations guide, section 5.3.
"""

import copy
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dockerflow.logging import request_id_context
from logging_color_formatter import ColorFormatter
from pyramid.threadlocal import get_current_registry


Renderer = Callable[[Any, str, dict[str, Any]], str]

_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_STANDARD_ATTRIBUTES |= {"taskName"}
# On the registry of an application.
_ATTRIBUTE = "logging_renderer"
# Of what is logged outside of requests: that of the application which was set up last.
_process: dict[str, Renderer | None] = {"renderer": None}


def use_renderer(renderer: Renderer | None, registry: Any = None) -> None:
    """Have that renderer make the text of records, or none, through every handler there is.

    :param registry: of the application whose requests it is for; without one it serves until
        there is an application.
    """
    if registry is not None:
        setattr(registry, _ATTRIBUTE, renderer)
    _process["renderer"] = renderer
    for handler in iter_handlers():
        inner = handler.formatter
        if isinstance(inner, RenderingFormatter):
            continue
        if renderer is not None or isinstance(inner, ColorFormatter):
            handler.setFormatter(RenderingFormatter(inner or logging.Formatter()))


def iter_handlers() -> Iterator[logging.Handler]:
    """Each handler of each logger, once."""
    seen = set()
    # A copy: other threads may make loggers meanwhile.
    for logger in (logging.getLogger(), *list(logging.root.manager.loggerDict.values())):
        for handler in getattr(logger, "handlers", ()):
            if id(handler) not in seen:
                seen.add(id(handler))
                yield handler


class RenderingFormatter(logging.Formatter):
    """Gives a formatter records whose message is what the renderer made of them.

    :param inner: the formatter that the configuration names.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        renderer = getattr(get_current_registry(), _ATTRIBUTE, _process["renderer"])
        if renderer is None and not isinstance(self.inner, ColorFormatter):
            return self.inner.format(record)
        # Handlers read it that have their records formatted: raven's.
        record.message = record.getMessage()
        shown = copy.copy(record)
        shown.msg, shown.args = record.message, ()
        if renderer is not None:
            shown.msg = renderer(
                logging.getLogger(record.name), record.levelname.lower(), event_of(record)
            )
            shown.exc_info = shown.exc_text = shown.stack_info = None
        if isinstance(self.inner, ColorFormatter):
            # It takes what stands in braces for the name of a field.
            shown.msg = shown.msg.replace("%", "%%").replace("{", "{{").replace("}", "}}")
            if vars(shown).get("rid") is None:
                # Outside of a request; it shows whatever fields there are.
                vars(shown).pop("rid", None)
        return self.inner.format(shown)


def event_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a renderer is given: ``event``, the extras of the record, ``exception``, ``rid``."""
    event = {"event": record.getMessage() or record.name, **extras_of(record)}
    if record.exc_info and record.exc_info[0] is not None:
        event["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    elif record.exc_text:
        event["exception"] = record.exc_text
    if record.stack_info:
        event["stack"] = record.stack_info
    if event.get("rid") is None:
        event.pop("rid", None)
        if (request_id := request_id_context.get(None)) is not None:
            event["rid"] = request_id
    return event


def extras_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record holds beyond the standard."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD_ATTRIBUTES}


def with_safe_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields whose names no attribute of a record has: others get an underscore."""
    if _STANDARD_ATTRIBUTES.isdisjoint(fields):
        return dict(fields)
    return {
        f"{name}_" if name in _STANDARD_ATTRIBUTES else name: value
        for name, value in fields.items()
    }
