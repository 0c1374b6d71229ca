"""Timestamps that clients choose.

Source: "Timestamps" page of the API documentation.
"""

import re

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.etag import MAX_TIMESTAMP, MIN_TIMESTAMP
from kinto.core.protocol.querystring import RawValue
from kinto.core.types import JSONValue, Timestamp


_WHOLE_NUMBER = re.compile(r'(?P<quote>"?)(?P<number>-?[0-9]{1,20})(?P=quote)')


def client_timestamp(
    value: JSONValue, *, current: int | None, modified_field: str = "last_modified"
) -> Timestamp | None:
    """The timestamp that a body gives to its object.

    :param current: timestamp of the live object, ``None`` when it is created.
    :returns: ``None`` when the server has to choose: the value is no integer, or not above
        ``current``. (One equal to the timestamp of the list is a matter of the storage.)
    :raises InvalidParameter: an integer that is no date.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if not MIN_TIMESTAMP <= value <= MAX_TIMESTAMP:
        raise InvalidParameter("body", modified_field, f"Invalid value for {modified_field}")
    return _unless_outdated(value, current)


def deletion_timestamp(
    raw: RawValue | None, *, current: int | None, modified_field: str = "last_modified"
) -> Timestamp | None:
    """The timestamp that the query string of a DELETE gives to the tombstone.

    :param raw: the parameter, ``None`` when it is absent.
    :returns: ``None`` when the server has to choose.
    :raises InvalidParameter: no whole number, quoted or not; no date.
    """
    if raw is None:
        return None
    match = _WHOLE_NUMBER.fullmatch(raw.strip()) if isinstance(raw, str) else None
    timestamp = int(match["number"]) if match else MAX_TIMESTAMP + 1
    if not MIN_TIMESTAMP <= timestamp <= MAX_TIMESTAMP:
        raise InvalidParameter(
            "querystring", modified_field, f"Invalid value for {modified_field}"
        )
    return _unless_outdated(timestamp, current)


def _unless_outdated(timestamp: int, current: int | None) -> Timestamp | None:
    return Timestamp(timestamp) if current is None or timestamp > current else None
