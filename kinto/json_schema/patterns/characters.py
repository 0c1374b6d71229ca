"""Which single characters an element of a regular expression matches.

Python itself decides, one character at a time, so that classes and cases are exactly its own.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from kinto.json_schema.patterns.parsing import Parsed, sre


Predicate = Callable[[str], bool]

# Changed in Python 3.14.
NON_BOUNDARY_IN_EMPTY_TEXT = re.search(r"\B", "") is not None
_ESCAPES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
_RELEVANT_FLAGS = sre.SRE_FLAG_IGNORECASE | sre.SRE_FLAG_DOTALL | sre.SRE_FLAG_ASCII
_REMEMBERED = 1000
_CACHED_PREDICATES = 512


def predicate(operator: Parsed, argument: Parsed, flags: int) -> Predicate:
    """A function that tells whether a character is matched by an element of that kind."""
    if operator is sre.LITERAL and not flags & sre.SRE_FLAG_IGNORECASE:
        return chr(argument).__eq__
    return _predicate(_source(operator, argument), flags & _RELEVANT_FLAGS)


@lru_cache(_CACHED_PREDICATES)
def _predicate(source: str, flags: int) -> Predicate:
    compiled = re.compile(source, flags)
    known: dict[str, bool] = {}

    def matches(character: str) -> bool:
        found = known.get(character)
        if found is None:
            found = compiled.match(character) is not None
            if len(known) < _REMEMBERED:
                known[character] = found
        return found

    return matches


def equals_ignoring_case(one: str, other: str, flags: int) -> bool:
    """Whether a group that matched ``one`` is found again in ``other``."""
    if one == other or not flags & sre.SRE_FLAG_IGNORECASE:
        return one == other
    return len(one) == len(other) and all(
        predicate(sre.LITERAL, ord(left), flags)(right)
        for left, right in zip(one, other, strict=True)
    )


def is_boundary(text: str, position: int, flags: int) -> bool:
    """Whether a word begins or ends there."""
    in_word = _predicate(r"\w", flags & sre.SRE_FLAG_ASCII)
    before = position > 0 and in_word(text[position - 1])
    after = position < len(text) and in_word(text[position])
    return before != after


def _source(operator: Parsed, argument: Parsed) -> str:
    if operator is sre.ANY:
        return "."
    if operator is sre.LITERAL:
        return _character(argument)
    if operator is sre.NOT_LITERAL:
        return f"[^{_character(argument)}]"
    return "[" + "".join(_member(*item) for item in argument) + "]"


def _member(operator: Parsed, argument: Parsed) -> str:
    if operator is sre.NEGATE:
        return "^"
    if operator is sre.LITERAL:
        return _character(argument)
    if operator is sre.RANGE:
        return f"{_character(argument[0])}-{_character(argument[1])}"
    return _ESCAPES[argument]


def _character(code: int) -> str:
    return f"\\U{code:08x}"
