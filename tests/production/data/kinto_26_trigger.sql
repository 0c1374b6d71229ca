-- What the trigger of Kinto 26 does, as section 9.2 of the operations manual tells it: the clock,
-- or a millisecond after the newest of the list; what the client asked for, unless that is taken.
CREATE OR REPLACE FUNCTION bump_timestamp() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    previous TIMESTAMP;
    present TIMESTAMP := date_trunc('milliseconds', clock_timestamp() AT TIME ZONE 'UTC');
BEGIN
    SELECT greatest(
        (SELECT max(last_modified) FROM objects
          WHERE parent_id = NEW.parent_id AND resource_name = NEW.resource_name),
        (SELECT last_modified FROM timestamps
          WHERE parent_id = NEW.parent_id AND resource_name = NEW.resource_name)
    ) INTO previous;
    IF previous >= present THEN
        present := previous + INTERVAL '1 millisecond';
    END IF;
    IF NEW.last_modified IS NULL OR NEW.last_modified = previous THEN
        NEW.last_modified := present;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER tgr_objects_last_modified BEFORE INSERT OR UPDATE OF data ON objects
    FOR EACH ROW EXECUTE FUNCTION bump_timestamp();
