"""Is the server of a data folder alive, judged from its pid file.

A process id alone says little: it may be a zombie (in containers PID 1 often reaps nobody), or
have gone to another process since.
"""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kinto.core.postgresql.embedded.layout import Layout


_STATUS_LINE = 7
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The main process of a server.

    :param status: ``starting``, ``ready`` or ``stopping``; empty in its first moments.
    """

    pid: int
    status: str

    @property
    def is_ready(self) -> bool:
        return self.status == _READY


# Servers that this process started: they become zombies when they end, until it reaps them.
_children: list[subprocess.Popen[bytes]] = []


def adopt_child(child: subprocess.Popen[bytes]) -> None:
    """Reap the process once it has ended."""
    _children.append(child)


def _reap_children() -> None:
    for child in list(_children):
        if child.poll() is not None:
            with suppress(ValueError):
                _children.remove(child)


def find_postmaster(layout: Layout) -> Postmaster | None:
    """The server that runs on the data folder; None when it is dead or was never started."""
    _reap_children()
    try:
        lines = layout.pid_file.read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not is_alive_on(pid, layout.data):
        return None
    status = lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""
    return Postmaster(pid, status)


def is_alive_on(pid: int, data: Path) -> bool:
    """Whether the process is no zombie, and works in the folder ``data``."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, as another user
    process = Path("/proc", str(pid))
    if not process.exists():
        return not Path("/proc/self").exists()  # no /proc on this system: believe kill()
    if _is_zombie(process):
        return False
    try:
        return (process / "cwd").samefile(data)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Root without the capability to look into processes, as in containers.
        return _looks_like_postgres(process, data)


def _is_zombie(process: Path) -> bool:
    try:
        after_name = (process / "stat").read_text(errors="replace").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return after_name.split()[0] in ("Z", "X")


def _looks_like_postgres(process: Path, data: Path) -> bool:
    try:
        is_same_owner = process.stat().st_uid == data.stat().st_uid
        return is_same_owner and (process / "comm").read_text().strip() == "postgres"
    except (FileNotFoundError, ProcessLookupError):
        return False


def remove_leftovers(layout: Layout, socket_folder: Path) -> None:
    """Remove the marks of a dead server that PostgreSQL would take for a living one.

    For the holder of the lock ``running``. PostgreSQL itself copes with a process id that is
    gone, but not with a zombie's, nor with one that another process has by now.
    """
    for path in (layout.pid_file, socket_folder / ".s.PGSQL.5432.lock"):
        try:
            pid = int(path.read_text(encoding="utf-8", errors="replace").split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            continue
        if not is_alive_on(pid, layout.data) and _exists(pid):
            path.unlink(missing_ok=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
