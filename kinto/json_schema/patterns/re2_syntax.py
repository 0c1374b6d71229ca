"""Python regular expressions written in the syntax of RE2, where RE2 can express them.

RE2 matches in linear time. Its defaults differ from Python's (``\\w`` is ASCII, ``$`` is only the
very end), so a pattern is not handed over as text: it is parsed by Python's own parser, and every
construct is written out explicitly.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from kinto.json_schema.patterns.parsing import Parsed, parse, sre


# What the classes hold among ASCII characters. Python's space includes four separators.
_ASCII_CLASSES = {
    sre.CATEGORY_DIGIT: r"0-9",
    sre.CATEGORY_NOT_DIGIT: r"\x00-/:-\x7f",
    sre.CATEGORY_SPACE: r"\t-\r\x1c-\x20",
    sre.CATEGORY_NOT_SPACE: r"\x00-\x08\x0e-\x1b\x21-\x7f",
    sre.CATEGORY_WORD: r"0-9A-Z_a-z",
    sre.CATEGORY_NOT_WORD: r"\x00-/:-@\[-\^`\{-\x7f",
}
_ESCAPES = {
    sre.CATEGORY_DIGIT: r"\d+",
    sre.CATEGORY_NOT_DIGIT: r"\D+",
    sre.CATEGORY_SPACE: r"\s+",
    sre.CATEGORY_NOT_SPACE: r"\S+",
    sre.CATEGORY_WORD: r"\w+",
    sre.CATEGORY_NOT_WORD: r"\W+",
}
_ANYTHING = r"[\x00-\x{10ffff}]"
_NOTHING = r"[^\x00-\x{10ffff}]"


class NotExpressible(Exception):
    """RE2 has no equivalent: look-around, back references, and the like."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the pattern we are.

    :param is_last: nothing that consumes a character can follow.
    """

    flags: int
    for_ascii: bool
    ends_with_line_feed: bool
    is_last: bool = True

    def inner(self, *, is_last: bool, flags: int | None = None) -> "_Place":
        return _Place(
            self.flags if flags is None else flags,
            self.for_ascii,
            self.ends_with_line_feed,
            self.is_last and is_last,
        )

    @property
    def ignores_case(self) -> bool:
        return bool(self.flags & sre.SRE_FLAG_IGNORECASE)


def to_re2(pattern: str, *, for_ascii: bool, ends_with_line_feed: bool) -> str:
    """The pattern in RE2's syntax: in texts of that kind it finds what Python finds.

    :param for_ascii: the texts are ASCII, which makes for much smaller classes.
    :param ends_with_line_feed: the last character of the texts is a line feed.
    :raises NotExpressible: it needs what RE2 does not have.
    :raises re.error: it is no valid pattern.
    """
    parsed = parse(pattern)
    return _sequence(parsed, _Place(parsed.state.flags, for_ascii, ends_with_line_feed))


def _sequence(parsed: Parsed, place: _Place) -> str:
    last = len(parsed) - 1
    return "".join(
        _one(operator, argument, place.inner(is_last=index == last))
        for index, (operator, argument) in enumerate(parsed)
    )


def _one(operator: Parsed, argument: Parsed, place: _Place) -> str:
    writer = _WRITERS.get(operator)
    if writer is None:
        raise NotExpressible(str(operator))
    return writer(argument, place)


def _character(code: int, place: _Place) -> str:
    if place.ignores_case and code > 127:
        raise NotExpressible("case of letters beyond ASCII")
    return f"\\x{{{code:x}}}"


def _literal(code: int, place: _Place) -> str:
    return _fold(_character(code, place), place)


def _fold(written: str, place: _Place) -> str:
    if not place.ignores_case:
        return written
    if not place.for_ascii:
        # Beyond ASCII the two engines disagree on what are two cases of one letter.
        raise NotExpressible("case of letters beyond ASCII")
    return f"(?i:{written})"


def _not_literal(code: int, place: _Place) -> str:
    return _set([(sre.NEGATE, None), (sre.LITERAL, code)], place)


def _any(_: Parsed, place: _Place) -> str:
    return _ANYTHING if place.flags & sre.SRE_FLAG_DOTALL else r"[^\n]"


def _set(items: Parsed, place: _Place) -> str:
    negated, parts = "", []
    for operator, argument in items:
        if operator is sre.NEGATE:
            negated = "^"
        elif operator is sre.LITERAL:
            parts.append(_character(argument, place))
        elif operator is sre.RANGE:
            low, high = argument
            parts.append(f"{_character(low, place)}-{_character(high, place)}")
        else:
            parts.append(_class(argument, place))
    return _fold(f"[{negated}{''.join(parts)}]", place)


def _class(category: Parsed, place: _Place) -> str:
    if place.for_ascii:
        return _ASCII_CLASSES[category]
    return _unicode_class(category, bool(place.flags & sre.SRE_FLAG_ASCII))


@cache
def _unicode_class(category: Parsed, is_ascii_only: bool) -> str:
    """The members of a class in this Python's version of Unicode, as ranges."""
    escape = re.compile(_ESCAPES[category], re.ASCII if is_ascii_only else 0)
    # Surrogates, which no UTF-8 text has, are left out, and line up the rest.
    characters = "".join(map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1))))
    runs = (match.group() for match in escape.finditer(characters))
    return "".join(_range(run) for run in runs)


def _range(run: str) -> str:
    low, high = ord(run[0]), ord(run[-1])
    if low < 0xD800 and high >= 0xE000:
        return f"\\x{{{low:x}}}-\\x{{d7ff}}\\x{{e000}}-\\x{{{high:x}}}"
    return f"\\x{{{low:x}}}-\\x{{{high:x}}}"


def _branch(argument: Parsed, place: _Place) -> str:
    return "(?:" + "|".join(_sequence(branch, place) for branch in argument[1]) + ")"


def _group(argument: Parsed, place: _Place) -> str:
    _, added, removed, parsed = argument
    flags = (place.flags | added) & ~removed
    return f"(?:{_sequence(parsed, place.inner(is_last=True, flags=flags))})"


def _repeat(argument: Parsed, place: _Place) -> str:
    # Whether it is greedy has no influence on whether there is a match.
    low, high, parsed = argument
    once = _sequence(parsed, place.inner(is_last=high <= 1))
    return f"(?:{once}){{{low},{'' if high is sre.MAXREPEAT else high}}}"


def _at(position: Parsed, place: _Place) -> str:
    if position is sre.AT_BEGINNING:
        return "(?m:^)" if place.flags & sre.SRE_FLAG_MULTILINE else r"\A"
    if position is sre.AT_END:
        return _end(place)
    if position is sre.AT_BOUNDARY and place.for_ascii:
        return r"\b"
    simple = {sre.AT_BEGINNING_STRING: r"\A", sre.AT_END_STRING: r"\z"}
    if position not in simple:  # \B too: the versions of Python disagree on empty texts
        raise NotExpressible(str(position))
    return simple[position]


def _end(place: _Place) -> str:
    if place.flags & sre.SRE_FLAG_MULTILINE:
        return "(?m:$)"
    if not place.ends_with_line_feed:
        return r"\z"
    # Python's $ holds before a last line feed too. RE2 cannot look ahead, but may swallow it.
    if not place.is_last:
        raise NotExpressible("$ within the pattern")
    return r"(?:\n?\z)"


def _failure(_: Parsed, __: _Place) -> str:
    return _NOTHING


_WRITERS: dict[Parsed, Callable[[Parsed, _Place], str]] = {
    sre.LITERAL: _literal,
    sre.NOT_LITERAL: _not_literal,
    sre.ANY: _any,
    sre.IN: _set,
    sre.BRANCH: _branch,
    sre.SUBPATTERN: _group,
    sre.MAX_REPEAT: _repeat,
    sre.MIN_REPEAT: _repeat,
    sre.AT: _at,
    sre.FAILURE: _failure,
}
