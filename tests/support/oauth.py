"""An OAuth server as that of Firefox Accounts, on 127.0.0.1, which does what a test tells it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


Answer = tuple[int, Any]  # status; an object for JSON, bytes as they are


@dataclass(slots=True)
class OAuthDouble:
    """The server, seen by a test.

    :param tokens: what ``/verify`` answers, by token; others are refused.
    :param codes: tokens that ``/token`` gives, by code.
    :param answer: replaces every answer, where set.
    :param before_answer: called before each answer: to wait, say.
    """

    uri: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    before_answer: Callable[[], object] | None = None
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def reset(self) -> None:
        """Back to the beginning."""
        self.tokens, self.codes = {}, {}
        self.answer = self.before_answer = None
        self.calls.clear()

    def know(self, token: str, user: str = "0a1b2c3d", *scope: str, **more: Any) -> str:
        """Have ``/verify`` accept a token; gives the value for ``Authorization``."""
        self.tokens[token] = {"user": user, "scope": list(scope or ("profile",)), **more}
        return f"Bearer {token}"

    def verified(self) -> list[str]:
        """The tokens that were asked about, in order."""
        return [body["token"] for path, body in self.calls if path == "/v1/verify"]

    def respond(self, path: str, body: Any) -> Answer:
        """What to say to a request."""
        self.calls.append((path, body))
        if self.before_answer:
            self.before_answer()
        if self.answer is not None:
            return self.answer
        if path == "/__heartbeat__":
            return 200, {}
        if path == "/v1/verify" and body["token"] in self.tokens:
            return 200, self.tokens[body["token"]]
        if path == "/v1/token" and body["code"] in self.codes:
            token = self.codes[body["code"]]
            return 200, {"access_token": token, "token_type": "bearer", "scope": "profile"}
        return 400, {"code": 400, "errno": 108, "message": "Invalid token"}


@contextmanager
def running_oauth_server() -> Iterator[OAuthDouble]:
    """A server of its own."""
    double = OAuthDouble()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # name fixed by the base class
            self._answer(None)

        def do_POST(self) -> None:  # likewise
            length = int(self.headers["Content-Length"])
            self._answer(json.loads(self.rfile.read(length)))

        def _answer(self, body: Any) -> None:
            status, value = double.respond(self.path, body)
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # likewise
            """Nowhere."""

        def handle(self) -> None:
            # Clients that lost patience are gone.
            with suppress(ConnectionError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.uri = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
