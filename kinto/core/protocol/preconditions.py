"""Whether the state that a client knows allows its request.

Source: "Concurrency control" in the API documentation; RFC 9110 section 13.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from kinto.core.exceptions import InvalidETag, InvalidParameter, InvalidParameters
from kinto.core.protocol.etag import parse_etag
from kinto.core.types import Timestamp


_ETag = Timestamp | Literal["*"]


class Outcome(Enum):
    """What becomes of a conditional request."""

    PROCEED = "proceed"
    NOT_MODIFIED = "not modified"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The conditions of one request; ``None`` for a header that is absent or empty."""

    if_match: _ETag | None = None
    if_none_match: _ETag | None = None

    def __bool__(self) -> bool:
        return self.if_match is not None or self.if_none_match is not None


_UNCONDITIONAL = Preconditions()


def parse_preconditions(if_match: str | None, if_none_match: str | None) -> Preconditions:
    """Read the values of both headers.

    :raises InvalidParameters: one error for each header that is neither ``*`` nor a quoted
        whole number.
    """
    if not if_match and not if_none_match:
        return _UNCONDITIONAL
    parsed: list[_ETag | None] = []
    errors = []
    for name, value in (("If-Match", if_match), ("If-None-Match", if_none_match)):
        text = (value or "").strip()
        try:
            parsed.append(parse_etag(text) if text else None)
        except InvalidETag as error:
            errors.append(InvalidParameter("header", name, str(error)))
    if errors:
        raise InvalidParameters(tuple(errors))
    return Preconditions(*parsed)


def evaluate(
    preconditions: Preconditions, *, current: Timestamp | None, exists: bool, is_safe: bool
) -> Outcome:
    """Decide on a conditional request.

    :param current: timestamp of the object when it exists; of the list for a plural endpoint
        or for a POST that creates; ``None`` when a PUT creates.
    :param exists: a live object is addressed (a tombstone is not), or a list.
    :param is_safe: GET or HEAD, which may be answered by "not modified".
    """
    if_match, if_none_match = preconditions.if_match, preconditions.if_none_match
    if is_safe and if_none_match is not None and if_none_match == current:
        return Outcome.NOT_MODIFIED
    if if_none_match == "*" and exists:
        return Outcome.FAILED
    if if_match is None:
        return Outcome.PROCEED
    is_met = exists if if_match == "*" else if_match == current
    return Outcome.PROCEED if is_met else Outcome.FAILED
