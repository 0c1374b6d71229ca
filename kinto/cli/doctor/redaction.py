"""Text of others, without the secrets that it may quote."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from kinto.cli.doctor.configuration import is_secret
from kinto.cli.doctor.security import USUAL_PASSWORDS
from kinto.core.settings.errors import MASK, mask_url


_URL = re.compile(r"\S+://\S+")
# Greedy up to the last "@": a password may hold that character.
_PASSWORD = re.compile(r"://[^:/?#@]*:(.*)@", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"password=([^&#]*)", re.IGNORECASE)
# Shorter ones are parts of words; who has such a password has no secret.
_SHORTEST = 5


class Redaction:
    """Masks the secrets of a configuration wherever they stand.

    :param written: its settings.
    """

    def __init__(self, written: Mapping[str, Any]) -> None:
        found = {text for name, value in written.items() for text in _secrets(name, value)}
        # A secret that holds another one goes first.
        self._secrets = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text with ``***`` in their places."""
        text = _URL.sub(lambda match: mask_url(match[0]), text)
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


def _secrets(name: str, value: object) -> Iterable[str]:
    if not is_secret(name, value):
        return
    text = str(value)
    found = [*_PASSWORD.findall(text), *_QUERY_PASSWORD.findall(text)] or [text]
    if "://" in text and "dsn" in name:
        found.append(text)
    for secret in found:
        # An unescaped "@" makes a part of the password a part of the host.
        for part in (secret, unquote(secret), *secret.split("@")):
            if len(part) >= _SHORTEST and part.lower() not in USUAL_PASSWORDS:
                yield part
