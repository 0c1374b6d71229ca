-- The timestamp of a list is left out where nobody asks for it; a page comes with the timestamp of
-- its last item, rather than with that item.

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

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '31'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '31'
 );
