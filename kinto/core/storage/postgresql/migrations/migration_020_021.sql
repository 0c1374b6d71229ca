-- locks records, timestamps
-- `records` become `objects`, of which records are but one kind: `collection_id`, which named the
-- kind, is `resource_name` from now on.

DO $$
BEGIN
    IF to_regclass('objects') IS NULL THEN
        ALTER TABLE records RENAME TO objects;
        ALTER TABLE objects RENAME COLUMN collection_id TO resource_name;
        ALTER TABLE timestamps RENAME COLUMN collection_id TO resource_name;
    END IF;
END
$$;

ALTER INDEX IF EXISTS idx_records_parent_id_collection_id_last_modified
    RENAME TO idx_objects_parent_id_resource_name_last_modified;
CREATE UNIQUE INDEX IF NOT EXISTS idx_objects_parent_id_resource_name_last_modified
    ON objects (parent_id, resource_name, last_modified DESC);

ALTER INDEX IF EXISTS idx_records_last_modified_epoch RENAME TO idx_objects_last_modified_epoch;

-- Of the former triggers, which read columns that are gone.
DROP TRIGGER IF EXISTS tgr_records_last_modified ON objects;
DROP FUNCTION IF EXISTS collection_timestamp(VARCHAR, VARCHAR);
DROP FUNCTION IF EXISTS collection_timestamp(TEXT, TEXT);

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '21'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '21'
 );
