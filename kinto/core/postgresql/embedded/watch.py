"""A server that died is brought back while the service runs."""

import threading

import structlog

from kinto.core.postgresql.embedded.attach import EmbeddedServer
from kinto.core.postgresql.embedded.errors import EmbeddedPostgreSQLError


log = structlog.get_logger(__name__)

_MAX_DOUBLINGS = 5


def watch(
    server: EmbeddedServer, stop_event: threading.Event, *, pause_seconds: float = 1.0
) -> None:
    """Start the server again whenever it died, until ``stop_event`` is set: for a thread.

    A server that was stopped on purpose stays so.
    """
    failures = 0
    while not stop_event.wait(pause_seconds * 2**failures):
        try:
            if not server.is_running() and not server.was_stopped():
                log.warning("embedded database died, bringing it back", folder=str(server.folder))
                server.revive()
            failures = 0
        except (EmbeddedPostgreSQLError, OSError):
            failures = min(failures + 1, _MAX_DOUBLINGS)
            log.error("embedded database does not start", folder=str(server.folder), exc_info=True)
