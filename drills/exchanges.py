"""Requests, one connection each, and what came of them."""

import base64
import enum
import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any


# Longer than any limit of the server's: what is cut off here was not answered in time.
_TIMEOUT_SECONDS = 30


class Outcome(enum.Enum):
    """How a request ended."""

    ANSWERED = "as the protocol has it"
    UNAVAILABLE = "503 with Retry-After"
    BROKEN = "the connection broke"
    WRONG = "neither"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request.

    :param started: as :param:`ended`, of the monotonic clock.
    :param detail: what was wrong.
    """

    sender: str
    started: float
    ended: float
    outcome: Outcome
    detail: str = ""

    @property
    def seconds(self) -> float:
        """How long the client waited."""
        return self.ended - self.started


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said; ``status`` is 0 when it said nothing."""

    status: int
    headers: Mapping[str, str]
    body: Any  # JSON

    @property
    def is_known(self) -> bool:
        """Whether it tells what became of a write."""
        return self.status not in (0, 503)

    @property
    def is_done(self) -> bool:
        """Whether the request was carried out."""
        return 200 <= self.status < 300


NOTHING = Reply(0, {}, None)


class Sender:
    """Sends requests, and keeps what became of them.

    :param name: of who sends.
    """

    def __init__(self, url: str, *, name: str, user: str = "owner") -> None:
        parts = urllib.parse.urlsplit(url)
        self._prefix, self._address = parts.path, parts.netloc
        self._headers = {"Connection": "close"}
        if user:
            credentials = base64.b64encode(f"{user}:secret".encode()).decode()
            self._headers["Authorization"] = f"Basic {credentials}"
        self.name = name
        self.exchanges: list[Exchange] = []

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expected: Collection[int],
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request, once.

        :param expected: statuses that the protocol has for it; 503 is besides, with
            ``Retry-After``.
        """
        started = time.monotonic()
        try:
            reply = self._send(method, path, body, {**self._headers, **(headers or {})})
        except TimeoutError:
            reply, outcome, detail = NOTHING, Outcome.WRONG, f"no answer to {method} {path}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            reply, outcome, detail = NOTHING, Outcome.BROKEN, f"{type(error).__name__}: {error}"
        else:
            outcome, detail = _judge(reply, expected)
            detail = detail and f"{method} {path}: {detail}"
        self.exchanges.append(Exchange(self.name, started, time.monotonic(), outcome, detail))
        return reply

    def _send(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> Reply:
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_SECONDS)
        try:
            data = None
            if body is not None:
                data = json.dumps(body).encode()
                headers = {**headers, "Content-Type": "application/json"}
            connection.request(method, self._prefix + path, data, dict(headers))
            response = connection.getresponse()
            text = response.read()
            return Reply(
                response.status, dict(response.headers), json.loads(text) if text else None
            )
        finally:
            connection.close()


def _judge(reply: Reply, expected: Collection[int]) -> tuple[Outcome, str]:
    if reply.status in expected:
        return Outcome.ANSWERED, ""
    if reply.status == 503 and int(reply.headers.get("Retry-After", "0")) > 0:
        return Outcome.UNAVAILABLE, ""
    return Outcome.WRONG, f"{reply.status} {json.dumps(reply.body)[:300]}"


Send = Callable[..., Reply]
