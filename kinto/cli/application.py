"""The application that a command works on."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kinto.cli.errors import naming_service
from kinto.config.inifile import DEFAULT_PATH, load_application, named_ini, require_ini
from kinto.core.postgresql.embedded import release
from kinto.core.types import Registry


def find_named_ini(args: argparse.Namespace) -> Path | None:
    """The file that the arguments or the environment name."""
    return getattr(args, "ini_file", None) or named_ini(os.environ)


def find_ini(args: argparse.Namespace) -> Path:
    """The file that the arguments or the environment name, or the default one."""
    return find_named_ini(args) or DEFAULT_PATH


@contextmanager
def loaded_registry(args: argparse.Namespace) -> Iterator[Registry]:
    """The registry of the application, with its backends.

    An embedded PostgreSQL that was started for it ends with the block, unless others use it.

    :raises MissingIniError: there is no configuration file.
    """
    ini = require_ini(find_ini(args))
    try:
        app: Any = load_application(ini, command=args.subcommand)
        yield app.registry
    finally:
        release(stop=True)


def backend_url(registry: Registry, kind: str) -> str:
    """The URL of a backend, as it is configured.

    :param kind: ``storage``, ``cache`` or ``permission``.
    """
    return str(registry.settings.get(f"{kind}_url") or "")


def naming_backend(registry: Registry, kind: str) -> Any:  # a context manager
    """Tell which backend failed; see :func:`~kinto.cli.errors.naming_service`."""
    return naming_service(backend_url(registry, kind))
