"""A PostgreSQL that can be stopped, killed and filled with sessions."""

import contextlib
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

from tests.support.postgresql import (
    PostgreSQLServer,
    find_binaries,
    initialise,
    reachable_binaries,
    serving,
)
from tests.support.processes import (
    STARTUP_TIMEOUT_SECONDS,
    Daemon,
    DaemonError,
    child_pids,
    free_port,
    service_directory,
)


# A fault must not be survived because the disk was not asked.
_SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_PAUSE_SECONDS = 0.02
_ATTEMPTS = 500
_NAME = "drill"
_OF_OTHERS = (
    "FROM pg_stat_activity WHERE backend_type = 'client backend'"
    f" AND application_name <> '{_NAME}' AND datname = 'kinto'"
)


class Database:
    """One server, and the database of the service on it.

    :ivar url: of that database.
    """

    def __init__(
        self, directory: Path, bin_directory: Path, *, max_connections: int, password: str
    ) -> None:
        self._directory = directory
        self._bin_directory = bin_directory
        # While it is down nobody else is given its port, and no client connects to itself.
        self._port = free_port()
        self._settings = {**_SETTINGS, "max_connections": str(max_connections)}
        self._server = PostgreSQLServer(
            f"postgresql://postgres:{password}@127.0.0.1:{self._port}/postgres"
        )
        self._running = contextlib.ExitStack()
        self._daemon: Daemon | None = None
        self._sessions: list[psycopg2.extensions.connection] = []
        self.url = self._server.url_of("kinto")

    def start(self) -> None:
        """Start the server; it may not answer yet."""
        self._daemon = self._running.enter_context(
            serving(self._directory, self._bin_directory, self._port, self._settings)
        )

    def create(self) -> None:
        """Make the database of the service."""
        deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
        while True:
            try:
                self._server.execute("CREATE DATABASE kinto")
            except psycopg2.OperationalError as error:
                if not self._is_running() or time.monotonic() > deadline:
                    raise DaemonError(f"{error}\n{self._log_tail()}") from error
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def wait_until_accepting(self) -> float:
        """When (monotonic) the server first gave a connection and an answer."""
        deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg2.Error):
                self.query("SELECT 1")
                return time.monotonic()
            if not self._is_running():
                # Memory of a killed server is in use until its last process has noticed.
                self._running.close()
                self.start()
            time.sleep(_PAUSE_SECONDS)
        raise DaemonError(f"PostgreSQL does not accept connections\n{self._log_tail()}")

    def freeze(self) -> None:
        """Stop every process of the server where it is; the kernel keeps their connections."""
        # The postmaster first, so that no backend is made meanwhile.
        os.kill(self._pid, signal.SIGSTOP)
        self._signal_backends(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_backends(signal.SIGCONT)
        os.kill(self._pid, signal.SIGCONT)

    def kill(self) -> None:
        """End every process of the server, without notice."""
        pids = [self._pid, *child_pids(self._pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._running.close()
        self._daemon = None

    def restart(self) -> float:
        """Start the server that was killed; returns when it accepts connections."""
        self.start()
        return self.wait_until_accepting()

    def fill_up(self) -> int:
        """Take every connection that is left, those of the service as it gives them up."""
        while True:
            try:
                self._sessions.append(self._connect())
            except psycopg2.OperationalError:
                return len(self._sessions)

    def give_back(self) -> None:
        """End the sessions of :meth:`fill_up`."""
        while self._sessions:
            self._sessions.pop().close()

    def end_sessions_of_others(self) -> None:
        """Have the server close the connections of the service, and take each of them over.

        The service may be quicker to connect again, so that it takes some attempts.
        """
        for _ in range(_ATTEMPTS):
            _rows(self._sessions[0], f"SELECT pg_terminate_backend(pid) {_OF_OTHERS}")
            self.fill_up()
            if _rows(self._sessions[0], f"SELECT COUNT(*) {_OF_OTHERS}") == [(0,)]:
                return

    def count_connections(self) -> int:
        """How many the service has."""
        return int(self.query(f"SELECT COUNT(*) {_OF_OTHERS}")[0][0])

    def count_idle_in_transaction(self) -> int:
        """How many of those are in a transaction and do nothing."""
        return int(
            self.query(f"SELECT COUNT(*) {_OF_OTHERS} AND state LIKE 'idle in transaction%'")[0][0]
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, on a connection of its own."""
        with contextlib.closing(self._connect()) as connection:
            return _rows(connection, sql)

    def close(self) -> None:
        """Stop the server, in whatever state it is."""
        if self._is_running():
            with contextlib.suppress(ProcessLookupError):
                self.thaw()
        self.give_back()
        self._running.close()

    def _connect(self) -> psycopg2.extensions.connection:
        # The least that libpq takes.
        return psycopg2.connect(self.url, connect_timeout=2, application_name=_NAME)

    @property
    def _pid(self) -> int:
        assert self._daemon is not None
        return self._daemon.pid

    def _is_running(self) -> bool:
        return self._daemon is not None and self._daemon.process.poll() is None

    def _log_tail(self) -> str:
        return "" if self._daemon is None else self._daemon.log_tail()

    def _signal_backends(self, number: signal.Signals) -> None:
        for pid in child_pids(self._pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _rows(connection: psycopg2.extensions.connection, sql: str) -> list[tuple[Any, ...]]:
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(sql)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


@contextmanager
def running_database(*, max_connections: int = 100) -> Iterator[Database]:
    """A server with an empty database, durable as in production, until the end of the block."""
    with service_directory("drill-pg") as directory:
        binaries = reachable_binaries(find_binaries(prefer_system=True), directory=directory)
        password = secrets.token_hex(8)
        initialise(directory, bin_directory=binaries, password=password)
        database = Database(
            directory, binaries, max_connections=max_connections, password=password
        )
        try:
            database.start()
            database.create()
            yield database
        finally:
            database.close()


class Occupation:
    """Takes each connection as soon as it is free, until it is released."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.taken = database.fill_up()
        self._thread.start()

    def release(self) -> float:
        """Give all of them back; returns when that was done."""
        self._is_over.set()
        self._thread.join()
        self._database.give_back()
        return self._database.wait_until_accepting()

    def _run(self) -> None:
        while not self._is_over.wait(_PAUSE_SECONDS):
            self.taken = self._database.fill_up()
