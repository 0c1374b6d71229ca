"""How many live objects each list holds, as its row of ``timestamps`` keeps it."""

from collections.abc import Iterator
from contextlib import contextmanager

from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.postgresql.lists import lock_lists
from kinto.core.storage.postgresql.selection import Criteria, scope
from kinto.core.storage.postgresql.values import BoundValues
from kinto.core.types import ListKey


_KEEP = Statement("kinto_keep_counts", "SELECT kinto_keep_counts(%(is_ours)s)")

_COUNT = Statement(
    "kinto_count_list",
    "SELECT kinto_count_list(%(resource_name)s, %(parent_id)s)",
    types={"resource_name": "text", "parent_id": "text"},
)

_UNKNOWN = """
SELECT resource_name, parent_id FROM timestamps
 WHERE {where} AND object_count IS NULL
 ORDER BY parent_id, resource_name
"""

_LEARN = Statement(
    "kinto_learn_count",
    """
    UPDATE timestamps SET object_count = kinto_count_list(resource_name, parent_id)
     WHERE parent_id = %(parent_id)s AND resource_name = %(resource_name)s
    """,
    long=True,
)


@contextmanager
def kept_counts(connection: Connection) -> Iterator[None]:
    """Statements that keep the counts of the lists whose objects they write.

    The triggers would make these unknown. It costs no round trip.
    """
    connection.defer(_KEEP, {"is_ours": True})
    yield
    connection.defer(_KEEP, {"is_ours": False})


def count_list(connection: Connection, key: ListKey) -> int:
    """How many live objects a list holds."""
    row = connection.fetch_one(_COUNT, key._asdict())
    assert row is not None
    return int(row[0])


def learn_counts(client: PostgreSQLClient, criteria: Criteria) -> None:
    """Count the lists in scope whose count others made unknown, each in its own transaction."""
    values = BoundValues()
    unknown = _UNKNOWN.format(where=" AND ".join(scope(criteria, values)))
    with client.read() as connection:
        rows = connection.fetch_all(Statement("kinto_unknown", unknown, long=True), values.params)
    for key in (ListKey(*row) for row in rows):
        with client.write(force_commit=True) as connection:
            # A statement of its own: the next one sees what was committed before the lock.
            lock_lists(connection, [key])
            connection.execute(_LEARN, key._asdict())
