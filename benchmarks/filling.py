"""Filling a big collection with SQL, in the tables that the reference and ours share."""

import contextlib

import psycopg2

from benchmarks.workload import collection_path


# The timestamps are given: triggers, which would make others, are off.
_RECORDS = """
INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
SELECT 'rec-' || lpad(i::text, 7, '0'), %(parent_id)s, 'record',
       from_epoch((extract(epoch FROM now()) * 1000)::bigint - 100000000 + i),
       jsonb_build_object(
         'title', 'Record number ' || i, 'n', i, 'bucket10', i %% 10, 'bucket100', i %% 100,
         'status', (ARRAY['draft', 'review', 'active', 'archived', 'deleted-soon'])[1 + i %% 5],
         'score', round((i * 7919::bigint %% 10007) / 7.0, 4), 'enabled', i %% 3 = 0,
         'tags', jsonb_build_array('tag' || i %% 5, 'tag' || i %% 17, 'tag' || i %% 31),
         'person', jsonb_build_object(
           'name', 'Person ' || i %% 1000, 'email', 'p' || i || '@example.org'),
         'text', repeat('Lorem ipsum dolor sit amet, ', 9)), false
  FROM generate_series(0, %(count)s - 1) AS i
    ON CONFLICT DO NOTHING
"""
# Each record gets its creator's ACE, as over HTTP.
_ACES = """
INSERT INTO access_control_entries (object_id, permission, principal)
SELECT %(parent_id)s || '/records/rec-' || lpad(i::text, 7, '0'), 'write', %(owner)s
  FROM generate_series(0, %(count)s - 1) AS i
    ON CONFLICT DO NOTHING
"""
# The triggers, which are off, would have the count be unknown. The reference keeps none.
_HAS_COUNTS = """
SELECT FROM information_schema.columns
 WHERE table_schema = current_schema AND table_name = 'timestamps'
   AND column_name = 'object_count'
"""
_COUNT = """
UPDATE timestamps SET object_count = %(count)s
 WHERE parent_id = %(parent_id)s AND resource_name = 'record'
"""


def fill_directly(database_url: str, collection: str, count: int, *, owner: str) -> None:
    """Give an empty collection its records.

    :param owner: principal of their creator.
    """
    parameters = {"parent_id": collection_path(collection), "count": count, "owner": owner}
    with (
        contextlib.closing(psycopg2.connect(database_url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(_RECORDS, parameters)
        cursor.execute(_ACES, parameters)
        cursor.execute(_HAS_COUNTS)
        if cursor.fetchone() is not None:
            cursor.execute(_COUNT, parameters)
