"""Public path of ``kinto.core.postgresql.client``.

One module under two names: what a test replaces here is replaced for our own code too.
"""

import sys

from kinto.core.postgresql import client as _client
from kinto.core.postgresql.client import *  # noqa: F403  # for readers and type checkers


sys.modules[__name__] = _client
