-- What grants a list is found by a function.

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

INSERT INTO metadata (name, value)
SELECT 'storage_schema_version', '30'
 WHERE NOT EXISTS (
    SELECT FROM metadata WHERE name = 'storage_schema_version' AND value = '30'
 );
