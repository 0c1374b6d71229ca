"""Secret of a service whose storage is an embedded PostgreSQL, kept beside its data.

It is that of the data folder, so that every process that serves it gives the same ids to the
same users, and nobody finds it in a configuration file that everybody has.
"""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto.core.postgresql.embedded import InvalidEmbeddedURL, is_embedded_url, parse_embedded_url
from kinto.core.registry import current_settings
from kinto.core.settings import LiveSettings
from kinto.core.settings.errors import describe_invalid


_SECRET_FILE = "secret"
_SECRET_BYTES = 32


def find_embedded_folder(settings: Mapping[str, Any], kind: str, base_folder: Path) -> Path | None:
    """The folder whose server a backend needs, ``None`` if it needs none.

    :param kind: ``storage``, ``cache`` or ``permission``.
    :param base_folder: where relative folders start: that of the INI file.
    :raises ConfigurationError: the URL names no folder.
    """
    url = str(settings.get(f"{kind}_url") or "")
    if not is_embedded_url(url) or str(settings.get(f"{kind}_backend")).endswith(".memory"):
        return None
    try:
        return parse_embedded_url(url, base_folder)
    except InvalidEmbeddedURL as error:
        expected = "url (embedded:///absolute/folder, embedded:relative/folder, or embedded:)"
        message = describe_invalid(f"kinto.{kind}_url", url, expected)
        raise ConfigurationError(message) from error


def setup_secret(config: Configurator) -> None:
    """Fill in ``userid_hmac_secret`` where it is empty, on an embedded storage that runs."""
    settings = config.get_settings()
    if settings.get("userid_hmac_secret"):
        return
    folder = find_embedded_folder(settings, "storage", Path(settings.get("here") or "."))
    if folder is None:
        return
    secret = settings["userid_hmac_secret"] = persistent_secret(folder)
    parsed = current_settings(config.registry)
    authentication = replace(parsed.authentication, userid_hmac_secret=secret)
    config.registry.live_settings = LiveSettings(
        replace(parsed, authentication=authentication), settings
    )


def persistent_secret(folder: Path) -> str:
    """The secret of this folder, made at the first call: user ids depend on it.

    Two processes that make it at once get the same one.
    """
    path = folder / _SECRET_FILE
    try:
        return _read_secret(path)
    except FileNotFoundError:
        pass
    # A file of mode 0600 that nobody sees before it is complete.
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".")
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_SECRET_BYTES))
            if os.geteuid() == 0:
                # The next process may be one of the user whom the data belongs to.
                owner = folder.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        with contextlib.suppress(FileExistsError):
            os.link(name, path, follow_symlinks=False)
    finally:
        os.unlink(name)
    return _read_secret(path)


def _read_secret(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, encoding="ascii") as file:
        return file.read().strip()
