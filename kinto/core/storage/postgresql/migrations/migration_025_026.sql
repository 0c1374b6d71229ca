-- Version 26 changed functions and triggers only, which version 27 makes anew.

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '26'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '26'
 );
