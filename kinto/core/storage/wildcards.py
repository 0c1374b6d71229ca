"""Texts in which ``*`` stands for any run of characters, everything else for itself."""

import functools
import re


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` matches; in linear time for any number of ``*``."""
    first, *others = pattern.split("*")
    if not others:
        return text == first
    *middle, last = others
    end = len(text) - len(last)
    if not (text.startswith(first) and text.endswith(last)) or len(first) > end:
        return False
    position = len(first)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


@functools.lru_cache(maxsize=1024)
def segment_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression in which ``*`` stands for one or more characters other than ``/``."""
    return re.compile("[^/]+".join(map(re.escape, pattern.split("*"))), re.DOTALL)
