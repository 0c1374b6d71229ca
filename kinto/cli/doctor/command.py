"""``kinto doctor``: a configuration and its components, examined."""

import argparse
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinto.cli.application import find_ini
from kinto.cli.doctor.diagnosis import examine
from kinto.cli.doctor.findings import Result
from kinto.cli.doctor.report import as_json, as_table, exit_code
from kinto.config.inifile import MissingIniError
from kinto.core.postgresql.embedded import release


logger = logging.getLogger(__name__)

_DEFAULT_SIZE = (80, 24)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 for warnings as well as for failures"
    )


def run(args: argparse.Namespace) -> int:
    """Print what was found, on stdout.

    :returns: 0; 1 if a check fails, or with ``--strict`` warns.
    """
    ini = find_ini(args).absolute()
    try:
        with _others_silenced():
            results = examine(ini)
    finally:
        release(stop=True)
    _print_report(results, args, ini)
    if not ini.is_file():
        logger.error("%s", MissingIniError(ini))
    return exit_code(results, is_strict=args.strict)


def _print_report(results: list[Result], args: argparse.Namespace, ini: Path) -> None:
    if args.json:
        print(as_json(results, ini))
        return
    width = shutil.get_terminal_size(_DEFAULT_SIZE).columns if sys.stdout.isatty() else 80
    has_colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for line in as_table(results, width=width, has_colours=has_colours):
        print(line)


@contextmanager
def _others_silenced() -> Iterator[None]:
    """Have start-up and drivers log nothing, except to those who want to see everything.

    What they would say is in the table.
    """
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
