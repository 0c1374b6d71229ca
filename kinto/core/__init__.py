"""A server for resources over HTTP, to build applications on."""

import logging

from kinto.core import errors, events, initialization, metrics, resource, utils
from kinto.core.application import includeme, initialize
from kinto.core.authentication import get_user_info
from kinto.core.logs import JsonLogFormatter, StreamHandlerWithRequestID
from kinto.core.middlewares import install_middlewares
from kinto.core.service import Service
from kinto.core.settings import CORE_DEFAULT_SETTINGS as DEFAULT_SETTINGS
from kinto.core.settings import load_default_settings


logger = logging.getLogger(__name__)

__all__ = [
    "DEFAULT_SETTINGS",
    "JsonLogFormatter",
    "Service",
    "StreamHandlerWithRequestID",
    "errors",
    "events",
    "get_user_info",
    "includeme",
    "initialization",
    "initialize",
    "install_middlewares",
    "load_default_settings",
    "logger",
    "metrics",
    "resource",
    "utils",
]
