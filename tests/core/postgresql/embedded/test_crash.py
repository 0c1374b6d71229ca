"""Servers and users of servers that are killed."""

import os
import signal
import threading
from pathlib import Path

from kinto.core.postgresql.embedded import EmbeddedServer, resolve_url, status, stop, watch
from tests.core.postgresql.embedded.conftest import (
    USER,
    attached,
    eventually,
    permissions_kept,
    pid_of,
    query,
)


_kept: list[EmbeddedServer] = []


def start_and_keep(folder: Path) -> str:
    """Attach without a ``with``: the attachment lives as long as the process."""
    server = attached(folder)
    _kept.append(server)
    query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    return server.url


def test_the_server_of_a_killed_parent_is_adopted_then_stopped(made_folder, in_other_process):
    parent = in_other_process(start_and_keep, made_folder)
    parent.result()
    pid = pid_of(made_folder)
    parent.kill()
    assert pid_of(made_folder) == pid
    assert not status(made_folder).is_used

    with attached(made_folder) as server:
        assert pid_of(made_folder) == pid
        assert query(server.url, "SELECT answer FROM kept") == 42

    assert pid_of(made_folder) is None


def test_a_killed_server_that_nobody_reaps_is_started_again(made_folder, in_other_process):
    parent = in_other_process(start_and_keep, made_folder)
    parent.result()
    pid = pid_of(made_folder)
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    # Its parent lives, and never asks: the process stays as a zombie.
    eventually(lambda: "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text())

    assert not status(made_folder).is_running
    with permissions_kept(made_folder / "data"), attached(made_folder) as server:
        assert pid_of(made_folder) != pid
        assert query(server.url, "SELECT answer FROM kept") == 42


def test_a_killed_server_is_brought_back_by_the_watcher(made_folder):
    stop_event = threading.Event()
    with attached(made_folder) as server:
        thread = threading.Thread(
            target=watch, args=(server, stop_event), kwargs={"pause_seconds": 0.05}
        )
        thread.start()
        pid = pid_of(made_folder)
        assert pid is not None

        os.kill(pid, signal.SIGKILL)

        eventually(lambda: server.is_running() and pid_of(made_folder) != pid)
        assert query(server.url, "SELECT 1") == 1
        stop_event.set()
        thread.join()


def test_a_server_stopped_on_purpose_is_left_so_by_the_watcher(made_folder):
    class Rounds(threading.Event):
        """Set after two rounds of the watcher."""

        rounds = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.rounds += 1
            return self.rounds > 2

    server = attached(made_folder)
    assert stop(made_folder) is True

    watch(server, Rounds())

    assert not server.is_running()
    server.revive()
    assert server.is_running()
    assert server.detach(stop=True) is True
    server.revive()
    assert not server.is_running()


def test_a_watcher_survives_a_server_that_does_not_start():
    class FailingServer:
        folder = Path("/nowhere")
        attempts = 0

        def is_running(self) -> bool:
            return False

        def was_stopped(self) -> bool:
            return False

        def revive(self) -> None:
            self.attempts += 1
            raise OSError("disk full")

    class Pauses(threading.Event):
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []

        def wait(self, timeout: float | None = None) -> bool:
            self.seconds.append(timeout or 0)
            return len(self.seconds) > 8

    server, pauses = FailingServer(), Pauses()

    watch(server, pauses)

    assert server.attempts == 8
    assert pauses.seconds == [1, 2, 4, 8, 16, 32, 32, 32, 32]


def test_resolving_again_brings_a_killed_server_back(made_folder):
    url = resolve_url(f"embedded://{made_folder}", made_folder, user=USER)
    pid = pid_of(made_folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: pid_of(made_folder) is None)

    assert resolve_url(f"embedded://{made_folder}", made_folder, user=USER) == url
    assert query(url, "SELECT 1") == 1


def test_a_pid_that_another_process_has_by_now_is_not_believed(made_folder):
    with attached(made_folder) as server:
        pid = pid_of(made_folder)
        assert pid is not None
        stale = (made_folder / "data" / "postmaster.pid").read_text()
        query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: pid_of(made_folder) is None)
        pid_file = made_folder / "data" / "postmaster.pid"
        pid_file.write_text(stale.replace(str(pid), str(os.getpid()), 1))

        assert not server.is_running()
        server.revive()

        assert query(server.url, "SELECT answer FROM kept") == 42


def test_a_first_start_that_was_killed_is_waited_for(folder, in_other_process):
    parent = in_other_process(start_and_keep, folder)
    eventually((folder / "data.new" / "base").exists)
    parent.kill()

    with attached(folder) as server:
        assert query(server.url, "SELECT 1") == 1
