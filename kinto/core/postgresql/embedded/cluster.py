"""Making the data folder: complete, or not at all."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping

from kinto.core.postgresql.embedded.accounts import Account, explain_unreachable
from kinto.core.postgresql.embedded.binaries import Binaries, major_of
from kinto.core.postgresql.embedded.errors import (
    InitialisationFailed,
    NotPermitted,
    TookTooLong,
    WrongMajorVersion,
)
from kinto.core.postgresql.embedded.layout import (
    APPLICATION_ROLE,
    DATABASE,
    SUPERUSER,
    Layout,
    make_folder,
    open_private,
)


_FIRST_WITH_BUILTIN_LOCALE = 17
_CONFIGURATION = """
# Written by Kinto when it made this folder; from here on, yours to change.
max_connections = 200
jit = off
# Statements that fail are answered to the client: their text and values stay out of the log.
log_min_messages = log
log_checkpoints = off
"""


def check_major_version(layout: Layout, binaries: Binaries, version: str) -> None:
    """Refuse a data folder that other binaries made.

    :raises WrongMajorVersion: nothing was changed.
    """
    made_by = find_data_version(layout)
    if made_by is None or made_by == major_of(version):
        return
    raise WrongMajorVersion(
        f"{layout.data} was made by PostgreSQL {made_by}, and the programs found are of"
        f" PostgreSQL {version}: nothing was changed. Install PostgreSQL {made_by} again, or"
        f" convert the folder: {binaries.program('pg_upgrade')} -U {SUPERUSER}"
        f" -b <programs of {made_by}> -B {binaries.bin} -d {layout.data} -D <new data folder>"
    )


def find_data_version(layout: Layout) -> int | None:
    """The major version that made the data folder; None before the first start."""
    try:
        return major_of((layout.data / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise NotPermitted(f"{layout.data}: this user may not look into it") from error


def make_cluster(
    layout: Layout,
    account: Account,
    *,
    binaries: Binaries,
    version: str,
    options: Mapping[str, str],
    lock: int,
    timeout_seconds: float,
) -> None:
    """Make the data folder, with the role and the database of the application.

    :param lock: file descriptor of the lock that the programs keep should we be killed: an
        orphan among them must not meet the next attempt.
    :raises InitialisationFailed: with the reason that PostgreSQL gave.
    """
    if layout.data.exists():
        raise InitialisationFailed(
            f"{layout.data} exists, and is no data folder of PostgreSQL: move it away"
        )
    shutil.rmtree(layout.new_data, ignore_errors=True)
    make_folder(layout.new_data, account)
    password = _make_password(layout, account)
    run = _Runner(layout, account, binaries, lock=lock, timeout_seconds=timeout_seconds)
    run.initdb(major_of(version), is_synced=options.get("fsync") != "off")
    run.single_user(
        f"CREATE ROLE {APPLICATION_ROLE} LOGIN CREATEDB PASSWORD '{password}';\n"
        f"CREATE DATABASE {DATABASE} OWNER {APPLICATION_ROLE};\n",
        options,
    )
    with os.fdopen(
        open_private(
            layout.new_data / "postgresql.conf", account, flags=os.O_WRONLY | os.O_APPEND
        ),
        "w",
    ) as file:
        file.write(_CONFIGURATION)
        file.flush()
        os.fsync(file.fileno())
    layout.new_data.rename(layout.data)
    _sync_folder(layout)


def _make_password(layout: Layout, account: Account) -> str:
    """The password in the file, made now unless an attempt before this one did."""
    with os.fdopen(open_private(layout.password, account), "r+", encoding="ascii") as file:
        password = file.read().strip()
        if not password.isalnum():
            password = secrets.token_hex(24)
            file.seek(0)
            file.truncate()
            file.write(password + "\n")
            file.flush()
            os.fsync(file.fileno())
    return password


def _sync_folder(layout: Layout) -> None:
    descriptor = os.open(layout.folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Runner:
    """Runs the programs that make a data folder, as the server's user."""

    def __init__(
        self,
        layout: Layout,
        account: Account,
        binaries: Binaries,
        *,
        lock: int,
        timeout_seconds: float,
    ) -> None:
        self._layout = layout
        self._account = account
        self._binaries = binaries
        self._lock = lock
        self._timeout_seconds = timeout_seconds

    def initdb(self, major: int, *, is_synced: bool) -> None:
        arguments = ["--pgdata", str(self._layout.new_data), "--username", SUPERUSER]
        arguments += ["--pwfile", str(self._layout.password), "--auth", "scram-sha-256"]
        arguments += ["--encoding", "UTF8", "--data-checksums"]
        if not is_synced:
            arguments.append("--no-sync")
        if major >= _FIRST_WITH_BUILTIN_LOCALE:
            # The same order and the same case rules on every system.
            builtin = ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
            done = self._run("initdb", [*arguments, "--locale", "C", *builtin])
        else:
            done = self._run("initdb", [*arguments, "--locale", "C.UTF-8"])
            if "invalid locale" in done.stderr:
                done = self._run("initdb", [*arguments, "--locale", "C"])
        self._check(done)

    def single_user(self, statements: str, options: Mapping[str, str]) -> None:
        arguments = ["--single", "-D", str(self._layout.new_data), "-c", "exit_on_error=on"]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        self._check(self._run("postgres", [*arguments, SUPERUSER], statements))

    def _run(
        self, name: str, arguments: list[str], statements: str = ""
    ) -> subprocess.CompletedProcess[str]:
        how = self._account.popen_arguments()
        how.pop("stdin")
        try:
            return subprocess.run(
                [self._binaries.program(name), *arguments],
                input=statements,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._timeout_seconds,
                pass_fds=(self._lock,),
                start_new_session=True,
                check=False,
                **how,
            )
        except subprocess.TimeoutExpired as error:
            raise TookTooLong(
                f"{name} did not finish making {self._layout.data}"
                f" within {self._timeout_seconds:g} s"
            ) from error

    def _check(self, done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode == 0:
            return
        if reason := explain_unreachable(self._layout.new_data, self._account):
            raise NotPermitted(f"{self._layout.folder} cannot be used: {reason}")
        lines = [line for line in done.stderr.splitlines() if "error:" in line or "FATAL" in line]
        reason = (lines or done.stderr.splitlines() or ["no reason given"])[-1].strip()
        raise InitialisationFailed(f"{self._layout.data} could not be made: {reason}")
