"""What selects, orders or pages the objects of a list.

``kinto.core.storage`` offers these names to plugins.
"""

from typing import Any, Final, NamedTuple

from kinto.core.protocol.comparison import COMPARISON


class Missing:
    """Type of the one value that stands for an absent field."""

    def __repr__(self) -> str:
        return "MISSING"

    def __copy__(self) -> "Missing":
        return self

    def __deepcopy__(self, memo: object) -> "Missing":
        return self

    def __reduce__(self) -> str:
        # Unpickled as the name of this module, so that `is MISSING` stays true.
        return "MISSING"


MISSING: Final = Missing()


class Filter(NamedTuple):
    """A condition on one field; ``value`` may be any JSON value, or ``MISSING``."""

    field: str
    value: Any  # any JSON value
    operator: COMPARISON


class Sort(NamedTuple):
    """An order by one field: descending when ``direction`` is negative."""

    field: str
    direction: int
