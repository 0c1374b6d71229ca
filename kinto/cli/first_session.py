"""Settings of ``kinto start`` when there is no configuration file."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import quote

from kinto.config.template import PLUGIN_SETTINGS, PLUGINS, POLICIES


_SECRET_FILE = "secret"
_SECRET_BYTES = 32


def first_session_settings(folder: Path) -> dict[str, str]:
    """Settings for somebody who just wants to try: everything in an embedded PostgreSQL.

    :param folder: of the embedded PostgreSQL.
    """
    settings = {
        "includes": " ".join(PLUGINS),
        "multiauth.policies": " ".join(POLICIES),
        **PLUGIN_SETTINGS,
    }
    for kind in ("storage", "cache", "permission"):
        settings[f"{kind}_backend"] = f"kinto.core.{kind}.postgresql"
        settings[f"{kind}_url"] = f"embedded://{quote(str(folder))}"
    return settings


def new_secret() -> str:
    """A secret for user ids."""
    return secrets.token_hex(_SECRET_BYTES)


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
            file.write(new_secret())
        with contextlib.suppress(FileExistsError):
            os.link(name, path, follow_symlinks=False)
    finally:
        os.unlink(name)
    return _read_secret(path)


def _read_secret(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, encoding="ascii") as file:
        return file.read().strip()
