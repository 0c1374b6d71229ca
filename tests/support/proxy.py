"""A proxy in front of PostgreSQL that shows the traffic, and makes the network fail."""

import contextlib
import enum
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit


_STARTUP_REQUESTS = frozenset({80877103, 80877104})  # of TLS, of GSSAPI
_SIZE = 65536


class Action(enum.Enum):
    """What to do with a query."""

    FORWARD = "send it on"
    CUT = "close the connection instead"
    CUT_REPLY = "send it on, and close the connection instead of answering"
    STALL = "never answer"


class Proxy:
    """Forwards connections to a server.

    :ivar queries: the text of each simple query, in the order sent.
    :ivar tags: of the commands that the server completed: ``SELECT 1``, ``COMMIT``, …
    :ivar round_trips: how often a client had to wait for the server's ``ReadyForQuery``.
    :ivar decide: what to do with one; replaced by tests.
    :ivar is_stopped: whether new connections are left without an answer.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.target_url = url
        self.target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self.queries: list[str] = []
        self.tags: list[str] = []
        self.round_trips = 0
        self.lock = threading.Lock()
        self.decide: Callable[[str], Action] = lambda _query: Action.FORWARD
        self.is_stopped = False
        self.accepted = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        userinfo = parts.netloc.rpartition("@")[0]
        netloc = f"{userinfo}@127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=netloc))
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """Count anew."""
        self.queries.clear()
        self.tags.clear()
        self.round_trips = 0

    def cut_all(self) -> None:
        """Close every connection, as a server that is restarted does."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _close(*pair)

    def close(self) -> None:
        """Stop."""
        self._listener.close()
        self.cut_all()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                self.accepted += 1
                if self.is_stopped:
                    self._pairs.append((client, client))
                    continue
                server = socket.create_connection(self.target)
                self._pairs.append((client, server))
                upstream = _Upstream(self, client, server)
                threading.Thread(target=upstream.run, daemon=True).start()
                threading.Thread(target=_pump, args=(upstream,), daemon=True).start()


class _Upstream:
    """What one client sends."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.mutes_replies = False
        self.has_started = False
        self._received = b""

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.client.recv(_SIZE):
                self._received += data
                while message := self._next_message():
                    if not self._handle(message):
                        return
        _close(self.client, self.server)

    def _next_message(self) -> bytes | None:
        offset = 1 if self.has_started else 0
        if len(self._received) < offset + 4:
            return None
        size = offset + struct.unpack_from("!i", self._received, offset)[0]
        if len(self._received) < size:
            return None
        message, self._received = self._received[:size], self._received[size:]
        return message

    def _handle(self, message: bytes) -> bool:
        action = Action.FORWARD
        if not self.has_started:
            self.has_started = struct.unpack_from("!i", message, 4)[0] not in _STARTUP_REQUESTS
        elif message[:1] == b"Q":
            query = message[5:-1].decode()
            self.proxy.queries.append(query)
            action = self.proxy.decide(query)
        if action is Action.CUT:
            _close(self.client, self.server)
            return False
        if action is Action.STALL:
            return False
        if action is Action.CUT_REPLY:
            self.mutes_replies = True
        self.server.sendall(message)
        return True


class _Replies:
    """What the server sends on one connection."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self._received = b""

    def note(self, data: bytes) -> None:
        """Count the messages that are complete with these bytes."""
        received = self._received + data
        offset = 0
        while len(received) - offset >= 5:
            end = offset + 1 + struct.unpack_from("!i", received, offset + 1)[0]
            if end > len(received):
                break
            kind = received[offset : offset + 1]
            if kind == b"C":
                self.proxy.tags.append(received[offset + 5 : end - 1].decode())
            elif kind == b"Z":
                with self.proxy.lock:
                    self.proxy.round_trips += 1
            offset = end
        self._received = received[offset:]


def _pump(upstream: _Upstream) -> None:
    replies = _Replies(upstream.proxy)
    with contextlib.suppress(OSError):
        while data := upstream.server.recv(_SIZE):
            if upstream.mutes_replies:
                break
            # Before the start there is one byte, without a size: no to encryption.
            if upstream.has_started:
                replies.note(data)
            upstream.client.sendall(data)
    _close(upstream.client, upstream.server)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def running_proxy(url: str) -> Iterator[Proxy]:
    """A proxy in front of the server of ``url``, until the end of the block."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
