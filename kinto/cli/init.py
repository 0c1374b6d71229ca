"""``kinto init``: a new configuration file."""

import argparse
import logging
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from kinto.cli.application import find_ini
from kinto.cli.errors import CommandError
from kinto.cli.parser import parse_backend
from kinto.config.template import BACKENDS, CACHE_BACKENDS, Choices, render_ini


logger = logging.getLogger(__name__)

_DEFAULT_BACKEND = "memory"
_ANSWERS = {"": "memory", "1": "postgresql"}
_CACHE_ANSWERS = {**_ANSWERS, "2": "memcached", "3": "redis"}
_PROMPT = "Select the backend you would like to use: (1 - postgresql, default - memory) "
_CACHE_PROMPT = (
    "Select the cache backend you would like to use: "
    "(1 - postgresql, 2 - memcached, 3 - redis, default - memory) "
)
_PACKAGES = {
    "postgresql": ("sqlalchemy", "psycopg2", "zope.sqlalchemy"),
    "memcached": ("pymemcache",),
    "redis": ("redis",),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend",
        type=parse_backend,
        metavar="{" + ",".join(BACKENDS) + "}",
        help="where objects and permissions are stored (default: asked)",
    )
    parser.add_argument(
        "--cache-backend", choices=CACHE_BACKENDS, help="where the cache is (default: asked)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="where the server listens (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the file, for the backends that were chosen.

    :raises CommandError: it exists already, or nobody answers.
    """
    path = find_ini(args)
    if path.exists():
        raise CommandError(f"{path} already exists.")
    choices = _choose(args)
    write_ini(path, render_ini(choices, now=datetime.now().astimezone()))
    logger.info("Created config %s", path.absolute())
    _tell_missing_packages(choices)
    return 0


def write_ini(path: Path, text: str) -> None:
    """Make the file, which holds secrets, for its owner only.

    :raises CommandError: somebody made it meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} already exists.") from None
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _choose(args: argparse.Namespace) -> Choices:
    backend = args.backend or args.outer_backend
    is_given = backend is not None
    if backend is None:
        try:
            backend = _ask(_PROMPT, _ANSWERS)
        except EOFError:
            message = "No backend was selected: use --backend. No file was written."
            raise CommandError(message) from None
    cache_backend = args.cache_backend
    if cache_backend is None:
        cache_backend = _choose_cache(backend, is_given=is_given)
    return Choices(backend, cache_backend, host=args.host)


def _choose_cache(backend: str, *, is_given: bool) -> str:
    """Scripts that know of one backend only get the same engine for the cache."""
    if is_given and backend != _DEFAULT_BACKEND and not sys.stdin.isatty():
        return backend
    try:
        return _ask(_CACHE_PROMPT, _CACHE_ANSWERS)
    except EOFError:
        return backend


def _ask(prompt: str, answers: Mapping[str, str]) -> str:
    while (answer := input(prompt).strip()) not in answers:
        pass
    return answers[answer]


def _tell_missing_packages(choices: Choices) -> None:
    for backend in dict.fromkeys((choices.backend, choices.cache_backend)):
        if not all(_is_installed(package) for package in _PACKAGES.get(backend, ())):
            logger.warning(
                "Packages that %s needs are missing: pip install kinto[%s]", backend, backend
            )


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
