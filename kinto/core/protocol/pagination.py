"""Pages of a list, cut by the values of the last object seen, never by counting.

Source: "Paginating" in the API documentation.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from kinto.core.exceptions import InvalidParameter, JSONError, UnstorableText
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import MISSING, Filter, Sort
from kinto.core.protocol.dicts import find_nested_value
from kinto.core.protocol.json_codec import check_storable, dumps_bytes, loads
from kinto.core.protocol.querystring import Params
from kinto.core.types import JSONValue, KintoObject


NONCE_PREFIX: Final = "pagination-token-"

_MAX_TIMESTAMP = 2**63 - 1
# Values that `last_object` may not hold (older servers refuse them): arrays and objects.
_COMPOSITE_KEY = "composite"

Rules = list[list[Filter]]


@dataclass(frozen=True, slots=True)
class PageToken:
    """Where the next page begins.

    :param last_object: value of each sort field in the last object of the page, under its
        dotted name; without those that the object lacks.
    :param offset: position of the next page, for people who look into tokens.
    :param nonce: tells tokens apart, so that those of a deletion serve once.
    """

    last_object: KintoObject = field(default_factory=dict)
    offset: int = 0
    nonce: str = ""


def new_nonce() -> str:
    """Text that no other token has."""
    return f"{NONCE_PREFIX}{uuid4()}"


def extract_limit(requested: int | None, *, paginate_by: int | None, max_fetch_size: int) -> int:
    """Size of a page: the smallest of what is asked for and what the settings allow.

    :param requested: ``None`` or 0 when the client does not mind.
    """
    return min([size for size in (requested, paginate_by, max_fetch_size) if size])


def make_token(
    last_object: KintoObject, sorting: Sequence[Sort], *, offset: int, nonce: str
) -> PageToken:
    """The token of the page that follows ``last_object``."""
    values = {}
    for sort in sorting:
        value = find_nested_value(last_object, sort.field, MISSING)
        if value is not MISSING:
            values[sort.field] = value
    return PageToken(values, offset, nonce)


def encode_token(token: PageToken) -> str:
    """Text of the ``_token`` parameter, before it is percent-encoded."""
    scalars: dict[str, JSONValue] = {}
    composite: dict[str, JSONValue] = {}
    for name, value in token.last_object.items():
        (composite if isinstance(value, (list, dict)) else scalars)[name] = value
    document = {"last_object": scalars, "offset": token.offset, "nonce": token.nonce}
    if composite:
        document[_COMPOSITE_KEY] = composite
    return b64encode(dumps_bytes(document)).decode()


def decode_token(
    text: str,
    sorting: Sequence[Sort],
    *,
    modified_field: str = "last_modified",
    tie_breaker: str | None = None,
) -> PageToken:
    """Read a token, whichever server made it.

    :param sorting: of the request; other fields in the token are left out.
    :param tie_breaker: the field, holding text, that makes the order total in place of the
        timestamp.
    :raises InvalidParameter: not a token, or one for another order.
    """
    try:
        document = loads(b64decode(text, validate=True))
        check_storable(document)
    except (ValueError, binascii.Error, JSONError, UnstorableText):
        raise _invalid_token() from None
    if not isinstance(document, dict):
        raise _invalid_token()
    last_object = document.get("last_object")
    offset, nonce = document.get("offset"), document.get("nonce")
    if not isinstance(last_object, dict) or not isinstance(nonce, str):
        raise _invalid_token()
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise _invalid_token()
    values = _pick_values(last_object, document.get(_COMPOSITE_KEY), sorting)
    if tie_breaker is not None:
        if not isinstance(values.get(tie_breaker), str):
            raise _invalid_token()
        return PageToken(values, offset, nonce)
    if not _is_timestamp(last_object.get(modified_field)):
        raise _invalid_token()
    values[modified_field] = int(last_object[modified_field])
    return PageToken(values, offset, nonce)


def pagination_rules(sorting: Sequence[Sort], last_object: KintoObject) -> Rules:
    """Filters, alternatives of one another, that hold for what comes after ``last_object``.

    :param sorting: a total order: one of its fields is the timestamp.
    """
    rules: Rules = []
    equals: list[Filter] = []
    for sort in sorting:
        value = last_object.get(sort.field, MISSING)
        operator = COMPARISON.LT if sort.direction < 0 else COMPARISON.GT
        # Nothing sorts after what is missing.
        if not (value is MISSING and operator is COMPARISON.GT):
            rules.append([*equals, Filter(sort.field, value, operator)])
        equals.append(Filter(sort.field, value, COMPARISON.EQ))
    return rules


def next_page_params(params: Params, *, limit: int, token: str) -> list[tuple[str, str]]:
    """The parameters of the next page: those of this request, ``_limit`` and ``_token`` set."""
    fresh = {"_limit": str(limit), "_token": token}
    result = []
    for name, value in params:
        if name not in ("_limit", "_token"):
            result.append((name, value))
        elif name in fresh:
            result.append((name, fresh.pop(name)))
    return [*result, *fresh.items()]


def _pick_values(
    last_object: KintoObject, composite: JSONValue, sorting: Sequence[Sort]
) -> KintoObject:
    values = {}
    for name in dict.fromkeys(sort.field for sort in sorting):
        if name in last_object:
            if isinstance(last_object[name], (list, dict)):
                raise _invalid_token()
            values[name] = last_object[name]
        elif isinstance(composite, dict) and isinstance(composite.get(name), (list, dict)):
            values[name] = composite[name]
    return values


def _is_timestamp(value: JSONValue) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= _MAX_TIMESTAMP


def _invalid_token() -> InvalidParameter:
    return InvalidParameter("querystring", None, "_token has invalid content")
