"""Filters, as SQL conditions.

The rules are those of :mod:`kinto.core.storage.matching`, in the words of JSONB. Source:
"Filtering" in the API documentation.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import MISSING, Filter
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.ordering import json_text
from kinto.core.storage.postgresql.fields import FieldExpression, field_expression
from kinto.core.storage.postgresql.values import BoundValues
from kinto.core.types import JSONValue


# A condition on one field.
_Builder = Callable[[FieldExpression, Any, BoundValues], str]

_SQL_OPERATORS = {
    COMPARISON.LT: "<",
    COMPARISON.MAX: "<=",
    COMPARISON.EQ: "=",
    COMPARISON.NOT: "<>",
    COMPARISON.GT: ">",
    COMPARISON.MIN: ">=",
}
_MISSING_CONDITIONS = {
    COMPARISON.EQ: "{value} IS NULL",
    COMPARISON.MIN: "{value} IS NULL",
    COMPARISON.NOT: "{value} IS NOT NULL",
    COMPARISON.LT: "{value} IS NOT NULL",
    COMPARISON.MAX: "TRUE",
    COMPARISON.GT: "FALSE",
}
# Operators that keep objects without the field: it sorts after everything.
_KEEPS_MISSING = frozenset({COMPARISON.GT, COMPARISON.MIN})
# What a timestamp column can hold, in milliseconds since the epoch.
_TIMESTAMPS = range(-210_866_803_200_000, 9_224_318_016_000_000)


def all_of(filters: Iterable[Filter], *, names: FieldNames, values: BoundValues) -> list[str]:
    """Conditions that must hold together."""
    contained: dict[str, JSONValue] = {}
    others = []
    for each in filters:
        if each.field not in contained and _is_containment(each, names):
            contained[each.field] = each.value
        else:
            others.append(condition(*each, names=names, values=values))
    if contained:
        others.insert(0, f"data @> {values.bind_json(contained)}")
    return others


def _is_containment(wanted: Filter, names: FieldNames) -> bool:
    """Whether an equality can be said as what ``data`` contains, all of them in one condition.

    That is what a GIN index serves. It is also all that the planner has statistics for: about
    the value of an expression it would assume anything, and read a whole list for the first
    few matches of it.
    """
    return (
        wanted.operator is COMPARISON.EQ
        and "." not in wanted.field
        and wanted.field not in names
        and isinstance(wanted.value, str | int | float | None)
    )


def condition(
    field: str, value: Any, operator: COMPARISON, *, names: FieldNames, values: BoundValues
) -> str:
    """The SQL of one filter; it is true or not, never to be negated.

    :raises ValueError: the value cannot be stored, hence not be compared, or is ``MISSING``
        with an operator that has no sense for it.
    """
    expression = field_expression(field, names=names, values=values)
    if value is MISSING:
        if operator not in _MISSING_CONDITIONS:
            raise ValueError(f"MISSING cannot be the value of {operator}")
        return f"({_MISSING_CONDITIONS[operator].format(value=expression.value)})"
    if expression.column is not None:
        if expression.column == "id":
            value = _id_text(value)
        on_column = _on_column(expression.column, value, operator, values)
        if on_column is not None:
            return on_column
    if operator in _BUILDERS:
        return f"({_BUILDERS[operator](expression, value, values)})"
    return f"({_compared(expression, value, operator, values)})"


def _id_text(value: Any) -> Any:
    """Identifiers compare as text: a number stands for its digits."""
    if isinstance(value, list | tuple):
        return [_id_text(element) for element in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return json_text(value) if is_number else value


def _on_column(column: str, value: Any, operator: COMPARISON, values: BoundValues) -> str | None:
    """The condition on the bare column, which an index may serve, if the value has its type."""
    if column == "deleted":
        is_deletion = value is True and operator in (COMPARISON.EQ, COMPARISON.NOT)
        return ("deleted" if operator is COMPARISON.EQ else "NOT deleted") if is_deletion else None
    if operator not in _SQL_OPERATORS:
        return None
    sql_operator = _SQL_OPERATORS[operator]
    if column == "id":
        return f"id {sql_operator} {values.bind(value)}" if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int) or value not in _TIMESTAMPS:
        return None
    return f"last_modified {sql_operator} from_epoch({values.bind(value)})"


def _equal(expression: FieldExpression, value: JSONValue, values: BoundValues) -> str:
    exact = f"{expression.value} = {values.bind_json(value)}"
    return " AND ".join([exact, *_containment(expression, value, values)])


def _different(expression: FieldExpression, value: JSONValue, values: BoundValues) -> str:
    return f"{expression.value} IS DISTINCT FROM {values.bind_json(value)}"


def _containment(expression: FieldExpression, value: JSONValue, values: BoundValues) -> list[str]:
    """What follows from equality or containment, in the form that a GIN index serves."""
    if not expression.paths:
        return []
    nested = (_nested(path, value) for path in expression.paths)
    return [f"({' OR '.join(f'data @> {values.bind_json(each)}' for each in nested)})"]


def _nested(path: Sequence[str], value: JSONValue) -> JSONValue:
    for key in reversed(path):
        value = {key: value}
    return value


def _compared(
    expression: FieldExpression, value: JSONValue, operator: COMPARISON, values: BoundValues
) -> str:
    """LT, MAX, GT, MIN in the order of JSON values.

    The native order would do, but for texts, which follow the collation of the database, and
    for an empty array, which is less than null there.
    """
    found, sql_operator = expression.value, _SQL_OPERATORS[operator]
    is_upper = operator in (COMPARISON.GT, COMPARISON.MIN)
    if isinstance(value, str):
        text = f"({found} #>> '{{}}') COLLATE \"C\" {sql_operator} {values.bind(value)}"
        others = "NOT IN ('null', 'string')" if is_upper else "= 'null'"
        compared = (
            f"CASE jsonb_typeof({found}) WHEN 'string' THEN {text}"
            f" ELSE jsonb_typeof({found}) {others} END"
        )
    elif isinstance(value, list | tuple | dict):
        key = values.bind_json(_order_key(value))
        compared = f"kinto_order({found}) {sql_operator} {key}"
    elif is_upper:
        # In terms of an object, which is greater than any value here: looking a field up is most
        # of what it takes to judge one, and is done once.
        return f"COALESCE(NULLIF({found}, '[]'), '{{}}') {sql_operator} {values.bind_json(value)}"
    else:
        native = f"{found} {sql_operator} {values.bind_json(value)}"
        compared = f"({native} AND {found} <> '[]')"
    return f"{compared} OR {found} IS NULL" if operator in _KEEPS_MISSING else compared


def _order_key(value: JSONValue) -> JSONValue:
    """What the SQL function ``kinto_order`` gives for an array or object."""
    return _hex_texts(value) if isinstance(value, dict) else [_hex_texts(value)]


def _hex_texts(value: JSONValue) -> JSONValue:
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, list | tuple):
        return [_hex_texts(element) for element in value]
    if isinstance(value, dict):
        return {key.encode().hex(): _hex_texts(member) for key, member in value.items()}
    return value


def _one_of(expression: FieldExpression, wanted: list[Any], values: BoundValues) -> str:
    if not wanted:
        return "FALSE"
    if expression.column == "id":
        # What is no text equals no identifier.
        return (
            f"id = ANY({values.bind([each for each in wanted if isinstance(each, str)])}::text[])"
        )
    return f"{expression.value} = ANY({values.bind_json_array(list(wanted))})"


def _none_of(expression: FieldExpression, unwanted: list[Any], values: BoundValues) -> str:
    if not unwanted:
        return "TRUE"
    return f"({_one_of(expression, unwanted, values)}) IS NOT TRUE"


def _like(expression: FieldExpression, value: Any, values: BoundValues) -> str:
    text = value if isinstance(value, str) else json_text(value)
    pattern = like_pattern(text if "*" in text else f"*{text}*")
    found = f"{expression.value} #>> '{{}}'"
    return f"kinto_fold_case({found}) LIKE kinto_fold_case({values.bind(pattern)})"


def _has(expression: FieldExpression, value: Any, values: BoundValues) -> str:
    return f"{expression.value} IS {'NOT ' if value else ''}NULL"


def _contains(expression: FieldExpression, wanted: list[Any], values: BoundValues) -> str:
    found, parts = expression.value, list(wanted)
    exact = f"jsonb_typeof({found}) = 'array' AND {found} @> {values.bind_json(parts)}"
    return " AND ".join([exact, *_containment(expression, parts, values)])


def _contains_any(expression: FieldExpression, wanted: list[Any], values: BoundValues) -> str:
    if not wanted:
        return "FALSE"
    found = expression.value
    array = f"CASE jsonb_typeof({found}) WHEN 'array' THEN {found} ELSE '[]' END"
    return (
        f"EXISTS (SELECT FROM jsonb_array_elements({array}) AS elements (element)"
        f" WHERE element = ANY({values.bind_json_array(list(wanted))}))"
    )


_BUILDERS: dict[COMPARISON, _Builder] = {
    COMPARISON.EQ: _equal,
    COMPARISON.NOT: _different,
    COMPARISON.IN: _one_of,
    COMPARISON.EXCLUDE: _none_of,
    COMPARISON.LIKE: _like,
    COMPARISON.HAS: _has,
    COMPARISON.CONTAINS: _contains,
    COMPARISON.CONTAINS_ANY: _contains_any,
}


def like_pattern(text: str) -> str:
    """A pattern of ``LIKE`` in which ``*`` stands for any run, everything else for itself."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text.replace("*", "%")
