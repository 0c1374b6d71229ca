"""Decoding of the text of one setting.

Source: "Value parsing" in the settings documentation.
"""

import json
import math
from typing import Any, NoReturn


def decode_value(value: Any) -> Any:  # settings hold whatever JSON can
    """The JSON value of a text, the text itself when it is not JSON.

    Values that are no text are returned as they are.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=_refuse, parse_float=_finite_float)
    except (ValueError, RecursionError):
        # Longer integers than Python converts are ValueError as well.
        return value


def _refuse(constant: str) -> NoReturn:
    # `NaN` and `Infinity` are accepted by default, although they are not JSON.
    raise ValueError(constant)


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
