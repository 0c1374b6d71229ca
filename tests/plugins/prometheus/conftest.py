"""Series that no other test has left."""

from collections.abc import Iterator

import pytest

from kinto.plugins.prometheus import reset_registry


@pytest.fixture(autouse=True)
def no_series(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    reset_registry()
    yield
    reset_registry()
