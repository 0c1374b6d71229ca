"""``kinto db``: the state of the embedded PostgreSQL, told or ended."""

import argparse
from pathlib import Path

from kinto.cli.application import find_ini, find_named_ini
from kinto.cli.databases import find_embedded_folders
from kinto.cli.errors import CommandError
from kinto.config.inifile import read_app_settings, require_ini
from kinto.core.postgresql.embedded import Status, default_folder, status, stop


# Exit code of `status` for a server that does not run, as of init scripts.
NOT_RUNNING = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("status", "stop"),
        help="tell the state of the embedded PostgreSQL, or stop it whoever uses it",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="folder of the embedded PostgreSQL (default: the one that the configuration names,"
        " else that of `kinto start` without a configuration)",
    )


def run(args: argparse.Namespace) -> int:
    """Do what was asked.

    :returns: 0; 3 where ``status`` finds a server that does not run.
    """
    folders = _find_folders(args)
    if args.action == "stop":
        for folder in folders:
            print(f"{folder}: {'stopped' if stop(folder) else 'was not running'}")
        return 0
    found = [status(folder) for folder in folders]
    for one in found:
        print(describe_status(one))
    return 0 if all(one.is_running for one in found) else NOT_RUNNING


def describe_status(found: Status) -> str:
    """A few lines for an operator."""
    process = f" (process {found.pid})" if found.pid else ""
    lines = [f"folder:  {found.folder}", f"state:   {found.state.value}{process}"]
    if found.major_version:
        lines.append(f"version: PostgreSQL {found.major_version}")
        lines.append(f"in use:  {'yes' if found.is_used else 'no'}")
    return "\n".join(lines)


def _find_folders(args: argparse.Namespace) -> tuple[Path, ...]:
    if args.folder:
        return (args.folder.absolute(),)
    ini = find_ini(args)
    if find_named_ini(args) is None and not ini.exists():
        return find_embedded_folders({}, Path.cwd()) or (default_folder(),)
    ini = require_ini(ini)
    folders = find_embedded_folders(read_app_settings(ini), ini.parent)
    if not folders:
        raise CommandError(f"{ini} names no embedded PostgreSQL: give --folder")
    return folders
