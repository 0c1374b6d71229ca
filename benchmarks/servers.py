"""The servers that are compared, each under the same uWSGI options on the same PostgreSQL."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reference import reference_python
from tests.support.processes import (
    Daemon,
    DaemonError,
    free_port,
    running,
    service_directory,
)


ROOT = Path(__file__).parent.parent
NAMES = ("reference", "kinto", "limit")
_STARTUP_TIMEOUT_SECONDS = 90
_LOGGING = """
[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = plain

[logger_root]
level = WARNING
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = plain

[formatter_plain]
format = %(levelname)s %(name)s %(message)s
"""
_REFERENCE_MODULE = """
import os

from pyramid.paster import get_app, setup_logging


setup_logging(os.environ["KINTO_INI"])
application = get_app(os.environ["KINTO_INI"])
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many workers serve."""

    processes: int = 1
    threads: int = 4

    @property
    def connections(self) -> int:
        """Kept-alive connections that can be served at once: uWSGI gives each a thread."""
        return self.processes * self.threads


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs.

    :param pid: of its first process, whose children are the workers.
    """

    name: str
    url: str
    pid: int


def application_settings(database_url: str, *, with_accounts: bool = False) -> dict[str, str]:
    """What the reference and ours are configured with."""
    settings = {
        "kinto.userid_hmac_secret": "secret-of-the-benchmarks",
        "kinto.bucket_create_principals": "system.Authenticated",
        "multiauth.policies": "basicauth",
    }
    for backend in ("storage", "permission", "cache"):
        settings[f"kinto.{backend}_backend"] = f"kinto.core.{backend}.postgresql"
        settings[f"kinto.{backend}_url"] = database_url
    if with_accounts:
        settings |= {
            "kinto.includes": "kinto.plugins.accounts",
            "multiauth.policies": "account",
            "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
            "kinto.account_create_principals": "system.Everyone",
        }
    return settings


@contextmanager
def running_server(
    name: str, database_url: str, *, size: Size, with_accounts: bool = False
) -> Iterator[Server]:
    """One of `NAMES`, on an empty database, until the end of the block."""
    if name == "limit":
        environment = {"LIMIT_DATABASE_URL": database_url}
        with _uwsgi(
            name, sys.executable, ["--module", "benchmarks.limit_app"], size, environment
        ) as server:
            yield server
        return
    settings = application_settings(database_url, with_accounts=with_accounts)
    with service_directory("bench") as directory:
        ini = write_ini(directory / "kinto.ini", settings)
        if name == "reference":
            python = str(reference_python())
            (directory / "reference_wsgi.py").write_text(_REFERENCE_MODULE, encoding="utf-8")
            load = ["--pythonpath", str(directory), "--module", "reference_wsgi"]
        else:
            python = sys.executable
            load = ["--wsgi-file", str(ROOT / "app.wsgi")]
        migrate(python, ini)
        with _uwsgi(name, python, load, size, {"KINTO_INI": str(ini)}) as server:
            yield server


def write_ini(path: Path, settings: Mapping[str, str]) -> Path:
    """A configuration file with these settings, which logs warnings alone."""
    lines = ["[app:main]", "use = egg:kinto"]
    lines += [f"{name} = {value.replace('%', '%%')}" for name, value in settings.items()]
    path.write_text("\n".join(lines) + "\n" + _LOGGING, encoding="utf-8")
    return path


def migrate(python: str, ini: Path) -> None:
    """Run ``kinto migrate`` of an interpreter's Kinto."""
    done = subprocess.run(
        [Path(python).with_name("kinto"), "migrate", "--ini", str(ini)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment_of_servers({}),
        cwd=ini.parent, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise DaemonError(f"kinto migrate: {done.stdout}{done.stderr}")


def environment_of_servers(more: Mapping[str, str]) -> dict[str, str]:
    """Our environment with these variables."""
    # What the caller has configured for a server of theirs is not ours to inherit.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KINTO_")}
    return {**kept, **more}


@contextmanager
def _uwsgi(
    name: str, python: str, load: list[str], size: Size, environment: Mapping[str, str]
) -> Iterator[Server]:
    port = free_port()
    options = [
        "--http11-socket", f"127.0.0.1:{port}", "--master", "--lazy-apps", "--enable-threads",
        "--processes", str(size.processes), "--threads", str(size.threads), "--disable-logging",
        "--die-on-term", "--buffer-size", "65535", "--listen", "100", "--need-app",
        # Without it, answers on kept-alive connections wait for the client's delayed ACK.
        "--tcp-nodelay",
        "--pythonpath", str(ROOT) if name == "limit" else ".", "--callable", "application",
    ]  # fmt: skip
    command = [str(Path(python).with_name("uwsgi")), *options, *load]
    url = f"http://127.0.0.1:{port}/v1"
    with (
        service_directory("uwsgi") as directory,
        running(
            command, log_file=directory / "uwsgi.log", env=environment_of_servers(environment)
        ) as daemon,
    ):
        wait_until_answering(daemon, url=f"{url}/")
        yield Server(name, url, daemon.pid)


def wait_until_answering(daemon: Daemon, *, url: str) -> None:
    """Return when the URL can be fetched.

    :raises DaemonError: the server ended, or the time is up.
    """
    deadline = time.monotonic() + _STARTUP_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if daemon.process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
        else:
            return
    raise DaemonError(f"{url} does not answer.\n{daemon.log_tail()}")
