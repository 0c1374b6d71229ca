"""Who reads meanwhile: clients that synchronise, and who asks whether the service is well."""

import time
from collections.abc import Mapping
from threading import Event
from typing import Any

from drills.exchanges import Exchange, Sender


_PAUSE_SECONDS = 0.03
_PAUSE_AFTER_FAILURE_SECONDS = 0.1


class Follower:
    """Keeps a copy of a collection by asking for what changed since the last time.

    :ivar uri: of the list.
    :ivar copy: the number of each object, by path.
    :ivar problems: answers that no order of changes explains.
    """

    def __init__(self, url: str, collection: str, *, name: str) -> None:
        self.send = Sender(url, name=name)
        self.copy: dict[str, int] = {}
        self.problems: list[str] = []
        self.uri = f"{collection}/records"
        self._seen = '"0"'

    def run(self, is_over: Event) -> None:
        """Follow until told to stop."""
        while not is_over.is_set():
            is_done = self.follow()
            time.sleep(_PAUSE_SECONDS if is_done else _PAUSE_AFTER_FAILURE_SECONDS)

    def follow(self) -> bool:
        """Fetch what changed; tells whether there was an answer."""
        reply = self.send("GET", f"{self.uri}?_since={self._seen}", expected=(200,))
        if not reply.is_done:
            return False
        since, now = int(self._seen.strip('"')), int(reply.headers["ETag"].strip('"'))
        stamps = [changed["last_modified"] for changed in reply.body["data"]]
        if now < since or any(not since < stamp <= now for stamp in stamps):
            self.problems.append(f"{self.uri}: {sorted(stamps)} between {since} and {now}")
        for changed in reply.body["data"]:
            self._apply(changed)
        self._seen = reply.headers["ETag"]
        return True

    def find_missed(self, stored: Mapping[str, int]) -> list[str]:
        """Objects that are other than in the copy.

        :param stored: the number of each object of the collection, by path.
        """
        return self.problems + [
            f"{path}: {self.copy.get(path)} instead of {stored.get(path)}"
            for path in sorted(self.copy.keys() | stored.keys())
            if self.copy.get(path) != stored.get(path)
        ]

    def _apply(self, changed: Mapping[str, Any]) -> None:
        path = f"{self.uri}/{changed['id']}"
        if changed.get("deleted"):
            self.copy.pop(path, None)
        else:
            self.copy[path] = changed["n"]


class Prober:
    """Asks one health endpoint, again and again.

    :param period_seconds: from one request to the next, unless the answer takes longer.
    """

    def __init__(
        self, url: str, path: str, *, period_seconds: float, statuses: tuple[int, ...]
    ) -> None:
        self.send = Sender(url, name=path, user="")
        self._path = path
        self._period_seconds = period_seconds
        self._statuses = statuses

    def run(self, is_over: Event) -> None:
        """Ask until told to stop."""
        while not is_over.is_set():
            started = time.monotonic()
            self.send("GET", self._path, expected=self._statuses)
            left = self._period_seconds - (time.monotonic() - started)
            is_over.wait(max(0.0, left))

    @property
    def exchanges(self) -> list[Exchange]:
        """What came of it."""
        return self.send.exchanges
