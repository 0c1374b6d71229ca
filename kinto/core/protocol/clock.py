"""The clock of the server."""

import time

from kinto.core.types import Timestamp


def msec_time() -> Timestamp:
    """The current time in whole milliseconds since the epoch."""
    return Timestamp(time.time_ns() // 1_000_000)
