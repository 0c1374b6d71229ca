"""Statements and their prepared form."""

import pytest

from kinto.core.postgresql.statements import Statement


def test_placeholders_are_numbered_in_the_order_of_types() -> None:
    statement = Statement(
        "find",
        "SELECT %(b)s, %(a)s, %(b)s WHERE 'x' LIKE '%%'",
        types={"a": "text", "b": "int[]"},
    )

    assert statement.prepare_sql == (
        "PREPARE \"find\"(text, int[]) AS SELECT $2, $1, $2 WHERE 'x' LIKE '%'"
    )
    assert statement.execute_sql == 'EXECUTE "find"(%s, %s)'
    assert statement.values_of({"b": 2, "a": 1}) == (1, 2)
    assert statement.sql == (
        "SELECT CAST(%(b)s AS int[]), CAST(%(a)s AS text), CAST(%(b)s AS int[])"
        " WHERE 'x' LIKE '%%'"
    )
    assert repr(statement) == "<Statement find>"


def test_statement_without_types_is_not_prepared() -> None:
    assert Statement("find", "SELECT 1").prepare_sql is None


@pytest.mark.parametrize("types", [{}, {"a": "int", "b": "int"}, {"b": "int"}])
def test_types_must_be_those_of_the_placeholders(types: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="find"):
        Statement("find", "SELECT %(a)s", types=types)
