"""Failures of what a setting names, told in one line that names the setting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyramid.exceptions import ConfigurationError


# What code raises that was handed something else than it expected, or that lacks a package.
_FAILURES = (
    AssertionError,
    AttributeError,
    ImportError,
    ImportWarning,
    LookupError,
    TypeError,
    ValueError,
)


@contextmanager
def naming_setting(name: str, value: object) -> Iterator[None]:
    """Tell which setting it is whose code fails within the block.

    :param name: as an operator writes it.
    :param value: what it says; must not be a secret.
    :raises ConfigurationError: it failed.
    """
    try:
        yield
    except _FAILURES as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(f"Setting '{name}': {value}: {reason}") from error


def require_callable(name: str, value: object, found: Any) -> Callable[..., Any]:
    """What was found, which has to be a class or a function.

    :raises ConfigurationError: it is something else.
    """
    if not callable(found):
        raise ConfigurationError(f"Setting '{name}': {value}: expected a class or a function.")
    function: Callable[..., Any] = found
    return function
