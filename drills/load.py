"""Everybody who uses the service during a drill."""

import threading
import time
from collections.abc import Callable, Sequence
from threading import Event

from drills.exchanges import Exchange, Sender
from drills.watching import Follower, Prober
from drills.writing import Writer, collections_of, prepare


_END_TIMEOUT_SECONDS = 60


class Load:
    """Clients of one server, a thread each.

    :param bucket: the path of one that nobody else uses.
    :param writers: how many write; each collection is followed by one client more.
    """

    def __init__(self, url: str, *, bucket: str, writers: int) -> None:
        self._url = url
        self._bucket = bucket
        self._is_over = Event()
        self._threads: list[threading.Thread] = []
        self.writers = [Writer(url, bucket=bucket, number=number) for number in range(writers)]
        self.followers = [
            Follower(url, uri, name=f"f{number}")
            for number, uri in enumerate(collections_of(bucket))
        ]
        self.balancer = Prober(url, "/__lbheartbeat__", period_seconds=0.05, statuses=(200,))
        self.monitor = Prober(url, "/__heartbeat__", period_seconds=0.5, statuses=(200, 503))

    def start(self) -> None:
        """Make the collections, then have everybody begin."""
        prepare(Sender(self._url, name="preparation"), self._bucket)
        actors: Sequence[Callable[[Event], None]] = [
            actor.run for actor in (*self.writers, *self.followers, self.balancer, self.monitor)
        ]
        self._threads = [
            threading.Thread(target=act, args=(self._is_over,), daemon=True) for act in actors
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Have everybody finish their request and end."""
        self._is_over.set()
        deadline = time.monotonic() + _END_TIMEOUT_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "A client hangs"

    def exchanges_of_clients(self) -> list[list[Exchange]]:
        """Of each client, without the probers."""
        return [actor.send.exchanges for actor in (*self.writers, *self.followers)]

    def stored(self) -> dict[str, int]:
        """The number of each object, by path, as it is stored now."""
        send = Sender(self._url, name="verification")
        found: dict[str, int] = {}
        for collection in collections_of(self._bucket):
            uri = f"{collection}/records"
            reply = send("GET", uri, expected=(200,))
            assert reply.is_done, (reply, send.exchanges)
            found |= {f"{uri}/{record['id']}": record["n"] for record in reply.body["data"]}
        return found
