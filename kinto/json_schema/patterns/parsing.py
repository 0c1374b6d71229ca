"""Python's own parse of a regular expression.

The public name of that parser, ``sre_parse``, is deprecated without a replacement; this is the one
module that touches the private one.
"""

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any


__all__ = ["MAX_PATTERN_LENGTH", "Parsed", "is_regular_expression", "parse", "sre"]

MAX_PATTERN_LENGTH = 20_000
_LOOKBEHIND = -1

# A parsed pattern is a list of (operator, argument), whose shape depends on the operator.
Parsed = Any


def parse(pattern: str) -> Parsed:
    """The syntax tree of a pattern; the flags that hold for all of it are in ``.state.flags``.

    :raises re.error: it is no valid pattern, or one that we do not take.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise re.error("too long", pattern)
    try:
        return sre_parser.parse(pattern)
    except (OverflowError, RecursionError) as error:
        raise re.error(str(error), pattern) from None


def is_regular_expression(pattern: str) -> bool:
    """Whether Python's ``re`` takes it, and we do.

    It is not compiled: the time that takes is not bounded by the length of the pattern.
    """
    try:
        return not _has_variable_lookbehind(parse(pattern))
    except (re.error, RecursionError):
        return False


def _has_variable_lookbehind(parsed: Parsed) -> bool:
    """What Python refuses only when it compiles: ``(?<=a+)``."""
    for operator, argument in parsed:
        if operator in (sre.ASSERT, sre.ASSERT_NOT):
            direction, inner = argument
            low, high = inner.getwidth()
            if direction == _LOOKBEHIND and low != high:
                return True
        if any(_has_variable_lookbehind(inner) for inner in _patterns_within(argument)):
            return True
    return False


def _patterns_within(argument: Parsed) -> list[Parsed]:
    """The patterns that an operator's argument holds, at any depth of tuples and lists."""
    if isinstance(argument, sre_parser.SubPattern):
        return [argument]
    if isinstance(argument, tuple | list):
        return [part for each in argument for part in _patterns_within(each)]
    return []
