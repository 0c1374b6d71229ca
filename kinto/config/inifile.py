"""The INI file of the service.

Source: "Configuration file" in the settings documentation.
"""

import contextlib
import logging.config
import os
import warnings
from collections.abc import Mapping
from configparser import RawConfigParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from paste.deploy import appconfig, loadapp
from paste.deploy.loadwsgi import SERVER, loadcontext
from pyramid.exceptions import ConfigurationError

from kinto.core.logs import JsonLogFormatter
from kinto.core.logs.events import configure_structlog
from kinto.core.logs.rendering import use_renderer
from kinto.core.settings import read_settings
from kinto.core.setup.logging import make_renderer


ENVIRONMENT_VARIABLE = "KINTO_INI"
DEFAULT_PATH = Path("config") / "kinto.ini"
DEFAULT_PORT = 8888


class MissingIniError(FileNotFoundError):
    """There is no such configuration file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"Could not find config file at {path}")
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


def named_ini(environ: Mapping[str, str]) -> Path | None:
    """The file that the environment names."""
    path = environ.get(ENVIRONMENT_VARIABLE)
    return Path(path) if path else None


def require_ini(path: Path) -> Path:
    """The absolute path of a file that is there.

    :raises MissingIniError: it is not.
    """
    if not path.is_file():
        raise MissingIniError(path)
    return path.absolute()


def is_app_ini(path: Path) -> bool:
    """Does this file describe the application?"""
    return _read_sections(path).has_section("app:main")


def read_app_settings(path: Path, *, port: int = DEFAULT_PORT) -> dict[str, Any]:
    """The settings of ``[app:main]``, as they are written."""
    return dict(appconfig(_uri(path), global_conf=_variables(path, port=port)).local_conf)


def load_application(path: Path, *, command: str | None = None, port: int = DEFAULT_PORT) -> Any:
    """The WSGI application of ``[app:main]``.

    :param command: the command line that it is loaded for, if it does not serve.
    :param port: the value of ``%(http_port)s``.
    """
    variables = _variables(path, port=port)
    if command is not None:
        variables["command"] = command
    return loadapp(_uri(path), global_conf=variables)


def load_server_options(path: Path, *, port: int = DEFAULT_PORT) -> Any:
    """The context of ``[server:main]``: ``local_conf`` are its options, ``create()`` makes it."""
    return loadcontext(SERVER, _uri(path), global_conf=_variables(path, port=port))


def setup_logging(path: Path) -> bool:
    """Apply the logging sections of the file; ``False`` when it has none."""
    if not _read_sections(path).has_section("loggers"):
        return False
    variables = {name: value.replace("%", "%%") for name, value in _variables(path).items()}
    logging.config.fileConfig(
        path, defaults=variables, disable_existing_loggers=False, encoding="utf-8"
    )
    configure_structlog()
    _render_from_now_on(path)
    return True


def _render_from_now_on(path: Path) -> None:
    """Have the lines before there is an application look like those that it logs."""
    # What is wrong with a setting is told when the application is made.
    with contextlib.suppress(ValueError, LookupError, ConfigurationError):
        settings = read_settings(
            read_app_settings(path), prefix="kinto", defaults={}, environ=os.environ
        )
        JsonLogFormatter.init_from_settings(settings)
        renderer = make_renderer(settings)
        use_renderer(renderer)
        if renderer is not None and warnings.showwarning.__module__ == "warnings":
            # They are lines of plain text otherwise, which uWSGI puts among those of stdout.
            logging.captureWarnings(True)


def _read_sections(path: Path) -> RawConfigParser:
    # The sections of uWSGI may repeat an option.
    parser = RawConfigParser(strict=False)
    parser.read(path, encoding="utf-8")
    return parser


def _uri(path: Path) -> str:
    # A "#" separates the section, and escapes are undone.
    return f"config:{quote(str(path.absolute()))}"


def _variables(path: Path, *, port: int = DEFAULT_PORT) -> dict[str, str]:
    file = path.absolute()
    return {"__file__": str(file), "here": str(file.parent), "http_port": str(port)}
