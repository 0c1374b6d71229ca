"""What tests do to a database behind the service's back."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2


_WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@contextmanager
def locked_objects(url: str) -> Iterator[Callable[[], bool]]:
    """Have statements on objects wait during the block.

    :returns: tells whether one waits.
    """
    with closing(psycopg2.connect(url)) as holder, closing(psycopg2.connect(url)) as observer:
        # What it sees would stay the same during a transaction.
        observer.autocommit = True
        holder.cursor().execute("LOCK TABLE objects IN ACCESS EXCLUSIVE MODE")

        def is_waited_for() -> bool:
            with observer.cursor() as cursor:
                cursor.execute(_WAITING)
                (count,) = cursor.fetchone()
                return bool(count)

        yield is_waited_for
