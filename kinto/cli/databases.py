"""The embedded databases of a service that is being started."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kinto.core.postgresql.embedded import EmbeddedServer, attach, watch
from kinto.core.settings import (
    KINTO_DEFAULT_SETTINGS,
    EmbeddedSettings,
    parse_group,
    read_settings,
)
from kinto.core.setup.embedded import find_embedded_folder


_KINDS = ("storage", "cache", "permission")


def find_embedded_folders(raw: Mapping[str, Any], base_folder: Path) -> tuple[Path, ...]:
    """The folders that the backends need a server for.

    :param raw: settings as they are written; the environment wins over them.
    :param base_folder: where relative folders start: that of the INI file.
    :raises ConfigurationError: an URL names no folder.
    """
    settings = _read(raw)
    folders = (find_embedded_folder(settings, kind, base_folder) for kind in _KINDS)
    return tuple(dict.fromkeys(folder for folder in folders if folder is not None))


@contextmanager
def running_databases(raw: Mapping[str, Any], base_folder: Path) -> Iterator[tuple[Path, ...]]:
    """Start the servers that these settings need, keep them alive, stop them at the end.

    :param raw: settings as they are written; the environment wins over them.
    :returns: their folders.
    :raises ConfigurationError: a setting is wrong.
    :raises kinto.core.postgresql.embedded.EmbeddedPostgreSQLError: one does not start.
    """
    folders = find_embedded_folders(raw, base_folder)
    embedded = parse_group(EmbeddedSettings, _read(raw))
    with ExitStack() as stack:
        for folder in folders:
            server = attach(
                folder, user=embedded.user, owner=True, timeout_seconds=embedded.timeout_seconds
            )
            stack.enter_context(server)
            stack.enter_context(_watching(server))
        yield folders


def _read(raw: Mapping[str, Any]) -> dict[str, Any]:
    return read_settings(raw, prefix="kinto", defaults=KINTO_DEFAULT_SETTINGS, environ=os.environ)


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
