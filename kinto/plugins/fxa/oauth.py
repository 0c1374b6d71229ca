"""The OAuth server of Firefox Accounts: what it is asked, and how its answers are read.

Source: "Firefox Accounts" in the settings documentation.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog

from kinto.core.outgoing import Answer, OutgoingCallError, fetch
from kinto.core.protocol import json_codec
from kinto.core.settings import mask_url
from kinto.core.storage.exceptions import BackendError
from kinto.core.types import JSONValue


log = structlog.get_logger(__name__)

_USER = re.compile(r"[A-Za-z0-9_-]{1,200}")
# Of the refusals, those that say nothing about what was asked.
_TRY_LATER = frozenset({408, 429})


class OAuthServerError(BackendError):
    """The OAuth server is unreachable, too slow, or answers what makes no sense."""


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """Whose token it is.

    :param client_id: of the relying party that it was made for, as the server says it.
    """

    user: str
    scope: tuple[str, ...]
    client_id: str | None

    def as_json(self) -> JSONValue:
        """For the cache."""
        return {"user": self.user, "scope": list(self.scope), "client_id": self.client_id}


@dataclass(frozen=True, slots=True)
class OAuthServer:
    """The server at an address.

    :param uri: base URL, without a slash at the end.
    """

    uri: str

    def verify(self, token: str, *, timeout_seconds: float) -> VerifiedToken | None:
        """What the server knows of a token, ``None`` when it knows none of it.

        :raises OAuthServerError: it does not say.
        """
        body = self._post("verify", {"token": token}, timeout_seconds)
        if body is None:
            return None
        verified = read_token(body)
        if verified is None:
            raise self._failure("its answer names no user")
        return verified

    def trade(
        self, code: str, *, client_id: str, client_secret: str, timeout_seconds: float
    ) -> str | None:
        """The token for the code of a login, ``None`` when the server refuses the code.

        :raises OAuthServerError: it does not say.
        """
        sent: JSONValue = {
            "code": code,
            "client_id": client_id,
            "client_secret": client_secret,
        }
        body = self._post("token", sent, timeout_seconds)
        if body is None:
            return None
        token = body.get("access_token")
        if not isinstance(token, str) or not token:
            raise self._failure("its answer holds no token")
        return token

    def is_healthy(self, *, timeout_seconds: float) -> bool:
        """Whether the heartbeat of the host is fine."""
        parts = urlsplit(self.uri)
        url = f"{parts.scheme}://{parts.netloc}/__heartbeat__"
        try:
            answer = fetch("GET", url, timeout_seconds=timeout_seconds)
        except OutgoingCallError as error:
            log.error("OAuth server is down", reason=str(error))
            return False
        return answer.status == 200

    def _post(self, path: str, sent: JSONValue, timeout_seconds: float) -> dict[str, Any] | None:
        """The JSON object of the answer; ``None`` for a refusal.

        :raises OAuthServerError: there is none.
        """
        url = f"{self.uri}/{path}"
        try:
            answer = fetch("POST", url, json=sent, timeout_seconds=timeout_seconds)
        except OutgoingCallError as error:
            raise self._failure(str(error)) from None
        body = self._read_object(answer)
        if answer.status == 200:
            return body
        if 400 <= answer.status < 500 and answer.status not in _TRY_LATER:
            return None
        raise self._failure(f"status {answer.status}")

    def _read_object(self, answer: Answer) -> dict[str, Any]:
        try:
            body = json_codec.loads(answer.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._failure(f"status {answer.status}, no JSON object")
        return body

    def _failure(self, reason: str) -> OAuthServerError:
        return OAuthServerError(message=f"OAuth server {mask_url(self.uri)}: {reason}")


def read_token(value: object) -> VerifiedToken | None:
    """A token out of the JSON of the server, or of the cache; ``None`` where it is none."""
    if not isinstance(value, dict):
        return None
    user, scope, client_id = value.get("user"), value.get("scope"), value.get("client_id")
    if isinstance(scope, str):
        scope = scope.split()
    is_scope = isinstance(scope, list) and all(isinstance(word, str) for word in scope)
    if not isinstance(user, str) or not _USER.fullmatch(user) or not is_scope:
        return None
    return VerifiedToken(user, tuple(scope or ()), client_id if _is_text(client_id) else None)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
