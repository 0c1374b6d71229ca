"""Patterns of identifiers, as PostgreSQL can look them up in an index."""

import re
from typing import NamedTuple


_LAST_CODE_POINT = 0x10FFFF
_BEFORE_SURROGATES = 0xD7FF
_AFTER_SURROGATES = 0xE000

_NOT_ALPHANUMERIC = re.compile(r"([^a-zA-Z0-9])")
_SPECIAL_IN_LIKE = re.compile(r"([\\%_])")


class TextRange(NamedTuple):
    """Texts from ``low`` on, below ``high`` (``None``: all of them), by code point."""

    low: str
    high: str | None


def prefix_range(prefix: str) -> TextRange:
    """The texts that begin with ``prefix``, where collation is ``"C"``."""
    for position in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[position])
        if code < _LAST_CODE_POINT:
            following = _AFTER_SURROGATES if code == _BEFORE_SURROGATES else code + 1
            return TextRange(prefix, prefix[:position] + chr(following))
    return TextRange(prefix, None)


def pattern_range(pattern: str) -> TextRange:
    """A range that holds every text that matches a pattern with ``*``."""
    return prefix_range(pattern.partition("*")[0])


def like_pattern(pattern: str) -> str:
    """The operand of ``LIKE`` for a pattern in which only ``*`` is special."""
    return _SPECIAL_IN_LIKE.sub(r"\\\1", pattern).replace("*", "%")


def segment_regexp(pattern: str) -> str:
    """The operand of ``~`` for a pattern in which ``*`` is one or more characters but ``/``."""
    pieces = (_NOT_ALPHANUMERIC.sub(_escaped, piece) for piece in pattern.split("*"))
    return f"^{'[^/]+'.join(pieces)}$"


def _escaped(match: re.Match[str]) -> str:
    # A backslash before letters of other alphabets would be an unknown escape.
    return match[1] if ord(match[1]) > 127 else f"\\{match[1]}"
