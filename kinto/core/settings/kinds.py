"""Types of settings: how each reads its value.

A kind takes what the INI file, the environment or a Python dict gives, before or after JSON
decoding, so ``"25"`` equals ``25``.

Source: "Value parsing" in the settings documentation.
"""

import importlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from kinto.core.protocol.host import is_valid_host
from kinto.core.settings.decoding import decode_value
from kinto.core.settings.errors import InvalidValueError


_TRUE_WORDS = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE_WORDS = frozenset({"false", "f", "no", "n", "off", "0", ""})
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_YEAR_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_PRINCIPAL_SEPARATORS = re.compile(r"[\s,]+")
_UNSET_WORDS = frozenset({"", "null", "none"})
_WITHDRAWN_BACKENDS = frozenset({"kinto.core.storage.redis", "kinto.core.permission.redis"})


@dataclass(frozen=True, slots=True)
class Kind:
    """How the values of a type are read.

    :param label: name of the type in error messages.
    :param parse: raises :class:`InvalidValueError`.
    :param is_text: a JSON number or boolean is used as it was written.
    :param is_optional: ``null`` means "not set", rather than the word.
    :param is_list: a JSON list is taken as one.
    """

    label: str
    parse: Callable[[Any], Any]
    is_text: bool = False
    is_optional: bool = False
    is_list: bool = False

    def decode(self, value: Any) -> Any:  # any JSON value
        """The value that plugins see in ``registry.settings``."""
        decoded = decode_value(value)
        if not self.is_text or decoded is value or isinstance(decoded, str):
            return decoded
        if (decoded is None and self.is_optional) or (isinstance(decoded, list) and self.is_list):
            return decoded
        return value


def is_unset(value: object) -> bool:
    """Does this value of an optional setting mean "not set"?"""
    return value is None or (isinstance(value, str) and value.strip().lower() in _UNSET_WORDS)


def parse_bool(value: object) -> bool:
    """A JSON boolean or one of the usual words, in any case."""
    word = str(value).strip().lower()
    if word in _TRUE_WORDS:
        return True
    if word in _FALSE_WORDS:
        return False
    raise InvalidValueError("bool")


def parse_int(value: object) -> int:
    """An integer, or the text of one."""
    if not isinstance(value, bool) and _INTEGER.fullmatch(text := str(value).strip()):
        return int(text)
    raise InvalidValueError("int")


def parse_float(value: object) -> float:
    """A finite number, or the text of one."""
    if not isinstance(value, bool) and _NUMBER.fullmatch(text := str(value).strip()):
        number = float(text)
        if math.isfinite(number):
            return number
    raise InvalidValueError("float")


def parse_words(value: object) -> tuple[str, ...]:
    """Words separated by whitespace, or the items of a list."""
    if value is None:
        return ()
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(str(item) for item in value)
    if isinstance(value, dict):
        raise InvalidValueError("list")
    return tuple(str(value).split())


def parse_principals(value: object) -> frozenset[str]:
    """Principals separated by whitespace or commas, or the items of a list."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(filter(None, _PRINCIPAL_SEPARATORS.split(value)))
    return frozenset(parse_words(value))


def _parse_text(value: object) -> str:
    return "" if value is None else str(value)


def _parse_date(value: object) -> datetime:
    """A date, with or without time, in ISO 8601; a year or a month is its first instant."""
    text = str(value).strip()
    if match := _YEAR_MONTH.fullmatch(text):
        text = f"{match[1]}-{match[2] or '01'}-01"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValueError("date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parse_url(value: object) -> str:
    text = str(value).strip()
    try:
        parts = urlsplit(text)
        is_absolute = bool(parts.scheme and parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        is_absolute = False
    if not is_absolute:
        raise InvalidValueError("url")
    return text


def _parse_host(value: object) -> str:
    text = str(value).strip()
    if not is_valid_host(text):
        raise InvalidValueError("host or host:port")
    return text


def _parse_scheme(value: object) -> str:
    text = str(value).strip()
    if not _SCHEME.fullmatch(text):
        raise InvalidValueError("scheme of a URL")
    return text


def _parse_udp_url(value: object) -> str:
    text = _parse_url(value)
    if urlsplit(text).scheme != "udp":
        raise InvalidValueError("url (udp://host:port)")
    return text


def _parse_dotted(value: object) -> str:
    text = str(value).strip()
    if text in _WITHDRAWN_BACKENDS:
        raise InvalidValueError(
            "dotted (redis is only available as a cache: kinto.core.cache.redis)"
        )
    if not is_importable(text):
        raise InvalidValueError("dotted")
    return text


def is_importable(dotted: str) -> bool:
    """Does ``package.module`` or ``package.module.Name`` name something?

    A module that is there but cannot be executed (a missing optional package, say) counts: who
    loads it has the better message.
    """
    if not all(part.isidentifier() for part in dotted.split(".")):
        return False
    parent, _, attribute = dotted.rpartition(".")
    return _has_module(dotted) or (bool(parent) and _has_module(parent, attribute=attribute))


def _has_module(name: str, *, attribute: str = "__name__") -> bool:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        return not f"{name}.".startswith(f"{error.name}.")
    except Exception:  # noqa: BLE001  # the module's own failure, shown when it is loaded
        return True
    return hasattr(module, attribute)


def _parse_networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(word, strict=False) for word in parse_words(value))
    except ValueError:
        raise InvalidValueError("list of addresses") from None


def _parse_floats(value: object) -> tuple[float, ...]:
    """Numbers, ``Inf`` among them."""
    try:
        return tuple(float(word) for word in parse_words(value))
    except ValueError:
        raise InvalidValueError("list of floats") from None


def _at_least(parse: Callable[[Any], Any], minimum: float, label: str) -> Callable[[Any], Any]:
    def parse_bounded(value: Any) -> Any:  # as the parser it bounds
        number = parse(value)
        if number < minimum:
            raise InvalidValueError(label)
        return number

    return parse_bounded


def _optional(parse: Callable[[Any], Any], label: str | None = None) -> Callable[[Any], Any]:
    def parse_optional(value: Any) -> Any:  # as the parser it makes optional
        if is_unset(value):
            return None
        try:
            return parse(value)
        except InvalidValueError as error:
            raise InvalidValueError(label or error.expected) from None

    return parse_optional


def _parse_limit(value: object) -> int | None:
    """A limit, where zero or nothing means that there is none."""
    return None if is_unset(value) else (_parse_natural(value) or None)


def _parse_percentage(value: object) -> float:
    percentage = parse_float(value)
    if not 0 <= percentage <= 100:
        raise InvalidValueError("float from 0 to 100")
    return percentage


_parse_natural = _at_least(parse_int, 0, "int (at least 0)")

BOOL = Kind("bool", parse_bool)
OPTIONAL_BOOL = Kind("optional bool", _optional(parse_bool, "optional bool"), is_optional=True)
INT = Kind("int", parse_int)
NATURAL = Kind("int", _parse_natural)
POSITIVE = Kind("int", _at_least(parse_int, 1, "int (at least 1)"))
LIMIT = Kind("int", _parse_limit)
OPTIONAL_INT = Kind("optional int", _optional(_parse_natural, "optional int"), is_optional=True)
OPTIONAL_LIMIT = Kind("optional int", _optional(_parse_limit, "optional int"), is_optional=True)
SECONDS = Kind("float", _at_least(parse_float, 0, "float (at least 0)"))
TIME_LIMIT = Kind("float", _at_least(parse_float, 0.1, "float (at least 0.1)"))
OPTIONAL_PERCENTAGE = Kind(
    "optional float from 0 to 100",
    _optional(_parse_percentage, "optional float from 0 to 100"),
    is_optional=True,
)
TEXT = Kind("str", _parse_text, is_text=True)
OPTIONAL_TEXT = Kind("str", _optional(str), is_text=True, is_optional=True)
DATE = Kind("date", _optional(_parse_date), is_text=True, is_optional=True)
# Backends understand URLs that are none (`localhost:6379/0`), so these are not checked.
URL = Kind("url", _parse_text, is_text=True)
OPTIONAL_HOST = Kind("host", _optional(_parse_host), is_text=True, is_optional=True)
OPTIONAL_SCHEME = Kind("scheme", _optional(_parse_scheme), is_text=True, is_optional=True)
OPTIONAL_URL = Kind("url", _optional(_parse_url), is_text=True, is_optional=True)
OPTIONAL_UDP_URL = Kind("url", _optional(_parse_udp_url), is_text=True, is_optional=True)
DOTTED = Kind("dotted", _parse_dotted, is_text=True)
OPTIONAL_DOTTED = Kind("dotted", _optional(_parse_dotted), True, True)
PRINCIPALS = Kind("principals", parse_principals, is_text=True, is_list=True)
WORDS = Kind("list", parse_words, is_text=True, is_list=True)
FLOATS = Kind("list of floats", _parse_floats, is_text=True, is_list=True)
NETWORKS = Kind("list of addresses", _parse_networks, is_text=True, is_list=True)
