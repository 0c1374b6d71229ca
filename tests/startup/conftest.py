"""What commands set for a whole process, put back after each test."""

import logging
import signal
import warnings
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def process_is_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, show = list(root.handlers), root.level, warnings.showwarning
    sigterm, logs = signal.getsignal(signal.SIGTERM), structlog.get_config()
    yield
    root.handlers[:], root.level, warnings.showwarning = handlers, level, show
    signal.signal(signal.SIGTERM, sigterm)
    structlog.configure(**logs)
