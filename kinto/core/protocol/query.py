"""Everything that the query string of a list says.

Source: "URL parameters" in the API documentation.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kinto.core.exceptions import InvalidParameters
from kinto.core.protocol.criteria import Filter, Sort
from kinto.core.protocol.fields import extract_fields
from kinto.core.protocol.filters import ListTimestamp, extract_filters, filters_on_timestamp
from kinto.core.protocol.pagination import (
    PageToken,
    Rules,
    decode_token,
    extract_limit,
    pagination_rules,
)
from kinto.core.protocol.querystring import (
    GroupedParams,
    parse_number,
    validate_querystring,
)
from kinto.core.protocol.sorting import extract_sorting


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a client wants of a list.

    :param limit: size of a page.
    :param token: of the page wanted, ``None`` for the first one.
    :param rules: what the page begins after, for the storage.
    :param fields: names to show, ``None`` for all.
    :param include_deleted: tombstones are wanted.
    :param uses_deprecated_to: the answer has to warn about ``_to``.
    """

    filters: list[Filter]
    sorting: list[Sort]
    limit: int
    token: PageToken | None = None
    rules: Rules | None = None
    fields: tuple[str, ...] | None = None
    include_deleted: bool = False
    uses_deprecated_to: bool = False


def parse_list_query(
    params: GroupedParams,
    *,
    known_field: Callable[[str], bool],
    now_ms: int,
    list_timestamp: ListTimestamp,
    paginate_by: int | None,
    max_fetch_size: int,
    reads_fields: bool = True,
    id_field: str = "id",
    modified_field: str = "last_modified",
) -> ListQuery:
    """Read a whole query string.

    :param known_field: whether objects of this kind may have that field (a dotted path).
    :param list_timestamp: or what gives it, called for filters on dates in the future only.
    :param reads_fields: ``_fields`` counts, which it does not for a deletion.
    :raises InvalidRequest: every parameter of the wrong type, otherwise the first that cannot
        be applied.
    """
    if errors := validate_querystring(params, id_field=id_field, modified_field=modified_field):
        raise InvalidParameters(tuple(errors))
    filters = extract_filters(
        params,
        known_field=known_field,
        now_ms=now_ms,
        list_timestamp=list_timestamp,
        id_field=id_field,
        modified_field=modified_field,
    )
    sorting = extract_sorting(params, known_field=known_field, modified_field=modified_field)
    fields = extract_fields(params, known_field=known_field) if reads_fields else None
    limit = extract_limit(
        parse_number(params["_limit"]) if "_limit" in params else None,
        paginate_by=paginate_by,
        max_fetch_size=max_fetch_size,
    )
    token = None
    if text := params.get("_token"):
        token = decode_token(str(text), sorting, modified_field=modified_field)
    return ListQuery(
        filters=filters,
        sorting=sorting,
        limit=limit,
        token=token,
        rules=pagination_rules(sorting, token.last_object) if token else None,
        fields=fields,
        include_deleted=filters_on_timestamp(filters, modified_field=modified_field),
        uses_deprecated_to="_to" in params,
    )
