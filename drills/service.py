"""Kinto under uWSGI, with workers that can be killed and reloaded."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import (
    ROOT,
    Size,
    application_settings,
    environment_of_servers,
    migrate,
    wait_until_answering,
    write_ini,
)
from tests.support.processes import Daemon, child_pids, free_port, running, service_directory


_HELD = re.compile(r"^held (\d+) \S+ \S+$", re.MULTILINE)
_READY = re.compile(r"^WSGI app 0 .* ready in", re.MULTILINE)
_RELOADED = re.compile(r"chain reloading complete$", re.MULTILINE)
_TIMEOUT_SECONDS = 60
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Service:
    """A running server.

    :param url: with the version prefix.
    """

    url: str
    daemon: Daemon
    fifo: Path

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        return child_pids(self.daemon.pid)

    def kill_worker(self) -> int:
        """End the oldest worker without notice; returns its process id."""
        pid = self.workers()[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def reload(self) -> float:
        """Replace one worker after the other; returns when the last one is ready."""
        before = self._count_in_log(_RELOADED)
        # While it is busy with a reload, uWSGI ignores the next one.
        with self.fifo.open("w") as fifo:
            fifo.write("c")
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._count_in_log(_RELOADED) == before:
            assert time.monotonic() < deadline, f"The reload did not end\n{self._log()[-2000:]}"
            time.sleep(_PAUSE_SECONDS)
        return time.monotonic()

    def wait_for_workers(self, count: int) -> None:
        """Return when so many, in all, have imported the application, each by itself."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self.count_starts() < count:
            assert time.monotonic() < deadline, f"A worker is not ready\n{self._log()[-2000:]}"
            time.sleep(_PAUSE_SECONDS)

    def count_starts(self) -> int:
        """How many workers have begun to serve so far."""
        return self._count_in_log(_READY)

    def held_seconds(self, *, since: int = 0) -> float:
        """How long a request kept a thread at most.

        :param since: the length of the log before.
        """
        found = _HELD.findall(self._log()[since:])
        return max((int(milliseconds) / 1000 for milliseconds in found), default=0.0)

    def log_length(self) -> int:
        """How much was logged so far."""
        return len(self._log())

    def _count_in_log(self, pattern: re.Pattern[str]) -> int:
        return len(pattern.findall(self._log()))

    def _log(self) -> str:
        return self.daemon.log_file.read_text(encoding="utf-8", errors="replace")


@contextmanager
def running_service(
    database_url: str, *, size: Size, settings: Mapping[str, str]
) -> Iterator[Service]:
    """Kinto on that database, with its tables made, until the end of the block.

    A connection is for one request: kept-alive ones would be bound to a thread each.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    with service_directory("drill") as directory:
        ini = write_ini(
            directory / "kinto.ini", {**application_settings(database_url), **settings}
        )
        migrate(sys.executable, ini)
        fifo = directory / "fifo"
        command = [
            str(Path(sys.executable).with_name("uwsgi")), "--http-socket", f"127.0.0.1:{port}",
            "--master", "--lazy-apps", "--enable-threads", "--die-on-term", "--need-app",
            "--processes", str(size.processes), "--threads", str(size.threads),
            "--buffer-size", "65535", "--listen", "100", "--master-fifo", str(fifo),
            "--log-format", "held %(msecs) %(method) %(uri)",
            "--wsgi-file", str(ROOT / "app.wsgi"),
        ]  # fmt: skip
        environment = environment_of_servers({"KINTO_INI": str(ini)})
        with running(command, log_file=directory / "uwsgi.log", env=environment) as daemon:
            wait_until_answering(daemon, url=f"{url}/__lbheartbeat__")
            service = Service(url, daemon, fifo)
            service.wait_for_workers(size.processes)
            yield service
