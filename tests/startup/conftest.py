"""What commands set for a whole process, put back after each test."""

from collections.abc import Iterator

import pytest

from tests.support.restored import restored_process


@pytest.fixture(autouse=True)
def process_is_restored() -> Iterator[None]:
    with restored_process():
        yield
