"""Order of a list, as written in a query string.

Source: "Sorting" in the API documentation.
"""

from collections.abc import Callable
from typing import Final

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.criteria import Sort
from kinto.core.protocol.querystring import (
    GroupedParams,
    find_name_problem,
    parse_names,
)


# The rules of a next page grow with the square of it.
MAX_SORT_FIELDS: Final = 20


def extract_sorting(
    params: GroupedParams,
    *,
    known_field: Callable[[str], bool],
    modified_field: str = "last_modified",
) -> list[Sort]:
    """The order asked for, made total by the timestamp: newest first among equals.

    :raises InvalidParameter: a field that objects of this kind do not have; too many of them.
    """
    sorting: dict[str, Sort] = {}
    for text in parse_names(params.get("_sort")):
        direction = -1 if text.startswith("-") else 1
        field = text[1:].strip() if text[0] in "+-" else text
        if not field:
            continue
        if problem := find_name_problem("_sort", field):
            raise problem
        if field != modified_field and not known_field(field):
            raise InvalidParameter("querystring", None, f"Unknown sort field '{field}'")
        # A second mention has nothing left to order.
        sorting.setdefault(field, Sort(field, direction))
        if len(sorting) > MAX_SORT_FIELDS:
            raise InvalidParameter(
                "querystring", "_sort", f"At most {MAX_SORT_FIELDS} fields to sort by"
            )
    sorting.setdefault(modified_field, Sort(modified_field, -1))
    return list(sorting.values())
