"""Labels of metrics: how many values they may take, what older plugins gave instead of pairs."""

import warnings
from collections.abc import Hashable
from typing import Any

from kinto.core.metrics.service import Label


OTHER = "other"

_PAIRS_WANTED = "The `unique` parameter is a list of pairs (label, value); a text is deprecated."


class BoundedLabels:
    """Lets each label take so many values; further ones become ``other``.

    A server of metrics keeps a series for each value for ever, and clients choose many of them.
    """

    def __init__(self, max_values: int) -> None:
        self._max_values = max_values
        self._known: dict[Hashable, set[str]] = {}

    def bound(self, label: Hashable, value: str) -> str:
        """The value, or ``other``.

        :param label: its name, or whatever else tells it from others.
        """
        known = self._known.get(label)
        if known is None:
            known = self._known[label] = set()
        if value in known or not value:
            return value
        if len(known) >= self._max_values:
            return OTHER
        known.add(value)
        return value


def pairs_of(unique: Any) -> list[Label]:
    """What is counted, as pairs; a text is taken as well, with a warning.

    ``species.boletus`` is the value ``boletus`` of the label ``species``, ``boletus`` one of the
    label ``group``.
    """
    if not isinstance(unique, str):
        return [(str(label), str(value)) for label, value in unique]
    warn_about_text()
    label, dot, value = unique.partition(".")
    return [(label, value)] if dot else [("group", unique)]


def warn_about_text() -> None:
    """Warn that pairs are wanted."""
    warnings.warn(_PAIRS_WANTED, DeprecationWarning, stacklevel=4)
