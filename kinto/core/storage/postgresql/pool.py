"""Public path of ``kinto.core.postgresql.pool``.

One module under two names: what a test replaces here is replaced for our own code too.
"""

import sys

from kinto.core.postgresql import pool as _pool
from kinto.core.postgresql.pool import *  # noqa: F403  # for readers and type checkers


sys.modules[__name__] = _pool
