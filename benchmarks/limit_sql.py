"""SQL of the limit application: one statement for each kind of request."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS limit_objects (
  parent text COLLATE "C" NOT NULL, resource text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL, ts bigint NOT NULL, deleted boolean NOT NULL DEFAULT false,
  data jsonb NOT NULL, PRIMARY KEY (parent, resource, id));
CREATE UNIQUE INDEX IF NOT EXISTS limit_objects_ts ON limit_objects (parent, resource, ts DESC);
CREATE TABLE IF NOT EXISTS limit_timestamps (
  parent text COLLATE "C", resource text COLLATE "C", ts bigint NOT NULL, n bigint NOT NULL,
  PRIMARY KEY (parent, resource));
CREATE TABLE IF NOT EXISTS limit_aces (
  object text COLLATE "C", perm text COLLATE "C", principal text COLLATE "C",
  PRIMARY KEY (object, perm, principal));
CREATE TABLE IF NOT EXISTS limit_members (
  user_id text COLLATE "C", principal text COLLATE "C", PRIMARY KEY (user_id, principal));
"""

# $1 user, $2 bucket URI, $3 collection URI, $4 record URI.
ALLOWED = """EXISTS (SELECT 1 FROM limit_aces a
   WHERE a.object = ANY(ARRAY[{objects}]) AND a.perm = ANY(ARRAY[{perms}])
     AND (a.principal = $1 OR a.principal = 'system.Authenticated'
          OR a.principal IN (SELECT principal FROM limit_members m WHERE m.user_id = $1)))"""
READ = ALLOWED.format(objects="$2,$3,$4", perms="'read','write'")
LIST_READ = ALLOWED.format(objects="$2,$3", perms="'read','write'")
CREATE = ALLOWED.format(objects="$2,$3", perms="'write','record:create'")
WRITE = ALLOWED.format(objects="$2,$3,$4", perms="'write'")
NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

# A timestamp later than every earlier one of this collection; the row lock orders writers.
# The same row holds the number of records, so that Total-Objects needs no count(*).
BUMP = f"""bump AS (
  INSERT INTO limit_timestamps AS t (parent, resource, ts, n)
  SELECT $3, 'record', {NOW}, $DELTA FROM ok
  ON CONFLICT (parent, resource) DO UPDATE
     SET ts = greatest(t.ts + $SIZE, excluded.ts), n = t.n + excluded.n
  RETURNING ts)"""


def _bump(size: str, delta: str) -> str:
    return BUMP.replace("$SIZE", size).replace("$DELTA", delta)


# 1 if the record does not exist yet, else 0.
IS_NEW = """(SELECT count(*) = 0 FROM limit_objects WHERE parent = $3 AND resource = 'record'
   AND id = $5 AND NOT deleted)::int"""
HOW_MANY_NEW = """(SELECT cardinality($4) - count(*) FROM limit_objects WHERE parent = $3
   AND resource = 'record' AND id = ANY($4) AND NOT deleted)"""
PERMS = """(SELECT json_object_agg(perm, ps)::text FROM
   (SELECT perm, json_agg(principal) AS ps FROM limit_aces WHERE object = $4 GROUP BY perm) p)"""

LIST_TIMESTAMP = """(SELECT ts FROM limit_timestamps
   WHERE parent = $3 AND resource = 'record')"""
ITEM = """'{"id":"' || id || '","last_modified":' || ts || ',' || substr(data::text, 2)"""

STATEMENTS = {
    # user, bucket, collection, record, id -> allowed, ts, data, permissions
    "limit_get(text,text,text,text,text)": f"""
      SELECT {READ}, o.ts, o.data::text, {PERMS}
        FROM (SELECT 1) x LEFT JOIN limit_objects o
          ON o.parent = $3 AND o.resource = 'record' AND o.id = $5 AND NOT o.deleted""",
    # user, bucket, collection, record, id, data -> allowed, ts, data, created, permissions
    "limit_put(text,text,text,text,text,jsonb)": f"""
      WITH ok AS (SELECT 1 WHERE {CREATE.replace("$4", "$3")} OR {WRITE}),
      {_bump("1", IS_NEW)},
      put AS (
        INSERT INTO limit_objects AS o (parent, resource, id, ts, data)
        SELECT $3, 'record', $5, ts, $6 FROM bump
        ON CONFLICT (parent, resource, id) DO UPDATE
           SET data = excluded.data, ts = excluded.ts, deleted = false
        RETURNING ts, data::text AS data, (xmax = 0) AS created),
      ace AS (INSERT INTO limit_aces SELECT $4, 'write', $1 FROM put WHERE created
              ON CONFLICT DO NOTHING RETURNING principal)
      SELECT true, ts, data, created, CASE WHEN created THEN NULL ELSE {PERMS} END FROM put""",
    "limit_patch(text,text,text,text,text,jsonb)": f"""
      WITH ok AS (SELECT 1 WHERE {WRITE}),
      {_bump("1", "0")},
      put AS (UPDATE limit_objects o SET data = o.data || $6, ts = bump.ts FROM bump
               WHERE parent = $3 AND resource = 'record' AND id = $5 AND NOT deleted
              RETURNING o.ts, data::text AS data)
      SELECT true, ts, data, false, {PERMS} FROM put""",
    "limit_delete(text,text,text,text,text)": f"""
      WITH ok AS (SELECT 1 WHERE {WRITE}),
      {_bump("1", "-1 + " + IS_NEW)},
      del AS (UPDATE limit_objects o SET data = '{{}}', deleted = true, ts = bump.ts FROM bump
               WHERE parent = $3 AND resource = 'record' AND id = $5 AND NOT deleted
              RETURNING o.ts),
      ace AS (DELETE FROM limit_aces WHERE object = $4)
      SELECT true, ts FROM del""",
    # user, bucket, collection, ids, datas -> ids, timestamps, created (all in one statement)
    "limit_bulk(text,text,text,text[],jsonb[])": f"""
      WITH ok AS (SELECT 1 WHERE {CREATE}),
      {_bump("cardinality($4)", HOW_MANY_NEW)},
      put AS (
        INSERT INTO limit_objects AS o (parent, resource, id, ts, data)
        SELECT $3, 'record', u.id, bump.ts - cardinality($4) + u.i, u.data
          FROM bump, unnest($4, $5) WITH ORDINALITY AS u(id, data, i)
        ON CONFLICT (parent, resource, id) DO UPDATE
           SET data = excluded.data, ts = excluded.ts, deleted = false
        RETURNING id, ts, data::text AS data, (xmax = 0) AS created),
      ace AS (INSERT INTO limit_aces SELECT $3 || '/records/' || id, 'write', $1 FROM put
               WHERE created ON CONFLICT DO NOTHING)
      SELECT id, ts, data, created FROM put""",
    # user, bucket, collection, limit, before-ts -> allowed, etag, total, last, rows
    "limit_list(text,text,text,int,bigint)": f"""
      SELECT {LIST_READ}, t.ts, t.n, l.* FROM (
        SELECT min(ts), count(*), '[' || string_agg(
           {ITEM}, ',') || ']'
          FROM (SELECT id, ts, data FROM limit_objects
                 WHERE parent = $3 AND resource = 'record' AND NOT deleted AND ts < $5
                 ORDER BY ts DESC LIMIT $4) s) l
          LEFT JOIN limit_timestamps t ON t.parent = $3 AND t.resource = 'record'""",
    "limit_since(text,text,text,bigint)": f"""
      SELECT {LIST_READ}, {LIST_TIMESTAMP},
        l.n, NULL, 0, rows FROM (
        SELECT count(*) AS n, '[' || string_agg(
           {ITEM}, ',') || ']'
           AS rows
          FROM (SELECT id, ts, data FROM limit_objects
                 WHERE parent = $3 AND resource = 'record' AND ts > $4
                 -- Few, which has the plan for any timestamp walk along the index.
                 ORDER BY ts DESC LIMIT 1000) s) l""",
    # the benchmark's filter: containment, sorted by a number in the data
    "limit_filter(text,text,text,jsonb,int)": f"""
      SELECT {LIST_READ}, {LIST_TIMESTAMP},
        l.total, NULL, 0, rows FROM (
        SELECT max(total) AS total, '[' || string_agg(
           {ITEM}, ',') || ']'
           AS rows
          FROM (SELECT id, ts, data, count(*) OVER () AS total FROM limit_objects
                 WHERE parent = $3 AND resource = 'record' AND NOT deleted AND data @> $4
                 ORDER BY data->'n' DESC LIMIT $5) s) l""",
    "limit_etag(text,text,text)": f"""
      SELECT {LIST_READ}, {LIST_TIMESTAMP}""",
}
