"""Clients that write: single objects, counters under a precondition, batches."""

import random
import time
from collections import defaultdict
from threading import Event

from drills.exchanges import Reply, Sender
from drills.journal import Count, Journal


_KEYS = 4
# Less than `Retry-After` tells: a client that is more patient does not see how soon it is over.
_PAUSE_AFTER_FAILURE_SECONDS = 0.1
_PAUSE_SECONDS = 0.01


def collections_of(bucket: str) -> tuple[str, str]:
    """The paths of the collections that a drill writes to."""
    return f"{bucket}/collections/a", f"{bucket}/collections/b"


class Writer:
    """One client; it writes until it is told to stop.

    :param bucket: the path of the one that it writes to.
    :ivar counts: of its increments, for each counter.
    """

    def __init__(self, url: str, *, bucket: str, number: int) -> None:
        self.name = f"w{number}"
        self._collections = collections_of(bucket)
        self.send = Sender(url, name=self.name)
        self.journal = Journal()
        self.counts: dict[str, Count] = defaultdict(Count)
        self._random = random.Random(number)
        self._last = 0

    def run(self, is_over: Event) -> None:
        """Write, one request after the other."""
        kinds = (
            self._put, self._put, self._patch, self._patch, self._post, self._delete,
            self._increment, self._increment, self._batch, self._batch, self._search,
        )  # fmt: skip
        while not is_over.is_set():
            reply = self._random.choice(kinds)()
            time.sleep(_PAUSE_SECONDS if reply.is_known else _PAUSE_AFTER_FAILURE_SECONDS)

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _own_path(self) -> str:
        collection = self._random.choice(self._collections)
        return f"{collection}/records/{self.name}-{self._random.randrange(_KEYS)}"

    def _write(self, method: str, path: str, number: int, *, expected: tuple[int, ...]) -> Reply:
        reply = self.send(method, path, {"data": {"n": number}}, expected=expected)
        self.journal.note(path, number, reply)
        return reply

    def _put(self) -> Reply:
        return self._write("PUT", self._own_path(), self._next(), expected=(200, 201))

    def _patch(self) -> Reply:
        return self._write("PATCH", self._own_path(), self._next(), expected=(200, 404))

    def _post(self) -> Reply:
        number = self._next()
        uri = f"{self._random.choice(self._collections)}/records"
        name = f"{self.name}-posted-{number}"
        reply = self.send("POST", uri, {"data": {"id": name, "n": number}}, expected=(201,))
        self.journal.note(f"{uri}/{name}", number, reply)
        return reply

    def _delete(self) -> Reply:
        path = self._own_path()
        reply = self.send("DELETE", path, expected=(200, 404))
        self.journal.note(path, None, reply)
        return reply

    def _increment(self) -> Reply:
        path = f"{self._random.choice(self._collections)}/records/counter"
        seen = self.send("GET", path, expected=(200,))
        if not seen.is_done:
            return seen
        reply = self.send(
            self._random.choice(("PUT", "PATCH")),
            path,
            {"data": {"n": seen.body["data"]["n"] + 1}},
            headers={"If-Match": seen.headers["ETag"]},
            expected=(200, 412),
        )
        self.counts[path].note(reply)
        return reply

    def _search(self) -> Reply:
        """A scan of the collection, which is given more time than other reads."""
        uri = f"{self._random.choice(self._collections)}/records"
        return self.send("GET", f"{uri}?n={self._last}&_limit=10", expected=(200,))

    def _batch(self) -> Reply:
        """Two objects that no other request makes, and two that earlier batches wrote."""
        number = self._next()
        created = tuple(f"{uri}/records/{self.name}-made-{number}" for uri in self._collections)
        changed = tuple(f"{uri}/records/{self.name}-of-batches" for uri in self._collections)
        self.journal.batches.append(created)
        writes = dict.fromkeys((created[0], changed[0], created[1], changed[1]), number)
        requests = [
            {"method": "PUT", "path": path, "body": {"data": {"n": number}}} for path in writes
        ]
        reply = self.send("POST", "/batch", {"requests": requests}, expected=(200,))
        if reply.is_done and any(
            response["status"] not in (200, 201) for response in reply.body["responses"]
        ):
            statuses = [response["status"] for response in reply.body["responses"]]
            self.journal.contradictions.append(f"batch {number}: {statuses}")
        self.journal.note_batch(writes, reply)
        return reply


def prepare(send: Sender, bucket: str) -> None:
    """Make the collections and their counters."""
    send("PUT", bucket, expected=(200, 201))
    for collection in collections_of(bucket):
        send("PUT", collection, expected=(200, 201))
        counter = f"{collection}/records/counter"
        made = send("PUT", counter, {"data": {"n": 0}}, expected=(200, 201))
        assert made.is_done, made
