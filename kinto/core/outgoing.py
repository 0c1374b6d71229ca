"""Calls to other services over HTTP, each within a time limit of its own.

The limits of an HTTP client are for each connection and for each read: a name that takes long to
resolve, or an answer that comes byte by byte, holds it for much longer. The call is made in a
thread, so that whoever waits for it goes on when the time is up.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Literal

import requests
import urllib3
from requests import RequestException
from urllib3.exceptions import HTTPError

from kinto.core.types import JSONValue


_MAX_BODY_BYTES: Final = 65_536
# Small, as the limit is looked at between chunks; answers are short.
_CHUNK_BYTES: Final = 64
# Calls whose time was up end a little later: these must not become ever more.
_MAX_CALLS: Final = 64

_slots = threading.BoundedSemaphore(_MAX_CALLS)


class OutgoingCallError(Exception):
    """The service could not be reached, was too slow, or answered what is no HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said.

    :param status: the HTTP status; redirections are not followed.
    """

    status: int
    body: bytes


def fetch(
    method: Literal["GET", "POST"],
    url: str,
    *,
    timeout_seconds: float,
    json: JSONValue = None,
) -> Answer:
    """The answer of a service.

    :param json: body of the request.
    :raises OutgoingCallError: there is none within the time limit. The message holds nothing of
        what was sent.
    """
    deadline = time.monotonic() + timeout_seconds
    too_slow = f"no answer within {timeout_seconds:.3g} s"
    if not _slots.acquire(timeout=max(timeout_seconds, 0)):
        raise OutgoingCallError(too_slow)
    call = _start(lambda: _exchange(method, url, json, deadline))
    try:
        return call.result(timeout=max(deadline - time.monotonic(), 0))
    except (TimeoutError, requests.Timeout):
        raise OutgoingCallError(too_slow) from None
    except (RequestException, HTTPError, OSError, ValueError) as error:
        # Not as its cause, where tracebacks are kept: requests holds the body in its exceptions.
        raise OutgoingCallError(type(error).__name__) from None


def _start(exchange: Callable[[], Answer]) -> "Future[Answer]":
    """Have the call made in a thread, which gives its slot back."""
    call: Future[Answer] = Future()

    def run() -> None:
        try:
            call.set_result(exchange())
        except Exception as error:  # noqa: BLE001  # raised again in the thread that waits
            call.set_exception(error)
        finally:
            _slots.release()

    thread = threading.Thread(target=run, name="outgoing-call", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        _slots.release()
        raise OutgoingCallError("no thread to be had") from error
    return call


def _exchange(method: str, url: str, json: JSONValue, deadline: float) -> Answer:
    left = max(deadline - time.monotonic(), 0.001)
    with requests.request(
        method,
        url,
        json=json,
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        # An object of urllib3, which requests passes on.
        timeout=urllib3.Timeout(total=left),  # type: ignore[arg-type]
        allow_redirects=False,
        stream=True,
    ) as response:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                raise ValueError("answer too long")
            if time.monotonic() > deadline:
                raise TimeoutError
        return Answer(response.status_code, bytes(body))
