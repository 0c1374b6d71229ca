"""WSGI middlewares that settings ask for: the agent of New Relic, a profiler.

Source: "Metrics, monitoring" of the operations guide, section 1.9.
"""

import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from pyramid.exceptions import ConfigurationError

from kinto.core.settings import MonitoringSettings, parse_group


_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9_.-]")
_MAX_NAME_LENGTH = 150
# Of what a profile shows: our own functions.
_SHOWN = ("kinto.core",)


def install_middlewares(app: Any, settings: Mapping[str, Any]) -> Any:
    """The application wrapped in what the settings name; as it is where they name nothing.

    :raises ConfigurationError: a package is missing, or a file.
    """
    monitoring = parse_group(MonitoringSettings, settings)
    if monitoring.newrelic_config is not None:
        app = _with_new_relic(app, monitoring.newrelic_config, monitoring.newrelic_env)
    if monitoring.has_profiler:
        app = _with_profiler(app, monitoring.profiler_dir or tempfile.gettempdir())
    return app


def _with_new_relic(app: Any, config_file: str, environment: str) -> Any:
    try:
        import newrelic.agent
    except ImportError as error:
        raise _missing("newrelic_config", "newrelic") from error
    if not Path(config_file).is_file():
        raise ConfigurationError(f"Setting 'kinto.newrelic_config': no such file: {config_file}")
    newrelic.agent.initialize(config_file, environment)
    return newrelic.agent.WSGIApplicationWrapper(app)


def _with_profiler(app: Any, folder: str) -> Any:
    try:
        from werkzeug.middleware.profiler import ProfilerMiddleware
    except ImportError as error:
        raise _missing("profiler_enabled", "werkzeug") from error
    Path(folder).mkdir(parents=True, exist_ok=True)
    profiler = ProfilerMiddleware(
        app,
        # Standard output is for logs, where operators say so.
        stream=sys.stderr,
        restrictions=_SHOWN,
        profile_dir=folder,
        filename_format=name_profile,  # type: ignore[arg-type]  # its annotation forgets functions
    )
    return ProfiledApplication(profiler, registry=getattr(app, "registry", None))


class ProfiledApplication:
    """Answers one request at a time, as Python profiles one thread at a time.

    :param registry: what the command line and plugins' tests look for on an application.
    """

    def __init__(self, profiler: Any, *, registry: Any) -> None:
        self.registry = registry
        self._profiler = profiler
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            answer: Iterable[bytes] = self._profiler(environ, start_response)
        return answer


def name_profile(environ: Mapping[str, Any]) -> str:
    """``METHOD.path.<milliseconds>.<epoch>.prof``, whatever the client asked for."""
    path = environ.get("PATH_INFO", "").strip("/").replace("/", ".") or "root"
    name = _UNSAFE_CHARACTERS.sub("_", f"{environ['REQUEST_METHOD']}.{path}")[:_MAX_NAME_LENGTH]
    profile = environ["werkzeug.profiler"]
    return f"{name}.{profile['elapsed']:.0f}ms.{profile['time']:.0f}.prof"


def _missing(setting: str, package: str) -> ConfigurationError:
    return ConfigurationError(
        f"Setting 'kinto.{setting}' needs the package {package}: kinto[monitoring]."
    )
