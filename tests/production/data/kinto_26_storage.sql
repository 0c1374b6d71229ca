-- The tables of the storage of Kinto 26 as the operations manual describes them, in SQL of our own.
CREATE TABLE metadata (name VARCHAR(128) NOT NULL, value VARCHAR(512) NOT NULL);
INSERT INTO metadata VALUES
    ('created_at', '2023-11-14 22:13:20.5+00'),
    ('storage_schema_version', '25'), ('storage_schema_version', '26');
CREATE TABLE objects (
    id TEXT COLLATE "C" NOT NULL, parent_id TEXT COLLATE "C" NOT NULL,
    resource_name TEXT COLLATE "C" NOT NULL, last_modified TIMESTAMP NOT NULL,
    data JSONB NOT NULL DEFAULT '{}', deleted BOOLEAN NOT NULL,
    PRIMARY KEY (id, parent_id, resource_name)
);
CREATE TABLE timestamps (
    parent_id TEXT COLLATE "C" NOT NULL, resource_name TEXT COLLATE "C" NOT NULL,
    last_modified TIMESTAMP NOT NULL, PRIMARY KEY (parent_id, resource_name)
);
CREATE FUNCTION as_epoch(ts TIMESTAMP) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS
    'SELECT (EXTRACT(EPOCH FROM ts) * 1000)::BIGINT';
CREATE FUNCTION from_epoch(epoch BIGINT) RETURNS TIMESTAMP LANGUAGE sql IMMUTABLE AS
    'SELECT TIMESTAMP ''1970-01-01'' + epoch * INTERVAL ''1 millisecond''';
CREATE FUNCTION bump_timestamp() RETURNS TRIGGER LANGUAGE plpgsql AS
    'BEGIN RAISE ''the trigger of 26''; END';
CREATE UNIQUE INDEX idx_objects_parent_id_resource_name_last_modified
    ON objects (parent_id, resource_name, last_modified DESC);
CREATE INDEX idx_objects_last_modified_epoch ON objects (as_epoch(last_modified));
CREATE INDEX idx_objects_resource_name_parent_id_deleted
    ON objects (resource_name, parent_id, deleted);
CREATE INDEX idx_objects_parent_id_record_last_modified
    ON objects (parent_id, last_modified DESC) WHERE resource_name = 'record';
CREATE INDEX idx_objects_history_userid_and_resourcename
    ON objects ((data -> 'user_id'), (data -> 'resource_name'))
    WHERE resource_name = 'history';
