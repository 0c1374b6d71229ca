"""The keywords that look at one value, not at what is in it."""

from collections.abc import Callable, Sized
from fractions import Fraction
from typing import Any

from kinto.core.types import JSONValue
from kinto.json_schema.equality import hashable_form
from kinto.json_schema.outcome import Check, Failure, Schema, Work
from kinto.json_schema.patterns import finds


AssertionKeyword = Callable[[Any, Schema], Check]
Test = Callable[[JSONValue, Work], bool]
Describe = Callable[[JSONValue], str]


def is_number(value: JSONValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: JSONValue) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[JSONValue], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
    "null": lambda value: value is None,
    "number": is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _check(
    keyword: str, expected: JSONValue, *, schema: Schema, fails: Test, describe: Describe
) -> Check:
    def check(value: JSONValue, work: Work) -> Failure | None:
        if not fails(value, work):
            return None
        return Failure(
            keyword, expected, instance=value, schema=schema, describe=lambda: describe(value)
        )

    return check


def _type(expected: Any, schema: Schema) -> Check:
    names = [expected] if isinstance(expected, str) else expected
    tests = [_TYPES[name] for name in names]
    listed = ", ".join(repr(name) for name in names)
    return _check(
        "type",
        expected,
        schema=schema,
        fails=lambda value, _: not any(test(value) for test in tests),
        describe=lambda value: f"{value!r} is not of type {listed}",
    )


def _enum(expected: Any, schema: Schema) -> Check:
    allowed = {hashable_form(each, Work()) for each in expected}
    return _check(
        "enum",
        expected,
        schema=schema,
        fails=lambda value, work: hashable_form(value, work) not in allowed,
        describe=lambda value: f"{value!r} is not one of {expected!r}",
    )


def _const(expected: Any, schema: Schema) -> Check:
    wanted = hashable_form(expected, Work())
    return _check(
        "const",
        expected,
        schema=schema,
        fails=lambda value, work: hashable_form(value, work) != wanted,
        describe=lambda _: f"{expected!r} was expected",
    )


def _unique_items(expected: Any, schema: Schema) -> Check:
    def fails(value: JSONValue, work: Work) -> bool:
        if not expected or not isinstance(value, list):
            return False
        work.spend(len(value))
        return len({hashable_form(item, work) for item in value}) < len(value)

    return _check(
        "uniqueItems",
        expected,
        schema=schema,
        fails=fails,
        describe=lambda value: f"{value!r} has non-unique elements",
    )


def _pattern(expected: Any, schema: Schema) -> Check:
    return _check(
        "pattern",
        expected,
        schema=schema,
        fails=lambda value, work: isinstance(value, str) and not finds(expected, value, work),
        describe=lambda value: f"{value!r} does not match {expected!r}",
    )


def _limit(keyword: str, *, exceeds: Callable[[Any, Any], bool], words: str) -> AssertionKeyword:
    def make(expected: Any, schema: Schema) -> Check:
        # `true` is how Draft 4 made `minimum` exclusive: the Draft 4 meta-schema has it.
        is_limit = not isinstance(expected, bool)
        return _check(
            keyword,
            expected,
            schema=schema,
            fails=lambda value, _: is_limit and is_number(value) and exceeds(value, expected),
            describe=lambda value: f"{value!r} is {words} of {expected!r}",
        )

    return make


def _multiple_of(expected: Any, schema: Schema) -> Check:
    return _check(
        "multipleOf",
        expected,
        schema=schema,
        fails=lambda value, _: is_number(value) and not _is_multiple(value, expected),
        describe=lambda value: f"{value!r} is not a multiple of {expected}",
    )


def _is_multiple(value: int | float, divisor: int | float) -> bool:
    # Inexact with floats, as in `jsonschema`: 0.07 is no multiple of 0.01.
    try:
        if isinstance(divisor, float):
            quotient = value / divisor
            return int(quotient) == quotient
        return value % divisor == 0
    except OverflowError:
        return (Fraction(value) / Fraction(divisor)).denominator == 1


def _size(
    keyword: str, kind: type[Sized], *, words: str, words_at: tuple[int, str]
) -> AssertionKeyword:
    """A lowest or highest length. Messages have other words at one special limit."""
    special, words_at_special = words_at
    is_minimum = keyword.startswith("min")

    def make(expected: Any, schema: Schema) -> Check:
        text = words_at_special if expected == special else words

        def fails(value: JSONValue, _: Work) -> bool:
            if not isinstance(value, kind):
                return False
            return bool(len(value) < expected if is_minimum else len(value) > expected)

        return _check(
            keyword,
            expected,
            schema=schema,
            fails=fails,
            describe=lambda value: f"{value!r} {text}",
        )

    return make


def _required(expected: Any, schema: Schema) -> Check:
    def absent(value: JSONValue) -> str | None:
        if not isinstance(value, dict):
            return None
        # Ends at the first that is missing: no more steps than the value has properties.
        return next((name for name in expected if name not in value), None)

    return _check(
        "required",
        expected,
        schema=schema,
        fails=lambda value, _: absent(value) is not None,
        describe=lambda value: f"{absent(value)!r} is a required property",
    )


_NOT_EMPTY = (1, "should be non-empty")
_EMPTY = (0, "is expected to be empty")

ASSERTIONS: dict[str, AssertionKeyword] = {
    "const": _const,
    "enum": _enum,
    "exclusiveMaximum": _limit(
        "exclusiveMaximum",
        exceeds=lambda value, limit: value >= limit,
        words="greater than or equal to the maximum",
    ),
    "exclusiveMinimum": _limit(
        "exclusiveMinimum",
        exceeds=lambda value, limit: value <= limit,
        words="less than or equal to the minimum",
    ),
    "maxItems": _size("maxItems", list, words="is too long", words_at=_EMPTY),
    "maxLength": _size("maxLength", str, words="is too long", words_at=_EMPTY),
    "maxProperties": _size(
        "maxProperties", dict, words="has too many properties", words_at=_EMPTY
    ),
    "maximum": _limit(
        "maximum", exceeds=lambda value, limit: value > limit, words="greater than the maximum"
    ),
    "minItems": _size("minItems", list, words="is too short", words_at=_NOT_EMPTY),
    "minLength": _size("minLength", str, words="is too short", words_at=_NOT_EMPTY),
    "minProperties": _size(
        "minProperties", dict, words="does not have enough properties", words_at=_NOT_EMPTY
    ),
    "minimum": _limit(
        "minimum", exceeds=lambda value, limit: value < limit, words="less than the minimum"
    ),
    "multipleOf": _multiple_of,
    "pattern": _pattern,
    "required": _required,
    "type": _type,
    "uniqueItems": _unique_items,
}
