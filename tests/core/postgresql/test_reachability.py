"""One thread at a time finds out whether a silent server is back."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest.mock import Mock

import psycopg2
import pytest
import structlog.testing
import transaction

from kinto.core.postgresql import reachability
from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.limits import waiting_for_trials
from kinto.core.postgresql.reachability import Reachability, ServerSilent, reachability_of
from kinto.core.storage.exceptions import BackendError
from kinto.core.storage.transactions import begin_request_scope
from tests.core.postgresql.statements import COUNT, INSERT, LONG_SLEEP
from tests.support.proxy import Action, Proxy


MakeClient = Callable[..., PostgreSQLClient]


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def connect(
    server: Reachability, *, limit: float = 2, seconds: float = 0.0, fails: bool = False
) -> float | None:
    """Within how many seconds the server had to answer.

    :param seconds: that it takes to answer, or to fail.
    """
    with server.attempt(limit) as within_seconds:
        time.sleep(seconds)
        if fails:
            raise psycopg2.OperationalError(str(within_seconds))
    return within_seconds


def count(client: PostgreSQLClient) -> int:
    with client.read() as connection:
        row = connection.fetch_one(COUNT, {})
    assert row is not None
    return int(row[0])


def test_server_that_answers_is_not_suspected() -> None:
    assert connect(Reachability()) is None


def test_others_are_refused_during_a_trial() -> None:
    server = Reachability()
    server.note_silence()
    with server.attempt(2) as within_seconds:
        assert within_seconds == 0.25
        with pytest.raises(ServerSilent):
            connect(server)

    assert connect(server) is None


@pytest.mark.parametrize("fails", [False, True], ids=["back", "still silent"])
def test_who_has_the_time_hears_how_a_trial_ends(fails: bool) -> None:
    server = Reachability()
    server.note_silence()
    began = threading.Event()

    def try_it() -> None:
        with contextlib.suppress(psycopg2.OperationalError), server.attempt(2) as within_seconds:
            began.set()
            time.sleep(0.3)
            if fails:
                raise psycopg2.OperationalError(str(within_seconds))

    with ThreadPoolExecutor(1) as threads:
        trial = threads.submit(try_it)
        began.wait(10)
        with waiting_for_trials():
            if fails:
                with pytest.raises(ServerSilent):
                    connect(server)
            else:
                assert connect(server) is None
        assert trial.result(10) is None


def test_trials_become_longer_up_to_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Reachability()
    server.note_silence()
    for seconds in (0.25, 0.5, 1.0, 1.0):
        monkeypatch.setattr(reachability, "monotonic", Mock(side_effect=[0.0, seconds]))
        with pytest.raises(psycopg2.OperationalError, match=f"^{seconds}$"):
            connect(server, fails=True)
    monkeypatch.undo()

    assert connect(server, limit=0.6) == 0.6
    server.note_silence()
    assert connect(server) == 0.25


def test_trial_of_a_distant_server_lasts_longer() -> None:
    server = Reachability()
    connect(server, seconds=0.1)
    server.note_silence()

    within_seconds = connect(server)
    assert within_seconds is not None
    assert 0.4 <= within_seconds <= 2


def test_server_that_refuses_at_once_is_not_silent() -> None:
    server = Reachability()
    server.note_silence()
    with pytest.raises(psycopg2.OperationalError):
        connect(server, fails=True)

    assert connect(server) is None


def test_connection_that_fails_by_its_limit_is_silence() -> None:
    server = Reachability()
    with pytest.raises(psycopg2.OperationalError):
        connect(server, limit=0.05, seconds=0.06, fails=True)

    assert connect(server) == 0.25


def test_without_a_limit_of_connecting_no_failure_is_silence() -> None:
    server = Reachability()
    with pytest.raises(psycopg2.OperationalError):
        connect(server, limit=0, fails=True)

    assert connect(server) is None


def test_same_url_is_the_same_server() -> None:
    server = reachability_of("postgresql://one")

    assert reachability_of("postgresql://one") is server
    assert reachability_of("postgresql://other") is not server


def test_silence_holds_up_one_thread_at_a_time(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url, statement_timeout=0.2, connect_timeout=1)
    count(client)
    proxy.decide = lambda _query: Action.STALL
    with pytest.raises(BackendError, match="in time"):
        count(client)

    def failure_of(_number: int) -> str:
        with pytest.raises(BackendError) as raised:
            count(client)
        return str(raised.value)

    with ThreadPoolExecutor(5) as threads, structlog.testing.capture_logs() as logs:
        failures = list(threads.map(failure_of, range(5)))
    assert sum("in time" in failure for failure in failures) == 1
    assert sum("does not answer" in failure for failure in failures) == 4
    # Refused by the hundred, each is a line without a traceback.
    assert [entry["log_level"] for entry in logs] == ["critical"] * 5
    assert not any("exc_info" in entry for entry in logs)


def test_silence_ends_with_the_first_answer(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url, statement_timeout=0.2)
    count(client)
    proxy.decide = lambda _query: Action.STALL
    for _ in range(2):
        with pytest.raises(BackendError):
            count(client)
    proxy.decide = lambda _query: Action.FORWARD

    with at_most(2):
        assert count(client) == 0
    assert "SELECT 1" in proxy.queries
    with ThreadPoolExecutor(5) as threads:
        assert list(threads.map(lambda _number: count(client), range(5))) == [0] * 5


def test_statement_that_may_take_long_ends_when_others_found_the_server_silent(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(proxy.url, statement_timeout=0.2, connect_timeout=0.3)
    count(client)
    proxy.decide = lambda query: Action.STALL if "pg_sleep" not in query else Action.FORWARD

    def sleep() -> None:
        with client.read() as connection, pytest.raises(BackendError, match="in time"):
            connection.fetch_one(LONG_SLEEP, {"seconds": 20})

    with at_most(8), ThreadPoolExecutor(1) as threads:
        sleeping = threads.submit(sleep)
        for _ in range(2):
            with pytest.raises(BackendError):
                count(client)
        assert sleeping.result(6) is None


def test_silence_at_a_commit_is_known_to_all_clients_of_the_server(
    make_client: MakeClient, proxy: Proxy
) -> None:
    one = make_client(proxy.url, statement_timeout=0.2)
    other = make_client(proxy.url, with_transaction=False)
    assert count(other) == 0
    proxy.decide = lambda query: Action.STALL if "COMMIT" in query else Action.FORWARD
    transaction.begin()
    begin_request_scope()
    with one.write() as connection:
        connection.execute(INSERT, {"id": 1, "name": "x"})
    with pytest.raises(BackendError):
        transaction.commit()
    transaction.abort()

    # Its connection is as old: it asks the server on a new one.
    before = proxy.accepted
    assert count(other) == 0
    assert proxy.accepted == before + 1
