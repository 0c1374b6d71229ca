-- locks records, deleted
-- Tombstones move from a table of their own, `deleted`, to that of the live objects. They keep
-- their timestamps, where no other object of the list has the same one.

-- It would give each of them a new timestamp. Version 27 makes it anew.
DROP TRIGGER IF EXISTS tgr_records_last_modified ON records;

ALTER TABLE records ADD COLUMN IF NOT EXISTS deleted BOOLEAN NOT NULL DEFAULT FALSE;

DO $$
BEGIN
    IF to_regclass('deleted') IS NULL THEN
        RETURN;
    END IF;
    -- An object that was made again is alive, whatever is left of its former self.
    INSERT INTO records (id, parent_id, collection_id, last_modified, data, deleted)
    SELECT id, parent_id, collection_id, last_modified, '{"deleted": true}', TRUE
      FROM deleted
        ON CONFLICT DO NOTHING;

    -- The others come last in their list, so that every client hears of them.
    INSERT INTO records (id, parent_id, collection_id, last_modified, data, deleted)
    SELECT id, parent_id, collection_id,
           lists.newest + INTERVAL '1 millisecond' * row_number() OVER (
               PARTITION BY parent_id, collection_id ORDER BY deleted.last_modified, id
           ),
           '{"deleted": true}', TRUE
      FROM deleted
      JOIN (
        SELECT parent_id, collection_id, max(last_modified) AS newest
          FROM (SELECT parent_id, collection_id, last_modified FROM records
                 UNION ALL
                SELECT parent_id, collection_id, last_modified FROM timestamps) AS known
         GROUP BY parent_id, collection_id
      ) AS lists USING (parent_id, collection_id)
     WHERE NOT EXISTS (
        SELECT FROM records
         WHERE records.id = deleted.id
           AND records.parent_id = deleted.parent_id
           AND records.collection_id = deleted.collection_id
     );

    -- Servers of version 11 that still run fail when they delete, instead of doing it in vain.
    DROP TABLE deleted;
END
$$;

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '17'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '17'
 );
