"""What can be told about the server of a folder without touching it."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kinto.core.postgresql.embedded.cluster import find_data_version
from kinto.core.postgresql.embedded.errors import NotPermitted
from kinto.core.postgresql.embedded.layout import Layout
from kinto.core.postgresql.embedded.locks import try_lock
from kinto.core.postgresql.embedded.postmaster import find_postmaster


class State(Enum):
    """How far a server is."""

    ABSENT = "no database there"
    STOPPED = "stopped"
    STARTING = "starting or stopping"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Status:
    """The server of a folder, at one moment.

    :param pid: of its main process; ``None`` unless it runs.
    :param major_version: of the data folder; ``None`` where there is none.
    :param is_used: whether a process is attached to it.
    """

    folder: Path
    state: State
    pid: int | None = None
    major_version: int | None = None
    is_used: bool = False

    @property
    def is_made(self) -> bool:
        return self.state is not State.ABSENT

    @property
    def is_running(self) -> bool:
        return self.state is State.RUNNING


def read_status(layout: Layout) -> Status:
    """The state of the server.

    :raises NotPermitted: this user may not look into the folder.
    """
    try:
        major_version = find_data_version(layout)
        postmaster = find_postmaster(layout)
    except PermissionError as error:
        raise NotPermitted(f"{layout.folder}: this user may not look into it") from error
    if major_version is None:
        return Status(layout.folder, State.ABSENT)
    state = State.STOPPED
    if postmaster:
        state = State.RUNNING if postmaster.is_ready else State.STARTING
    return Status(
        layout.folder,
        state,
        pid=postmaster.pid if postmaster else None,
        major_version=major_version,
        is_used=_is_used(layout),
    )


def _is_used(layout: Layout) -> bool:
    """Tested under the other lock, so that nobody who is about to leave meets our test."""
    with ExitStack() as opened:
        for path in (layout.lock, layout.clients):
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                return False
            opened.callback(os.close, descriptor)
            if not try_lock(descriptor):
                return True
    return False
