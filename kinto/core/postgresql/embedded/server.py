"""Start or stop of the server of a folder, whose lock the caller holds."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from kinto.core.postgresql.embedded.accounts import Account, explain_unreachable
from kinto.core.postgresql.embedded.binaries import Binaries, usable_binaries
from kinto.core.postgresql.embedded.cluster import (
    check_major_version,
    find_data_version,
    make_cluster,
)
from kinto.core.postgresql.embedded.errors import NotPermitted, StartFailed
from kinto.core.postgresql.embedded.layout import PORT, Layout, make_socket_folder, open_private
from kinto.core.postgresql.embedded.locks import Patience, log_patience, open_if_free
from kinto.core.postgresql.embedded.postmaster import (
    adopt_child,
    find_postmaster,
    remove_leftovers,
)


log = structlog.get_logger(__name__)

_LOG_MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class StartSettings:
    """How a server is started, if it is not running already.

    :param options: further settings of PostgreSQL (``{"fsync": "off"}`` for tests).
    :param timeout_seconds: without any progress.
    """

    binaries: Binaries
    options: Mapping[str, str]
    timeout_seconds: float


def ensure_running(
    layout: Layout, account: Account, settings: StartSettings, *, lock: int
) -> None:
    """Adopt the server that runs, or start one; returns when it takes connections.

    :param lock: file descriptor of the lock held by the caller.
    """
    layout.stopped.unlink(missing_ok=True)
    patience = log_patience(layout, settings.timeout_seconds)
    child: subprocess.Popen[bytes] | None = None
    while True:
        postmaster = find_postmaster(layout)
        if postmaster and postmaster.is_ready:
            _check_socket(layout, account, postmaster.pid)
            return
        if child is not None and child.poll() is not None:
            raise _start_failure(layout, account)
        # Where the lock is taken, a server is starting, or the last processes of a killed one
        # are about to end.
        if not postmaster and not child and (held := open_if_free(layout.running, account)):
            try:
                child = _start(layout, account, settings, running=held, lock=lock)
            finally:
                os.close(held)
        patience.wait(f"PostgreSQL was not ready on {layout.data} (it goes on; see {layout.log})")


def _check_socket(layout: Layout, account: Account, pid: int) -> None:
    socket = layout.socket_folder(account) / f".s.PGSQL.{PORT}"
    if not socket.exists():
        raise StartFailed(
            f"A PostgreSQL (process {pid}) runs on {layout.data}, but {socket} is not there:"
            f" stop it (kinto db stop --folder {layout.folder}) to have it started anew"
        )


def _start(
    layout: Layout, account: Account, settings: StartSettings, *, running: int, lock: int
) -> subprocess.Popen[bytes]:
    binaries, version = usable_binaries(settings.binaries, account, layout.folder)
    check_major_version(layout, binaries, version)
    if find_data_version(layout) is None:
        log.info("making the embedded database", folder=str(layout.folder), version=version)
        make_cluster(
            layout,
            account,
            binaries=binaries,
            version=version,
            options=settings.options,
            lock=lock,
            timeout_seconds=settings.timeout_seconds,
        )
    socket_folder = make_socket_folder(layout, account)
    remove_leftovers(layout, socket_folder)
    output = _open_log(layout, account)
    how = account.popen_arguments()
    try:
        child = subprocess.Popen(
            [binaries.program("postgres"), *_arguments(layout, socket_folder, settings.options)],
            stdout=output,
            stderr=output,
            # The lock lives as long as a process of the server does.
            pass_fds=(running,),
            # An interrupt from the terminal is for us alone.
            start_new_session=True,
            **how,
        )
    finally:
        os.close(output)
    adopt_child(child)
    log.info("embedded database started", folder=str(layout.folder), pid=child.pid)
    return child


def _arguments(layout: Layout, socket_folder: Path, options: Mapping[str, str]) -> list[str]:
    fixed = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "logging_collector": "off",
    }
    arguments = ["-D", str(layout.data)]
    for name, value in {**options, **fixed}.items():
        arguments += ["-c", f"{name}={value}"]
    return arguments


def _open_log(layout: Layout, account: Account) -> int:
    flags = os.O_WRONLY | os.O_APPEND
    descriptor = open_private(layout.log, account, flags=flags)
    if os.fstat(descriptor).st_size > _LOG_MAX_BYTES:
        os.close(descriptor)
        layout.log.rename(layout.log.with_name("server.log.1"))
        descriptor = open_private(layout.log, account, flags=flags)
    return descriptor


def _start_failure(layout: Layout, account: Account) -> Exception:
    if reason := explain_unreachable(layout.data, account):
        return NotPermitted(f"{layout.folder} cannot be used: {reason}")
    lines = layout.log.read_text(encoding="utf-8", errors="replace").splitlines()
    reasons = [line for line in lines if "FATAL" in line or "PANIC" in line]
    reason = (reasons or lines or ["no reason given"])[-1].strip()
    return StartFailed(f"PostgreSQL did not start on {layout.data}: {reason} (see {layout.log})")


def stop_server(layout: Layout, account: Account, patience: Patience) -> bool:
    """Stop the server, connections or not; returns when all its processes have ended.

    The fast way: transactions that are not committed are lost, nothing else is.

    :returns: whether it ran.
    """
    os.close(open_private(layout.stopped, account))
    signalled: set[int] = set()
    while True:
        postmaster = find_postmaster(layout)
        if postmaster is None and (held := open_if_free(layout.running, account)):
            os.close(held)
            if signalled:
                log.info("embedded database stopped", folder=str(layout.folder))
            return bool(signalled)
        if postmaster and postmaster.pid not in signalled:
            _interrupt(layout, postmaster.pid)
            signalled.add(postmaster.pid)
        patience.wait(f"PostgreSQL on {layout.data} did not stop (it goes on; see {layout.log})")


def _interrupt(layout: Layout, pid: int) -> None:
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise NotPermitted(
            f"The PostgreSQL of {layout.folder} (process {pid}) belongs to another user"
        ) from error
