"""What a wrong setting is reported as.

Source: "Value parsing" in the settings documentation.
"""

import json
import re
from collections.abc import Iterable

from pyramid.exceptions import ConfigurationError


_SECRET_NAME = re.compile(r"secret|password|dsn", re.IGNORECASE)
_URL_NAME = re.compile(r"url|uri", re.IGNORECASE)
# Greedy up to the last "@": a password may hold that character.
_USERINFO_PASSWORD = re.compile(r"(://[^:/?#@]*):.*@", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"((?:^|[?&])[^=&]*password=)[^&#]*", re.IGNORECASE)
_ABSOLUTE_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

MASK = "***"


class InvalidValueError(ValueError):
    """A value of the wrong type.

    :param expected: the type, in the words of the documentation.
    """

    def __init__(self, expected: str) -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected


def mask_url(url: str) -> str:
    """The URL with its password replaced by ``***``."""
    masked = _USERINFO_PASSWORD.sub(rf"\1:{MASK}@", url)
    return _QUERY_PASSWORD.sub(rf"\1{MASK}", masked)


def mask_value(name: str, value: object) -> str:
    """The value of that setting as it may be shown to anyone who reads the logs."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if not text:
        return text
    if _SECRET_NAME.search(name):
        return MASK
    if _URL_NAME.search(name):
        return mask_url(text) if _ABSOLUTE_URL.match(text) else MASK
    return text


def describe_invalid(name: str, value: object, expected: str) -> str:
    """One line about one bad setting.

    :param name: the setting as an operator writes it, with its prefix.
    """
    shown = mask_value(name, value)
    return f"Invalid value for setting '{name}': expected {expected}, got '{shown}'."


def configuration_error(lines: Iterable[str]) -> ConfigurationError:
    """One exception for all bad settings, one line each."""
    return ConfigurationError("\n".join(lines))
