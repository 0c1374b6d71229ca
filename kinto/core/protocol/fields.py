"""Fields that a client wants to see of each object.

Source: "Selecting fields" in the API documentation.
"""

from collections.abc import Callable
from typing import Final

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.dicts import dict_subset
from kinto.core.protocol.querystring import (
    GroupedParams,
    find_name_problem,
    parse_names,
)
from kinto.core.types import KintoObject


MAX_FIELDS: Final = 500


def extract_fields(
    params: GroupedParams, *, known_field: Callable[[str], bool]
) -> tuple[str, ...] | None:
    """The names in ``_fields``, ``None`` when every field is wanted.

    :raises InvalidParameter: a field that objects of this kind do not have; too many of them.
    """
    if "_fields" not in params:
        return None
    names = tuple(dict.fromkeys(parse_names(params.get("_fields"))))
    if len(names) > MAX_FIELDS:
        raise InvalidParameter("querystring", "_fields", f"At most {MAX_FIELDS} fields")
    for name in names:
        if problem := find_name_problem("_fields", name):
            raise problem
    if unknown := sorted(name for name in names if not known_field(name)):
        raise InvalidParameter(
            "body",
            "Invalid _fields parameter",
            f"Fields {','.join(unknown)} do not exist",
        )
    return names or None


def project_fields(
    obj: KintoObject,
    fields: tuple[str, ...],
    *,
    id_field: str = "id",
    modified_field: str = "last_modified",
) -> KintoObject:
    """A new object with the fields wanted; its id and timestamp are always there."""
    return dict_subset(obj, (*fields, id_field, modified_field))
