"""The unprivileged system user that PostgreSQL runs as.

PostgreSQL refuses to run as root. An ordinary user runs it as itself; root runs it as the owner
of the data folder, or, for a new folder, as a system user made for that: without home, without
login shell.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinto.core.postgresql.embedded.errors import NotPermitted


if sys.platform != "win32":
    import pwd

# What `useradd` takes, and never an option of it.
_USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_NO_LOGIN_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false")
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_USERADD_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether files and processes have to be handed over to that user."""
        return self.uid != os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:  # values as subprocess.Popen takes them
        """Keyword arguments that make a subprocess run as that user, in a neutral place."""
        arguments: dict[str, Any] = {
            "cwd": "/",
            "env": {"PATH": os.environ.get("PATH", _SYSTEM_FOLDERS), "LC_ALL": "C"},
            "stdin": subprocess.DEVNULL,
            "umask": 0o077,
        }
        if self.is_other:
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return arguments


def server_account(data: Path, *, user: str) -> Account:
    """Whom the server of the folder ``data`` runs as.

    :param user: name of the system user that root takes for a new folder, made if missing.
    :raises NotPermitted: this process cannot run PostgreSQL on that folder.
    """
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        return _account_of(os.geteuid()) if os.geteuid() else _system_account(user)
    except PermissionError as error:
        raise NotPermitted(f"{data}: this user may not look into it") from error
    account = _account_of(owner)
    if owner == 0:
        raise NotPermitted(
            f"{data} belongs to root, and PostgreSQL refuses to run as root:"
            f" give it to an unprivileged user (chown -R {user}: {data})"
        )
    if os.geteuid() not in (0, owner):
        raise NotPermitted(
            f"{data} belongs to {account.name}: only that user, or root, may use it"
        )
    return account


def _account_of(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        # Containers run with user ids that have no entry.
        return Account(str(uid), uid, os.getegid())
    return Account(entry.pw_name, uid, entry.pw_gid)


def _system_account(user: str) -> Account:
    if not _USER_NAME.fullmatch(user):
        raise NotPermitted(
            f"{user!r} is no name of a system user:"
            " kinto.embedded_user takes lower-case letters, digits, - and _"
        )
    account = _find_account(user) or _create_account(user)
    if account.uid == 0:
        raise NotPermitted(
            "PostgreSQL refuses to run as root: name an unprivileged user in kinto.embedded_user"
        )
    return account


def _find_account(user: str) -> Account | None:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return Account(user, entry.pw_uid, entry.pw_gid)


def _create_account(user: str) -> Account:
    shell = next((s for s in _NO_LOGIN_SHELLS if Path(s).exists()), _NO_LOGIN_SHELLS[-1])
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    program = shutil.which("useradd", path=_SYSTEM_FOLDERS)
    reason = "this system has no useradd"
    for _ in range(_USERADD_ATTEMPTS if program else 0):
        done = subprocess.run(
            [program or "", *options, "--shell", shell, user],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
        # Another process may have made the same user, or hold the lock of /etc/passwd.
        if account := _find_account(user):
            return account
        reason = " ".join(done.stderr.split()) or f"useradd ended with {done.returncode}"
        time.sleep(0.3)
    raise NotPermitted(
        f"PostgreSQL refuses to run as root, and the system user {user!r} could not be made"
        f" ({reason}): make it, or name an unprivileged user in kinto.embedded_user"
    )


def explain_unreachable(folder: Path, account: Account) -> str | None:
    """Names the folder on the way to ``folder`` that keeps ``account`` out; None: none does.

    By permission bits alone: used to explain a failure, never to decide.
    """
    if not account.is_other:
        return None
    for place in [*reversed(folder.parents), folder]:
        try:
            entry = place.stat()
        except OSError:
            return None
        if entry.st_uid == account.uid:
            bit = 0o100
        elif entry.st_gid == account.gid:
            bit = 0o010
        else:
            bit = 0o001
        if not entry.st_mode & bit:
            return f"{place} is closed to user {account.name}; choose a folder elsewhere"
    return None
