"""The folder in which the processes of one service share their series.

The client library keeps a file for each process there. Those of an earlier run must go, those of
the other workers must stay, and a worker may start at any time.
"""

import fcntl
import os
import shutil
from pathlib import Path


_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_OWNER = "owner.lock"


def find_folder() -> Path | None:
    """The folder that the environment names; ``None`` with a single process."""
    folder = os.environ.get(_VARIABLE)
    return Path(folder) if folder else None


def prepare_folder(folder: Path) -> None:
    """Make the folder, empty when this is the first process of the service that asks for it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _OWNER).open("a+", encoding="ascii") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        owner.seek(0)
        us = find_service()
        if owner.read() == us:
            return
        for path in folder.iterdir():
            if path.name != _OWNER:
                _remove(path)
        owner.seek(0)
        owner.truncate()
        owner.write(us)


def find_service() -> str:
    """What a service has in common with its workers, and with no other one: its process group.

    The number may be used again after a while; when its leader was started tells them apart,
    where the system shows it.
    """
    group = os.getpgrp()
    try:
        # The name of the program, which may hold anything, ends with the last bracket.
        fields = Path(f"/proc/{group}/stat").read_text(encoding="ascii", errors="replace")
        started = fields.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        started = ""
    return f"{group} {started}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
