"""The embedded databases of a service that is being started."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kinto.core.postgresql.embedded import (
    EmbeddedServer,
    attach,
    is_embedded_url,
    parse_embedded_url,
    watch,
)
from kinto.core.settings import KINTO_DEFAULT_SETTINGS, read_settings


_KINDS = ("storage", "cache", "permission")


def find_embedded_folders(raw: Mapping[str, Any], base_folder: Path) -> tuple[Path, ...]:
    """The folders that the backends need a server for.

    :param raw: settings as they are written; the environment wins over them.
    :param base_folder: where relative folders start: that of the INI file.
    """
    settings = read_settings(
        raw, prefix="kinto", defaults=KINTO_DEFAULT_SETTINGS, environ=os.environ
    )
    urls = (
        str(settings.get(f"{kind}_url") or "")
        for kind in _KINDS
        if "postgresql" in str(settings.get(f"{kind}_backend"))
    )
    folders = (parse_embedded_url(url, base_folder) for url in urls if is_embedded_url(url))
    return tuple(dict.fromkeys(folders))


@contextmanager
def running_databases(folders: tuple[Path, ...], *, user: str) -> Iterator[None]:
    """Start the servers of these folders, keep them alive, stop them at the end.

    :param user: the system user they run as, when we are root.
    :raises kinto.core.postgresql.embedded.EmbeddedPostgreSQLError: one does not start.
    """
    with ExitStack() as stack:
        for folder in folders:
            server = stack.enter_context(attach(folder, user=user, owner=True))
            stack.enter_context(_watching(server))
        yield


@contextmanager
def _watching(server: EmbeddedServer) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=watch, args=(server, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
