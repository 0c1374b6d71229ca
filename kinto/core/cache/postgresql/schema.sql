-- The table of the cache. Idempotent.

CREATE TABLE IF NOT EXISTS cache (
    key VARCHAR(256) PRIMARY KEY,
    value TEXT NOT NULL,
    ttl TIMESTAMP
);

CREATE INDEX IF NOT EXISTS idx_cache_ttl ON cache (ttl);

-- When a value expires that has so many seconds left.
DO $$ BEGIN
    IF to_regprocedure('sec2ttl(float)') IS NULL THEN
        CREATE FUNCTION sec2ttl(seconds FLOAT) RETURNS TIMESTAMP
        LANGUAGE sql STABLE AS
            'SELECT (now() AT TIME ZONE ''UTC'') + make_interval(secs => seconds)';
    END IF;
END $$;
