"""Warnings for names that still work under an older spelling."""

import warnings


def deprecated_name(old: str, new: str) -> None:
    """Warn that ``old`` is an old name of ``new``; methods are written with ``()``."""
    warnings.warn(f"`{old}` is deprecated, use `{new}` instead.", DeprecationWarning)  # noqa: B028 # suites compare the arguments
