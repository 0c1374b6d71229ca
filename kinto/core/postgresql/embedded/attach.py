"""Using the server of a folder: started by the first process, stopped after the last.

Each process that uses it holds a shared lock on the file ``clients``, which the kernel drops when
the process is killed. So a server whose parent was killed is adopted by whoever comes next.
"""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from kinto.core.postgresql.embedded.accounts import Account, server_account
from kinto.core.postgresql.embedded.binaries import Binaries, find_binaries
from kinto.core.postgresql.embedded.errors import UnsupportedPlatform
from kinto.core.postgresql.embedded.layout import (
    DATABASE,
    Layout,
    Role,
    is_embedded_url,
    make_folder,
    open_private,
    parse_embedded_url,
)
from kinto.core.postgresql.embedded.locks import (
    log_patience,
    share_lock,
    start_stop_lock,
    try_lock,
)
from kinto.core.postgresql.embedded.postmaster import find_postmaster
from kinto.core.postgresql.embedded.server import StartSettings, ensure_running, stop_server
from kinto.core.postgresql.embedded.status import Status, read_status


DEFAULT_USER = "kinto"
DEFAULT_TIMEOUT_SECONDS = 60.0


class EmbeddedServer:
    """The use that this process makes of a running server; a context manager.

    Made by :func:`attach`.
    """

    def __init__(
        self,
        layout: Layout,
        account: Account,
        *,
        settings: StartSettings,
        clients: int,
        is_owner: bool,
    ) -> None:
        self._layout = layout
        self._account = account
        self._settings = settings
        self._clients: int | None = clients
        self._is_owner = is_owner
        # A server must not be revived after this process let go of it.
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return f"<EmbeddedServer {self.folder}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.detach(stop=self._is_owner)

    @property
    def folder(self) -> Path:
        return self._layout.folder

    @property
    def url(self) -> str:
        """The application's database, as its owner; holds the password."""
        return self._layout.url(self._account)

    def url_for(self, database: str = DATABASE, *, role: Role = "kinto") -> str:
        """The URL of any database of the server, for ``kinto`` or the superuser ``postgres``."""
        return self._layout.url(self._account, database=database, role=role)

    def status(self) -> Status:
        return read_status(self._layout)

    def is_running(self) -> bool:
        postmaster = find_postmaster(self._layout)
        return postmaster is not None and postmaster.is_ready

    def was_stopped(self) -> bool:
        """Whether somebody stopped it on purpose, with ``kinto db stop``."""
        return self._layout.stopped.exists()

    def revive(self) -> None:
        """Start the server again where it died; does nothing after :meth:`detach`.

        :raises EmbeddedPostgreSQLError: it cannot be started.
        """
        with self._guard:
            if self._clients is None:
                return
            patience = log_patience(self._layout, self._settings.timeout_seconds)
            with start_stop_lock(self._layout, self._account, patience) as lock:
                ensure_running(self._layout, self._account, self._settings, lock=lock)

    def detach(self, *, stop: bool) -> bool:
        """Let go of the server.

        :param stop: stop it, unless other processes use it. What :func:`resolve_url` holds in this
            process is let go of, too.
        :returns: whether the server was stopped.
        """
        with self._guard:
            clients, self._clients = self._clients, None
        if clients is None:
            return False
        # Closed, never unlocked: a forked process that uses the server shares this lock.
        os.close(clients)
        if not stop:
            return False
        _forget(self.folder)
        return _stop_if_unused(self._layout, self._account, self._settings.timeout_seconds)


def attach(
    folder: Path,
    *,
    user: str = DEFAULT_USER,
    owner: bool,
    options: Mapping[str, str] = MappingProxyType({}),
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    binaries: Binaries | None = None,
) -> EmbeddedServer:
    """Use the server of ``folder``, made and started where necessary.

    :param user: the system user it runs as when root makes the folder.
    :param owner: stop the server at the end of the context, unless others use it.
    :param options: settings of PostgreSQL for a server that is not running yet.
    :param timeout_seconds: how long nothing may move; crash recovery takes longer, and moves.
    :param binaries: the programs, where not :func:`~.binaries.find_binaries`.
    :raises EmbeddedPostgreSQLError: with the reason, in one line.
    """
    if sys.platform == "win32":
        raise UnsupportedPlatform(
            "The embedded PostgreSQL needs unix sockets: name a database in kinto.storage_url"
        )
    layout = Layout(folder.resolve())
    settings = StartSettings(binaries or find_binaries(), options, timeout_seconds)
    account = server_account(layout.data, user=user)
    make_folder(layout.folder, account)
    patience = log_patience(layout, timeout_seconds)
    with start_stop_lock(layout, account, patience) as lock:
        clients = open_private(layout.clients, account)
        try:
            share_lock(clients)
            ensure_running(layout, account, settings, lock=lock)
        except BaseException:
            os.close(clients)
            raise
    return EmbeddedServer(layout, account, settings=settings, clients=clients, is_owner=owner)


def _stop_if_unused(layout: Layout, account: Account, timeout_seconds: float) -> bool:
    patience = log_patience(layout, timeout_seconds)
    with start_stop_lock(layout, account, patience):
        clients = open_private(layout.clients, account)
        try:
            return try_lock(clients) and stop_server(layout, account, patience)
        finally:
            os.close(clients)


def stop(folder: Path, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> bool:
    """Stop the server of ``folder``, whoever uses it.

    :returns: whether it ran.
    :raises EmbeddedPostgreSQLError: this user may not, or it does not stop.
    """
    layout = Layout(folder.resolve())
    if not status(folder).is_made:
        return False
    account = server_account(layout.data, user=DEFAULT_USER)
    patience = log_patience(layout, timeout_seconds)
    with start_stop_lock(layout, account, patience):
        return stop_server(layout, account, patience)


def status(folder: Path) -> Status:
    """The state of the server of ``folder``; changes nothing.

    :raises NotPermitted: this user may not look into the folder.
    """
    return read_status(Layout(folder.resolve()))


# What `resolve_url` holds for this process: one attachment to each folder, for as long as
# the process lives.
_resolved: dict[Path, EmbeddedServer] = {}
_resolved_guard = threading.Lock()


def resolve_url(
    url: str,
    base_folder: Path,
    *,
    user: str = DEFAULT_USER,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
) -> str:
    """The PostgreSQL URL behind an ``embedded:`` one; the server runs when this returns.

    The process uses the server until it ends, without the right to stop it.

    :param url: any other URL is returned as it is.
    :param base_folder: where relative folders start: that of the ini file.
    :raises EmbeddedPostgreSQLError: with the reason, in one line.
    """
    if not is_embedded_url(url):
        return url
    folder = parse_embedded_url(url, base_folder)
    with _resolved_guard:
        server = _resolved.get(folder)
        if server is None or not server.is_running():
            if server is not None:
                server.detach(stop=False)
            server = attach(folder, user=user, owner=False, timeout_seconds=timeout_seconds)
            _resolved[folder] = server
        return server.url


def release(*, stop: bool) -> None:
    """Let go of what :func:`resolve_url` holds for this process: for the end of a command.

    :param stop: stop each server that nobody else uses, so that a command leaves none behind.
    :raises EmbeddedPostgreSQLError: one does not stop.
    """
    with _resolved_guard:
        servers = list(_resolved.values())
        _resolved.clear()
    for server in servers:
        server.detach(stop=stop)


def _forget(folder: Path) -> None:
    with _resolved_guard:
        if server := _resolved.pop(folder, None):
            server.detach(stop=False)


def _start_afresh_in_child() -> None:
    """A forked process makes its own attachments.

    Those it inherited stay open: it may go on using an URL that was resolved before the fork.
    """
    global _resolved_guard
    _resolved_guard = threading.Lock()
    _resolved.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh_in_child)
