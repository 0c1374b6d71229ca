"""Public path of ``kinto.core.postgresql.migrator``.

One module under two names: what a test replaces here is replaced for our own code too.
"""

import sys

from kinto.core.postgresql import migrator as _migrator
from kinto.core.postgresql.migrator import *  # noqa: F403  # for readers and type checkers


sys.modules[__name__] = _migrator
