"""Who waits for the server."""

from unittest import mock

import psycopg2
import pytest

from kinto.core.postgresql import waiting


def test_unknown_state_of_a_connection_is_an_error() -> None:
    with pytest.raises(psycopg2.OperationalError, match="state"):
        waiting.wait_within_deadline(mock.Mock(poll=lambda: 99))
