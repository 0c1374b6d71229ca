"""The application that a command works on."""

import argparse
import os
from pathlib import Path
from typing import Any

from kinto.cli.errors import naming_service
from kinto.config.inifile import DEFAULT_PATH, load_application, named_ini, require_ini
from kinto.core.types import Registry


def find_named_ini(args: argparse.Namespace) -> Path | None:
    """The file that the arguments or the environment name."""
    return getattr(args, "ini_file", None) or named_ini(os.environ)


def find_ini(args: argparse.Namespace) -> Path:
    """The file that the arguments or the environment name, or the default one."""
    return find_named_ini(args) or DEFAULT_PATH


def load_registry(args: argparse.Namespace) -> Registry:
    """The registry of the application, with its backends.

    :raises MissingIniError: there is no configuration file.
    """
    app: Any = load_application(require_ini(find_ini(args)), command=args.subcommand)
    registry: Registry = app.registry
    return registry


def backend_url(registry: Registry, kind: str) -> str:
    """The URL of a backend, as it is configured.

    :param kind: ``storage``, ``cache`` or ``permission``.
    """
    return str(registry.settings.get(f"{kind}_url") or "")


def naming_backend(registry: Registry, kind: str) -> Any:  # a context manager
    """Tell which backend failed; see :func:`~kinto.cli.errors.naming_service`."""
    return naming_service(backend_url(registry, kind))
