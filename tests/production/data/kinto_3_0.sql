-- The tables of Kinto 3.0 (storage 11, permission 1) as the operations manual describes them, in
-- SQL of our own; Kinto 26.5 migrates this database too. The tests add triggers and rows.

CREATE TABLE metadata (name VARCHAR(128) NOT NULL, value VARCHAR(512) NOT NULL);
INSERT INTO metadata VALUES
    ('created_at', '2016-04-28 09:00:00.5+00'),
    ('storage_schema_version', '10'), ('storage_schema_version', '11');

CREATE TABLE records (
    id TEXT NOT NULL, parent_id TEXT NOT NULL, collection_id TEXT NOT NULL,
    last_modified TIMESTAMP NOT NULL, data JSONB NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, parent_id, collection_id)
);
CREATE TABLE deleted (
    id TEXT NOT NULL, parent_id TEXT NOT NULL, collection_id TEXT NOT NULL,
    last_modified TIMESTAMP NOT NULL,
    PRIMARY KEY (id, parent_id, collection_id)
);
CREATE TABLE timestamps (
    parent_id TEXT NOT NULL, collection_id TEXT NOT NULL, last_modified TIMESTAMP NOT NULL,
    PRIMARY KEY (parent_id, collection_id)
);

CREATE FUNCTION as_epoch(ts TIMESTAMP) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS
    'SELECT (EXTRACT(EPOCH FROM ts) * 1000)::BIGINT';
CREATE FUNCTION from_epoch(epoch BIGINT) RETURNS TIMESTAMP LANGUAGE sql IMMUTABLE AS
    'SELECT TIMESTAMP ''1970-01-01'' + epoch * INTERVAL ''1 millisecond''';

CREATE UNIQUE INDEX idx_records_parent_id_collection_id_last_modified
    ON records (parent_id, collection_id, last_modified DESC);
CREATE INDEX idx_records_last_modified_epoch ON records (as_epoch(last_modified));
CREATE UNIQUE INDEX idx_deleted_parent_id_collection_id_last_modified
    ON deleted (parent_id, collection_id, last_modified DESC);
CREATE INDEX idx_deleted_last_modified_epoch ON deleted (as_epoch(last_modified));

CREATE FUNCTION collection_timestamp(uid VARCHAR, resource VARCHAR) RETURNS TIMESTAMP
LANGUAGE sql AS
    'SELECT last_modified FROM timestamps WHERE parent_id = uid AND collection_id = resource';

CREATE FUNCTION bump_timestamp() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    previous TIMESTAMP := collection_timestamp(NEW.parent_id, NEW.collection_id);
    present TIMESTAMP := date_trunc('milliseconds', clock_timestamp() AT TIME ZONE 'UTC');
BEGIN
    IF NEW.last_modified IS NULL OR NEW.last_modified = previous THEN
        NEW.last_modified := greatest(present, previous + INTERVAL '1 millisecond');
    END IF;
    INSERT INTO timestamps VALUES (NEW.parent_id, NEW.collection_id, NEW.last_modified)
        ON CONFLICT (parent_id, collection_id) DO UPDATE
       SET last_modified = greatest(timestamps.last_modified, NEW.last_modified);
    RETURN NEW;
END
$$;
CREATE TRIGGER tgr_records_last_modified BEFORE INSERT OR UPDATE ON records
    FOR EACH ROW EXECUTE PROCEDURE bump_timestamp();
CREATE TRIGGER tgr_deleted_last_modified BEFORE INSERT OR UPDATE ON deleted
    FOR EACH ROW EXECUTE PROCEDURE bump_timestamp();

CREATE TABLE user_principals (
    user_id TEXT, principal TEXT, PRIMARY KEY (user_id, principal)
);
CREATE TABLE access_control_entries (
    object_id TEXT, permission TEXT, principal TEXT,
    PRIMARY KEY (object_id, permission, principal)
);
CREATE INDEX idx_access_control_entries_permission ON access_control_entries (permission);

CREATE TABLE cache (key VARCHAR(256) PRIMARY KEY, value TEXT NOT NULL, ttl TIMESTAMP);
CREATE INDEX idx_cache_ttl ON cache (ttl);
CREATE FUNCTION sec2ttl(seconds FLOAT) RETURNS TIMESTAMP LANGUAGE sql AS
    'SELECT (now() AT TIME ZONE ''UTC'') + make_interval(secs => seconds)';
