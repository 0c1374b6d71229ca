-- Tables of the permissions, at version 3. Idempotent: what was dropped by hand is made again,
-- and what is there is left as it is.

CREATE TABLE IF NOT EXISTS metadata (
    name VARCHAR(128) NOT NULL,
    value VARCHAR(512) NOT NULL
);

-- Members of groups: the principals that a user was given.
CREATE TABLE IF NOT EXISTS user_principals (
    user_id TEXT COLLATE "C",
    principal TEXT,
    PRIMARY KEY (user_id, principal)
);

-- Whose members are removed with a group, or with all groups of a bucket.
CREATE INDEX IF NOT EXISTS idx_user_principals_principal
    ON user_principals (principal COLLATE "C");

CREATE TABLE IF NOT EXISTS access_control_entries (
    object_id TEXT COLLATE "C",
    permission TEXT,
    principal TEXT,
    PRIMARY KEY (object_id, permission, principal)
);

-- What was shared with somebody, below some path.
CREATE INDEX IF NOT EXISTS idx_access_control_entries_principal_object_id
    ON access_control_entries (principal, object_id, permission);

INSERT INTO metadata (name, value)
SELECT 'permission_schema_version', '3'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'permission_schema_version' AND value = '3'
);
