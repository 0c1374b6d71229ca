-- locks records
-- Ids compare by code point, whatever the collation of the database. Indices are made anew.

ALTER TABLE records
    ALTER COLUMN id TYPE TEXT COLLATE "C",
    ALTER COLUMN parent_id TYPE TEXT COLLATE "C",
    ALTER COLUMN collection_id TYPE TEXT COLLATE "C";

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '19'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '19'
 );
