"""The WSGI application for servers that import a file: uWSGI, Apache, gunicorn.

Source: "app.wsgi" in the documentation of production.
"""

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from kinto.cli.migrate import initialize_embedded_schemas
from kinto.config.inifile import (
    DEFAULT_PATH,
    ENVIRONMENT_VARIABLE,
    MissingIniError,
    is_app_ini,
    load_application,
    named_ini,
    require_ini,
    setup_logging,
)


Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApplication = Callable[[Environ, StartResponse], Iterable[bytes]]


# New containers before the collector looks for cycles. Requests leave few of these behind, and
# its default has it look several times during each.
_COLLECT_AFTER = 10_000


def settle_garbage_collector() -> None:
    """Leave what the application is made of alone: it stays as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


class ApplicationLoader:
    """The applications of this process, one for each configuration file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._applications: dict[Path, WSGIApplication] = {}

    def load(self, ini: Path) -> WSGIApplication:
        """The application of that file, made by the first call.

        An embedded database is brought up to date: nobody else looks after it.

        :raises MissingIniError: there is no such file.
        """
        path = ini.absolute()
        if application := self._applications.get(path):
            return application
        with self._lock:
            if path not in self._applications:
                require_ini(path)
                make = partial(self._make, path)
                self._applications[path] = in_own_thread(make) if _is_mod_wsgi() else make()
                settle_garbage_collector()
            return self._applications[path]

    def _make(self, path: Path) -> WSGIApplication:
        if not self._applications:
            # The logging of a process is that of its first application.
            setup_logging(path)
        # Any: the WSGI application of Pyramid, which has its registry.
        loaded: Any = load_application(path)
        initialize_embedded_schemas(loaded.registry)
        application: WSGIApplication = loaded
        return application


def in_own_thread(make: Callable[[], WSGIApplication]) -> WSGIApplication:
    """What ``make`` returns, called by a new thread.

    Apache gives each site an interpreter of its own. The thread that it made that with is
    unknown to the interpreter, and C extensions that ask for it (google-re2, when it is
    imported) would wait for ever. A thread that Python starts is known.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="kinto-loader") as threads:
        return threads.submit(make).result()


class LazyApplication:
    """An application made at the first request, from the file that the request's server names.

    Under Apache ``SetEnv KINTO_INI`` reaches requests, not the process. Requests with another
    file have their own application.
    """

    def __init__(self, loader: ApplicationLoader, default_ini: Path) -> None:
        self._loader = loader
        self._default_ini = default_ini

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        ini = Path(environ.get(ENVIRONMENT_VARIABLE) or self._default_ini)
        try:
            application = self._loader.load(ini)
        except MissingIniError as error:
            environ["wsgi.errors"].write(f"{error}\n")
            environ["wsgi.errors"].flush()
            return _answer_error(start_response)
        return application(environ, start_response)


def _answer_error(start_response: StartResponse) -> Iterable[bytes]:
    body = b"Internal Server Error"
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("500 Internal Server Error", headers)
    return [body]


_loader = ApplicationLoader()


def make_application(folder: Path) -> WSGIApplication:
    """The application that ``app.wsgi`` in that folder serves.

    It is made now where the file is known, so that a server fails when it is started rather
    than at the first request. Later calls for the same file return the same object.

    :raises MissingIniError: the file that the environment of the process names is not there.
    """
    default_ini = folder.absolute() / DEFAULT_PATH
    named = named_ini(os.environ)
    if named is None and not default_ini.is_file():
        named = _uwsgi_ini()
    if named is None and (_is_mod_wsgi() or not default_ini.is_file()):
        return LazyApplication(_loader, default_ini)
    application = _loader.load(named or default_ini)
    return LazyApplication(_loader, named) if named and _is_mod_wsgi() else application


def _is_mod_wsgi() -> bool:
    """Does this process belong to Apache?

    A package of that name may be installed elsewhere, without what Apache adds to it.
    """
    return hasattr(sys.modules.get("mod_wsgi"), "process_group")


def _uwsgi_ini() -> Path | None:
    """The file that uWSGI itself was started with, where it describes the application too."""
    # The module exists inside uWSGI only.
    options: Mapping[str, Any] = getattr(sys.modules.get("uwsgi"), "opt", {})
    files = options.get("ini", [])
    for name in [files] if isinstance(files, bytes) else files:
        path = Path(os.fsdecode(name))
        if path.is_file() and is_app_ini(path):
            return path
    return None
