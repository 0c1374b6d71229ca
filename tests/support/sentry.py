"""A stand-in for a Sentry server: it keeps what is posted to it."""

import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


WAIT_SECONDS = 20
Event = dict[str, Any]


class Collector:
    """What was received.

    :param port: of 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.raw: list[tuple[str, dict[str, str], str]] = []
        self.events: list[Event] = []

    def dsn(self, secret: str | None = None) -> str:
        """To be configured: today's SDK has no secret in it, raven has."""
        if secret is None:
            return f"http://public@127.0.0.1:{self.port}/1"
        # Its second is short where the tests have many neighbours: it drops events from then on.
        return f"http://public:{secret}@127.0.0.1:{self.port}/1?timeout={WAIT_SECONDS}"

    def wait_for(self, matches: Callable[[Event], bool], *, count: int = 1) -> list[Event]:
        """The events that match, once there are so many.

        :raises AssertionError: they did not come in time.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            found = [event for event in self.events if matches(event)]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError([message_of(event) for event in self.events])

    def text(self) -> str:
        """All that was received, headers included but for the key of the project."""
        return "\n".join(body for _, _, body in self.raw)


def message_of(event: Event) -> str:
    """The message of an event, of either SDK."""
    logentry = event.get("logentry") or event.get("sentry.interfaces.Message") or {}
    return str(event.get("message") or logentry.get("formatted") or logentry.get("message") or "")


def exception_of(event: Event) -> dict[str, Any]:
    """The exception of an event, of either SDK; empty without one."""
    values = (event.get("exception") or {}).get("values") or [{}]
    last: dict[str, Any] = values[-1]
    return last


@contextmanager
def running_collector() -> Iterator[Collector]:
    """A server that takes events until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = _decoded(self.rfile.read(int(self.headers["Content-Length"])))
            collector.raw.append((self.path, dict(self.headers), body.decode()))
            collector.events += _events_of(self.path, body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"id": "1"}')

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(server.server_address[1])
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _decoded(body: bytes) -> bytes:
    if body.startswith(b"\x1f\x8b"):
        return gzip.decompress(body)
    return zlib.decompress(body) if body[:1] == b"\x78" else body


def _events_of(path: str, body: bytes) -> list[Event]:
    if path.endswith("/store/"):
        return [json.loads(body)]
    # An envelope: a header, then for each item a header and its content, a line each.
    _, *lines = body.decode().splitlines()
    items = zip(lines[::2], lines[1::2], strict=False)
    return [json.loads(text) for header, text in items if json.loads(header)["type"] == "event"]
