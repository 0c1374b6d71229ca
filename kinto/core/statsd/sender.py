"""Datagrams to one host, which never hold up who sends them."""

import socket
from threading import Thread
from time import monotonic

import structlog


log = structlog.get_logger(__name__)

# Between two attempts to find the host.
RETRY_SECONDS = 30.0
# How long the start-up waits for the first one.
_PATIENCE_SECONDS = 1.0
_WARN_SECONDS = 600.0


class DatagramSender:
    """Sends texts to a host; what cannot be sent at once is lost.

    The name is looked up in a thread, when the sender is made, and again while nothing answers.
    A process that was forked looks it up by itself.
    """

    def __init__(self, host: str, port: int, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self._host = host
        self._port = port
        self._retry_seconds = retry_seconds
        self._socket: socket.socket | None = None
        self._next_attempt = 0.0
        self._next_warning = 0.0
        if thread := self._connect_later():
            thread.join(_PATIENCE_SECONDS)

    def send(self, text: str) -> None:
        """Send one datagram."""
        connected = self._socket
        if connected is None:
            self._connect_later()
            return
        try:
            connected.send(text.encode("utf-8", "replace"))
        except BlockingIOError:
            pass  # The buffers are full.
        except OSError as error:
            self._warn(error)
            self._connect_later()

    def _connect_later(self) -> Thread | None:
        # No lock, no flag: after a fork, neither would be released.
        now = monotonic()
        if now < self._next_attempt:
            return None
        self._next_attempt = now + self._retry_seconds
        thread = Thread(target=self._connect, name="statsd", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # The process ends, or has too many threads.
            return None
        return thread

    def _connect(self) -> None:
        former = self._socket
        try:
            connected = _connected_socket(self._host, self._port)
        except (OSError, UnicodeError) as error:
            self._warn(error)
            return
        if former is not None and former.getpeername() == connected.getpeername():
            connected.close()
            return
        self._socket = connected
        if former is not None:
            former.close()

    def _warn(self, error: Exception) -> None:
        now = monotonic()
        if now < self._next_warning:
            return
        self._next_warning = now + _WARN_SECONDS
        log.warning(
            "StatsD does not answer, metrics are lost",
            setting="statsd_url",
            host=self._host,
            port=self._port,
            error=str(error),
        )


def _connected_socket(host: str, port: int) -> socket.socket:
    """A socket that sends to that address alone, hence hears when nobody listens there.

    :raises OSError: no such host.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    # Servers of StatsD mostly listen to IPv4 alone; `localhost` is both.
    family, kind, protocol, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made
