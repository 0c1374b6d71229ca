-- What grants a list is found by a function; batches are locked and written by fewer statements;
-- no plan is compiled for the timestamp of a list that never had one.

-- The age of the database. Of a table without an index: held to look for one, as its callers are,
-- PostgreSQL would take the plan to be so dear that it compiles it, for a tenth of a second.
CREATE OR REPLACE FUNCTION kinto_created_at() RETURNS TIMESTAMP
LANGUAGE plpgsql STABLE SET enable_seqscan = on AS $$
BEGIN
    RETURN (
        SELECT date_trunc('milliseconds', min(value::TIMESTAMPTZ) AT TIME ZONE 'UTC')
          FROM metadata WHERE name = 'created_at'
    );
END
$$;

-- What the reads answer for a list: the highest timestamp that it ever had. A list that never
-- had one answers with the age of the database, which is the same at each read and below
-- whatever is written later.
CREATE OR REPLACE FUNCTION kinto_list_timestamp(p_resource_name TEXT, p_parent_id TEXT)
RETURNS BIGINT LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    kept TIMESTAMP;
    newest TIMESTAMP;
BEGIN
    SELECT last_modified INTO kept FROM timestamps
     WHERE parent_id = p_parent_id AND resource_name = p_resource_name;
    SELECT last_modified INTO newest FROM objects
     WHERE parent_id = p_parent_id AND resource_name = p_resource_name
     ORDER BY last_modified DESC LIMIT 1;
    RETURN coalesce(as_epoch(coalesce(greatest(kept, newest), kinto_created_at())), 0);
END
$$;

-- Whether a user holds one of some permissions, all of them pairs of (object_id, permission): there
-- are few of both. A function, as the statements of lists that are filtered are planned each time.
CREATE OR REPLACE FUNCTION kinto_is_granted(p_granted TEXT[], p_granted_by TEXT[]) RETURNS BOOLEAN
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    FOR held IN 1 .. coalesce(array_length(p_granted, 1), 0) LOOP
        FOR wanted IN 1 .. coalesce(array_length(p_granted_by, 1), 0) LOOP
            IF p_granted[held][1] = p_granted_by[wanted][1]
               AND p_granted[held][2] = p_granted_by[wanted][2] THEN
                RETURN TRUE;
            END IF;
        END LOOP;
    END LOOP;
    RETURN FALSE;
END
$$;

-- Lock lists in the order given, which is the same for all.
-- p_known_only: a request that may yet be refused must not make rows.
CREATE OR REPLACE FUNCTION kinto_lock_lists(
    p_names TEXT[], p_parents TEXT[], p_known_only BOOLEAN
) RETURNS VOID LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    FOR place IN 1 .. cardinality(p_names) LOOP
        PERFORM FROM timestamps
          WHERE parent_id = p_parents[place] AND resource_name = p_names[place]
            FOR NO KEY UPDATE;
        IF NOT FOUND AND NOT p_known_only THEN
            PERFORM kinto_lock_list(p_names[place], p_parents[place]);
        END IF;
    END LOOP;
END
$$;

-- Write objects of lists that this transaction has locked, with timestamps that were drawn under
-- these locks. Everything is as it was foreseen, or nothing is done: then the transaction fails
-- with serialization_failure, to be tried again.
-- p_previous: the timestamp of the row to replace, NULL where there is none.
-- p_data: NULL for a tombstone.
-- p_list_*: each list written to, with its newest timestamp, and by how much it grows.
-- p_owner_*: objects that must be live.
CREATE OR REPLACE FUNCTION kinto_write_objects(
    p_names TEXT[], p_parents TEXT[], p_ids TEXT[],
    p_epochs BIGINT[], p_previous BIGINT[], p_data TEXT[],
    p_list_names TEXT[], p_list_parents TEXT[], p_list_epochs BIGINT[], p_list_growth BIGINT[],
    p_owner_names TEXT[], p_owner_parents TEXT[], p_owner_ids TEXT[]
) RETURNS VOID LANGUAGE plpgsql VOLATILE SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    written BIGINT := 0;
    inserted BIGINT := 0;
    ignored TEXT;
BEGIN
    PERFORM FROM unnest(p_owner_names, p_owner_parents, p_owner_ids)
        AS wanted (resource_name, parent_id, id)
      WHERE NOT EXISTS (
        SELECT FROM objects
         WHERE objects.id = wanted.id AND NOT deleted
           AND (objects.id, objects.parent_id, objects.resource_name)
            >= (wanted.id, wanted.parent_id, wanted.resource_name)
           AND (objects.id, objects.parent_id, objects.resource_name)
            <= (wanted.id, wanted.parent_id, wanted.resource_name)
      );
    IF FOUND THEN
        RAISE serialization_failure USING MESSAGE = 'The owner of a list was deleted meanwhile';
    END IF;
    ignored := set_config('kinto.own', '1', TRUE);
    IF cardinality(array_remove(p_previous, NULL)) > 0 THEN
        UPDATE objects
           SET last_modified = from_epoch(new.epoch),
               data = coalesce(new.data::JSONB, '{"deleted": true}'),
               deleted = new.data IS NULL
          FROM unnest(p_names, p_parents, p_ids, p_epochs, p_previous, p_data)
            AS new (resource_name, parent_id, id, epoch, previous, data)
         WHERE new.previous IS NOT NULL
           AND objects.id = new.id
           AND (objects.id, objects.parent_id, objects.resource_name)
            >= (new.id, new.parent_id, new.resource_name)
           AND (objects.id, objects.parent_id, objects.resource_name)
            <= (new.id, new.parent_id, new.resource_name)
           AND objects.last_modified = from_epoch(new.previous);
        GET DIAGNOSTICS written = ROW_COUNT;
    END IF;
    IF array_position(p_previous, NULL) IS NOT NULL THEN
        -- `ON CONFLICT` would look for each row in each unique index before.
        BEGIN
            INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
            SELECT id, parent_id, resource_name, from_epoch(epoch),
                   coalesce(data::JSONB, '{"deleted": true}'), data IS NULL
              FROM unnest(p_names, p_parents, p_ids, p_epochs, p_previous, p_data)
                AS new (resource_name, parent_id, id, epoch, previous, data)
             WHERE previous IS NULL;
            GET DIAGNOSTICS inserted = ROW_COUNT;
        EXCEPTION WHEN unique_violation THEN
            NULL;  -- Found out by the number of rows.
        END;
    END IF;
    IF written + inserted <> cardinality(p_ids) THEN
        RAISE serialization_failure USING MESSAGE = 'An object was changed meanwhile';
    END IF;
    ignored := set_config('kinto.own', '', TRUE);
    UPDATE timestamps
       SET last_modified = from_epoch(new.epoch), object_count = object_count + new.growth
      FROM unnest(p_list_names, p_list_parents, p_list_epochs, p_list_growth)
        AS new (resource_name, parent_id, epoch, growth)
     WHERE timestamps.parent_id = new.parent_id
       AND timestamps.resource_name = new.resource_name
       AND timestamps.last_modified < from_epoch(new.epoch);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(p_list_names) THEN
        RAISE serialization_failure USING MESSAGE = 'A list was changed meanwhile';
    END IF;
END
$$;

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '30'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '30'
 );
