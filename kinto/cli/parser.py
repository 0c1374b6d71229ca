"""Arguments of the command line.

Source: "Command line" in the documentation.
"""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinto import __version__
from kinto.config.inifile import DEFAULT_PATH, ENVIRONMENT_VARIABLE
from kinto.config.template import BACKENDS


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand.

    :param run: returns the exit code of the process.
    """

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def build_parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """The parser of all commands; the namespace it gives has the command as ``command``.

    ``ini_file``, if given, is a path; it is accepted before and after the subcommand, where the
    second one wins.
    """
    parser = argparse.ArgumentParser(prog="kinto", description="Kinto command line.")
    parser.add_argument("-v", "--version", action="version", version=__version__)
    _add_ini_argument(parser)
    # Understood before `init` as well, like in Kinto 3.
    parser.add_argument(
        "--backend", dest="outer_backend", type=parse_backend, help=argparse.SUPPRESS
    )
    subparsers = parser.add_subparsers(dest="subcommand", metavar="subcommand", required=True)
    for command in commands:
        subparser = subparsers.add_parser(
            command.name, help=command.summary, description=command.summary
        )
        _add_common_arguments(subparser)
        command.add_arguments(subparser)
        subparser.set_defaults(command=command)
    return parser


def _add_ini_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ini",
        dest="ini_file",
        metavar="FILE",
        type=Path,
        # The subcommand must not undo what was given before it.
        default=argparse.SUPPRESS,
        help=f"configuration file (default: ${ENVIRONMENT_VARIABLE}, else {DEFAULT_PATH})",
    )


def _add_common_arguments(parser: argparse.ArgumentParser) -> None:
    _add_ini_argument(parser)
    parser.set_defaults(log_level=logging.INFO)
    for flags, level, text in (
        (("-q", "--quiet"), logging.CRITICAL, "show critical errors only"),
        (("-v", "--debug"), logging.DEBUG, "show everything"),
    ):
        parser.add_argument(*flags, dest="log_level", action="store_const", const=level, help=text)


def parse_backend(name: str) -> str:
    """The name of a backend.

    :raises argparse.ArgumentTypeError: it is none.
    """
    if name in BACKENDS:
        return name
    if name == "redis":
        hint = "redis is available for the cache only (--cache-backend redis)"
        raise argparse.ArgumentTypeError(hint)
    names = ", ".join(map(repr, BACKENDS))
    raise argparse.ArgumentTypeError(f"invalid choice: {name!r} (choose from {names})")
