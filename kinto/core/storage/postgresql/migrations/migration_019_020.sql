-- locks timestamps
-- The same for the timestamps of lists.

ALTER TABLE timestamps
    ALTER COLUMN parent_id TYPE TEXT COLLATE "C",
    ALTER COLUMN collection_id TYPE TEXT COLLATE "C";

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '20'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '20'
 );
