"""Locks of tables that a migration takes while servers work on them.

A migration that takes its locks one by one, as its statements need them, and a request that takes
its own the other way round wait for each other until PostgreSQL ends one of them; and everybody
waits behind a migration that waits for a slow request. So it takes the strongest locks at once,
waits for them a moment only, lets others go first, and tries again.
"""

import re


_TABLES = re.compile(r"-- locks ([a-z_]+(?:, [a-z_]+)*)\n")

# Shorter than the second after which PostgreSQL looks for deadlocks, so that nobody is ended.
_PATIENCE = "300ms"
# Five minutes or so.
_ATTEMPTS = 400

# A failed attempt gives back what it has got, and the next one takes the tables the other way
# round: requests that always take them like this would have it fail for ever. A table that is not
# there (any more) is left out.
_LOCKING = """\
DO $locking$
DECLARE
    present TEXT;
    turn INTEGER := 1;
BEGIN
    SET LOCAL lock_timeout = '{patience}';
    FOR attempt IN 1..{attempts} LOOP
        SELECT string_agg(quote_ident(name), ', ' ORDER BY place * turn) INTO present
          FROM unnest('{{{tables}}}'::TEXT[]) WITH ORDINALITY AS wanted (name, place)
         WHERE to_regclass(quote_ident(name)) IS NOT NULL;
        EXIT WHEN present IS NULL;
        BEGIN
            EXECUTE 'LOCK TABLE ' || present || ' IN ACCESS EXCLUSIVE MODE';
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF attempt = {attempts} THEN
                RAISE;
            END IF;
            turn := -turn;
            PERFORM pg_sleep(0.1 + random() / 2);
        END;
    END LOOP;
    SET LOCAL lock_timeout = 0;
END
$locking$;
"""


def locking_sql(sql: str) -> str:
    """What to run before a file of SQL, in the same transaction: nothing if it names no tables."""
    match = _TABLES.match(sql)
    if match is None:
        return ""
    tables = match[1].replace(" ", "")
    return _LOCKING.format(patience=_PATIENCE, attempts=_ATTEMPTS, tables=tables)
