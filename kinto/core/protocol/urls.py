"""Texts of URLs: decoded strictly, written percent-encoded."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from kinto.core.exceptions import DomainError


MAX_PARAMETERS: Final = 1_000

_UNSAFE_IN_QUERY = re.compile(r"[^A-Za-z0-9_.~-]")
_SEPARATORS = re.compile("[&;]")
# Such a path is the same quoted and unquoted.
is_plain_path = re.compile(r"[A-Za-z0-9/_.~-]*").fullmatch
_MALFORMED_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
# What tokens have, and spaces.
_ESCAPES = {" ": "+", "=": "%3D", "+": "%2B", "/": "%2F"}
# Everything that a path may hold as it is, "%" of escapes included.
_SAFE_IN_PATH = "/%:@!$&'()*+,;=~-._"


class UndecodableURL(DomainError, ValueError):
    """A part of a URL that is not percent-encoded UTF-8, or too much of it."""


def decode_wsgi_path(path_info: str) -> str:
    """The text of the WSGI variable ``PATH_INFO``, whose characters stand for bytes.

    :raises UndecodableURL: it is not UTF-8.
    """
    try:
        return path_info.encode("latin-1").decode()
    except UnicodeError as error:
        raise UndecodableURL("Invalid URL path.") from error


def encode_wsgi_target(target: str) -> tuple[str, str]:
    """The WSGI variables ``PATH_INFO`` and ``QUERY_STRING`` of a path with its query string.

    Whatever is not allowed in a URL is taken as it is.

    :raises UnicodeEncodeError: a lone surrogate.
    """
    if is_plain_path(target):
        return target, ""
    path, _, query = target.partition("?")
    path_info = unquote_to_bytes(quote(path, safe=_SAFE_IN_PATH)).decode("latin-1")
    return path_info, quote(query, safe=_SAFE_IN_PATH + "?")


def quote_path(text: str) -> str:
    """A path as it travels: whatever is not allowed in it is percent-encoded, escapes are kept.

    :raises UndecodableURL: a lone surrogate, or a percent sign that escapes nothing.
    """
    if is_plain_path(text):
        return text
    if _MALFORMED_ESCAPE.search(text):
        raise UndecodableURL("Invalid URL path.")
    try:
        return quote(text, safe=_SAFE_IN_PATH)
    except UnicodeEncodeError as error:
        raise UndecodableURL("Invalid URL path.") from error


def parse_query(query_string: str) -> list[tuple[str, str]]:
    """Names and values of the WSGI variable ``QUERY_STRING``, separated by ``&`` or ``;``.

    A percent sign that escapes nothing stands for itself.

    :raises UndecodableURL: it is not UTF-8, or has more parameters than
        :data:`MAX_PARAMETERS`.
    """
    if not query_string:
        return []
    pairs = _SEPARATORS.split(query_string)
    if len(pairs) > MAX_PARAMETERS:
        raise UndecodableURL(f"At most {MAX_PARAMETERS} parameters")
    is_plain = _is_plain(query_string)
    try:
        return [
            (name, value) if is_plain else (_decode(name), _decode(value))
            for name, _, value in [pair.partition("=") for pair in pairs if pair]
        ]
    except UnicodeError as error:
        raise UndecodableURL(query_string) from error


def format_query(params: Iterable[tuple[str, str]]) -> str:
    """The query string of names and values."""
    return "&".join([f"{_encode(name)}={_encode(value)}" for name, value in params])


def build_url(base: str, params: Iterable[tuple[str, str]]) -> str:
    """``base``, without a query string of its own, followed by the parameters."""
    query = format_query(params)
    return f"{base}?{query}" if query else base


def _encode(text: str) -> str:
    # Character by character, as `urlencode` does it, only what needs it: tokens are long.
    return _UNSAFE_IN_QUERY.sub(_encode_character, text)


def _encode_character(match: re.Match[str]) -> str:
    character = match[0]
    return _ESCAPES.get(character) or quote(character, safe="")


def _is_plain(text: str) -> bool:
    """Whether a text of a query string stands for itself."""
    return text.isascii() and "%" not in text and "+" not in text


def _decode(text: str) -> str:
    if _is_plain(text):
        return text
    # As in the rest of WSGI, characters stand for bytes.
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode()
