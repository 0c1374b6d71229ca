"""Where the parts of an embedded PostgreSQL lie.

::

    <folder>/data       0700  the data folder of PostgreSQL
    <folder>/run        0700  the folder of its socket (below /tmp where that path is too long)
    <folder>/password   0600  made at the first start
    <folder>/lock             held while somebody starts or stops the server
    <folder>/clients          shared lock of each process that uses the server
    <folder>/running          lock of the server, held as long as one process of it lives
    <folder>/stopped          there when the server was stopped on purpose
    <folder>/server.log
"""

import hashlib
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from kinto.core.postgresql.embedded.accounts import Account
from kinto.core.postgresql.embedded.errors import InvalidEmbeddedURL, NotPermitted


PORT = 5432
APPLICATION_ROLE = DATABASE = "kinto"
SUPERUSER = "postgres"

Role = Literal["kinto", "postgres"]

# A unix socket's path has 107 bytes at most, "/.s.PGSQL.5432.lock" included. PostgreSQL and
# libpq both take a comma as a separator, so only plain paths are used as they are.
_SOCKET_FOLDER_MAX_BYTES = 85
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._@+-]*")
_FALLBACK_FOLDER = Path("/tmp")  # the same for all processes, whatever their TMPDIR


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below the folder of one embedded PostgreSQL."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def new_data(self) -> Path:
        """Becomes ``data`` once it is complete."""
        return self.folder / "data.new"

    @property
    def password(self) -> Path:
        return self.folder / "password"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def clients(self) -> Path:
        return self.folder / "clients"

    @property
    def running(self) -> Path:
        return self.folder / "running"

    @property
    def stopped(self) -> Path:
        return self.folder / "stopped"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def socket_folder(self, account: Account) -> Path:
        run = self.folder / "run"
        if len(bytes(run)) <= _SOCKET_FOLDER_MAX_BYTES and _PLAIN_PATH.fullmatch(str(run)):
            return run
        digest = hashlib.sha256(bytes(self.folder)).hexdigest()[:16]
        return _FALLBACK_FOLDER / f"kinto-{account.uid}-{digest}"

    def url(self, account: Account, *, database: str = DATABASE, role: Role = "kinto") -> str:
        """The URL for SQLAlchemy, password included."""
        try:
            descriptor = os.open(self.password, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise NotPermitted(f"{self.password} cannot be read: {error.strerror}") from error
        with open(descriptor, encoding="ascii") as file:
            password = file.read().strip()
        host = quote(str(self.socket_folder(account)))
        return f"postgresql://{role}:{quote(password)}@/{quote(database)}?host={host}&port={PORT}"


def default_folder() -> Path:
    """The folder of ``kinto start`` when nothing names one."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/kinto")
    data_home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification has relative paths ignored.
    if data_home.startswith("/"):
        return Path(data_home) / "kinto"
    try:
        return Path.home() / ".local" / "share" / "kinto"
    except RuntimeError as error:
        raise NotPermitted(
            "The embedded PostgreSQL has no place, as this user has no home:"
            " name a folder (kinto.storage_url = embedded:///folder) or set HOME"
        ) from error


def is_embedded_url(url: str) -> bool:
    return url.startswith("embedded:")


def parse_embedded_url(url: str, base_folder: Path) -> Path:
    """The folder that a URL names, absolute, one spelling for each folder.

    :param url: without a path it names the default folder.
    :param base_folder: where relative folders start: that of the ini file.
    :raises InvalidEmbeddedURL: it names none.
    """
    scheme, _, path = url.partition(":")
    if scheme == "embedded" and not path:
        return default_folder().resolve()
    if path.startswith("///"):
        path = path[2:]
    if scheme != "embedded" or not path.strip("/.") or path.startswith("//") or "\0" in path:
        raise InvalidEmbeddedURL(
            f"{url!r}: expected embedded:///absolute/folder, embedded:relative/folder,"
            " or embedded: alone for the default folder"
        )
    folder = base_folder / Path(unquote(path)).expanduser()
    return folder.resolve()


def make_folder(folder: Path, account: Account) -> None:
    """Make ``folder`` with mode 0700 for ``account``; leave it as it is where it exists.

    :raises NotPermitted: this process may not.
    """
    try:
        _make_parents(folder)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            return
        if account.is_other:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    except OSError as error:
        raise NotPermitted(f"{folder} cannot be made: {error.strerror}") from error


def _make_parents(folder: Path) -> None:
    missing = [place for place in folder.parents if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o755, exist_ok=True)
        if os.geteuid() == 0:
            # Made just now, by us: the server's user has to get through, whatever the umask.
            place.chmod(0o755)


def make_socket_folder(layout: Layout, account: Account) -> Path:
    """Make the folder of the socket, or check the one that is there.

    :raises NotPermitted: in a place where everybody writes, somebody else was there first.
    """
    folder = layout.socket_folder(account)
    make_folder(folder, account)
    entry = folder.lstat()
    is_ours = stat.S_ISDIR(entry.st_mode) and entry.st_uid == account.uid
    if folder.parent == _FALLBACK_FOLDER and (not is_ours or entry.st_mode & 0o077):
        raise NotPermitted(f"{folder} is not a folder of {account.name} alone: remove it")
    return folder


def open_private(path: Path, account: Account, *, flags: int = os.O_RDWR) -> int:
    """Open a file below the folder, made with mode 0600 for ``account`` where it is missing.

    Root works here in a folder that belongs to another user, so that no link is followed.

    :raises NotPermitted: it cannot be opened, or is no plain file.
    """
    flags |= os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            descriptor = os.open(path, flags)
        else:
            if account.is_other:
                os.fchown(descriptor, account.uid, account.gid)
    except OSError as error:
        raise NotPermitted(f"{path} cannot be opened: {error.strerror}") from error
    entry = os.fstat(descriptor)
    if not stat.S_ISREG(entry.st_mode) or entry.st_nlink != 1:
        os.close(descriptor)
        raise NotPermitted(f"{path} is not a plain file with one name: remove it")
    return descriptor
