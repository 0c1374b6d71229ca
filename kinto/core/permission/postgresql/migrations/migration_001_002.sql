-- locks user_principals, access_control_entries
-- Identifiers compare by code point, whatever the collation of the database.

CREATE TABLE IF NOT EXISTS metadata (
    name VARCHAR(128) NOT NULL,
    value VARCHAR(512) NOT NULL
);
CREATE TABLE IF NOT EXISTS user_principals (
    user_id TEXT,
    principal TEXT,
    PRIMARY KEY (user_id, principal)
);
CREATE TABLE IF NOT EXISTS access_control_entries (
    object_id TEXT,
    permission TEXT,
    principal TEXT,
    PRIMARY KEY (object_id, permission, principal)
);

ALTER TABLE user_principals
    ALTER COLUMN user_id TYPE TEXT COLLATE "C";
ALTER TABLE access_control_entries
    ALTER COLUMN object_id TYPE TEXT COLLATE "C";

INSERT INTO metadata (name, value) VALUES ('permission_schema_version', '2');
