-- Tables, functions, triggers of the storage, at version 31. Idempotent: what was dropped by hand
-- is made again, and what is there is left as it is.

CREATE TABLE IF NOT EXISTS metadata (
    name VARCHAR(128) NOT NULL,
    value VARCHAR(512) NOT NULL
);

INSERT INTO metadata (name, value)
SELECT 'created_at', now()::TEXT
 WHERE NOT EXISTS (SELECT FROM metadata WHERE name = 'created_at');

-- One row for each object or tombstone (deleted, with data '{"deleted": true}').
CREATE TABLE IF NOT EXISTS objects (
    id TEXT COLLATE "C" NOT NULL,
    parent_id TEXT COLLATE "C" NOT NULL,
    resource_name TEXT COLLATE "C" NOT NULL,
    last_modified TIMESTAMP NOT NULL,
    data JSONB NOT NULL DEFAULT '{}'::JSONB,
    deleted BOOLEAN NOT NULL,
    PRIMARY KEY (id, parent_id, resource_name)
);

CREATE UNIQUE INDEX IF NOT EXISTS idx_objects_parent_id_resource_name_last_modified
    ON objects (parent_id, resource_name, last_modified DESC);

-- History is filtered by these two fields at each write, when it is trimmed.
CREATE INDEX IF NOT EXISTS idx_objects_history_userid_and_resourcename
    ON objects ((data -> 'user_id'), (data -> 'resource_name'))
    WHERE resource_name = 'history';

-- The highest timestamp of each list; its row is the lock of the list's writers.
-- object_count: how many live objects it holds, kept by each write; NULL: not known.
CREATE TABLE IF NOT EXISTS timestamps (
    parent_id TEXT COLLATE "C" NOT NULL,
    resource_name TEXT COLLATE "C" NOT NULL,
    last_modified TIMESTAMP NOT NULL,
    object_count BIGINT,
    PRIMARY KEY (parent_id, resource_name)
);

-- One made by version 27, whose number was lost. It also keeps writers away until all is done.
ALTER TABLE timestamps ADD COLUMN IF NOT EXISTS object_count BIGINT;

-- Rows change at each write: room in their page spares the index.
ALTER TABLE timestamps SET (fillfactor = 50);

-- Milliseconds since the epoch outside, UTC timestamps inside.
CREATE OR REPLACE FUNCTION as_epoch(ts TIMESTAMP) RETURNS BIGINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (EXTRACT(EPOCH FROM ts) * 1000)::BIGINT
$$;

-- Days and milliseconds apart: one product of floats would lose digits in a far future.
CREATE OR REPLACE FUNCTION from_epoch(epoch BIGINT) RETURNS TIMESTAMP
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT TIMESTAMP '1970-01-01 00:00:00'
         + epoch / 86400000 * INTERVAL '1 day'
         + epoch % 86400000 * INTERVAL '1 millisecond'
$$;

CREATE OR REPLACE FUNCTION kinto_now() RETURNS TIMESTAMP
LANGUAGE sql VOLATILE AS $$
    SELECT date_trunc('milliseconds', clock_timestamp() AT TIME ZONE 'UTC')
$$;

-- The functions below look up a few rows by a key, with plans that are kept. `enable_seqscan =
-- off` holds these on the unique indexes, also when they were made for tables nearly empty; and
-- comparing whole rows leaves only the primary key to find an object: the planner takes the index
-- of the lists to be as good for that, as long as it knows nothing about the tables.
-- Plans for arrays would be made anew at each call, which takes longer than what they look up:
-- `plan_cache_mode` has them kept too.

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

-- The count of a list that is about to get its row: nothing, or not known.
CREATE OR REPLACE FUNCTION kinto_first_count(p_resource_name TEXT, p_parent_id TEXT)
RETURNS BIGINT LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    PERFORM FROM objects
      WHERE parent_id = p_parent_id AND resource_name = p_resource_name
      ORDER BY last_modified DESC LIMIT 1;
    RETURN CASE WHEN NOT FOUND THEN 0 END;
END
$$;

-- How many live objects a list holds; those of a list whose count is not known are counted.
CREATE OR REPLACE FUNCTION kinto_count_list(p_resource_name TEXT, p_parent_id TEXT)
RETURNS BIGINT LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    kept BIGINT;
BEGIN
    SELECT object_count INTO kept FROM timestamps
     WHERE parent_id = p_parent_id AND resource_name = p_resource_name;
    IF kept IS NULL THEN
        SELECT count(*) INTO kept FROM objects
         WHERE parent_id = p_parent_id AND resource_name = p_resource_name AND NOT deleted;
    END IF;
    RETURN kept;
END
$$;

-- Have the triggers below take what is written for ours, which keeps the counts, or for that of
-- others: servers of 26, somebody's SQL. It ends with the transaction at the latest.
CREATE OR REPLACE FUNCTION kinto_keep_counts(is_ours BOOLEAN) RETURNS VOID
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('kinto.own', CASE WHEN is_ours THEN '1' ELSE '' END, TRUE);
END
$$;

-- Lock a list against other writers until the end of the transaction.
-- highest: its timestamp, read after the lock was taken; NULL when it never had one.
-- is_new: its row of `timestamps` was made here.
CREATE OR REPLACE FUNCTION kinto_lock_list(
    p_resource_name TEXT, p_parent_id TEXT, OUT highest TIMESTAMP, OUT is_new BOOLEAN
) LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    kept TIMESTAMP;
    newest TIMESTAMP;
BEGIN
    LOOP
        SELECT last_modified INTO kept FROM timestamps
         WHERE parent_id = p_parent_id AND resource_name = p_resource_name
           FOR NO KEY UPDATE;
        is_new := NOT FOUND;
        EXIT WHEN NOT is_new;
        -- Of simultaneous first writers one gets past this; the others wait, then lock its row.
        INSERT INTO timestamps (parent_id, resource_name, last_modified, object_count)
        VALUES (p_parent_id, p_resource_name,
                from_epoch(kinto_list_timestamp(p_resource_name, p_parent_id)),
                kinto_first_count(p_resource_name, p_parent_id))
            ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
    SELECT last_modified INTO newest FROM objects
     WHERE parent_id = p_parent_id AND resource_name = p_resource_name
     ORDER BY last_modified DESC LIMIT 1;
    highest := greatest(kept, newest);
END
$$;

-- Draw the timestamp of a write, under the lock of its list.
-- given: asked for by the client, or NULL.
CREATE OR REPLACE FUNCTION kinto_draw_timestamp(highest TIMESTAMP, given TIMESTAMP)
RETURNS TIMESTAMP LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN given IS NULL OR given = highest
                THEN greatest(kinto_now(), highest + INTERVAL '1 millisecond')
                ELSE given END
$$;

-- Give a list its first timestamp where it has none, and return the one it has.
CREATE OR REPLACE FUNCTION kinto_start_list(p_resource_name TEXT, p_parent_id TEXT)
RETURNS BIGINT LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    locked RECORD;
BEGIN
    SELECT * INTO locked FROM kinto_lock_list(p_resource_name, p_parent_id);
    IF locked.highest IS NULL THEN
        UPDATE timestamps SET last_modified = kinto_now()
         WHERE parent_id = p_parent_id AND resource_name = p_resource_name;
    END IF;
    RETURN kinto_list_timestamp(p_resource_name, p_parent_id);
END
$$;

-- Create or replace one object.
-- p_given: the timestamp that the client asked for, or NULL.
-- p_only_create: refuse to replace a live object.
-- p_expected: the timestamp that the live object must still have, or NULL.
-- p_owner_*: the object that must be live once the list is locked, or NULL.
-- outcome: 'written'; or nothing was done as there is such an object ('exists', then `stored`
--   is what it holds), it is not as expected ('stale'), its owner is gone ('orphan'), another
--   object has the given timestamp ('taken').
CREATE OR REPLACE FUNCTION kinto_put_object(
    p_resource_name TEXT, p_parent_id TEXT, p_id TEXT, p_data JSONB,
    p_given BIGINT, p_only_create BOOLEAN, p_expected BIGINT,
    p_owner_resource_name TEXT, p_owner_parent_id TEXT, p_owner_id TEXT,
    OUT outcome TEXT, OUT epoch BIGINT, OUT stored TEXT
) LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    list RECORD;
    previous RECORD;
    given TIMESTAMP := from_epoch(p_given);
    drawn TIMESTAMP;
    is_added BOOLEAN;
    ignored TEXT;
BEGIN
    SELECT * INTO list FROM kinto_lock_list(p_resource_name, p_parent_id);
    outcome := 'written';

    IF p_owner_id IS NOT NULL THEN
        IF list.is_new THEN
            -- Who deletes an owner locks the rows of its lists, but cannot see this one yet.
            PERFORM FROM objects
              WHERE id = p_owner_id AND NOT deleted
                AND (id, parent_id, resource_name)
                 >= (p_owner_id, p_owner_parent_id, p_owner_resource_name)
                AND (id, parent_id, resource_name)
                 <= (p_owner_id, p_owner_parent_id, p_owner_resource_name)
                FOR SHARE;
        ELSE
            PERFORM FROM objects
              WHERE id = p_owner_id AND NOT deleted
                AND (id, parent_id, resource_name)
                 >= (p_owner_id, p_owner_parent_id, p_owner_resource_name)
                AND (id, parent_id, resource_name)
                 <= (p_owner_id, p_owner_parent_id, p_owner_resource_name);
        END IF;
        IF NOT FOUND THEN
            outcome := 'orphan';
        END IF;
    END IF;

    SELECT last_modified, deleted, data INTO previous FROM objects
     WHERE id = p_id
       AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
       AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    IF outcome = 'orphan' THEN
        NULL;
    ELSIF p_only_create AND NOT previous.deleted THEN
        outcome := 'exists';
        epoch := as_epoch(previous.last_modified);
        stored := previous.data::TEXT;
    ELSIF p_expected IS NOT NULL AND (
        previous.deleted IS DISTINCT FROM FALSE
        OR previous.last_modified <> from_epoch(p_expected)
    ) THEN
        outcome := 'stale';
    ELSE
        drawn := kinto_draw_timestamp(list.highest, given);
        IF drawn < list.highest THEN
            PERFORM FROM objects
              WHERE parent_id = p_parent_id AND resource_name = p_resource_name
                AND last_modified = drawn AND id <> p_id;
            IF FOUND THEN
                outcome := 'taken';
            END IF;
        END IF;
    END IF;

    IF outcome <> 'written' THEN
        IF list.is_new THEN
            DELETE FROM timestamps
             WHERE parent_id = p_parent_id AND resource_name = p_resource_name;
        END IF;
        RETURN;
    END IF;

    is_added := previous.deleted IS DISTINCT FROM FALSE;
    -- The triggers do not mind when a live object is updated.
    IF is_added OR previous.last_modified = drawn THEN
        ignored := set_config('kinto.own', '1', TRUE);
    END IF;
    IF previous.last_modified = drawn THEN
        -- An update that leaves the timestamp alone would be given a new one by the trigger.
        DELETE FROM objects
         WHERE id = p_id
           AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
           AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    END IF;
    IF previous.last_modified IS NULL OR previous.last_modified = drawn THEN
        INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
        VALUES (p_id, p_parent_id, p_resource_name, drawn, p_data, FALSE);
    ELSE
        UPDATE objects SET last_modified = drawn, data = p_data, deleted = FALSE
         WHERE id = p_id
           AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
           AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    END IF;
    IF is_added OR previous.last_modified = drawn THEN
        ignored := set_config('kinto.own', '', TRUE);
    END IF;
    UPDATE timestamps SET last_modified = greatest(list.highest, drawn),
                          object_count = object_count + is_added::INTEGER
     WHERE parent_id = p_parent_id AND resource_name = p_resource_name;
    epoch := as_epoch(drawn);
END
$$;

-- Remove one object.
-- p_with_deleted: keep a tombstone; p_given, p_expected: as above.
-- outcome: 'written'; or nothing was done as there is no such object ('missing'), it is not as
--   expected ('stale'), another object has the given timestamp ('taken').
CREATE OR REPLACE FUNCTION kinto_delete_object(
    p_resource_name TEXT, p_parent_id TEXT, p_id TEXT,
    p_with_deleted BOOLEAN, p_given BIGINT, p_expected BIGINT,
    OUT outcome TEXT, OUT epoch BIGINT
) LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    list RECORD;
    previous RECORD;
    drawn TIMESTAMP;
    ignored TEXT;
BEGIN
    outcome := 'missing';
    -- Looked at before the lock too, so that nothing is written for a list of nothing.
    PERFORM FROM objects
      WHERE id = p_id AND NOT deleted
        AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
        AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO list FROM kinto_lock_list(p_resource_name, p_parent_id);
    SELECT last_modified INTO previous FROM objects
     WHERE id = p_id AND NOT deleted
       AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
       AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF previous.last_modified <> from_epoch(p_expected) THEN
        outcome := 'stale';
        RETURN;
    END IF;

    drawn := kinto_draw_timestamp(list.highest, from_epoch(p_given));
    IF p_with_deleted AND drawn < list.highest THEN
        PERFORM FROM objects
          WHERE parent_id = p_parent_id AND resource_name = p_resource_name
            AND last_modified = drawn AND id <> p_id;
        IF FOUND THEN
            outcome := 'taken';
            RETURN;
        END IF;
    END IF;
    ignored := set_config('kinto.own', '1', TRUE);
    IF NOT p_with_deleted OR previous.last_modified = drawn THEN
        DELETE FROM objects
         WHERE id = p_id
           AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
           AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    END IF;
    IF p_with_deleted AND previous.last_modified = drawn THEN
        INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
        VALUES (p_id, p_parent_id, p_resource_name, drawn, '{"deleted": true}', TRUE);
    ELSIF p_with_deleted THEN
        UPDATE objects SET last_modified = drawn, data = '{"deleted": true}', deleted = TRUE
         WHERE id = p_id
           AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
           AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    END IF;
    ignored := set_config('kinto.own', '', TRUE);
    UPDATE timestamps SET last_modified = greatest(list.highest, drawn),
                          object_count = object_count - 1
     WHERE parent_id = p_parent_id AND resource_name = p_resource_name;
    outcome := 'written';
    epoch := as_epoch(drawn);
END
$$;

-- Remove the objects, tombstones, timestamps of every list at or below a URI.
CREATE OR REPLACE FUNCTION kinto_remove_subtree(p_uri TEXT) RETURNS VOID
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    has_removed BOOLEAN;
BEGIN
    PERFORM kinto_keep_counts(TRUE);
    -- '0' follows '/': the range is what begins with the URI and '/', and little else.
    -- A writer that holds a list is waited for; what it wrote, lists below it included, is seen
    -- by the statements after that one. When no list is left, nobody can add one any more.
    LOOP
        PERFORM FROM timestamps
          WHERE parent_id >= p_uri AND parent_id < p_uri || '0'
            AND (parent_id = p_uri OR parent_id >= p_uri || '/')
          ORDER BY parent_id, resource_name
            FOR UPDATE;
        DELETE FROM timestamps
         WHERE parent_id >= p_uri AND parent_id < p_uri || '0'
           AND (parent_id = p_uri OR parent_id >= p_uri || '/');
        has_removed := FOUND;
        DELETE FROM objects
         WHERE parent_id >= p_uri AND parent_id < p_uri || '0'
           AND (parent_id = p_uri OR parent_id >= p_uri || '/');
        EXIT WHEN NOT (has_removed OR FOUND);
    END LOOP;
    PERFORM kinto_keep_counts(FALSE);
END
$$;

-- One live object.
CREATE OR REPLACE FUNCTION kinto_get_object(
    p_resource_name TEXT, p_parent_id TEXT, p_id TEXT, OUT epoch BIGINT, OUT data TEXT
) LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    SELECT as_epoch(objects.last_modified), objects.data::TEXT INTO epoch, data
      FROM objects
     WHERE id = p_id AND NOT deleted
       AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
       AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
END
$$;

-- What one list holds between two timestamps, both exclusive, NULL for no bound, by timestamp.
-- The first row has nothing but the timestamp of the list, of the same snapshot as the others.
CREATE OR REPLACE FUNCTION kinto_list_page(
    p_resource_name TEXT, p_parent_id TEXT, p_after BIGINT, p_before BIGINT,
    p_include_deleted BOOLEAN, p_is_descending BOOLEAN, p_limit BIGINT
) RETURNS TABLE (r_epoch BIGINT, r_id TEXT, r_deleted BOOLEAN, r_data TEXT)
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    after_ts TIMESTAMP := coalesce(from_epoch(p_after), '-infinity');
    before_ts TIMESTAMP := coalesce(from_epoch(p_before), 'infinity');
BEGIN
    r_epoch := kinto_list_timestamp(p_resource_name, p_parent_id);
    RETURN NEXT;
    IF p_is_descending THEN
        RETURN QUERY
            SELECT as_epoch(last_modified), id, deleted, data::TEXT
              FROM objects
             WHERE parent_id = p_parent_id AND resource_name = p_resource_name
               AND last_modified > after_ts AND last_modified < before_ts
               AND (p_include_deleted OR NOT deleted)
             ORDER BY last_modified DESC
             LIMIT p_limit;
    ELSE
        RETURN QUERY
            SELECT as_epoch(last_modified), id, deleted, data::TEXT
              FROM objects
             WHERE parent_id = p_parent_id AND resource_name = p_resource_name
               AND last_modified > after_ts AND last_modified < before_ts
               AND (p_include_deleted OR NOT deleted)
             ORDER BY last_modified
             LIMIT p_limit;
    END IF;
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

-- An object as lists show it. Each value is used once, but for `data`, which is not made a text
-- to compare it: this is what a page costs. `right` cuts a character off without counting all of
-- them.
CREATE OR REPLACE FUNCTION kinto_item(id TEXT, last_modified TIMESTAMP, deleted BOOLEAN, data JSONB)
RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT '{"id":' || to_json(id) || ',"last_modified":' || as_epoch(last_modified)
        || CASE WHEN deleted THEN ',"deleted":true}'
                WHEN data = '{}' THEN '}'
                ELSE ',' || right(data::TEXT, -1) END
$$;

-- A page of a list in the order of change, its items joined: one less than p_limit, which is how
-- many may be looked at. r_last: the timestamp of its last item as an object of JSON, where more
-- follow.
CREATE OR REPLACE FUNCTION kinto_list_text(
    p_resource_name TEXT, p_parent_id TEXT, p_after BIGINT, p_before BIGINT,
    p_include_deleted BOOLEAN, p_is_descending BOOLEAN, p_limit BIGINT,
    OUT r_items TEXT, OUT r_last TEXT
) LANGUAGE plpgsql STABLE SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    after_ts TIMESTAMP := coalesce(from_epoch(p_after), '-infinity');
    before_ts TIMESTAMP := coalesce(from_epoch(p_before), 'infinity');
    shown BIGINT;
    last_ts TIMESTAMP;
BEGIN
    IF p_is_descending THEN
        SELECT string_agg(kinto_item(id, last_modified, deleted, data), ','),
               count(*), min(last_modified)
          INTO r_items, shown, last_ts
          FROM (
            SELECT id, last_modified, deleted, data
              FROM objects
             WHERE parent_id = p_parent_id AND resource_name = p_resource_name
               AND last_modified > after_ts AND last_modified < before_ts
               AND (p_include_deleted OR NOT deleted)
             ORDER BY last_modified DESC
             LIMIT p_limit - 1
          ) AS page;
        before_ts := last_ts;
    ELSE
        SELECT string_agg(kinto_item(id, last_modified, deleted, data), ','),
               count(*), max(last_modified)
          INTO r_items, shown, last_ts
          FROM (
            SELECT id, last_modified, deleted, data
              FROM objects
             WHERE parent_id = p_parent_id AND resource_name = p_resource_name
               AND last_modified > after_ts AND last_modified < before_ts
               AND (p_include_deleted OR NOT deleted)
             ORDER BY last_modified
             LIMIT p_limit - 1
          ) AS page;
        after_ts := last_ts;
    END IF;
    IF shown < p_limit - 1 OR shown = 0 THEN
        RETURN;
    END IF;
    PERFORM FROM objects
      WHERE parent_id = p_parent_id AND resource_name = p_resource_name
        AND last_modified > after_ts AND last_modified < before_ts
        AND (p_include_deleted OR NOT deleted)
      LIMIT 1;
    IF FOUND THEN
        r_last := '{"last_modified":' || as_epoch(last_ts) || '}';
    END IF;
END
$$;

-- What a request has to know before it can be decided; in one snapshot, as the function is STABLE.
-- Pairs are arrays of two: (object_id, permission) in granted, (permission, principal) in aces.
-- p_with_timestamp: an object has one of its own; that of its list costs as much as a
-- fifth of all else, and is then given only where there is no such object.
CREATE OR REPLACE FUNCTION kinto_fetch_context(
    p_user_ids TEXT[], p_principals TEXT[], p_uris TEXT[], p_object_uri TEXT,
    p_resource_name TEXT, p_parent_id TEXT, p_id TEXT,
    p_owner_resource_name TEXT, p_owner_parent_id TEXT, p_owner_id TEXT,
    p_with_timestamp BOOLEAN,
    OUT groups TEXT[], OUT granted TEXT[], OUT aces TEXT[],
    OUT epoch BIGINT, OUT data TEXT, OUT owner_epoch BIGINT, OUT owner_data TEXT,
    OUT list_epoch BIGINT
) LANGUAGE plpgsql STABLE SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF p_user_ids <> '{}' THEN
        groups := ARRAY(SELECT principal FROM user_principals WHERE user_id = ANY (p_user_ids));
    END IF;
    IF p_uris <> '{}' THEN
        granted := ARRAY(
            SELECT ARRAY[object_id, permission] FROM access_control_entries
             WHERE object_id = ANY (p_uris) AND principal || '' = ANY (p_principals || groups)
        );
    END IF;
    IF p_object_uri IS NOT NULL THEN
        aces := ARRAY(
            SELECT ARRAY[permission, principal] FROM access_control_entries
             WHERE object_id = p_object_uri
        );
    END IF;
    IF p_id IS NOT NULL THEN
        SELECT as_epoch(objects.last_modified), objects.data::TEXT INTO epoch, data
          FROM objects
         WHERE id = p_id AND NOT deleted
           AND (id, parent_id, resource_name) >= (p_id, p_parent_id, p_resource_name)
           AND (id, parent_id, resource_name) <= (p_id, p_parent_id, p_resource_name);
    END IF;
    IF p_owner_id IS NOT NULL THEN
        SELECT as_epoch(objects.last_modified), objects.data::TEXT INTO owner_epoch, owner_data
          FROM objects
         WHERE id = p_owner_id AND NOT deleted
           AND (id, parent_id, resource_name)
            >= (p_owner_id, p_owner_parent_id, p_owner_resource_name)
           AND (id, parent_id, resource_name)
            <= (p_owner_id, p_owner_parent_id, p_owner_resource_name);
    END IF;
    IF NOT p_with_timestamp AND data IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT as_epoch(greatest(
        (SELECT last_modified FROM timestamps
          WHERE parent_id = p_parent_id AND resource_name = p_resource_name),
        (SELECT last_modified FROM objects
          WHERE parent_id = p_parent_id AND resource_name = p_resource_name
          ORDER BY last_modified DESC LIMIT 1)
    )) INTO list_epoch;
    IF list_epoch IS NULL THEN
        list_epoch := kinto_list_timestamp(p_resource_name, p_parent_id);
    END IF;
END
$$;

-- As servers call it that were not upgraded yet.
CREATE OR REPLACE FUNCTION kinto_fetch_context(
    p_user_ids TEXT[], p_principals TEXT[], p_uris TEXT[], p_object_uri TEXT,
    p_resource_name TEXT, p_parent_id TEXT, p_id TEXT,
    p_owner_resource_name TEXT, p_owner_parent_id TEXT, p_owner_id TEXT,
    OUT groups TEXT[], OUT granted TEXT[], OUT aces TEXT[],
    OUT epoch BIGINT, OUT data TEXT, OUT owner_epoch BIGINT, OUT owner_data TEXT,
    OUT list_epoch BIGINT
) LANGUAGE sql STABLE AS $$
    SELECT * FROM kinto_fetch_context(
        p_user_ids, p_principals, p_uris, p_object_uri, p_resource_name, p_parent_id, p_id,
        p_owner_resource_name, p_owner_parent_id, p_owner_id, TRUE)
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

-- What the items of a batch have to know, in one snapshot, as the function is STABLE. Rows tell
-- of what in `kind`; n is the place, from 1, in the array that they answer.
-- group: a principal of the user. granted: a permission on an ancestor, held by the user.
-- ace: permission and principal on an object. object: an object or its tombstone.
-- list: the timestamp of a list that has its row. now: the clock.
CREATE OR REPLACE FUNCTION kinto_fetch_contexts(
    p_user_ids TEXT[], p_principals TEXT[], p_ancestors TEXT[], p_object_uris TEXT[],
    p_names TEXT[], p_parents TEXT[], p_ids TEXT[],
    p_list_names TEXT[], p_list_parents TEXT[]
) RETURNS TABLE (r_kind TEXT, r_n BIGINT, r_epoch BIGINT, r_deleted BOOLEAN, r_a TEXT, r_b TEXT)
LANGUAGE plpgsql STABLE SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    groups TEXT[] := '{}';
BEGIN
    IF p_user_ids <> '{}' THEN
        groups := ARRAY(SELECT principal FROM user_principals WHERE user_id = ANY (p_user_ids));
        RETURN QUERY
            SELECT 'group', NULL::BIGINT, NULL::BIGINT, NULL::BOOLEAN, principal, NULL::TEXT
              FROM unnest(groups) AS held (principal);
    END IF;
    RETURN QUERY
        SELECT 'granted', wanted.n, NULL::BIGINT, NULL::BOOLEAN, held.permission, NULL::TEXT
          FROM unnest(p_ancestors) WITH ORDINALITY AS wanted (uri, n),
       LATERAL (
            SELECT DISTINCT permission FROM access_control_entries
             WHERE object_id = wanted.uri AND principal || '' = ANY (p_principals || groups)
          ) AS held;
    RETURN QUERY
        SELECT 'ace', wanted.n, NULL::BIGINT, NULL::BOOLEAN, held.permission, held.principal
          FROM unnest(p_object_uris) WITH ORDINALITY AS wanted (uri, n)
          JOIN access_control_entries AS held ON held.object_id = wanted.uri;
    RETURN QUERY
        SELECT 'object', wanted.n, as_epoch(found.last_modified), found.deleted,
               CASE WHEN NOT found.deleted THEN found.data::TEXT END, NULL::TEXT
          FROM unnest(p_names, p_parents, p_ids) WITH ORDINALITY
            AS wanted (resource_name, parent_id, id, n)
          JOIN objects AS found
            ON found.id = wanted.id
           AND (found.id, found.parent_id, found.resource_name)
            >= (wanted.id, wanted.parent_id, wanted.resource_name)
           AND (found.id, found.parent_id, found.resource_name)
            <= (wanted.id, wanted.parent_id, wanted.resource_name);
    RETURN QUERY
        SELECT 'list', wanted.n,
               kinto_list_timestamp(wanted.resource_name, wanted.parent_id),
               NULL::BOOLEAN, NULL::TEXT, NULL::TEXT
          FROM unnest(p_list_names, p_list_parents) WITH ORDINALITY
            AS wanted (resource_name, parent_id, n)
          JOIN timestamps AS known USING (parent_id, resource_name);
    RETURN QUERY
        SELECT 'now', NULL::BIGINT, as_epoch(kinto_now()), NULL::BOOLEAN, NULL::TEXT, NULL::TEXT;
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

-- The triggers are there for what others write. Their conditions are what they cost our own
-- writes: PostgreSQL reads each of them anew for every statement, so that they are short.

-- Make the count of a list unknown.
-- p_adds: objects come. The list is locked even where its count is unknown already: whoever is
--   counting must not miss what is not committed yet. It gets its row for the same reason. None
--   is made when objects only go, as these have the count of a new row be unknown.
CREATE OR REPLACE FUNCTION kinto_forget_count(
    p_resource_name TEXT, p_parent_id TEXT, p_adds BOOLEAN
) RETURNS VOID LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    IF p_adds THEN
        PERFORM kinto_lock_list(p_resource_name, p_parent_id);
    ELSE
        PERFORM FROM timestamps
          WHERE parent_id = p_parent_id AND resource_name = p_resource_name
            FOR NO KEY UPDATE;
    END IF;
    UPDATE timestamps SET object_count = NULL
     WHERE parent_id = p_parent_id AND resource_name = p_resource_name
       AND object_count IS NOT NULL;
END
$$;

-- Rows that come without a timestamp, as plugins' migrations write them, get one.
CREATE OR REPLACE FUNCTION bump_timestamp() RETURNS TRIGGER
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    list RECORD;
BEGIN
    IF TG_OP = 'INSERT' AND NOT NEW.deleted THEN
        PERFORM kinto_forget_count(NEW.resource_name, NEW.parent_id, TRUE);
    END IF;
    IF TG_OP = 'INSERT' AND NEW.last_modified IS NOT NULL THEN
        RETURN NEW;
    END IF;
    SELECT * INTO list FROM kinto_lock_list(NEW.resource_name, NEW.parent_id);
    NEW.last_modified := kinto_draw_timestamp(list.highest, NULL);
    UPDATE timestamps SET last_modified = NEW.last_modified
     WHERE parent_id = NEW.parent_id AND resource_name = NEW.resource_name;
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS tgr_objects_last_modified ON objects;
CREATE TRIGGER tgr_objects_last_modified
    BEFORE INSERT ON objects FOR EACH ROW
    WHEN (current_setting('kinto.own', TRUE) IS DISTINCT FROM '1')
    EXECUTE FUNCTION bump_timestamp();

DROP TRIGGER IF EXISTS tgr_objects_last_modified_update ON objects;
CREATE TRIGGER tgr_objects_last_modified_update
    BEFORE UPDATE OF data ON objects FOR EACH ROW
    WHEN (NEW.last_modified IS NULL OR NEW.last_modified = OLD.last_modified)
    EXECUTE FUNCTION bump_timestamp();

-- Objects that are moved, deleted, live again.
CREATE OR REPLACE FUNCTION kinto_forget_counts() RETURNS TRIGGER
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE timestamps SET object_count = NULL;
    ELSIF current_setting('kinto.own', TRUE) IS DISTINCT FROM '1' THEN
        PERFORM kinto_forget_count(OLD.resource_name, OLD.parent_id, FALSE);
        IF TG_OP = 'UPDATE' THEN
            PERFORM kinto_forget_count(NEW.resource_name, NEW.parent_id, TRUE);
        END IF;
    END IF;
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS tgr_objects_moved ON objects;
CREATE TRIGGER tgr_objects_moved
    BEFORE UPDATE OF parent_id, resource_name ON objects FOR EACH ROW
    EXECUTE FUNCTION kinto_forget_counts();

DROP TRIGGER IF EXISTS tgr_objects_deleted ON objects;
CREATE TRIGGER tgr_objects_deleted
    BEFORE UPDATE OF deleted ON objects FOR EACH ROW
    WHEN (NEW.deleted <> OLD.deleted)
    EXECUTE FUNCTION kinto_forget_counts();

-- Afterwards, as one before would lock each row for itself.
DROP TRIGGER IF EXISTS tgr_objects_removed ON objects;
CREATE TRIGGER tgr_objects_removed
    AFTER DELETE ON objects FOR EACH ROW
    WHEN (NOT OLD.deleted AND current_setting('kinto.own', TRUE) IS DISTINCT FROM '1')
    EXECUTE FUNCTION kinto_forget_counts();

DROP TRIGGER IF EXISTS tgr_objects_truncated ON objects;
CREATE TRIGGER tgr_objects_truncated
    BEFORE TRUNCATE ON objects FOR EACH STATEMENT
    EXECUTE FUNCTION kinto_forget_counts();

-- The order of values of the API is the native one: null < text < numbers < booleans < arrays <
-- objects; but texts go by code point in any database. At the first level all texts are equal
-- here (a second key tells them apart), deeper they are hexadecimal digits, which every
-- collation sorts alike. Arrays are within another, as an empty one would be less than null.
CREATE OR REPLACE FUNCTION kinto_hex_texts(value JSONB) RETURNS JSONB
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'string' THEN to_jsonb(encode(convert_to(value #>> '{}', 'UTF8'), 'hex'))
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(kinto_hex_texts(item) ORDER BY position), '[]')
              FROM jsonb_array_elements(value) WITH ORDINALITY AS items (item, position)
        )
        WHEN 'object' THEN (
            SELECT coalesce(
                jsonb_object_agg(encode(convert_to(key, 'UTF8'), 'hex'), kinto_hex_texts(item)),
                '{}'
            )
              FROM jsonb_each(value) AS items (key, item)
        )
        ELSE value END;
END
$$;

CREATE OR REPLACE FUNCTION kinto_order(value JSONB) RETURNS JSONB
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'string' THEN '""'::JSONB
        WHEN 'array' THEN jsonb_build_array(kinto_hex_texts(value))
        WHEN 'object' THEN kinto_hex_texts(value)
        ELSE value END
$$;

-- The value at a dotted path; a key may hold dots itself, the longest that leads there wins.
CREATE OR REPLACE FUNCTION kinto_find_value(container JSONB, path TEXT) RETURNS JSONB
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    found_value JSONB := container -> path;
    parts TEXT[] := string_to_array(path, '.');
    head TEXT;
BEGIN
    FOR used IN REVERSE cardinality(parts) - 1 .. 1 LOOP
        EXIT WHEN found_value IS NOT NULL;
        head := array_to_string(parts[:used], '.');
        IF container ? head THEN
            found_value := kinto_find_value(
                container -> head, array_to_string(parts[used + 1:], '.')
            );
        END IF;
    END LOOP;
    RETURN found_value;
END
$$;

-- Lower case for LIKE. A database of locale C knows the case of ASCII only: then the rules of
-- another collation are taken, where the server has one.
DO $$
DECLARE
    rules TEXT;
BEGIN
    FOREACH rules IN ARRAY ARRAY[
        'default', 'pg_c_utf8', 'C.utf8', 'C.UTF-8', 'en_US.utf8', 'und-x-icu', 'default'
    ] LOOP
        BEGIN
            EXECUTE format('CREATE OR REPLACE FUNCTION kinto_fold_case(value TEXT) RETURNS TEXT'
                           ' LANGUAGE sql IMMUTABLE PARALLEL SAFE AS'
                           ' ''SELECT lower(value COLLATE %I) COLLATE "C"''', rules);
            EXIT WHEN kinto_fold_case(U&'\00C9') = U&'\00E9';
        EXCEPTION WHEN undefined_object OR feature_not_supported THEN
            NULL;  -- The server lacks this collation.
        END;
    END LOOP;
END
$$;

-- The list of buckets has no parent to be made with.
INSERT INTO timestamps (parent_id, resource_name, last_modified)
VALUES ('', 'bucket', kinto_now())
    ON CONFLICT DO NOTHING;

-- Nobody writes since the table of the timestamps was altered.
UPDATE timestamps SET object_count = counted.total
  FROM (
    SELECT parent_id, resource_name, count(objects.id) AS total
      FROM timestamps
      LEFT JOIN (SELECT * FROM objects WHERE NOT deleted) AS objects
     USING (parent_id, resource_name)
     GROUP BY parent_id, resource_name
  ) AS counted
 WHERE timestamps.parent_id = counted.parent_id
   AND timestamps.resource_name = counted.resource_name
   AND timestamps.object_count IS DISTINCT FROM counted.total;

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '31'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '31'
 );
