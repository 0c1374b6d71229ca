-- outside of a transaction
-- History is filtered by these two fields at each write, when it is trimmed.

-- An earlier attempt that was interrupted leaves an index that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS idx_objects_history_userid_and_resourcename;
CREATE INDEX CONCURRENTLY idx_objects_history_userid_and_resourcename
    ON objects ((data -> 'user_id'), (data -> 'resource_name'))
    WHERE resource_name = 'history';

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '24'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '24'
 );
