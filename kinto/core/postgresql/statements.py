"""SQL statements with a name, as text or prepared on the server.

A statement with ``types`` is prepared on each connection when it is first used there, in the
same round trip as that use: ``PREPARE name(types) AS …; EXECUTE name(values)``. Hot statements
are written so that one plan serves every value, as the server may keep a generic plan.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any


Params = Mapping[str, Any]  # values are whatever psycopg2 adapts

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")


class Statement:
    """One SQL statement, its values as named placeholders: ``%(object_id)s``.

    A percent sign of the SQL itself is written twice, as for psycopg2.

    :param name: identifies the text on a connection: one text for each name, and the reverse.
    :param types: PostgreSQL type of every placeholder; given for hot statements only.
    :param long: may take as long as ``long_statement_timeout``.
    :ivar values_of: gives the values for ``execute_sql`` in its order: psycopg2 takes much longer
        to find them by their names, and the order is known beforehand.
    """

    __slots__ = ("execute_sql", "long", "name", "prepare_sql", "sql", "values_of")

    def __init__(
        self, name: str, sql: str, *, types: Mapping[str, str] | None = None, long: bool = False
    ) -> None:
        self.name = name
        self.sql = sql
        self.long = long
        self.prepare_sql: str | None = None
        self.execute_sql: str | None = None
        self.values_of = _getter(tuple(types or ()))
        if types is not None:
            self.prepare_sql, self.execute_sql = _prepared_form(name, sql, types)
            self.sql = _with_casts(sql, types)

    def __repr__(self) -> str:
        return f"<Statement {self.name}>"


class Mergeable:
    """A kind of deferred write, any number of which is sent as one statement.

    It must not matter in which order writes of different kinds are made.

    :param merge: gives the statement for the writes (whatever was deferred), in their order.
    """

    __slots__ = ("merge",)

    def __init__(self, merge: Callable[[Sequence[Any]], tuple[Statement, Params]]) -> None:
        self.merge = merge


def _prepared_form(name: str, sql: str, types: Mapping[str, str]) -> tuple[str, str]:
    """What to send once, and what to send at each use (with a placeholder for each value).

    :raises ValueError: ``types`` and the placeholders of ``sql`` do not correspond.
    """
    names = list(types)
    found = {match[1] for match in _PLACEHOLDER.finditer(sql) if match[1]}
    if found != set(names):
        raise ValueError(f"Types of statement {name} are for {names}, its text has {found}")

    def numbered(match: re.Match[str]) -> str:
        return f"${names.index(match[1]) + 1}" if match[1] else "%"

    declared = f"({', '.join(types.values())})" if types else ""
    values = f"({', '.join('%s' for _ in names)})" if names else ""
    body = _PLACEHOLDER.sub(numbered, sql)
    return f'PREPARE "{name}"{declared} AS {body}', f'EXECUTE "{name}"{values}'


def _getter(names: tuple[str, ...]) -> Callable[[Params], tuple[Any, ...]]:
    """What gives the values of these names."""
    if len(names) > 1:
        return itemgetter(*names)
    # That would give a single value as it is.
    if names:
        (name,) = names
        return lambda params: (params[name],)
    return lambda _params: ()


def _with_casts(sql: str, types: Mapping[str, str]) -> str:
    """The text with the type of each value: it means the same, prepared or not."""

    def cast(match: re.Match[str]) -> str:
        return f"CAST({match[0]} AS {types[match[1]]})" if match[1] else match[0]

    return _PLACEHOLDER.sub(cast, sql)
