-- The tables of the permissions and of the cache of Kinto 26, likewise.
CREATE TABLE user_principals (
    user_id TEXT COLLATE "C", principal TEXT, PRIMARY KEY (user_id, principal)
);
CREATE TABLE access_control_entries (
    object_id TEXT COLLATE "C", permission TEXT, principal TEXT,
    PRIMARY KEY (object_id, permission, principal)
);
CREATE INDEX idx_access_control_entries_object_id ON access_control_entries (object_id);
CREATE INDEX idx_access_control_entries_permission ON access_control_entries (permission);
CREATE INDEX idx_access_control_entries_principal ON access_control_entries (principal);

CREATE TABLE cache (key VARCHAR(256) PRIMARY KEY, value TEXT NOT NULL, ttl TIMESTAMP);
CREATE INDEX idx_cache_ttl ON cache (ttl);
CREATE FUNCTION sec2ttl(seconds FLOAT) RETURNS TIMESTAMP LANGUAGE sql AS
    'SELECT (now() AT TIME ZONE ''UTC'') + make_interval(secs => seconds)';
