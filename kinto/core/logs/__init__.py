"""Names of the logging of this service that configuration files and plugins use."""

from kinto.core.logs.classic import ClassicLogRenderer
from kinto.core.logs.formatters import JsonLogFormatter, StreamHandlerWithRequestID
from kinto.core.logs.heka import MozillaHekaRenderer


__all__ = [
    "ClassicLogRenderer",
    "JsonLogFormatter",
    "MozillaHekaRenderer",
    "StreamHandlerWithRequestID",
]
