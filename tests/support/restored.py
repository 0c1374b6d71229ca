"""What commands set for a whole process, put back after a test."""

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def restored_process() -> Iterator[None]:
    """Have logging, warnings, signals be what they were, at the end of the block."""
    root = logging.getLogger()
    handlers, level, show = list(root.handlers), root.level, warnings.showwarning
    sigterm, logs = signal.getsignal(signal.SIGTERM), structlog.get_config()
    try:
        yield
    finally:
        root.handlers[:], root.level, warnings.showwarning = handlers, level, show
        signal.signal(signal.SIGTERM, sigterm)
        structlog.configure(**logs)
