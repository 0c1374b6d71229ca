"""A server process whose log is looked at, and a plugin that fails on demand."""

import contextlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

from tests.support.processes import (
    STARTUP_TIMEOUT_SECONDS,
    Daemon,
    free_port,
    running,
    service_directory,
    stop,
    wait_for_port,
)
from tests.support.services import MEMORY_SETTINGS, write_ini


# As the operator's guide has it, the address of the Sentry server apart.
GUIDE_BLOCK = """
[loggers]
keys = root, kinto

[handlers]
keys = console, sentry

[formatters]
keys = generic, heka

[logger_root]
level = INFO
handlers = console, sentry

[logger_kinto]
level = INFO
handlers = console, sentry
qualname = kinto

[handler_console]
class = StreamHandler
args = (sys.stdout,)
level = INFO
formatter = heka

[handler_sentry]
class = raven.handlers.logging.SentryHandler
args = ('http://public:secret@example.com/1',)
level = INFO
formatter = generic

[formatter_generic]
format = %(asctime)s %(levelname)-5.5s [%(name)s][%(threadName)s] %(message)s

[formatter_heka]
format = %(message)s
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and what it has written."""

    url: str
    daemon: Daemon
    stdout: Path
    stderr: Path

    def call(
        self,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer; redirections are not followed."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", method=method, data=data)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            request.add_header(name, value)
        opener = urllib.request.build_opener(_NoRedirection)
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def out(self) -> str:
        return self.stdout.read_text(encoding="utf-8")

    def output(self) -> str:
        """All that was written."""
        return self.out() + self.stderr.read_text(encoding="utf-8")

    def wait_until_written(self, text: str, *, count: int) -> None:
        """Return when it has written a text so often.

        :raises AssertionError: it has not in time.
        """
        deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
        while self.output().count(text) < count:
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; what it has written can still be read."""
        stop(self.daemon.process)

    def lines(self) -> list[dict[str, Any]]:
        """Each line of stdout, which has to be JSON."""
        return [json.loads(line) for line in self.out().splitlines()]


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


@contextmanager
def running_server(
    settings: Mapping[str, object],
    *,
    logging_block: str,
    uwsgi: Mapping[str, object] | None = None,
) -> Iterator[Server]:
    """A server that logs as the block says.

    :param uwsgi: options of uWSGI, to serve with it instead of ``kinto start``.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("KINTO_")}
    env["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    port = free_port()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(service_directory("logged"))
        ini = write_ini(folder / "kinto.ini", {**MEMORY_SETTINGS, **settings})
        with ini.open("a", encoding="utf-8") as file:
            file.write(logging_block)
        command = [sys.executable, "-m", "kinto", "start", "--ini", str(ini), "--port", str(port)]
        if uwsgi is not None:
            command = _uwsgi_command(ini, port, uwsgi)
            env["KINTO_INI"] = str(ini)
        daemon = stack.enter_context(_running_with_streams(command, folder, env))
        wait_for_port(daemon, port=port)
        yield Server(f"http://127.0.0.1:{port}", daemon, folder / "stdout", folder / "stderr")


def _uwsgi_command(ini: Path, port: int, more: Mapping[str, object]) -> list[str]:
    import kinto

    package = Path(kinto.__file__).parent
    given: dict[str, object] = {
        "http-socket": f"127.0.0.1:{port}",
        "wsgi-file": package / "app.wsgi",
        "master": True,
        "need-app": True,
        "die-on-term": True,
        "enable-threads": True,
        "single-interpreter": True,
        "buffer-size": 65535,
        **more,
    }
    program = Path(sys.executable).with_name("pyuwsgi")
    options = (
        f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()
    )
    return [str(program), *options]


@contextmanager
def _running_with_streams(
    command: list[str], folder: Path, env: Mapping[str, str]
) -> Iterator[Daemon]:
    """The process with its stdout and stderr apart."""
    script = 'exec "$@" >stdout 2>stderr'
    with running(
        ["/bin/sh", "-c", script, "sh", *command], log_file=folder / "log", env=env
    ) as daemon:
        yield Daemon(daemon.process, folder / "stderr")


def failing(config: Configurator) -> None:
    """A plugin whose view fails with what it was sent in the text of the error."""
    config.add_route("fail", "/fail")
    config.add_view(_fail, route_name="fail")
    config.add_route("log", "/log")
    config.add_view(_log, route_name="log", renderer="json")


def _fail(request: Request) -> None:
    password = request.headers.get("Authorization", "")
    body = request.body.decode()
    try:
        raise ValueError(f"first line {{brace}} 100%\nsecond: {password} {body}")
    except ValueError as error:
        raise RuntimeError(f"cannot go on with {request.query_string} {body}") from error


def _log(request: Request) -> dict[str, object]:
    import logging

    logging.getLogger("some.library").warning("two\nlines %s", {"a": 1})
    try:
        raise LookupError("of a library")
    except LookupError:
        logging.getLogger("some.library").exception("it failed")
    warnings.warn("some Python warning", stacklevel=1)
    request.log_context(flavour="vanilla", nothing=None, nested={"a": [1]})
    request.log_context(name="not that of the logger")
    return {}
