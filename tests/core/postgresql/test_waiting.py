"""Who waits for the server."""

from collections.abc import Iterator
from unittest import mock

import psycopg2.extensions
import pytest
import structlog.testing

from kinto.core.postgresql import waiting


@pytest.fixture
def no_callback() -> Iterator[None]:
    before = psycopg2.extensions.get_wait_callback()
    psycopg2.extensions.set_wait_callback(None)
    yield
    psycopg2.extensions.set_wait_callback(before)


@pytest.mark.usefixtures("no_callback")
def test_callback_is_installed_once() -> None:
    with structlog.testing.capture_logs() as logs:
        waiting.install()
        waiting.install()

    assert psycopg2.extensions.get_wait_callback() is waiting.wait_within_deadline
    assert logs == []


@pytest.mark.usefixtures("no_callback")
def test_callback_of_somebody_else_stays() -> None:
    other = mock.Mock()
    psycopg2.extensions.set_wait_callback(other)
    with structlog.testing.capture_logs() as logs:
        waiting.install()

    assert psycopg2.extensions.get_wait_callback() is other
    assert [entry["log_level"] for entry in logs] == ["warning"]


def test_unknown_state_of_a_connection_is_an_error() -> None:
    with pytest.raises(psycopg2.OperationalError, match="state"):
        waiting.wait_within_deadline(mock.Mock(poll=lambda: 99))
