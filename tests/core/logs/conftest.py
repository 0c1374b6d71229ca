"""Records of a test, and an application with a plugin that fails on demand."""

from collections.abc import Callable, Iterator

import pytest
import webtest

from tests.support.records import Records, recording


@pytest.fixture(scope="module")
def app(make_app: Callable[..., webtest.TestApp]) -> webtest.TestApp:
    return make_app({"kinto.includes": "tests.support.logged.failing"})


@pytest.fixture
def records(app: webtest.TestApp) -> Iterator[Records]:
    """What is logged while the test runs, at INFO."""
    with recording() as found:
        yield found
