"""Daemons that tests start on free ports of 127.0.0.1, each ended by its own process id."""

import contextlib
import ctypes
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest


STARTUP_TIMEOUT_SECONDS = 60
SHUTDOWN_TIMEOUT_SECONDS = 20
# PostgreSQL refuses to run as root, and no daemon of a test needs to.
UNPRIVILEGED_USER = "nobody"
_FIRST_USER_PORT = 10000
# Where Linux begins with the ports of outgoing connections, unless told otherwise.
_FIRST_EPHEMERAL_PORT = 32768
_PR_SET_PDEATHSIG = 1
_random = random.SystemRandom()


class DaemonError(Exception):
    """A daemon ended, or did not answer, before it was ready; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running process that belongs to the tests."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """What it has written so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def log_tail(self) -> str:
        return self.log()[-4000:]


def unavailable(service: str, *, hint: str) -> NoReturn:
    """Skip the test that needs ``service``; on CI, where everything is installed, fail it."""
    message = f"{service} is not available: {hint}"
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def find_program(name: str, *, package: str) -> str:
    """Path of an installed program; skips the test when there is none."""
    directories = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    if found := shutil.which(name, path=directories):
        return found
    return unavailable(name, hint=f"install the package {package}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody used a moment ago, neither by TCP nor by UDP.

    It is not one of those that the system gives to outgoing connections, of which there are many
    while tests run: between the choice of a port and its use, none of them takes it.
    """
    while True:
        # Not from the common generator, whose seed a test may set.
        port = _random.randrange(_FIRST_USER_PORT, _FIRST_EPHEMERAL_PORT)
        with contextlib.suppress(OSError):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(type=kind) as probe:
                    probe.bind(("127.0.0.1", port))
            return port


def daemon_user() -> str | None:
    """Whom a daemon has to run as: an unprivileged user for root, otherwise ourselves."""
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


@contextmanager
def service_directory(name: str) -> Iterator[Path]:
    """A short-pathed directory that belongs to the daemons' user, removed at the end.

    pytest's own ``tmp_path`` is closed to other users, and too long for a socket's path.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"kinto-{name}-"))
    if user := daemon_user():
        shutil.chown(directory, user)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str],
    *,
    log_file: Path,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[Daemon]:
    """Start a process in a session of its own, end it with what it started."""
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=log_file.parent,
            env=None if env is None else dict(env),
            start_new_session=True,
            user=user,
            group=None if user is None else _group_of(user),
            extra_groups=None if user is None else [],
            preexec_fn=_end_with_parent,
        )
    try:
        yield Daemon(process, log_file)
    finally:
        stop(process, stop_signal=stop_signal)


def stop(
    process: subprocess.Popen[bytes], *, stop_signal: signal.Signals = signal.SIGTERM
) -> None:
    """End a process, first politely."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(SHUTDOWN_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def stalled(daemon: Daemon) -> Iterator[None]:
    """Have a daemon, with all its processes, do nothing until the end of the block."""
    pids = [daemon.pid, *_descendants(daemon.pid)]
    for pid in pids:
        # Of a child that has just ended there is nothing to stop.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text(encoding="ascii").split()):
            yield child
            yield from _descendants(child)


def wait_for_port(daemon: Daemon, *, port: int) -> None:
    """Return when the daemon accepts connections.

    :raises DaemonError: it ended, or the time is up.
    """
    deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if daemon.process.poll() is not None:
            raise DaemonError(daemon.log_tail())
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise DaemonError(f"Nothing listens on port {port}.\n{daemon.log_tail()}")


def child_pids(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may hold anything.
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(status.parent.name))
    return sorted(found)


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _end_with_parent() -> None:
    """Have the kernel end the daemon when pytest is killed; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
