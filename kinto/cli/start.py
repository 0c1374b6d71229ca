"""``kinto start``: the API served by waitress."""

import argparse
import os
from pathlib import Path
from typing import Any

import hupper

from kinto import main
from kinto.cli.application import find_named_ini
from kinto.cli.databases import find_embedded_folders, running_databases
from kinto.cli.first_session import first_session_settings, new_secret, persistent_secret
from kinto.cli.migrate import initialize_schemas
from kinto.cli.server import (
    describe_address,
    run_server,
    serve_application,
    stop_on_sigterm,
    with_port,
)
from kinto.config.inifile import (
    DEFAULT_PATH,
    DEFAULT_PORT,
    load_application,
    load_server_options,
    read_app_settings,
    require_ini,
    setup_logging,
)
from kinto.core.postgresql.embedded import default_folder
from kinto.core.settings import EmbeddedSettings, parse_group, read_settings


_HOST = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_parse_port,
        help=f"where the server listens (default: of the configuration file, {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        help="start again when a Python module or the configuration file changes",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    ini = find_named_ini(args)
    if ini is None and DEFAULT_PATH.exists():
        ini = DEFAULT_PATH
    if ini is not None:
        ini = require_ini(ini)
    if args.reload:
        # Returns in the worker process only.
        reloader = hupper.start_reloader("kinto.__main__.main", worker_args=(args.argv,))
        if ini is not None:
            reloader.watch_files([str(ini)])
    stop_on_sigterm()
    if ini is None:
        _serve_first_session(args.port or DEFAULT_PORT)
    else:
        _serve_ini(ini, args.port)
    return 0


def _serve_ini(ini: Path, explicit_port: int | None) -> None:
    """Serve what the file describes, with its own logging."""
    port = explicit_port or DEFAULT_PORT
    setup_logging(ini)
    raw = read_app_settings(ini, port=port)
    folders = find_embedded_folders(raw, ini.parent)
    with running_databases(folders, user=_embedded_user(raw)):
        app = load_application(ini, port=port)
        context = load_server_options(ini, port=port)
        if explicit_port is not None:
            context.local_conf = with_port(context.local_conf, explicit_port)
        server = context.create()
        run_server(lambda: server(app), address=describe_address(context.local_conf))


def _serve_first_session(port: int) -> None:
    """Serve without a configuration file, on a database of our own that is made when missing."""
    folder = default_folder()
    raw: dict[str, Any] = first_session_settings(folder)
    folders = find_embedded_folders(raw, folder)
    with running_databases(folders, user=_embedded_user(raw)):
        raw["userid_hmac_secret"] = persistent_secret(folders[0]) if folders else new_secret()
        app = main({}, **raw)
        initialize_schemas(app.registry)
        url = f"http://localhost:{port}{_prefix(app)}/"
        run_server(
            lambda: serve_application(app, host=_HOST, port=port, url=url),
            address=f"{_HOST}:{port}",
        )


def _prefix(app: Any) -> str:
    prefix = getattr(app.registry, "route_prefix", None)
    return f"/{prefix}" if prefix else ""


def _embedded_user(raw: dict[str, Any]) -> str:
    settings = read_settings(raw, prefix="kinto", defaults={}, environ=os.environ)
    return parse_group(EmbeddedSettings, settings).user


def _parse_port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a port number, got {text!r}")
