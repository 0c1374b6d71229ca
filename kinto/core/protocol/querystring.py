"""Parameters of a query string that have a type.

Source: "URL parameters" in the API documentation.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.storable import find_text_problem
from kinto.core.protocol.text import native_value


Params = Sequence[tuple[str, str]]
# What a parameter holds: its text, or the texts of a repeated one.
RawValue = str | list[str]
# Parameters by name, in the order of their first appearance.
GroupedParams = Mapping[str, RawValue]

TIMESTAMP_ALIASES: Final = ("_since", "_before", "_to")
MAX_NUMBER: Final = 9_223_372_036_854_775_808
# A list takes this many parts in a dotted name, and this many characters in all of it.
MAX_NAME_PARTS: Final = 100
MAX_NAME_LENGTH: Final = 1_000

# Fewer than any number that is out of range has.
_FEW_DIGITS: Final = 19
_NUMBERS: Final = ("_limit", *TIMESTAMP_ALIASES)
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]+)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,19}")


def group_params(params: Params) -> dict[str, RawValue]:
    """Parameters by name, in the order of their first appearance."""
    grouped: dict[str, RawValue] = {}
    for name, value in params:
        known = grouped.get(name)
        if known is None:
            grouped[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            grouped[name] = [known, value]
    return grouped


def invalid_value(name: str) -> InvalidParameter:
    """The error for a value that the parameter ``name`` does not take."""
    return InvalidParameter("querystring", name, f"Invalid value for {name}")


def find_name_problem(name: str, field: str) -> InvalidParameter | None:
    """What makes ``field``, named by the parameter ``name``, no field to look for."""
    if problem := find_text_problem(field):
        return InvalidParameter("querystring", name, problem)
    if len(field) > MAX_NAME_LENGTH or field.count(".") >= MAX_NAME_PARTS:
        return InvalidParameter(
            "querystring",
            name,
            f"Field names have at most {MAX_NAME_LENGTH} characters and {MAX_NAME_PARTS} parts",
        )
    return None


def validate_querystring(
    params: GroupedParams, *, id_field: str = "id", modified_field: str = "last_modified"
) -> list[InvalidParameter]:
    """Errors of the parameters whose type is known, in the order of the query string."""
    errors = []
    for name, raw in params.items():
        if name in _NUMBERS or name == modified_field:
            try:
                parse_number(raw)
            except ValueError as error:
                errors.append(InvalidParameter("querystring", name, str(error)))
        elif name in ("_token", id_field) and _is_no_string(raw, allows_numbers=name == "_token"):
            description = f"{raw} is not a string: {{'{name}': ''}}"
            errors.append(InvalidParameter("querystring", name, description))
    return errors


def parse_number(raw: RawValue) -> int | None:
    """A number of zero or more; quotes are allowed, a fraction is cut off.

    :returns: ``None`` for what counts as empty: nothing, ``null``, ``[]`` and ``{}``.
    :raises ValueError: the description of what is wrong.
    """
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < _FEW_DIGITS:
        return int(raw)
    value = native_value(raw)
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return _check_range(value if isinstance(value, str) else str(raw), raw)
    raise ValueError(f'"{raw}" is not a number')


def parse_whole_number(raw: RawValue) -> int | None:
    """A whole number of zero or more, quotes allowed; ``None`` for anything else."""
    text = native_value(raw)
    if isinstance(text, int) and not isinstance(text, bool):
        return text if text >= 0 else None
    if isinstance(text, str) and _WHOLE_NUMBER.fullmatch(text.strip()):
        return int(text)
    return None


def parse_names(raw: RawValue | None) -> list[str]:
    """Names separated by commas; those of a repeated parameter follow one another."""
    if not raw:
        return []
    texts = raw if isinstance(raw, list) else [raw]
    return [name for text in texts for part in text.split(",") if (name := part.strip())]


def _check_range(text: str, raw: RawValue) -> int:
    written = text.strip()
    match = _NUMBER.fullmatch(written)
    if match is None:
        raise ValueError(f'"{text if isinstance(raw, str) else raw}" is not a number')
    if match["whole"] == written.lstrip("+-") and len(match["whole"]) < 300:
        number = int(written)
    else:
        approximate = float(written)
        if approximate in (float("inf"), float("-inf")):
            raise ValueError(f'"{text}" is not a number')
        number = int(approximate)
    if number < 0:
        raise ValueError(f"{number} is less than minimum value 0")
    if number > MAX_NUMBER:
        raise ValueError(f"{number} is greater than maximum value {MAX_NUMBER}")
    return number


def _is_no_string(raw: RawValue, *, allows_numbers: bool) -> bool:
    if isinstance(raw, list):
        return True
    value = None if allows_numbers else native_value(raw)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
