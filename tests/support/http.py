"""Requests over HTTP, one connection each, sent as they are written; clients that keep asking."""

import http.client
import itertools
import json
import ssl
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


TIMEOUT_SECONDS = 60
# Of a client under load, which should leave the processors to the server.
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


@dataclass(frozen=True, slots=True)
class Site:
    """A server of a test.

    :param url: scheme, host, port.
    :param user: who asks; ``None`` for an anonymous client.
    :param host: the ``Host`` header, where it is not that of the URL.
    """

    url: str
    user: str | None = None
    host: str | None = None

    def as_user(self, user: str | None) -> "Site":
        return Site(self.url, user, self.host)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        source: str | None = None,
    ) -> Reply:
        """Send one request.

        :param path: from the root, sent without any change.
        :param source: the address that the request comes from.
        """
        connection = self._connection(source)
        try:
            connection.request(method, path, _encode(body), self._headers(body, headers))
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """GET; names of headers are written with underscores."""
        return self.call(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def put(self, path: str, **body: object) -> Reply:
        """PUT of a body with these members."""
        return self.call("PUT", path, body)

    def _connection(self, source: str | None) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        options: dict[str, Any] = {
            "timeout": TIMEOUT_SECONDS,
            "source_address": (source, 0) if source else None,
        }
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname or "", parts.port, **options)
        # The certificate of a test is nobody's.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(
            parts.hostname or "", parts.port, context=context, **options
        )

    def _headers(self, body: object, more: Mapping[str, str] | None) -> dict[str, str]:
        headers = {"Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.host:
            headers["Host"] = self.host
        if self.user:
            headers["Authorization"] = f"Basic {b64encode(f'{self.user}:s'.encode()).decode()}"
        return {**headers, **(more or {})}


def _encode(body: object) -> bytes | Iterator[bytes] | None:
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, Iterator):  # sent in chunks
        return body
    return json.dumps(body).encode()


@dataclass(slots=True)
class Load:
    """What clients that ask again and again have been told so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.statuses.total()

    def wait_for(self, more: int) -> None:
        """Return when so many more requests have been answered."""
        goal = self.count + more
        wait_until(lambda: self.count >= goal, what=f"{goal} answers, {self.failures[:3]}")


@contextmanager
def under_load(
    site: Site, path: str, *, clients: int = 2, repeats_broken: bool = False
) -> Iterator[Load]:
    """Have clients write records to a collection and read them, during the block.

    :param path: of the collection, from the root.
    :param repeats_broken: they ask once more where the connection broke without an answer, as
        HTTP lets them with these methods.
    """
    load = Load()
    end = threading.Event()
    numbers = itertools.count()

    def call(method: str, record: str, body: object) -> Reply:
        try:
            return site.call(method, record, body)
        except ConnectionError:
            if not repeats_broken:
                raise
            return site.call(method, record, body)

    def ask() -> None:
        while not end.wait(_PAUSE_SECONDS):
            record = f"{path}/records/r{next(numbers)}"
            for method, body in (("PUT", {"data": {"a": 1}}), ("GET", None)):
                try:
                    reply = call(method, record, body)
                except (OSError, http.client.HTTPException) as error:
                    load.failures.append(f"{method} {record}: {error!r}")
                    continue
                load.statuses[reply.status] += 1
                if reply.status not in (200, 201):
                    load.failures.append(f"{method} {record}: {reply.status} {reply.body!r}")

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        load.wait_for(2 * clients)
        yield load
    finally:
        end.set()
        for thread in threads:
            thread.join()


def wait_until(condition: Callable[[], object], *, what: str) -> None:
    """Return when the condition holds; fail when it does not within a minute."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
