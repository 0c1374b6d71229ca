-- outside of a transaction
-- Indices for the removal of groups and for listing what was shared. The ones dropped are
-- covered by the primary key and by the new index, and cost every write.

CREATE TABLE IF NOT EXISTS user_principals (
    user_id TEXT COLLATE "C",
    principal TEXT,
    PRIMARY KEY (user_id, principal)
);
CREATE TABLE IF NOT EXISTS access_control_entries (
    object_id TEXT COLLATE "C",
    permission TEXT,
    principal TEXT,
    PRIMARY KEY (object_id, permission, principal)
);

-- An earlier attempt that was interrupted leaves an index that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS idx_user_principals_principal;
CREATE INDEX CONCURRENTLY idx_user_principals_principal
    ON user_principals (principal COLLATE "C");

DROP INDEX CONCURRENTLY IF EXISTS idx_access_control_entries_principal_object_id;
CREATE INDEX CONCURRENTLY idx_access_control_entries_principal_object_id
    ON access_control_entries (principal, object_id, permission);

DROP INDEX CONCURRENTLY IF EXISTS idx_access_control_entries_object_id;
DROP INDEX CONCURRENTLY IF EXISTS idx_access_control_entries_permission;
DROP INDEX CONCURRENTLY IF EXISTS idx_access_control_entries_principal;

INSERT INTO metadata (name, value) VALUES ('permission_schema_version', '3');
