"""``kinto start``: the API served by waitress."""

import argparse
from pathlib import Path
from typing import Any

import hupper
import waitress

from kinto import main
from kinto.cli.application import find_named_ini
from kinto.cli.databases import running_databases
from kinto.cli.first_session import first_session_settings
from kinto.cli.migrate import initialize_embedded_schemas
from kinto.cli.server import (
    describe_address,
    run_server,
    serve_application,
    stop_on_sigterm,
    with_port,
)
from kinto.cli.suitability import refuse_unsuitable_databases
from kinto.config.inifile import (
    DEFAULT_PATH,
    DEFAULT_PORT,
    load_application,
    load_server_options,
    read_app_settings,
    require_ini,
    setup_logging,
)


_HOST = "127.0.0.1"
# For answers under way and an embedded database, before the worker of `--reload` is killed.
_STOP_SECONDS = 10


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
        reloader = hupper.start_reloader(
            "kinto.__main__.main", shutdown_interval=_STOP_SECONDS, worker_args=(args.argv,)
        )
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
    with running_databases(read_app_settings(ini, port=port), ini.parent):
        app = load_application(ini, port=port)
        _prepare_databases(app)
        context = load_server_options(ini, port=port)
        if explicit_port is not None:
            context.local_conf = with_port(context.local_conf, explicit_port)
        run_server(
            lambda: _serve_context(app, context), address=describe_address(context.local_conf)
        )


def _serve_context(app: Any, context: Any) -> None:
    """Serve by the server that the file names."""
    if context.object is waitress.serve_paste:
        serve_application(app, context.local_conf, path=_root_path(app))
    else:
        context.create()(app)


def _serve_first_session(port: int) -> None:
    """Serve without a configuration file, on a database of our own that is made when missing."""
    raw: dict[str, Any] = first_session_settings()
    with running_databases(raw, Path.cwd()):
        app = main({}, **raw)
        _prepare_databases(app)
        options = {"host": _HOST, "port": str(port)}
        run_server(
            lambda: serve_application(app, options, path=_root_path(app)),
            address=describe_address(options),
        )


def _prepare_databases(app: Any) -> None:
    initialize_embedded_schemas(app.registry)
    refuse_unsuitable_databases(app.registry)


def _root_path(app: Any) -> str:
    prefix = getattr(app.registry, "route_prefix", None)
    return f"/{prefix}/" if prefix else "/"


def _parse_port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a port number, got {text!r}")
