"""Verification of tokens: from the cache, else by the OAuth server, once for all who ask.

Nobody may hold a lock or a transaction while this is going on: see :mod:`.batches`.
"""

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from kinto.core.cache import CacheBase
from kinto.core.protocol.crypto import hmac_digest
from kinto.plugins.fxa.oauth import (
    OAuthServer,
    OAuthServerError,
    VerifiedToken,
    read_token,
)


Outcome = VerifiedToken | None

_CACHE_KEY = "fxa-oauth:verify:{}"
_BOUND_DATA = "fxa_oauth"


@dataclass(slots=True)
class Attempts:
    """What one request, its sub-requests included, found out so far.

    :param deadline: monotonic time until which it may wait for the OAuth server, all in all.
    """

    deadline: float
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class TokenVerifier:
    """Verifies tokens for the requests of a process.

    :param ttl_seconds: how long a verified token is kept.
    :param timeout_seconds: how long a request may wait for the OAuth server.
    """

    def __init__(self, server: OAuthServer, *, ttl_seconds: int, timeout_seconds: float) -> None:
        self._server = server
        self._ttl_seconds = ttl_seconds
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Outcome]] = {}

    def verify(self, request: Any, token: str) -> Outcome:  # a Pyramid request
        """Whose token it is; ``None`` when the OAuth server does not accept it.

        :raises OAuthServerError: it does not say.
        :raises BackendError: the cache fails.
        """
        attempts = self._attempts(request)
        key = self._key(request, token)
        # As a text: an exception would refer back to the request.
        if reason := attempts.failures.get(key):
            raise OAuthServerError(message=reason)
        if key not in attempts.outcomes:
            try:
                attempts.outcomes[key] = self._find(request, key, token, attempts.deadline)
            except OAuthServerError as error:
                attempts.failures[key] = error.message
                raise
        return attempts.outcomes[key]

    def _attempts(self, request: Any) -> Attempts:
        attempts: Attempts | None = request.bound_data.get(_BOUND_DATA)
        if attempts is None:
            attempts = Attempts(time.monotonic() + self._timeout_seconds)
            request.bound_data[_BOUND_DATA] = attempts
        return attempts

    def _key(self, request: Any, token: str) -> str:
        """Under which a token is kept, which does not tell it."""
        secret = request.registry.settings.get("userid_hmac_secret") or ""
        return _CACHE_KEY.format(hmac_digest(secret, f"{self._server.uri}:{token}"))

    def _find(self, request: Any, key: str, token: str, deadline: float) -> Outcome:
        cache: CacheBase | None = getattr(request.registry, "cache", None)
        if kept := _read(cache, key):
            return kept
        mine: Future[Outcome] = Future()
        with self._lock:
            first = self._under_way.setdefault(key, mine)
        if first is not mine:
            return _wait(first, deadline)
        try:
            # It may have been verified since this request looked.
            outcome = _read(cache, key) or self._ask(token, deadline)
            if outcome is not None and cache is not None and self._ttl_seconds:
                cache.set(key, outcome.as_json(), self._ttl_seconds)
        except BaseException as error:
            # One of its own for those who wait, as this one refers back to the request.
            mine.set_exception(OAuthServerError(message=str(error)))
            raise
        else:
            mine.set_result(outcome)
            return outcome
        finally:
            with self._lock:
                del self._under_way[key]

    def _ask(self, token: str, deadline: float) -> Outcome:
        left = deadline - time.monotonic()
        if left <= 0:
            raise OAuthServerError(message="OAuth server: no time left to ask it")
        return self._server.verify(token, timeout_seconds=left)


def _read(cache: CacheBase | None, key: str) -> Outcome:
    return None if cache is None else read_token(cache.get(key))


def _wait(others: "Future[Outcome]", deadline: float) -> Outcome:
    """What another request, which asks about the same token, is told."""
    try:
        return others.result(timeout=max(deadline - time.monotonic(), 0))
    except TimeoutError:
        raise OAuthServerError(message="OAuth server: no answer in time") from None
