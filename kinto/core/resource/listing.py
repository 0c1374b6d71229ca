"""Pages of a list, as clients walk through them.

Source: "Query string" of the HTTP API, section 7.6.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pyramid.request import Request

from kinto.core.errors import raise_invalid, request_params, send_alert
from kinto.core.exceptions import InvalidParameter, InvalidRequest
from kinto.core.origin import own_url
from kinto.core.protocol.clock import msec_time
from kinto.core.protocol.criteria import Filter, Sort
from kinto.core.protocol.pagination import (
    NONCE_PREFIX,
    PageToken,
    decode_token,
    encode_token,
    make_token,
    new_nonce,
    next_page_params,
    pagination_rules,
)
from kinto.core.protocol.query import parse_list_query
from kinto.core.protocol.querystring import GroupedParams, Params, RawValue, group_params
from kinto.core.protocol.urls import UndecodableURL, build_url, parse_query
from kinto.core.registry import settings_of
from kinto.core.storage.protocols import PageQuery
from kinto.core.types import KintoObject


# Of the attributes of a request.
_FORESEEN = "foreseen_list"
# Of query strings whose meaning is remembered.
_KEPT_LENGTH = 128
_TO_IS_DEPRECATED = "_to is now deprecated, you should use _before instead"
_TO_DOCS = (
    "https://kinto.readthedocs.io/en/2.4.0/api/resource.html#list-of-available-url-parameters"
)


class AskedPage(NamedTuple):
    """The page of a list that a request asks for.

    :param page: with one object more than are shown, which tells whether more follow.
    :param fields: names to show, ``None`` for all.
    :param offset: number of objects on the pages before it.
    """

    page: PageQuery
    fields: tuple[str, ...] | None
    offset: int


class ForeseenList(NamedTuple):
    """What a query string asks for, read before it is known whether it is allowed.

    :param resource_class: by whose rules it was read.
    :param grouped: parameters by name, all of them valid; other requests share it.
    :param asked: for a HEAD, with the count that it asks for.
    """

    resource_class: type
    query_string: str
    params: Params
    grouped: GroupedParams
    asked: AskedPage
    uses_deprecated_to: bool

    def copy_params(self) -> dict[str, RawValue]:
        """The parameters by name, for a request to do with as it likes."""
        return {
            name: raw if isinstance(raw, str) else list(raw) for name, raw in self.grouped.items()
        }


def foresee_list(request: Request, resource_class: type, *, as_text: bool) -> ForeseenList:
    """What a GET or HEAD of a list asks for; the request remembers it.

    :raises InvalidRequest: the query string is to be refused, or takes more to understand.
    """
    pagination, environ = settings_of(request).pagination, request.environ
    query_string = environ.get("QUERY_STRING", "")
    is_short = len(query_string) <= _KEPT_LENGTH
    read = _read_query_string if is_short else _read_query_string.__wrapped__
    foreseen: ForeseenList = read(
        query_string,
        resource_class,
        is_head=environ["REQUEST_METHOD"] == "HEAD",
        as_text=as_text,
        paginate_by=pagination.paginate_by,
        max_fetch_size=pagination.max_fetch_size,
    )
    request.__dict__[_FORESEEN] = foreseen
    return foreseen


# Clients ask for a list again in the same words, but for those of pages, which are long. What was
# understood stays right: it may depend on the time only by being refused for too late a date.
@lru_cache(maxsize=256)
def _read_query_string(
    query_string: str,
    resource_class: type,
    *,
    is_head: bool,
    as_text: bool,
    paginate_by: int | None,
    max_fetch_size: int,
) -> ForeseenList:
    try:
        params = parse_query(query_string)
    except UndecodableURL as error:
        raise InvalidRequest(str(error)) from error
    grouped = group_params(params)
    query = parse_list_query(
        grouped,
        known_field=_any_field,
        now_ms=msec_time(),
        list_timestamp=_unknown_timestamp,
        paginate_by=paginate_by,
        max_fetch_size=max_fetch_size,
    )
    if is_head:
        page = count_query(tuple(query.filters))
    else:
        page = PageQuery(
            filters=tuple(query.filters),
            sorting=tuple(query.sorting),
            pagination_rules=query.rules,
            limit=query.limit + 1,
            include_deleted=query.include_deleted,
            as_text=as_text and query.fields is None,
        )
    return ForeseenList(
        resource_class,
        query_string,
        tuple(params),
        grouped,
        AskedPage(page, query.fields, 0 if query.token is None else query.token.offset),
        query.uses_deprecated_to,
    )


def find_foreseen(request: Request) -> ForeseenList | None:
    """What was foreseen of the query string, if that is still the same."""
    foreseen: ForeseenList | None = request.__dict__.get(_FORESEEN)
    if foreseen is None or foreseen.query_string != request.environ.get("QUERY_STRING", ""):
        return None
    return foreseen


def list_params(request: Request) -> Params:
    """Names and values of the query string, read once."""
    foreseen = find_foreseen(request)
    return request_params(request) if foreseen is None else foreseen.params


def count_query(filters: Sequence[Filter]) -> PageQuery:
    """What a HEAD asks for: how many live objects match."""
    return PageQuery(
        filters=filters,
        sorting=(),
        pagination_rules=None,
        limit=0,
        include_deleted=False,
        as_text=False,
        counts=True,
    )


def _any_field(field: str) -> bool:
    return True


def _unknown_timestamp() -> int | None:
    raise InvalidRequest("the timestamp of the list is not known yet")


def read_token(
    request: Request,
    text: str | None,
    *,
    sorting: Sequence[Sort],
    tie_breaker: str | None = None,
) -> tuple[list[list[Filter]] | None, int]:
    """Where the page begins, with the number of objects on the pages before it.

    :param tie_breaker: the field that makes the order total, where it is no timestamp.
    :raises HTTPBadRequest: the token is malformed; for DELETE also: not issued, or used before.
    """
    if not text:
        return None, 0
    token: PageToken = or_400(
        request, lambda: decode_token(text, sorting, tie_breaker=tie_breaker)
    )
    if request.method == "DELETE":
        _consume_nonce(request, token.nonce)
    return pagination_rules(sorting, token.last_object), token.offset


def _consume_nonce(request: Request, nonce: str) -> None:
    is_ours = nonce.startswith(NONCE_PREFIX) and len(nonce) <= len(new_nonce())
    if not is_ours or request.registry.cache.delete(nonce) is None:
        raise_invalid(request, "querystring", None, "_token was already used or has expired.")


def next_page_url(
    request: Request, last: KintoObject, *, sorting: Sequence[Sort], limit: int, offset: int
) -> str:
    """URL of the page after the one that ends with ``last``."""
    nonce = new_nonce()
    if request.method == "DELETE":
        ttl = settings_of(request).pagination.token_validity_seconds
        request.registry.cache.set(nonce, "issued", ttl=ttl)
    token = encode_token(make_token(last, sorting, offset=offset, nonce=nonce))
    params = next_page_params(list_params(request), limit=limit, token=token)
    return build_url(own_url(request), params)


def or_400(request: Request, parse: Callable[[], Any]) -> Any:
    """What ``parse`` gives, its :class:`InvalidParameter` turned into a 400."""
    try:
        return parse()
    except InvalidParameter as error:
        raise_invalid(request, error.location, error.name, error.description)


def warn_about_to(request: Request) -> None:
    """Announce that ``_to`` is deprecated; what the operator announces matters more."""
    if "Alert" not in request.response.headers:
        send_alert(request, _TO_IS_DEPRECATED, url=_TO_DOCS)
