"""A client that keeps one connection to one server."""

import base64
import http.client
import json
import urllib.parse
from collections.abc import Mapping

from benchmarks.seeding import Reply


PASSWORD = "s3cret-of-the-benchmarks"
_TIMEOUT_SECONDS = 120


def authorization(user: str) -> str:
    """The header of a user who signs in with name and password."""
    return "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()


class HTTPClient:
    """Sends requests of any user's, in the form that :class:`.seeding.Sender` asks for.

    :param url: of the server, with the version prefix.
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self.prefix = parts.path.rstrip("/")
        self._address = parts.netloc
        self._connection: http.client.HTTPConnection | None = None

    def __call__(
        self,
        user: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer; an empty ``user`` is nobody."""
        sent = dict(headers or {})
        if user:
            sent["Authorization"] = authorization(user)
        data = None
        if body is not None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        response = self._request(method, self.prefix + path, data, sent)
        text = response.read()
        return Reply(response.status, dict(response.headers), json.loads(text) if text else None)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        for attempt in range(2):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(
                        self._address, timeout=_TIMEOUT_SECONDS
                    )
                self._connection.request(method, path, body, headers)
                return self._connection.getresponse()
            except (http.client.HTTPException, OSError):
                # The server may have closed a connection that was idle.
                self.close()
                if attempt:
                    raise
        raise AssertionError  # pragma: no cover

    def close(self) -> None:
        """Give the connection back: a server may keep a thread for each."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
