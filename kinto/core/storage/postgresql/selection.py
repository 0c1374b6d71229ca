"""Which rows of ``objects`` a call is about, in which order, how many."""

from typing import NamedTuple

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import Filters, PaginationRules, Sorting
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql.conditions import all_of, like_pattern
from kinto.core.storage.postgresql.fields import field_expression
from kinto.core.storage.postgresql.values import BoundValues


# Timestamps of the years -2800 to 6700: what is farther away is compared with care.
_FAR = 150_000_000_000_000


class Criteria(NamedTuple):
    """What a caller of the storage asks for.

    :param resource_name: ``None``: every resource.
    :param parent_id: may hold ``*`` as a wildcard, see ``has_wildcards``.
    """

    resource_name: str | None
    parent_id: str
    filters: Filters | None = None
    sorting: Sorting | None = None
    rules: PaginationRules | None = None
    limit: int | None = None
    include_deleted: bool = False
    names: FieldNames = FieldNames()

    @property
    def is_one_list(self) -> bool:
        """Whether the objects are siblings, hence have different timestamps."""
        return self.resource_name is not None and "*" not in self.parent_id

    @property
    def is_whole_list(self) -> bool:
        """Whether every live object of one list is meant."""
        return (
            self.is_one_list and not self.filters and not self.rules and not self.include_deleted
        )

    @property
    def is_long(self) -> bool:
        """Whether the objects themselves must be looked at, not only what indexes hold."""
        fields = [each.field for each in self.filters or ()]
        fields += [each.field for each in self.sorting or ()]
        fields += [each.field for rule in self.rules or () for each in rule]
        return not {*self.names}.issuperset(fields) or not self.is_one_list


def scope(criteria: Criteria, values: BoundValues) -> list[str]:
    """Conditions for the lists: ids by equality, ``*`` alone being a wildcard."""
    conditions = []
    if criteria.resource_name is not None:
        conditions.append(f"resource_name = {values.bind(criteria.resource_name)}")
    if "*" not in criteria.parent_id:
        conditions.append(f"parent_id = {values.bind(criteria.parent_id)}")
    elif criteria.parent_id.strip("*"):
        conditions.append(f"parent_id LIKE {values.bind(like_pattern(criteria.parent_id))}")
    return conditions or ["TRUE"]


def where(criteria: Criteria, values: BoundValues) -> str:
    """The conditions for the rows."""
    names = criteria.names
    conditions = scope(criteria, values)
    if not criteria.include_deleted:
        conditions.append("NOT deleted")
    conditions += all_of(criteria.filters or (), names=names, values=values)
    if criteria.rules:
        rules = (all_of(rule, names=names, values=values) for rule in criteria.rules)
        alternatives = (" AND ".join(rule) or "TRUE" for rule in rules)
        conditions.append(f"({' OR '.join(f'({each})' for each in alternatives)})")
    return "\n   AND ".join(conditions)


def order_by(criteria: Criteria, values: BoundValues) -> str:
    """The order of the rows: ties, or everything by default, oldest first."""
    keys: list[str] = []
    is_dated = False
    for sort in criteria.sorting or ():
        direction = "DESC" if sort.direction < 0 else "ASC"
        keys += [f"{key} {direction}" for key in _sort_keys(sort.field, criteria.names, values)]
        is_dated = is_dated or sort.field == criteria.names.modified
        if is_dated and criteria.is_one_list:
            break  # No ties are left.
    if not is_dated:
        keys.append("last_modified ASC")
    if not criteria.is_one_list:
        keys += ["parent_id ASC", "resource_name ASC", "id ASC"]
    return ", ".join(keys)


def _sort_keys(field: str, names: FieldNames, values: BoundValues) -> list[str]:
    expression = field_expression(field, names=names, values=values)
    if expression.column == "deleted":
        return [expression.value]
    if expression.column is not None:
        return [expression.column]
    found = expression.value
    # Texts are equal in the first key, and told apart by the second one.
    text = f"CASE jsonb_typeof({found}) WHEN 'string' THEN {found} #>> '{{}}' END"
    return [f"kinto_order({found})", f'({text}) COLLATE "C"']


class TimeSpan(NamedTuple):
    """A page of one list by timestamps alone; bounds are exclusive."""

    after: int | None = None
    before: int | None = None
    is_descending: bool = False


def time_span(criteria: Criteria) -> TimeSpan | None:
    """The criteria as a span of time, if nothing else is asked for."""
    filters, rules, sorting = criteria.filters or (), criteria.rules or (), criteria.sorting or ()
    if not criteria.is_one_list or len(rules) > 1 or len(sorting) > 1:
        return None
    modified = criteria.names.modified
    after: int | None = None
    before: int | None = None
    for field, value, operator in (*filters, *(rules[0] if rules else ())):
        if field != modified or type(value) is not int or abs(value) >= _FAR:
            return None
        if operator is COMPARISON.GT:
            after = value if after is None else max(after, value)
        elif operator is COMPARISON.LT:
            before = value if before is None else min(before, value)
        else:
            return None
    if sorting and sorting[0].field != modified:
        return None
    is_descending = bool(sorting) and sorting[0].direction < 0
    return TimeSpan(after, before, is_descending)
