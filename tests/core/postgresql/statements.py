"""Statements on the table ``items`` of the tests."""

from kinto.core.postgresql.statements import Statement


INSERT = Statement(
    "items_insert",
    "INSERT INTO items (id, name) VALUES (%(id)s, %(name)s)",
    types={"id": "int", "name": "text"},
)
COUNT = Statement("items_count", "SELECT COUNT(*) FROM items", types={})
NAMES = Statement("items_names", "SELECT id, name FROM items ORDER BY id")
FIND = Statement(
    "items_find",
    "SELECT name FROM items WHERE id = %(id)s AND 7 %% 2 = 1",
    types={"id": "int"},
)
UPDATE = Statement("items_update", "UPDATE items SET name = %(name)s WHERE id = %(id)s")
SLEEP = Statement("sleep", "SELECT pg_sleep(%(seconds)s)")
LONG_SLEEP = Statement("long_sleep", "SELECT pg_sleep(%(seconds)s)", long=True)
LIMIT = Statement("limit", "SELECT current_setting('statement_timeout')")
LONG_LIMIT = Statement("long_limit", "SELECT current_setting('statement_timeout')", long=True)
