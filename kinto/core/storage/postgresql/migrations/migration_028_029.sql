-- Pages in the order of change are joined by a function of their own, lists locked by another.

-- Lock lists in the order given, which is the same for all.
-- p_known_only: a request that may yet be refused must not make rows.
CREATE OR REPLACE FUNCTION kinto_lock_lists(
    p_names TEXT[], p_parents TEXT[], p_known_only BOOLEAN
) RETURNS VOID LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    FOR place IN 1 .. cardinality(p_names) LOOP
        IF p_known_only THEN
            PERFORM FROM timestamps
              WHERE parent_id = p_parents[place] AND resource_name = p_names[place];
            CONTINUE WHEN NOT FOUND;
        END IF;
        PERFORM kinto_lock_list(p_names[place], p_parents[place]);
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
-- many may be looked at. r_last: its last item, where more follow.
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
    oldest TIMESTAMP;
    newest TIMESTAMP;
BEGIN
    IF p_is_descending THEN
        SELECT string_agg(kinto_item(id, last_modified, deleted, data), ','),
               count(*), min(last_modified), max(last_modified)
          INTO r_items, shown, oldest, newest
          FROM (
            SELECT id, last_modified, deleted, data
              FROM objects
             WHERE parent_id = p_parent_id AND resource_name = p_resource_name
               AND last_modified > after_ts AND last_modified < before_ts
               AND (p_include_deleted OR NOT deleted)
             ORDER BY last_modified DESC
             LIMIT p_limit - 1
          ) AS page;
    ELSE
        SELECT string_agg(kinto_item(id, last_modified, deleted, data), ','),
               count(*), min(last_modified), max(last_modified)
          INTO r_items, shown, oldest, newest
          FROM (
            SELECT id, last_modified, deleted, data
              FROM objects
             WHERE parent_id = p_parent_id AND resource_name = p_resource_name
               AND last_modified > after_ts AND last_modified < before_ts
               AND (p_include_deleted OR NOT deleted)
             ORDER BY last_modified
             LIMIT p_limit - 1
          ) AS page;
    END IF;
    IF shown < p_limit - 1 OR shown = 0 THEN
        RETURN;
    END IF;
    IF p_is_descending THEN
        before_ts := oldest;
    ELSE
        after_ts := newest;
    END IF;
    PERFORM FROM objects
      WHERE parent_id = p_parent_id AND resource_name = p_resource_name
        AND last_modified > after_ts AND last_modified < before_ts
        AND (p_include_deleted OR NOT deleted)
      LIMIT 1;
    IF FOUND THEN
        SELECT kinto_item(id, last_modified, deleted, data) INTO r_last
          FROM objects
         WHERE parent_id = p_parent_id AND resource_name = p_resource_name
           AND last_modified = CASE WHEN p_is_descending THEN oldest ELSE newest END;
    END IF;
END
$$;

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '29'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '29'
 );
