"""What of a request must not be written down: passwords, tokens, credentials, cookies.

Source: "Never logged" of the operations guide, section 5.6.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from kinto.core.protocol.urls import MAX_PARAMETERS
from kinto.core.types import JSONValue


MASK = "***"
# More than anybody reads, and not worth the time that masking it takes.
MAX_SHOWN_BYTES = 100_000

_SECRET_NAME = re.compile(
    r"passw|passphrase|passcode|^pass$|pwd|secret|token|authori[sz]ation|cookie|credential"
    r"|api[-_]?key|private[-_]?key|signature|assertion|jwt|dsn",
    re.IGNORECASE,
)
# Of parameters of a URL: what OAuth hands over in one.
_SECRET_PARAMETERS = frozenset({"code", "state", "nonce"})
_SEPARATORS = re.compile("[&;]")
_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Hawk|Token|Negotiate)\s+\S", re.IGNORECASE)
# Each takes time in proportion to the text, whatever a client sends.
_WORD = re.compile(r"[^\s'\"<>]+")
_USER_OF_URL = re.compile(r"://[^:/?#@]*:")
_URL_HEADERS = frozenset({"referer", "location", "content-location", "next-page", "link"})
_ASSIGNMENT = re.compile(
    r"(?<![\w.-])([\w.-]{1,100})[\"']?\s{0,9}[:=]\s{0,9}[\"']?([^\"'&\s,;{}]+)"
)
_SHORT = 6
_MAX_DEPTH = 30


def is_secret_name(name: str) -> bool:
    """Whether what goes by that name (of a header, a field, a parameter) is kept to oneself."""
    return _SECRET_NAME.search(name) is not None


def is_secret_parameter(name: str) -> bool:
    """The same, for a parameter of a URL."""
    # Long names are rare, and would fill the memory.
    return _is_secret_parameter(name) if len(name) < 50 else is_secret_name(name)


@lru_cache(maxsize=1024)
def _is_secret_parameter(name: str) -> bool:
    return name.lower() in _SECRET_PARAMETERS or is_secret_name(name)


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without passwords of URLs, and without these secrets wherever they stand.

    Short ones are looked for as words of their own.
    """
    if "://" in text:
        text = _WORD.sub(_without_password, text)
    # The longest first: one may be a part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in text and secret.strip():
            text = _without(secret, text)
    return text


def _without_password(match: re.Match[str]) -> str:
    """A word without the password of the URL in it: all between the user and the last ``@``."""
    word = match[0]
    end = word.rfind("@")
    user = None if end < 0 else _USER_OF_URL.search(word, 0, end)
    return word if user is None else f"{word[: user.end()]}{MASK}{word[end:]}"


def _without(secret: str, text: str) -> str:
    if len(secret) >= _SHORT:
        return text.replace(secret, MASK)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)


def read_parameters(query: str) -> list[tuple[str, str]]:
    """Names and values of the WSGI variable ``QUERY_STRING``, in its order; never fails."""
    # Its characters stand for bytes.
    text = query.encode("latin-1", "replace").decode("utf-8", "replace")
    # With more of them a request is refused.
    pairs = _SEPARATORS.split(text, MAX_PARAMETERS)[:MAX_PARAMETERS]
    split = (pair.partition("=") for pair in pairs if pair)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in split]


def mask_parameters(query: str) -> dict[str, str]:
    """The parameters of a query string by name, as they may be written down."""
    return {
        escape_controls(name): MASK
        if is_secret_parameter(name)
        else escape_controls(mask_text(value))
        for name, value in read_parameters(query)
    }


def mask_url(url: str) -> str:
    """A URL without the values of secret parameters, its password, its fragment."""
    address, fragment_mark, _ = url.partition("#")
    path, mark, query = address.partition("?")
    parts = [_masked_parameter(part) for part in _SEPARATORS.split(query)]
    tail = f"{fragment_mark}{MASK}" if fragment_mark else ""
    return mask_text(path) + mark + "&".join(parts) + tail


def _masked_parameter(part: str) -> str:
    name, mark, value = part.partition("=")
    is_secret = is_secret_parameter(unquote_plus(name))
    return f"{name}{mark}{MASK if value and is_secret else mask_text(value)}"


def mask_headers(
    headers: Iterable[tuple[str, str]], secrets: Iterable[str] = ()
) -> dict[str, str]:
    """Headers by name, as they may be written down."""
    known = tuple(secrets)
    return {name: _masked_header(name, value, known) for name, value in headers}


def _masked_header(name: str, value: str, secrets: tuple[str, ...]) -> str:
    if is_secret_name(name) or _SCHEME.match(value):
        return MASK
    if name.lower() == "location" and not value.startswith("/"):
        # To another site, with whatever is handed over to it: in OAuth a token.
        return MASK
    if name.lower() in _URL_HEADERS:
        value = mask_url(value)
    return mask_text(value, secrets)


def mask_json(value: JSONValue, secrets: Iterable[str] = (), *, depth: int = 0) -> JSONValue:
    """A JSON value without what secret fields hold; steps of a JSON patch included."""
    if isinstance(value, str):
        return MASK if _SCHEME.match(value) else mask_text(value, secrets)
    if not isinstance(value, dict | list):
        return value
    if depth > _MAX_DEPTH:
        return MASK
    if isinstance(value, list):
        return [mask_json(item, secrets, depth=depth + 1) for item in value]
    is_step = _is_step_to_secret(value)
    masked = {}
    for key, item in value.items():
        if is_secret_name(key) or (is_step and key == "value"):
            masked[key] = MASK
        elif key == "path" and isinstance(item, str):
            masked[key] = mask_text(mask_url(item), secrets)
        else:
            masked[key] = mask_json(item, secrets, depth=depth + 1)
    return masked


def _is_step_to_secret(value: Mapping[str, JSONValue]) -> bool:
    path = value.get("path")
    return isinstance(path, str) and "op" in value and is_secret_name(path)


def mask_body(body: bytes, secrets: Iterable[str] = ()) -> bytes:
    """A body as it may be written down: JSON without secret fields; of others only that it is."""
    if not body:
        return b""
    value = _read_json(body)
    if value is None:
        return MASK.encode()
    return json.dumps(mask_json(value, tuple(secrets))).encode()


def _read_json(body: bytes) -> Any:  # any JSON value; None for what cannot be shown
    if len(body) > MAX_SHOWN_BYTES:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def find_secrets(environ: Mapping[str, Any], body: bytes = b"") -> frozenset[str]:
    """What a request must not be betrayed by, wherever it may come up: in a message, say.

    :param environ: of WSGI.
    """
    return frozenset(secret for secret in _secrets_of(environ, body) if secret.strip())


def _secrets_of(environ: Mapping[str, Any], body: bytes) -> Iterator[str]:
    for variable, value in environ.items():
        if not variable.startswith("HTTP_") or not isinstance(value, str):
            continue
        if is_secret_name(variable.removeprefix("HTTP_").replace("_", "-")) or _SCHEME.match(
            value
        ):
            yield from _parts_of_credentials(value)
    for name, value in read_parameters(environ.get("QUERY_STRING", "")):
        if is_secret_parameter(name):
            yield value
    value = _read_json(body) if body else None
    yield from _secret_fields(value)
    if value is None:
        yield from _secrets_in_text(body[:MAX_SHOWN_BYTES].decode("utf-8", "replace"))


def _secrets_in_text(text: str) -> Iterator[str]:
    """What follows the name of a secret in a form, or in JSON that is cut off."""
    for name, value in _ASSIGNMENT.findall(text):
        if is_secret_name(name):
            yield value
            yield unquote_plus(value)


def _parts_of_credentials(value: str) -> Iterator[str]:
    yield value
    _, _, token = value.partition(" ")
    yield token
    try:
        decoded = base64.b64decode(token.encode("latin-1"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError):
        return
    yield decoded
    yield decoded.partition(":")[2]


def _secret_fields(value: JSONValue, *, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH or not isinstance(value, dict | list):
        return
    if isinstance(value, list):
        for item in value:
            yield from _secret_fields(item, depth=depth + 1)
        return
    is_step = _is_step_to_secret(value)
    for key, item in value.items():
        if is_secret_name(key) or (is_step and key == "value"):
            yield from _texts(item, depth=depth)
        else:
            yield from _secret_fields(item, depth=depth + 1)


def _texts(value: JSONValue, *, depth: int) -> Iterator[str]:
    """Every text of a value."""
    if isinstance(value, str):
        yield from _parts_of_credentials(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict | list) and depth <= _MAX_DEPTH:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item, depth=depth + 1)


def escape_controls(text: str) -> str:
    """The text on one line: line ends and control characters as backslash sequences."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
