"""Who waits for the server."""

import math
from unittest import mock

import psycopg2
import psycopg2.extensions
import pytest

from kinto.core.postgresql import waiting


def test_unknown_state_of_a_connection_is_an_error() -> None:
    with pytest.raises(psycopg2.OperationalError, match="state"):
        waiting.wait_within_deadline(mock.Mock(poll=lambda: 99))


def _connection(asked: list[str]) -> mock.Mock:
    def poll() -> int:
        asked.append("psycopg2")
        return psycopg2.extensions.POLL_OK

    connection = mock.Mock(poll=poll, deadline=math.inf, server=None)
    connection.poller.poll = lambda _milliseconds: asked.append("system")
    return connection


def test_psycopg2_is_asked_once_there_is_an_answer() -> None:
    asked: list[str] = []
    waiting.wait_for_answer(_connection(asked), sent_bytes=100)
    assert asked == ["system", "psycopg2"]


def test_psycopg2_is_asked_at_once_where_it_may_have_something_left_to_send() -> None:
    asked: list[str] = []
    waiting.wait_for_answer(_connection(asked), sent_bytes=1_000_000)
    assert asked == ["psycopg2"]
