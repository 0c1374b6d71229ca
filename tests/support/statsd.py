"""A StatsD server for tests: what arrives at a real UDP socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


_LAST = b"that is all"
_TIMEOUT_SECONDS = 10


class Datagram(NamedTuple):
    """One metric as it was sent: ``name:value|kind``."""

    name: str
    value: str
    kind: str


class StatsDListener:
    """Keeps what is sent to ``url``."""

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"udp://127.0.0.1:{self.port}"
        self._texts: list[str] = []
        self._is_up_to_date = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while data := self._socket.recv(65536):
            if data == _LAST:
                self._is_up_to_date.set()
            else:
                self._texts.append(data.decode("utf-8"))

    def texts(self) -> list[str]:
        """Each datagram since the last call, all that were sent until now by this machine."""
        # The system keeps their order.
        self._is_up_to_date.clear()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(_LAST, ("127.0.0.1", self.port))
        assert self._is_up_to_date.wait(_TIMEOUT_SECONDS)
        texts, self._texts = self._texts, []
        return texts

    def received(self) -> list[Datagram]:
        """The same, read."""
        return [parse_datagram(text) for text in self.texts()]

    def close(self) -> None:
        """Listen no more."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", self.port))
        self._socket.close()


def parse_datagram(text: str) -> Datagram:
    """The parts of a metric."""
    name, _, rest = text.partition(":")
    value, _, kind = rest.rpartition("|")
    return Datagram(name, value, kind)


@contextmanager
def running_statsd(port: int = 0) -> Iterator[StatsDListener]:
    """A listener, until the end of the block."""
    listener = StatsDListener(port)
    try:
        yield listener
    finally:
        listener.close()
