"""Serving an application until a signal comes."""

import errno
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, NoReturn

import waitress

from kinto.cli.errors import CommandError


logger = logging.getLogger(__name__)


def stop_on_sigterm() -> None:
    """Have SIGTERM leave the blocks that are open, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _exit)


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def run_server(serve: Callable[[], object], *, address: str) -> None:
    """Call ``serve``, which returns after a signal.

    :param address: ``host:port``, for the message.
    :raises CommandError: the address cannot be used.
    """
    logger.info("Starting server in PID %s.", os.getpid())
    try:
        serve()
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise CommandError(f"Cannot listen on {address}: {error.strerror}") from error
        raise
    except KeyboardInterrupt:
        pass


def serve_application(app: Any, options: Mapping[str, str], *, path: str) -> None:
    """Serve by waitress, and say where.

    :param options: of waitress.
    :param path: of the root page, for the message.
    """
    server = waitress.create_server(app, **options)
    for url in listening_urls(server, path=path):
        logger.info("Serving on %s", url)
    try:
        server.run()
    finally:
        server.close()


def listening_urls(server: Any, *, path: str) -> Iterator[str]:
    """Where a server of waitress answers.

    :param path: of the root page.
    """
    listening = getattr(server, "effective_listen", None)
    for host, port in listening or [(server.effective_host, server.effective_port)]:
        if host == "unix":
            yield f"unix:{port}"
        else:
            yield f"http://{_shown_host(host)}:{port}{path}"


def _shown_host(host: str) -> str:
    if host in ("127.0.0.1", "::1"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def with_port(options: dict[str, str], port: int) -> dict[str, str]:
    """Options of ``[server:main]``, where that port stands instead of the written one."""
    changed = dict(options)
    if listen := changed.get("listen"):
        changed["listen"] = " ".join(
            f"{address.rpartition(':')[0] or '*'}:{port}" for address in listen.split()
        )
    elif "unix_socket" not in changed:
        changed["port"] = str(port)
    return changed


def describe_address(options: Mapping[str, str]) -> str:
    """Where these options have the server listen."""
    if address := options.get("listen") or options.get("unix_socket"):
        return address
    return f"{options.get('host', '0.0.0.0')}:{options.get('port', 8080)}"
