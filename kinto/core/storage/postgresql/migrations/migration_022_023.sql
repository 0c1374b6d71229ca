-- Version 23 brought an index for lists that version 27 takes away again.

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '23'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '23'
 );
